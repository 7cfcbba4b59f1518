#!/bin/sh
# corunctl_watch.sh - corunctl cpu --watch, while the files of a folder are rewritten
#
# CORUNCTL names the program; default: the one in the build folder.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/kernel.sh
. "$(dirname "$0")/kernel.sh"
# shellcheck source=tests/e2e/watch.sh
. "$(dirname "$0")/watch.sh"

lines() { grep -c . "$1" || :; }
has_lines() { [ "$(lines "$1")" -ge "$2" ]; }
last_is() { # FILE TEXT: does the last line have TEXT?
	tail -n 1 "$1" | grep -qF -e "$2"
}
becomes() { # WHAT FILE TEXT
	if wait_for last_is "$2" "$3"; then tap_ok "$1"; else
		tap_fail "$1" "after 20 s there is no '$3' in: $(cat "$2")"
	fi
}

# ---- JSON lines
stat_of() { # LEVEL PERIODS THROTTLED MICROSECONDS
	file "sys/fs/cgroup/$1/cpu.stat" \
		"$(printf 'nr_periods %d\nnr_throttled %d\nthrottled_usec %d' "$2" "$3" "$4")"
}
stat_of a/b 100 10 5000
stat_of a 900 90 7000000
start "$dir/json" cpu --watch --json --root "$kernel" --cpus 8
follow() { # what happened, the count that is to come
	seen=$(watch_until "$dir/json" "$2" 20)
	tap_is "--watch --json follows: $1 (${seen#* } ms)" "${seen% *}" "$2"
}
follow "the start" 3
becomes "the first line tells of throttling since the cgroup exists" "$dir/json" \
	'"throttling":{"since":"creation","periods":100,"throttled":10,"throttled_us":5000}'
stat_of a/b 110 15 9000
quota a/b '410000 100000'
follow "410%" 5
becomes "the next one of throttling since the last look" "$dir/json" '"throttling":{"since":"last-look",'
quota a '700000 100000'
quota a/b 'max 100000'
follow "another level decides" 7
becomes "its throttling is counted from its own numbers" "$dir/json" \
	'"throttling":{"since":"last-look","periods":0,"throttled":0,"throttled_us":0}'
quota a 'max 100000'
rm "$kernel/sys/fs/cgroup/a/b/cpu.max"
follow "the file is gone" 8
quota a/b '100000 100000'
follow "the file is back with 100%" 2
before=$(lines "$dir/json")
quota a/b 'nonsense'
wait_for has_lines "$dir/json" $((before + 1)) || :
becomes "a malformed level keeps its last value, and says so" "$dir/json" \
	'"notes":["the quota in /sys/fs/cgroup/a/b is malformed; its last good value counts"]'
tap_is "the count is as before" "$(watch_workers "$dir/json")" 2
file proc/self/cgroup 'nonsense'
becomes "so does a place that cannot be found any more" "$dir/json" "the cgroup found before counts"
file proc/self/cgroup '0::/a'
follow "a move to a cgroup without a limit" 8
kill -TERM "$watcher"
ended
tap_is "SIGTERM ends it: exit code, stderr" "$status$(cat "$dir/start.err")" 0
if is_json "$dir/json" lines; then tap_ok "each line is JSON"; else
	tap_fail "each line is JSON" "$(cat "$dir/json")"
fi

# ---- lines of text
file proc/self/cgroup '0::/a/b'
quota a/b 'max 100000'
start "$dir/text" cpu --watch --root "$kernel" --cpus 8
becomes "text: the start" "$dir/text" "  8 workers: there is no limit, so one for each of the 8 CPUs"
stat_of a/b 130 25 10000
quota a/b '320000 100000'
becomes "text: old and new count, and the cause" "$dir/text" \
	"  8 -> 4 workers: the quota of cgroup /a/b allows 3.2 CPUs, rounded up"
