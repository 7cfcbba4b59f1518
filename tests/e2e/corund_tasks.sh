#!/bin/sh
# corund_tasks.sh - processes under corund: the count they are given, their ends, requests, reload
#
# CORUND and CORUNCTL name the programs; default: those in the build folder.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/kernel.sh
. "$(dirname "$0")/kernel.sh"
# shellcheck source=tests/e2e/daemon.sh
. "$(dirname "$0")/daemon.sh"

count_of() { field .workers workers; }
state_of() { field .state status "$1"; }
lines_of() { grep -c -F -e "$1" "$log" || :; } # in the log

# ---- the count: at the start, and once for each change
task told "ExecStart=/bin/sh -c 'trap \"echo signalled\" USR1; echo started with %w, \$OMP_NUM_THREADS; while :; do sleep 1 & wait \$!; done'" \
	'ExportWorkersAs=OMP_NUM_THREADS' 'OnResize=signal:USR1'
task hook 'ExecStart=/bin/sleep 1000' "OnResize=exec:/bin/sh -c 'echo hook says %w'"
task again "ExecStart=/bin/sh -c 'echo again with %w; exec sleep 1000'" 'OnResize=restart'
task fixed "ExecStart=/bin/sh -c 'echo fixed with %w; exec sleep 1000'" 'Workers=7' 'OnResize=restart'
task half "ExecStart=/bin/sh -c 'echo half with %w; exec sleep 1000'" 'Workers=50%' 'OnResize=restart'
daemon_start
log_has "a process is told its count by %w and ExportWorkersAs=" "told: started with 3, 3"
log_has "a pin of its own" "fixed: fixed with 7"
log_has "a share of the limit: half of 2.3 CPUs" "half: half with 2"
tap_is "workers, from the daemon" "$(count_of)" 3
becomes "all run" "again fixed half hook told" field '[.tasks[] | select(.state == "running") | .name] | join(" ")' tasks
tap_is "the file with the daemon's count" "$(cat "$dir/run/workers")" 3
tap_is "the file with a task's count" "$(cat "$dir/run/tasks/half.workers")" 2

quota a/b '450000 100000'
becomes "the quota is 450 %: the daemon follows" 5 count_of
log_has "OnResize=signal" "told: signalled"
log_has "OnResize=exec" "hook: hook says 5"
log_has "OnResize=restart" "again: again with 5"
log_has "the share follows, too" "half: half with 3"
becomes "the file follows" 5 cat "$dir/run/workers"

# v1 writes in two steps, and so may we: what lies in between is not acted upon.
quota a/b '100000 100000'
quota a/b '780000 100000'
becomes "two writes of one change: the daemon follows the second" 8 count_of
becomes "and the tasks" 8 field .workers status hook
log_has "the action for it" "hook: hook says 8"
quota a/b '790000 100000' # another limit, the same count
sleep 1.5
tap_is "one action for each change of the count" \
	"$(lines_of 'told: signalled') $(lines_of 'hook: hook says') $(lines_of 'again: again with')" "2 2 3"
tap_is "none for a task with a pin" "$(lines_of 'fixed: fixed with')" 1
tap_is "counted" "$(field '.resizes_done, .resizes_failed' status hook | tr '\n' ' ')" "2 0 "

ctl limit
has "corunctl limit: each level, and what decides" "/sys/fs/cgroup/a/b: 7.9 CPUs, which decides"

# ---- a pin
ctl workers 2
tap_is "corunctl workers 2: exit code" "$status" 0
becomes "the pool is pinned" "2 pin true" field '"\(.workers) \(.reason) \(.pinned)"' workers
log_has "a pinned daemon pins its children" "hook: hook says 2"
tap_is "but not one with Workers= of its own" "$(field .workers status fixed)" 7
ctl workers auto
becomes "corunctl workers auto" "8 false" field '"\(.workers) \(.pinned)"' workers
ctl workers 0
tap_is "corunctl workers 0 is refused: exit code" "$status" 2
ctl workers 5000
case $status in
0) tap_fail "corunctl workers 5000 is refused" "exit code 0" ;;
*) tap_ok "corunctl workers 5000 is refused: $err" ;;
esac

# ---- events
"$corunctl" events --socket "$sock" --since 0 --no-follow --json >"$dir/events"
if is_json "$dir/events" lines; then tap_ok "each event is a line of JSON"; else
	tap_fail "each event is a line of JSON" "$(cat "$dir/events")"
fi
tap_is "events are numbered without a gap" \
	"$(jq -s 'map(.n) as $n | ($n == [range($n[0]; $n[0] + ($n | length))])' "$dir/events")" true
