#!/bin/sh
# run.sh - feed each parser with random input, by libFuzzer, under ASan and UBSan
#
#   tests/fuzz/run.sh [--seconds N] [--build DIR]
#
# Prints TAP, a line for each target. N (20) is the time for each. DIR keeps the programs, the corpora
# and, if a target crashed, the input that did it; by default a temporary folder. The seeds are the
# fixtures. Needs clang.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"

seconds=20 build=''
while [ $# -gt 0 ]; do
	case $1 in
	--seconds) seconds=$2; shift 2 ;;
	--build) build=$2; shift 2 ;;
	*) echo "run.sh: unknown argument '$1'" >&2; exit 2 ;;
	esac
done
command -v clang >/dev/null || { echo "Bail out! clang is missing"; exit 1; }
if [ -z "$build" ]; then
	build=$(mktemp -d)
	trap 'rm -rf "$build"' EXIT
fi
mkdir -p "$build"

seeds() { # into folder $1
	mkdir -p "$1"
	n=0
	for fixture in "$top"/tests/fixtures/*/; do
		n=$((n + 1))
		{
			cat "$fixture/proc/self/cgroup" 2>/dev/null || :
			printf '\0'
			cat "$fixture/proc/self/mountinfo" 2>/dev/null || :
		} >"$1/cgroup-$n"
	done
	find "$top/tests/fixtures" -name 'cpu.*' -type f | while read -r file; do
		n=$((n + 1))
		cat "$file" >"$1/quota-$n"
	done
}

for target in cgroup quota; do
	seeds "$build/corpus-$target"
	if ! clang -std=gnu17 -g -O1 -D_GNU_SOURCE -DPACKAGE_VERSION='"fuzz"' \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-I"$top" -I"$top/include" -I"$top/tests/fuzz/without-configure" \
		-o "$build/fuzz_$target" "$top/tests/fuzz/fuzz_$target.c" "$top"/runtime/cpu/*.c \
		>"$build/$target.log" 2>&1; then
		tap_fail "fuzz $target: it builds" "$(tail -n 20 "$build/$target.log")"
		continue
	fi
	if "$build/fuzz_$target" -max_total_time="$seconds" -artifact_prefix="$build/crash-$target-" \
		-print_final_stats=1 "$build/corpus-$target" >"$build/$target.log" 2>&1; then
		runs=$(sed -n 's/.*number_of_executed_units: *//p' "$build/$target.log")
		tap_ok "fuzz $target: $runs inputs in $seconds s"
	else
		tap_fail "fuzz $target" "$(tail -n 30 "$build/$target.log")"
	fi
done
tap_done
