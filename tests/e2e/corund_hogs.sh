#!/bin/sh
# corund_hogs.sh - modules that spin on all workers and never call the runtime, and the daemon beside them
#
#   tests/e2e/corund_hogs.sh [CHANGES]
#
# CORUND and CORUNCTL name the programs; default: those in the build folder. Without CHANGES, as in
# `make check`, where other tests run beside it, each answer may take 10 s. With CHANGES the machine is
# taken to be quiet: 1 s is the bound, and the longest gap of a 1 ms counter is measured while the count
# changes so often. What was seen is printed.
set -eu
changes=${1:-}
second=1000
[ -n "$changes" ] || second=10000
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/kernel.sh
. "$(dirname "$0")/kernel.sh"
# shellcheck source=tests/e2e/daemon.sh
. "$(dirname "$0")/daemon.sh"

within() { # WHAT MILLISECONDS COMMAND...: is it done by then?
	within_what=$1 within_ms=$2
	shift 2
	within_start=$(now_ms)
	status=0 # of the command; ctl leaves its own there
	"$@" >/dev/null 2>&1 || status=$?
	within_took=$(($(now_ms) - within_start))
	if [ "$status" = 0 ] && [ $within_took -le "$within_ms" ]; then
		tap_ok "$within_what: $within_took ms"
	else
		tap_fail "$within_what" "status $status, $within_took ms, at most $within_ms; ${err-}"
	fi
}
# The file is looked at once a second; then it has to have come to rest.
look=$((second + 1500))

task burn 'Type=module' 'Module=burn'
printf '[Module]\nCoroutines=16\nCheckpoint=no\n' >>"$conf/tasks.d/burn.task"
task mortal "ExecStart=/bin/sh -c 'echo born; exec sleep 1000'" 'Restart=always' 'RestartSec=0'
task told "ExecStart=/bin/sh -c 'trap \"echo signalled\" USR1; echo ready; while :; do sleep 1 & wait \$!; done'" \
	'OnResize=signal:USR1'
daemon_start
becomes "all of it runs" "burn mortal told" field '[.tasks[] | select(.state == "running") | .name] | join(" ")' tasks
log_has "the process is ready" "told: ready"
sleep 0.5 # the hogs are to have got all workers
tap_note "$(field '"\(.scheduler.workers) workers, \(.scheduler.workers_idle) idle, \(.scheduler.handed_off) hogs handed off"' status)"
within "corunctl status" $second ctl status
within "corunctl tasks" $second ctl tasks
kill -KILL "$(field .pid status mortal)"
within "a process that died is restarted" $second wait_for logged "mortal: born" 2
quota a/b '410000 100000'
within "the count follows" $look wait_for sh -c "[ \"\$('$corunctl' workers --socket '$sock' --json | jq .workers)\" = 5 ]"
within "and OnResize= runs" $second wait_for logged "told: signalled"
within "a task is stopped" $second ctl stop mortal
within "and started" $second ctl start mortal
within "the hogs are stopped" $((second + 10000)) ctl stop burn
daemon_stop
tap_is "the daemon ends: exit code" "$status" 0

# ---- hogs that are parked in malloc(), with its locks
malloc=${CORUN_TOP_BUILDDIR:-$PWD}/tests/modules/.libs/allocates.so
rm -f "$conf"/tasks.d/*
task allocates 'Type=module' "Module=$malloc" 'TimeoutStopSec=100ms'
daemon_start
log_has "a module allocates on all workers" "allocates: allocating"
look_often() { for _ in 1 2 3 4 5 6 7 8 9 10; do ctl status && [ "$status" = 0 ] || return 1; done; }
within "corunctl status, ten times" $((second * 2)) look_often
daemon_stop
tap_is "the daemon ends: exit code" "$status" 0
if [ -z "$changes" ]; then
	tap_done
	exit 0
fi

# ---- the longest gap of a 1 ms counter, with changes of the count and without, alternating
gaps=${CORUN_TOP_BUILDDIR:-$PWD}/tests/modules/.libs/gaps.so
longest() { # the longest gap of a run, in microseconds; $1: with changes?
	quota a/b 'max 100000'
	daemon_start
	wait_for logged "gaps: counting" || :
	i=0
	while [ $i -lt $((changes / 5)) ]; do
		[ "$1" = no ] || ctl workers 2
		sleep 0.05
		[ "$1" = no ] || ctl workers 8
		sleep 0.05
		i=$((i + 1))
	done
	ctl stop gaps
	daemon_stop
	sed -n 's/^gaps: longest gap \([0-9]*\) us.*/\1/p' "$log" | tail -n 1
}
if [ -f "$gaps" ]; then
	rm -f "$conf"/tasks.d/*
	task burn 'Type=module' 'Module=burn'
	printf '[Module]\nCoroutines=4\nCheckpoint=no\n' >>"$conf/tasks.d/burn.task"
	task gaps 'Type=module' "Module=$gaps"
	with=0 without=0
	for round in 1 2 3 4 5; do
		a=$(longest no)
		b=$(longest yes)
		tap_note "round $round: longest gap ${a:-?} us without changes, ${b:-?} us with"
		[ "${a:-0}" -le "$without" ] || without=$a
		[ "${b:-0}" -le "$with" ] || with=$b
	done
	if [ "$without" -gt 0 ] && [ "$with" -gt 0 ] && [ "$with" -le $((without + 20000)) ]; then
		tap_ok "changes of the count add at most 20 ms to the longest gap: $with us with, $without us without"
	else
		tap_fail "changes of the count add at most 20 ms to the longest gap" "$with us with, $without us without"
	fi
else
	tap_fail "the module that measures gaps is built" "$gaps"
fi
tap_done
