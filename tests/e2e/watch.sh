# shellcheck shell=sh
#
# Sourced by the live tests: what `corunctl cpu --watch --json` last said, and how long it took.

now_ms() { # a clock that nobody sets
	awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}

watch_workers() { # the newest complete line of file $1
	sed -n 's/.*"workers": *\([0-9][0-9]*\).*/\1/p' "$1" | tail -n 1
}

# watch_until FILE WANTED SECONDS - waits until FILE's newest line has WANTED workers; prints what
# was seen last and after how many milliseconds.
watch_until() {
	watch_start=$(now_ms)
	while :; do
		watch_seen=$(watch_workers "$1")
		watch_took=$(($(now_ms) - watch_start))
		[ "$watch_seen" != "$2" ] || break
		[ "$watch_took" -lt $(($3 * 1000)) ] || break
		sleep 0.1
	done
	echo "$watch_seen $watch_took"
}
