#!/bin/sh
# idle.sh - what an idle corund costs: CPU share, memory, and its five largest mappings
#
#   bench/idle.sh [BUILD-FOLDER [SECONDS]]
#
# One process task that sleeps, the control socket open, nobody asking; 30 s by default. CPU time is that of
# all threads, in nanoseconds (/proc/PID/task/*/schedstat). Prints Markdown.
set -eu
build=$(cd "${1:-.}" && pwd)
seconds=${2:-30}
dir=$(mktemp -d)
pid=''
cleanup() {
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null || :
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

mkdir -p "$dir/tasks.d"
echo '[Corund]' >"$dir/corund.conf"
printf '[Task]\nExecStart=/bin/sleep 100000\n' >"$dir/tasks.d/sleep.task"
"$build/corund" --config "$dir/corund.conf" --socket "$dir/s" 2>"$dir/log" &
pid=$!
tries=0
until "$build/corunctl" version --socket "$dir/s" >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || { cat "$dir/log" >&2; exit 1; }
	sleep 0.1
done
sleep 3 # what the start still has to do

cpu_ns() { cat /proc/"$pid"/task/*/schedstat | awk '{ n += $1 } END { printf "%.0f\n", n }'; }
before=$(cpu_ns)
sleep "$seconds"
after=$(cpu_ns)
awk -v ns=$((after - before)) -v s="$seconds" 'BEGIN {
	printf "| | |\n| --- | --- |\n| CPU of one | %.3f %% (%.2f ms in %d s) |\n", ns / s / 1e7, ns / 1e6, s }'
awk '/^Rss:/ { rss = $2 } /^Pss:/ { pss = $2 } /^Private_(Clean|Dirty):/ { own += $2 }
	END { printf "| resident | %.1f MiB, its share of it %.1f MiB, private %.1f MiB |\n", \
		rss / 1024, pss / 1024, own / 1024 }' "/proc/$pid/smaps_rollup"
awk '/^Threads:/ { printf "| threads | %d |\n", $2 }' "/proc/$pid/status"
printf '\n| mapping | resident KiB | private KiB |\n| --- | --- | --- |\n'
awk '/^[0-9a-f]+-[0-9a-f]+ / { name = NF > 5 ? $6 : "(anonymous)" }
	/^Rss:/ { rss[name] += $2 }
	/^Private_(Clean|Dirty):/ { own[name] += $2 }
	END { for (name in rss) printf "%d %d %s\n", rss[name], own[name], name }' "/proc/$pid/smaps" |
	sort -n -r | head -n 5 | awk '{ printf "| %s | %d | %d |\n", $3, $1, $2 }'
