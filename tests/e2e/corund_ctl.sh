#!/bin/sh
# corund_ctl.sh - the commands of corunctl that ask corund, with corund: what people read, and waits
#
# CORUND and CORUNCTL name the programs; default: those in the build folder. What corund does
# itself is in corund_tasks.sh; what corunctl does when something else answers, in corunctl_daemon.sh.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/kernel.sh
. "$(dirname "$0")/kernel.sh"
# shellcheck source=tests/e2e/daemon.sh
. "$(dirname "$0")/daemon.sh"

lacks() { # WHAT WORDS: the last run's stdout does not have them
	case $out in
	*"$2"*) tap_fail "$1" "'$2' is in '$out'" ;;
	*) tap_ok "$1" ;;
	esac
}
in_file() { grep -qF -e "$2" "$1"; }
comes() { # WHAT FILE WORDS
	if wait_for in_file "$2" "$3"; then tap_ok "$1"; else
		tap_fail "$1" "not there after 20 s: '$3' in: $(cat "$2")"
	fi
}
follow() { # FILE OPTION...: corunctl events in the background
	follow_out=$1
	shift
	start "$follow_out" events --socket "$sock" "$@"
}

# ---- no task yet
daemon_start
ctl version
tap_is "version: exit code, words" "$status $(echo "$out" | cut -d' ' -f1 | tr '\n' ' ')" "0 corunctl corund "
ctl status
tap_is "status: exit code, stderr" "$status$err" 0
has "status: the state and the process" "is running, process $daemon"
has "status: the configuration" "config   $conf/corund.conf"
has "status: the workers, and why" "workers  3 workers: the quota allows 2.3 of 8 CPUs"
has "status: no tasks" "tasks    0: 0 running, 0 failed"
lacks "status: no table then" "NAME"
ctl tasks
tap_is "tasks: there are none" "$status $out" "0 There are no tasks."

# ---- reload
task web 'Description=the web server' "ExecStart=/bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line \$i; done; exec sleep 1000'" \
	'OnResize=none'
task slow "ExecStart=/bin/sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1; done'" 'TimeoutStopSec=4s'
ctl reload
tap_is "reload: what was added" "$status $(echo "$out" | sort | tr '\n' ';')" "0 added slow;added web;unchanged: 0 tasks;"
task web 'Description=the other server' "ExecStart=/bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line \$i; done; exec sleep 1000'" \
	'OnResize=none'
task other 'ExecStart=/bin/sleep 1000'
ctl reload
tap_is "reload: what was changed" "$status $(echo "$out" | sort | tr '\n' ';')" "0 added other;changed web;unchanged: 1 task;"
printf '[Task]\nExecStart=/bin/true\nRestart=sometimes\nBogus=1\n' >"$conf/tasks.d/bad.task"
ctl reload
tap_is "reload with errors: exit code, stdout" "$status$out" 1
says "reload with errors: the first" "bad.task:3: "
says "reload with errors: the second" "bad.task:4: "
"$corunctl" reload --json --socket "$sock" >"$dir/out" 2>"$dir/err" && status=0 || status=$?
tap_is "reload --json with errors: exit code, lines they are at" \
	"$status $(jq -r '[.errors[].line] | sort | map(tostring) | join(" ")' "$dir/out")" "1 3 4"
rm "$conf/tasks.d/bad.task"

ctl status
has "status after a reload: the configuration" "config   $conf/corund.conf"

# ---- tasks
state_of() { field .state status "$1"; }
becomes "all tasks run" "running running running" field '[.tasks[].state] | join(" ")' tasks
ctl tasks
tap_is "tasks: a line for each, and a head" "$(echo "$out" | sed 's/ .*//' | tr '\n' ' ')" "NAME other slow web "
tap_is "tasks: a row" "$(echo "$out" | awk '$1 == "web" { print $2, $4 ~ /^[0-9]+$/, $6, $7 }')" "running 1 3 none"
ctl status web
tap_is "status of a task: exit code, its first line" "$status $(echo "$out" | head -n 1)" "0 web - the other server"
has "status of a task: its file" "$conf/tasks.d/web.task"
has "status of a task: its process" "$(field .pid status web)"
becomes "status of a task: its last ten lines" "line 3 line 12" sh -c \
	"\"$corunctl\" status web --socket \"$sock\" | grep '^line' | sed -n '1p;\$p' | tr '\n' ' ' | sed 's/ \$//'"
