#!/bin/sh
# live_v1.sh - corunctl in real cgroups of hierarchy v1 on this machine
#
#   tests/e2e/live_v1.sh [CORUNCTL]
#
# Prints TAP. CORUNCTL is ./corunctl if not given. Needs root. With --min 1 two CPUs are enough
# to see a difference. Makes cgroups of its own below the one it is in, and removes them.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/watch.sh
. "$(dirname "$0")/watch.sh"

corunctl=$(realpath "${1:-./corunctl}")
[ -x "$corunctl" ] || { echo "Bail out! no $corunctl: build first"; exit 1; }
unset CORUN_WORKERS

# Where the cpu controller is mounted, and our own place below it.
mount=$(awk '{ for (i = 7; $i != "-"; i++) ; }
	$(i + 1) == "cgroup" && ("," $(i + 3) ",") ~ /,cpu,/ { print $5; exit }' /proc/self/mountinfo)
own=$(awk -F: '("," $2 ",") ~ /,cpu,/ { print $3; exit }' /proc/self/cgroup)
[ -n "$mount" ] || tap_skip_all "this machine has no cgroup v1 with the cpu controller"
parent=$mount${own%/}/corun-test-$$
leaf=$parent/leaf
mkdir "$parent" 2>/dev/null || tap_skip_all "no cgroup can be made below $mount"

watcher='' burner=''
output=$(mktemp)
cleanup() {
	for pid in $watcher $burner; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	watcher='' burner=''
	rmdir "$leaf" "$parent" 2>/dev/null || :
	rm -f "$output"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
mkdir "$leaf"

quota() { # cgroup $1 gets $2 percent of a CPU, or -1; $3 is the period in microseconds
	period=${3:-100000}
	echo -1 >"$1/cpu.cfs_quota_us"
	echo "$period" >"$1/cpu.cfs_period_us"
	[ "$2" = -1 ] || echo $(($2 * period / 100)) >"$1/cpu.cfs_quota_us"
}
# Moves itself into cgroup $0 and becomes the command "$@". A command in the background has this
# written out, since $! of a function would be a shell that waits for the command.
# shellcheck disable=SC2016 # for the inner shell
enter='echo $$ >"$0/cgroup.procs" && exec "$@"'
inside() { sh -c "$enter" "$leaf" "$@"; }
workers() { inside "$corunctl" nproc "$@"; }
least() { if [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi; }

cpus=$(nproc)
tap_note "$cpus CPUs, $leaf"
tap_is "no quota: all CPUs" "$(workers --min 1)" "$cpus"
quota "$leaf" 50
tap_is "50%" "$(workers --min 1)" 1
tap_is "50%, but two workers at least by default" "$(workers)" "$(least 2 "$cpus")"
quota "$leaf" 150
tap_is "150%" "$(workers --min 1)" "$(least 2 "$cpus")"
tap_is "150% rounded down" "$(workers --min 1 --round down)" 1
tap_is "150% on 8 CPUs" "$(workers --min 1 --cpus 8)" 2
quota "$leaf" 230
tap_is "230% on 8 CPUs" "$(workers --cpus 8)" 3
quota "$leaf" 230 20000
tap_is "230% of periods of 20 ms, on 8 CPUs" "$(workers --cpus 8)" 3
quota "$leaf" 150
quota "$parent" 150
quota "$leaf" 100
tap_is "150% above 100%, on 8 CPUs" "$(workers --min 1 --cpus 8)" 1
quota "$leaf" -1
tap_is "150% on the parent only, on 8 CPUs" "$(workers --min 1 --cpus 8)" 2
tap_is "150% on the parent only, read as Go does" "$(workers --min 1 --cpus 8 --leaf-only)" 8
quota "$parent" -1
tap_is "-1 again: all CPUs" "$(workers --min 1)" "$cpus"
tap_is "one CPU in the affinity mask" "$(inside taskset -c 0 "$corunctl" nproc --min 1)" 1
tap_is "CORUN_WORKERS=7" "$(inside env CORUN_WORKERS=7 "$corunctl" nproc)" 7

# A command that runs while the quota changes.
sh -c "$enter" "$leaf" "$corunctl" cpu --watch --json --min 1 --cpus 8 >"$output" &
watcher=$!
follow() { # $1 description, $2 the count that is to come within 5 s
	seen=$(watch_until "$output" "$2" 5)
	tap_is "--watch follows: $1 (${seen#* } ms)" "${seen% *}" "$2"
}
follow "no quota" 8
quota "$leaf" 150
follow "150%" 2
quota "$leaf" 410
follow "410%" 5
quota "$parent" 620
quota "$leaf" -1
follow "620% on the parent only" 7
quota "$parent" -1
follow "no quota again" 8
tap_is "the watcher is in $leaf" "$(grep -c . "$leaf/cgroup.procs")" 1
kill "$watcher"
wait "$watcher" 2>/dev/null || :
watcher=''

# Throttling that really happens is reported.
quota "$leaf" 10
sh -c "$enter" "$leaf" sh -c 'while :; do :; done' &
burner=$!
i=0
while [ "$(awk '$1 == "nr_throttled" { print $2 }' "$leaf/cpu.stat")" -lt 3 ] && [ $i -lt 100 ]; do
	sleep 0.1
	i=$((i + 1))
done
quota "$leaf" -1 # or corunctl would be slow itself
throttled=$(inside "$corunctl" cpu --json | sed -n 's/.*"nr_throttled": *\([0-9]*\).*/\1/p' | head -n 1)
if [ "${throttled:-0}" -ge 3 ]; then
	tap_ok "cpu --json reports $throttled throttled periods"
else
	tap_fail "cpu --json reports '$throttled' throttled periods, but 3 or more were seen"
fi

cleanup
tap_none "nothing is left behind" "$(find "$parent" -maxdepth 1 -type d 2>/dev/null)"

tap_done