tap_is "the changes of the count, in order" \
	"$(jq -r 'select(.event == "workers" and .before != null and .before != .workers) | "\(.before)-\(.workers)"' "$dir/events" | tr '\n' ' ')" \
	"3-5 5-8 8-2 2-8 "

# ---- stop, start, restart
pid=$(field .pid status hook)
ctl status hook --running
tap_is "status --running of what runs: exit code" "$status" 0
ctl stop hook
tap_is "stop: exit code" "$status$err" 0
tap_is "stop: state" "$(state_of hook)" stopped
if gone "$pid"; then tap_ok "stop: the process is gone"; else tap_fail "stop: the process is gone"; fi
ctl status hook --running
tap_is "status --running of what is stopped: exit code" "$status" 1
ctl start hook
tap_is "start: state" "$(state_of hook)" running
pid=$(field .pid status hook)
ctl restart hook
tap_is "restart: state" "$(state_of hook)" running
tap_is "restart: another process" "$([ "$(field .pid status hook)" != "$pid" ] && echo yes)" yes
ctl stop nosuch
tap_is "a task that does not exist: exit code" "$status" 1
says "a task that does not exist" "nosuch"
ctl stop tolt
says "a name that is nearly one" "told"

# ---- ends
task stubborn "ExecStart=/bin/sh -c 'trap \"\" TERM; sleep 1000 & echo ready; wait; wait'" 'TimeoutStopSec=500ms'
task crashes "ExecStart=/bin/sh -c 'echo crashing; kill -SEGV \$\$'" 'Restart=on-failure' 'RestartSec=50ms'
task ends 'ExecStart=/bin/true' 'Restart=on-failure'
task fails 'ExecStart=/bin/false' 'Restart=no'
task twice 'ExecStart=/bin/echo I came' 'Restart=always' 'RestartSec=50ms'
printf '[Task]\nExecStart=/bin/sleep 1000\n' >"$conf/tasks.d/half.task"
rm "$conf/tasks.d/again.task"
ctl reload
tap_is "reload: exit code" "$status$err" 0
becomes "a task that is gone from the configuration is removed" null field '.tasks | map(select(.name == "again"))[0]' tasks
becomes "one that ended well is not restarted" "stopped 0" field '"\(.state) \(.last_end.code)"' status ends
becomes "Restart=no: failed" "failed 1" field '"\(.state) \(.last_end.code)"' status fails
log_has "one that crashes is restarted" "crashes: crashing" 3
tap_is "its end is told by the signal's name" "$(field .last_end.signal status crashes)" SIGSEGV
log_has "Restart=always restarts one that ended well" "twice: I came" 3
log_has "a process that ignores SIGTERM runs" "stubborn: ready"
group=$(field .pid status stubborn)
ctl stop stubborn
tap_is "it is killed after TimeoutStopSec=" "$(state_of stubborn)" stopped
if pgrep -g "$group" >/dev/null 2>&1; then
	tap_fail "with all of its group" "$(pgrep -a -g "$group")"
else
	tap_ok "with all of its group"
fi
task shell "ExecStart=/bin/sh -c 'kill -KILL \$\$'" 'Restart=on-failure' 'RestartSec=100ms' 'RestartMaxDelaySec=60s'
ctl reload
becomes "the delay grows: it waits" waiting state_of shell

# ---- a reload with an error changes nothing
printf '[Task]\nExecStrat=/bin/true\n' >"$conf/tasks.d/fixed.task"
before=$(field '.pid' status fixed)
ctl reload
tap_is "a reload with an error: exit code" "$status" 1
says "it says file and line, and the nearest key" "fixed.task:2"
says "the nearest key" "did you mean 'ExecStart'"
tap_is "the task runs on" "$(field .pid status fixed)" "$before"
rm "$conf/tasks.d/fixed.task"

# ---- output, and the log
ctl logs told
has "the last lines of a task's output" "started with 3, 3"
ctl status
has "status says that it runs, and where it listens" "socket   $sock"
has "status names the tasks" "told"

# ---- the end
pids=$(field '[.tasks[].pid | select(. != null)] | join(" ")' tasks)
daemon_stop
tap_is "SIGTERM ends the daemon: exit code" "$status" 0
left=''
for pid in $pids; do gone "$pid" || left="$left $pid"; done
tap_none "and all of its processes" "$left"
tap_none "and its socket" "$(ls "$sock" 2>/dev/null || :)"
tap_none "no complaint of a sanitizer or of ours" "$(grep -E 'Sanitizer|corun: |must\(' "$log" || :)"

tap_done