becomes "text: a time that sorts" "$dir/text" "$(date +%Y)-"
quota a/b '330000 100000'
becomes "text: another cause, the same count" "$dir/text" \
	"  4 workers: the quota of cgroup /a/b allows 3.3 CPUs, rounded up"
quota a/b '100000 100000'
becomes "text: less" "$dir/text" "  4 -> 2 workers: the quota of cgroup /a/b allows 1 CPU, but"
tap_is "text: one line for each change" "$(lines "$dir/text")" 4
kill -INT "$watcher" # blocked in a background job of some shells: then it stays
if wait_for gone "$watcher"; then
	ended
	tap_is "SIGINT ends it: exit code, stderr" "$status$(cat "$dir/start.err")" 0
else
	kill -TERM "$watcher"
	ended
	tap_fail "SIGINT ends it" "it still runs after 20 s"
fi

# ---- a terminal
if command -v script >/dev/null; then
	TERM=xterm script -q -e -c "exec '$corunctl' cpu --watch --root '$kernel' --cpus 8" "$dir/screen" \
		</dev/null >/dev/null 2>&1 &
	watcher=$!
	seen() { grep -qF -e "$1" "$dir/screen"; }
	screen() { if wait_for seen "$2"; then tap_ok "$1"; else tap_fail "$1" "$(cat -v "$dir/screen")"; fi; }
	screen "a terminal shows all of the explanation" "pin          none"
	quota a/b '510000 100000'
	screen "a terminal shows the last change" "2 -> 6 workers: the quota of cgroup /a/b"
	screen "a terminal is written over, not scrolled" "$(printf '\033[H')"
	kill -TERM "$watcher"
	ended
	TERM=dumb script -q -e -c "timeout 2 '$corunctl' cpu --watch --root '$kernel' --cpus 8" "$dir/dumb" \
		</dev/null >/dev/null 2>&1 || :
	if grep -q "$(printf '\033')" "$dir/dumb"; then
		tap_fail "a dumb terminal gets plain lines" "$(cat -v "$dir/dumb")"
	else
		tap_is "a dumb terminal gets plain lines" "$(grep -c ' 6 workers: ' "$dir/dumb")" 1
	fi
else
	tap_note "no script(1) here: not tried on a terminal"
fi

# ---- nobody reads any more, though nothing more would be written
mkfifo "$dir/pipe"
for format in --json --leaf-only; do
	start "$dir/pipe" cpu --watch "$format" --root "$kernel" --cpus 8
	head -n 1 "$dir/pipe" >/dev/null
	ended
	tap_is "a pipe without a reader ends it ($format): exit code, stderr" \
		"$status$(cat "$dir/start.err")" 0
done
if command -v python3 >/dev/null; then
	# A socket says so in another way than a pipe.
	status=0
	python3 - "$corunctl" cpu --watch=3600 --root "$kernel" <<-'PYTHON' >"$dir/socket" 2>&1 || status=$?
		import socket, subprocess, sys
		ours, theirs = socket.socketpair()
		process = subprocess.Popen(sys.argv[1:], stdout=theirs)
		theirs.close()
		assert ours.recv(1 << 16)
		ours.close()
		try:
		    sys.exit(process.wait(timeout=20))
		except subprocess.TimeoutExpired:
		    process.kill()
		    sys.exit("still runs after 20 s")
	PYTHON
	tap_is "a socket without a reader ends it: exit code" "$status$(cat "$dir/socket")" 0
else
	tap_note "no python3 here: not tried with a socket"
fi
status=0
"$corunctl" cpu --watch --root "$kernel" >/dev/full 2>"$dir/err" || status=$?
err=$(cat "$dir/err")
tap_is "a full disk ends it: exit code" "$status" 1
says "a full disk" "cannot write to standard output: No space left on device"
status=0
"$corunctl" cpu --watch --root "$kernel" >&- 2>"$dir/err" || status=$?
err=$(cat "$dir/err")
tap_is "a closed stdout ends it: exit code" "$status" 1
says "a closed stdout" "cannot write to standard output: Bad file descriptor"

tap_done
