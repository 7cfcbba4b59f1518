# shellcheck shell=sh
#
# shellcheck disable=SC2154,SC2034 # corunctl, kernel and dir are from kernel.sh, status is for who sources it
#
# Sourced by the tests of corund, after kernel.sh: a daemon whose kernel is $kernel, with 8 CPUs.
#
#   $conf                     its configuration folder: corund.conf, and tasks.d/, which is empty
#   $sock                     its control socket
#   task NAME LINE...         tasks.d/NAME.task: [Task] and these lines
#   daemon_start [OPTION...]  start it, and wait until it answers
#   daemon_stop               SIGTERM, wait; leaves $status; nothing of it may be left
#   ctl ARGUMENT...           corunctl with its socket; leaves $status, $out, $err, as run does
#   field FILTER ARGUMENT...  what jq's FILTER says of the JSON that corunctl prints
#   becomes WHAT WANTED COMMAND...  until COMMAND prints WANTED, 20 s at most; prints the time it took
#   logged WORDS [COUNT]      are there COUNT (1) lines or more with WORDS in the log?
#   log_has WHAT WORDS        wait for it, 20 s at most

corund=${CORUND:-${CORUN_TOP_BUILDDIR:-$PWD}/corund}
modules=${CORUN_MODULES:-${CORUN_TOP_BUILDDIR:-$PWD}/contrib/modules/.libs}
[ -x "$corund" ] || tap_skip_all "corund is not built (--disable-daemon)"
command -v jq >/dev/null || tap_skip_all "no jq here"
conf=$dir/conf
sock=$dir/run/control.sock
log=$dir/log
daemon=''
mkdir -p "$conf/tasks.d" "$dir/run"
printf '[Corund]\nModuleDirectory=%s\n' "$modules" >"$conf/corund.conf"
unset CORUN_SOCKET NOTIFY_SOCKET WATCHDOG_USEC LISTEN_FDS JOURNAL_STREAM

daemon_cleanup() {
	[ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null || :
	kernel_cleanup
}
trap daemon_cleanup EXIT

task() {
	task_name=$1
	shift
	{ echo '[Task]'; printf '%s\n' "$@"; } >"$conf/tasks.d/$task_name.task"
}

answers() { "$corunctl" version --socket "$sock" >/dev/null 2>&1; }
# shellcheck disable=SC2120 # options are rare
daemon_start() {
	"$corund" --config "$conf/corund.conf" --socket "$sock" --root "$kernel" --cpus 8 "$@" \
		>"$log" 2>&1 &
	daemon=$!
	wait_for answers || tap_fail "corund answers after its start" "$(cat "$log")"
}
daemon_stop() {
	status=0
	kill -TERM "$daemon"
	if wait_for gone "$daemon"; then
		wait "$daemon" || status=$?
	else
		status="still runs after 20 s"
		kill -KILL "$daemon"
		wait "$daemon" 2>/dev/null || :
	fi
	daemon=''
}

ctl() {
	ctl_command=$1
	shift
	run "$ctl_command" --socket "$sock" "$@"
}
field() {
	field_filter=$1 field_command=$2
	shift 2
	"$corunctl" "$field_command" --socket "$sock" --json "$@" 2>&1 | jq -r "$field_filter" 2>&1
}

now_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }
becomes() {
	becomes_what=$1 becomes_wanted=$2
	shift 2
	becomes_start=$(now_ms)
	while :; do
		becomes_got=$("$@" || :)
		becomes_took=$(($(now_ms) - becomes_start))
		[ "$becomes_got" != "$becomes_wanted" ] || break
		if [ $becomes_took -gt 20000 ]; then
			tap_fail "$becomes_what" "after 20 s: '$becomes_got', wanted '$becomes_wanted'"
			return 0
		fi
		sleep 0.05
	done
	tap_ok "$becomes_what ($becomes_took ms)"
}

logged() { [ "$(grep -c -F -e "$1" "$log" || :)" -ge "${2:-1}" ]; }
log_has() {
	if wait_for logged "$2" "${3:-1}"; then tap_ok "$1"; else
		tap_fail "$1" "not in the log, after 20 s: '$2'
$(tail -n 30 "$log")"
	fi
}
