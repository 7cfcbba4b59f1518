#!/bin/sh
# Fuzzes each parser by libFuzzer, with AddressSanitizer and UBSan.
#
#	tests/fuzz/run.sh [SECONDS [TARGET...]]
#
# SECONDS is for each target (default 20). What is found is kept between runs in $CORUN_FUZZ_DIR
# (default: a folder that is removed at the end), an input that crashes in its folder crashes/. Exit
# code: 0, 1 if something crashed, 77 without a clang that has libFuzzer.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:-20}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- config membership mount quota stat workers

clang=${CLANG:-clang}
work=${CORUN_FUZZ_DIR:-}
if [ -z "$work" ]; then
	work=$(mktemp -d "${TMPDIR:-/tmp}/corun-fuzz.XXXXXX")
	keep=no
else
	keep=yes
fi
failed=0
# shellcheck disable=SC2317 # called by the trap
finish() {
	if [ "$keep" = no ] && [ "$failed" -eq 0 ]; then
		rm -rf "$work"
	fi
}
trap finish EXIT
trap 'exit 130' INT TERM

# Without configure: all the parsers need of config.h is the GNU extensions.
mkdir -p "$work/seeds" "$work/crashes" "$work/include"
echo '#define _GNU_SOURCE 1' >"$work/include/config.h"
echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return !d && n; }' \
	>"$work/probe.c"
if ! "$clang" -fsanitize=fuzzer,address,undefined "$work/probe.c" -o "$work/probe" \
	2>"$work/probe.log"; then
	echo "no fuzzing: $clang with -fsanitize=fuzzer is needed (Debian: clang, libclang-rt-dev)" >&2
	exit 77
fi

# Seeds: the files of the fixtures, and inputs that once were of interest.
n=0
find "$top/tests/fixtures" "$top/tests/fuzz/corpus" -type f >"$work/list"
while IFS= read -r file; do
	n=$((n + 1))
	cp "$file" "$work/seeds/$n"
done <"$work/list"

# What a target needs besides the parsers of runtime/cpu.
needs() {
	case $1 in
	config)
		for file in check complain explain environment lines options parse span task value words; do
			echo "$top/daemon/config/$file.c"
		done
		echo "$top/daemon/report/nearest.c -DHAVE_DECL_INI_ALLOW_INLINE_COMMENTS -linih"
		;;
	esac
}

for target in "$@"; do
	mkdir -p "$work/found/$target"
	# shellcheck disable=SC2046 # a list
	"$clang" -std=gnu17 -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all \
		-fsanitize=fuzzer,address,undefined \
		-include "$work/include/config.h" -I"$work/include" -I"$top/include" -I"$top" \
		"$top/tests/fuzz/fuzz_$target.c" "$top"/runtime/cpu/*.c $(needs "$target") \
		-o "$work/fuzz_$target"
	if "$work/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
		-max_len=65536 -print_final_stats=1 -artifact_prefix="$work/crashes/$target-" \
		"$work/found/$target" "$work/seeds" >"$work/$target.log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$target.log")
		echo "$target: $runs inputs, no crash"
	else
		failed=1
		tail -n 40 "$work/$target.log"
		echo "$target: CRASHED, see $work/crashes/ and $work/$target.log"
	fi
done
exit "$failed"
