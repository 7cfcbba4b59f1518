#!/bin/sh
# guest_process.sh - processes and cgroups of tasks under systemd; run inside the small machine
#
#   guest_process.sh DIR MODE
#
# Prints TAP. DIR has what live_process.sh laid there; MODE is v2, hybrid or v1.
set -eu
dir=$1 mode=$2
# shellcheck source=tests/tap.sh
. "$dir/tap.sh"

# The shared folder is slow: all of it into memory first.
bin=/run/corun-test
cp -R "$dir/tests" "$bin"
tap_note "$mode: $(uname -r), $(systemctl --version | head -n 1), $(nproc) CPUs"

# Runs test "$1" in a unit of its own with the properties "$2" and so on; it must pass.
passes() {
	name=$1
	shift
	for property; do set -- "$@" -p "$property"; shift; done
	status=0
	timeout 600 systemd-run --quiet --wait --pipe "$@" "$bin/run" "$name" >"$bin/out" 2>&1 || status=$?
	ran=$(grep -c '^ok ' "$bin/out" || :)
	if [ "$status" = 0 ] && [ "$ran" -gt 0 ] && ! grep -q '^not ok' "$bin/out"; then
		tap_ok "$name: all $ran, in a unit with $*"
	else
		tap_fail "$name: status $status, $ran passed, in a unit with $*" "$(grep -v '^ok ' "$bin/out")"
	fi
}

passes test_spawn Delegate=cpu
passes test_reaper Delegate=cpu
passes test_taskgroup Delegate=cpu
passes test_taskgroup Delegate=cpu CPUQuota=50%
passes test_taskgroup_direct Delegate=cpu

tap_done
