#!/bin/sh
# corund_stop.sh - the daemon is told to stop while something else is under way
#
# CORUND and CORUNCTL name the programs; default: those in the build folder.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/kernel.sh
. "$(dirname "$0")/kernel.sh"
# shellcheck source=tests/e2e/daemon.sh
. "$(dirname "$0")/daemon.sh"

ends() { # WHAT: the daemon, which was told to, ends with 0
	status=0
	if wait_for gone "$daemon"; then
		wait "$daemon" || status=$?
	else
		status="still runs after 20 s: $(tail -n 5 "$log")"
		kill -KILL "$daemon"
		wait "$daemon" 2>/dev/null || :
	fi
	daemon=''
	tap_is "$1: exit code" "$status" 0
}

# ---- SIGTERM while a reload is under way that brings a new task
task old 'ExecStart=/bin/sleep 1000'
daemon_start
becomes "a task runs" running field .state status old
task new 'ExecStart=/bin/sleep 1000'
kill -STOP "$daemon" # so that it finds both at once
kill -HUP "$daemon"
kill -TERM "$daemon"
kill -CONT "$daemon"
ends "SIGHUP and SIGTERM at once"
tap_is "no task was started meanwhile" "$(grep -c 'new: running' "$log" || :)" 0

tap_done
