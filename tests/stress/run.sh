#!/bin/sh
# run.sh - the stress programs, from a build folder
#
#   tests/stress/run.sh BUILD-FOLDER [COROUTINES [SECONDS]]
#
# Prints TAP: resize (with membarrier and without), gap, and throttled where a cgroup with a quota can
# be made (v1 on this machine; else it is left to the small machine). In builds with a sanitizer its
# findings are failures.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"

build=$(cd "$1" && pwd)
coroutines=${2:-100000}
seconds=${3:-30}
export TSAN_OPTIONS="${TSAN_OPTIONS:-} halt_on_error=1 second_deadlock_stack=1"
make -s -C "$build" tests/stress/gap tests/stress/resize tests/stress/throttled

take() { # the results of one program, run as "$@", under the name $name
	status=0
	"$@" >"$build/stress.out" 2>&1 || status=$?
	while read -r line; do
		case $line in
		'ok '*) tap_ok "$name: ${line#ok [0-9]* - }" ;;
		'not ok '*) tap_fail "$name: ${line#not ok [0-9]* - }" ;;
		'#'*) echo "$line" ;;
		esac
	done <"$build/stress.out"
	if [ "$status" != 0 ]; then
		tap_fail "$name: exit code $status" "$(tail -n 40 "$build/stress.out")"
	fi
}

name="resize"
take "$build/tests/stress/resize" "$coroutines" "$seconds"
name="resize without membarrier"
take env STRESS_NO_MEMBARRIER=1 "$build/tests/stress/resize" "$coroutines" $((seconds / 3 + 1))

name="gap"
take "$build/tests/stress/gap"

# ---- under a quota of 50 %, in a cgroup of our own
mount=$(awk '{ for (i = 7; $i != "-"; i++) ; }
	$(i + 1) == "cgroup" && ("," $(i + 3) ",") ~ /,cpu,/ { print $5; exit }' /proc/self/mountinfo)
own=$(awk -F: '("," $2 ",") ~ /,cpu,/ { print $3; exit }' /proc/self/cgroup)
leaf=$mount${own%/}/corun-stress-$$
if [ -n "$mount" ] && mkdir "$leaf" 2>/dev/null; then
	trap 'rmdir "$leaf" 2>/dev/null || :' EXIT
	echo 100000 >"$leaf/cpu.cfs_period_us"
	echo 50000 >"$leaf/cpu.cfs_quota_us"
	name="8 hogs under a quota of 50 %"
	# shellcheck disable=SC2016 # the inner shell's
	take sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$leaf" "$build/tests/stress/throttled" 10
	awk '/nr_throttled|nr_periods/ { print "#", $0 }' "$leaf/cpu.stat"
else
	tap_note "no cgroup v1 can be made here: hogs under a quota are left out"
fi
tap_done
