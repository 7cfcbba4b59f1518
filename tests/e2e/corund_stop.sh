#!/bin/sh
# corund_stop.sh - the daemon, or a task, is told to stop while something else is under way
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

# ---- tasks that come back while they end
SLOW="ExecStart=/bin/sh -c 'trap \"while [ -e $dir/wait ]; do sleep 0.05; done; exit 0\" TERM; echo ready; while :; do sleep 0.05; done'"
for i in 1 2 3 4 5 6; do task slow$i "$SLOW"; done
running() { field '[.tasks[] | select(.state == "running")] | length' tasks; }
daemon_start
for i in 1 2 3 4 5 6; do wait_for logged "slow$i: ready" || :; done
touch "$dir/wait"
mv "$conf/tasks.d" "$dir/away" && mkdir "$conf/tasks.d"
ctl reload
rmdir "$conf/tasks.d" && mv "$dir/away" "$conf/tasks.d"
ctl reload
rm "$dir/wait"
log_has "tasks that a reload brings back while they end are made anew" "ready" 12
becomes "and run" 6 running
files() { find "$dir/run/tasks" -name 'slow*.workers' | wc -l; }
sleep 1.2 # for those that were before them to have closed their output
tap_is "each has its file with the count" "$(files)" 6

touch "$dir/wait"
"$corunctl" stop slow1 --socket "$sock" >"$dir/stop" 2>&1 &
stopper=$!
becomes "a stop begins" stopping field .state status slow1
"$corunctl" start slow1 --socket "$sock" >"$dir/start" 2>&1 &
starter=$!
sleep 0.5 # for it to have come
rm "$dir/wait"
status=0
wait $starter || status=$?
tap_is "a start meanwhile: exit code" "$status" 0
status=0
wait $stopper || status=$?
tap_is "then the stop did not succeed: exit code" "$status" 1
tap_is "and says why" "$(grep -cF 'was started meanwhile' "$dir/stop" || :)" 1
daemon_stop
tap_is "the daemon ends: exit code" "$status" 0
rm "$conf"/tasks.d/slow*

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

# ---- SIGHUP while a reload is under way: what has changed since is not missed
yes '# a line to be read' | head -n 45000 >"$dir/lines"
for i in 1 2 3 4 5 6 7 8 9; do
	task large$i 'ExecStart=/bin/true' 'Restart=no'
	cat "$dir/lines" >>"$conf/tasks.d/large$i.task"
done
daemon_start
kill -HUP "$daemon"
task late 'ExecStart=/bin/sleep 1000'
kill -HUP "$daemon"
becomes "a task that came during a reload is found by the next" running field .state status late
daemon_stop
if logged 'no reload while'; then tap_fail "no SIGHUP is refused" "$(cat "$log")"; else
	tap_ok "no SIGHUP is refused"
fi

# ---- a module that does not end
ground=${CORUN_TOP_BUILDDIR:-$PWD}/tests/modules/.libs/ground.so
rm "$conf"/tasks.d/*
if [ -f "$ground" ]; then
	task ground 'Type=module' "Module=$ground" 'TimeoutStopSec=100ms'
	daemon_start
	log_has "a module runs" "ground: standing"
	rm "$conf/tasks.d/ground.task"
	ctl reload
	becomes "one that is removed and does not end is still there" stuck field .state status ground
	task ground 'Type=module' "Module=$ground" 'TimeoutStopSec=100ms'
	ctl reload
	ctl start ground
	tap_is "it is not started a second time: exit code" "$status" 1
	tap_is "but said to be stuck" "$(field .state status ground)" stuck
	tap_is "only one has run" "$(grep -c 'ground: standing' "$log")" 1
	kill -TERM "$daemon"
	ends "with a module that is stuck"
	tap_is "the log says so" "$(grep -c 'ground: stuck, and left behind' "$log" || :)" 1
else
	tap_fail "the module that does not end is built" "$ground"
fi

tap_done
