#!/bin/sh
# corund_notify.sh - what systemd is told: READY, STATUS, WATCHDOG, RELOADING, STOPPING
#
# A socket of ours stands for systemd's; each datagram becomes a line, with | for its newlines.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/kernel.sh
. "$(dirname "$0")/kernel.sh"
# shellcheck source=tests/e2e/daemon.sh
. "$(dirname "$0")/daemon.sh"
command -v python3 >/dev/null || tap_skip_all "no python3 here"
grep -q '^#define HAVE_LIBSYSTEMD 1' "${CORUN_TOP_BUILDDIR:-$PWD}/config.h" ||
	tap_skip_all "built without libsystemd"

told=$dir/told
python3 - "$dir/notify" "$told" <<'PYTHON' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
with open(sys.argv[2], "w", buffering=1) as out:
    while True:
        out.write(s.recv(65536).decode().rstrip("\n").replace("\n", "|") + "\n")
PYTHON
listener=$!
trap 'kill $listener 2>/dev/null || :; daemon_cleanup' EXIT
wait_for test -S "$dir/notify"
export NOTIFY_SOCKET="$dir/notify" WATCHDOG_USEC=1000000

heard() { [ "$(grep -c -e "$1" "$told" || :)" -ge "${2:-1}" ]; }
hears() { # WHAT PATTERN [COUNT]
	if wait_for heard "$2" "${3:-1}"; then
		tap_ok "$1: $(grep -e "$2" "$told" | tail -n 1)"
	else
		tap_fail "$1" "$(tail -n 5 "$told")"
	fi
}

task one "ExecStart=/bin/sh -c 'echo \"[\$NOTIFY_SOCKET\$WATCHDOG_USEC]\"; exec sleep 1000'"
task burn 'Type=module' 'Module=burn'
printf '[Module]\nCoroutines=16\nCheckpoint=no\n' >>"$conf/tasks.d/burn.task"
daemon_start
hears "READY=1 with the status" '^READY=1|STATUS=3 workers (quota 2.30 CPUs, by quota), [0-2] of 2 tasks running, 0 failed$'
log_has "a task does not get what is meant for the daemon" "one: []"
quota a/b '410000 100000'
hears "STATUS= when it has changed" '^STATUS=5 workers (quota 4.10 CPUs, by quota), 2 of 2 tasks running, 0 failed$'
hears "the watchdog is pinged, also beside modules that spin on all workers" '^WATCHDOG=1$' 6
ctl reload
hears "RELOADING=1 and the time in one datagram" '^RELOADING=1|MONOTONIC_USEC=[0-9]*$'
ready_follows() { # READY=1 after the last RELOADING=1
	awk '/^RELOADING=1/ { ready = 0 } /^READY=1/ { ready = 1 } END { exit !ready }' "$told"
}
if wait_for ready_follows; then tap_ok "READY=1 follows"; else
	tap_fail "READY=1 follows" "$(tail -n 5 "$told")"
fi
printf '[Task]\nExecStrat=/bin/true\n' >"$conf/tasks.d/wrong.task"
kill -HUP "$daemon"
hears "SIGHUP reloads" '^RELOADING=1' 2
if wait_for ready_follows; then tap_ok "READY=1 follows a reload that failed, too"; else
	tap_fail "READY=1 follows a reload that failed, too" "$(tail -n 5 "$told")"
fi
rm "$conf/tasks.d/wrong.task"

# The governor stands still, as in a read that hangs: ptrace(2) stops that thread alone.
hold() { # thread $1, until stdin ends
	python3 -c '
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
SEIZE, INTERRUPT = 0x4206, 0x4207
tid = int(sys.argv[1])
for request in SEIZE, INTERRUPT:
    if libc.ptrace(request, tid, None, None) != 0:
        sys.exit(1)
print("held", flush=True)
sys.stdin.read()' "$1"
}
holds() { grep -q held "$dir/held"; }
mkfifo "$dir/let-go"
governor=$(grep -l -x corun-governor "/proc/$daemon/task"/*/comm | cut -d / -f 5)
hold "$governor" <"$dir/let-go" >"$dir/held" 2>/dev/null &
holder=$!
exec 3>"$dir/let-go"
if wait_for holds; then
	log_has "no ping while the governor stands still" "no watchdog ping: the governor"
	pings=$(grep -c '^WATCHDOG=1$' "$told")
	sleep 1.5
	tap_is "not one" "$(grep -c '^WATCHDOG=1$' "$told")" "$pings"
	tap_is "the daemon answers all the same" "$(field .state status)" running
	exec 3>&-
	wait "$holder" || :
	hears "pings again when it looks again" '^WATCHDOG=1$' $((pings + 2))
else
	exec 3>&-
	tap_note "no ptrace(2) here: the governor cannot be held"
fi
daemon_stop
tap_is "it ends: exit code" "$status" 0
hears "STOPPING=1" '^STOPPING=1$'
tap_done