ctl status web -n 2
has "status -n 2: the last" "line 12"
lacks "status -n 2: not the tenth" "line 10"
ctl logs web -n 1
tap_is "logs -n 1" "$status $out" "0 line 12"
ctl logs wbe
tap_is "logs of no task: exit code" "$status" 1
says "logs of no task: which is near" "did you mean 'web'"

# ---- start, stop, restart
ctl stop web nosuch other
tap_is "stop: one of three does not exist: exit code" "$status" 1
tap_is "stop: what is printed of the others" "$(echo "$out" | tr '\n' ';')" "web: stopped;other: stopped;"
tap_is "stop: it waited" "$(state_of web) $(state_of other)" "stopped stopped"
ctl start web
tap_is "start: what is printed" "$status $out" "0 web: running, process $(field .pid status web)"
ctl restart other
tap_is "restart: what is printed" "$status $out" "0 other: running, process $(field .pid status other)"
comes "a process that ignores SIGTERM runs" "$log" "slow: ready"
ctl stop slow --timeout 1
tap_is "stop --timeout: exit code, stdout" "$status$out" 4
ctl stop slow --timeout 20
tap_is "stop: what was begun before is waited for" "$status $out" "0 slow: stopped"

# ---- workers
ctl workers
tap_is "workers" "$out" "3 workers: the quota allows 2.3 of 8 CPUs"
ctl workers 4
tap_is "workers 4: exit code, stderr" "$status$err" 0
becomes "workers: pinned" "4 workers: pinned" sh -c "\"$corunctl\" workers --socket \"$sock\" | cut -d';' -f1"
ctl workers auto
becomes "workers auto" "3 workers: the quota allows 2.3 of 8 CPUs" "$corunctl" workers --socket "$sock"

# ---- what is printed by --json is what the daemon said
if command -v curl >/dev/null; then
	for what in version workers tasks; do
		curl -s --unix-socket "$sock" "http://localhost/v1/$what" >"$dir/wanted"
		"$corunctl" $what --json --socket "$sock" >"$dir/out"
		tap_none "$what --json" "$(jq -S . "$dir/wanted" >"$dir/a"; jq -S . "$dir/out" | diff "$dir/a" -)"
	done
fi

# ---- events
ctl events --no-follow
tap_is "events --no-follow: exit code, stderr" "$status$err" 0
has "events: a task" "task web: "
has "events: a reload" "configuration read again; added other; changed web"
has "events: one that failed" "configuration is wrong, and the one before stays: $conf/tasks.d/bad.task:3: "
follow "$dir/events" --timeout 1
last=$(field .events status)
sleep 1.5 # longer than the time-out, which is only for the beginning
quota a/b '450000 100000'
comes "events: a change while it follows" "$dir/events" "3 -> 5 workers: the quota allows 4.5 of 8 CPUs"
kill -INT "$watcher"
ended
tap_is "events: Ctrl-C: exit code, stderr" "$status$(cat "$dir/start.err")" 0
ctl events --since "$last" --no-follow
has "events --since: what came after it" "3 -> 5 workers"
lacks "events --since: nothing that came before" "configuration"

# ---- a daemon that does not answer, ends, dies
kill -STOP "$daemon"
ctl status --timeout 1
kill -CONT "$daemon"
tap_is "a daemon that hangs: exit code, stdout" "$status$out" 4
follow "$dir/events.all" --since 0
comes "events --since 0: the first ones" "$dir/events.all" "corund: running"
daemon_stop
ended
tap_is "events: the daemon ends: exit code, stderr" "$status$(cat "$dir/start.err")" 0
tap_is "events: the daemon ends: it said so" "$(grep -c 'corund: stopping' "$dir/events.all" || :)" 1
ctl status
tap_is "no daemon any more: exit code" "$status" 3
says "no daemon any more" "corund cannot be reached"

rm "$conf"/tasks.d/*
daemon_start
follow "$dir/events.next" --since 0
comes "events of the next daemon" "$dir/events.next" "corund: running"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null || :
daemon=''
ended
tap_is "events: the daemon is killed: exit code" "$status" 1
tap_is "events: the daemon is killed: what is said" "$(grep -c 'broke off' "$dir/start.err")" 1
ctl status
tap_is "a socket that was left: exit code" "$status" 3
says "a socket that was left" "nobody listens any more"

tap_done
