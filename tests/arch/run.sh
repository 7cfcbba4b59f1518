#!/bin/sh
# run.sh - the context switch on machines other than this one
#
# Prints TAP. aarch64: cross-compiled and run by qemu-user (Debian: gcc-aarch64-linux-gnu
# libc6-dev-arm64-cross qemu-user). The portable switch: natively. Optimised and not.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

try() { # try NAME RUNNER COMPILER ARGUMENT...
	what=$1 runner=$2
	shift 2
	for level in -O0 -O2 -O3; do
		if ! "$@" -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror "$level" -static -frounding-math \
			-I"$top" -o "$dir/switch" "$top/tests/unit/test_switch.c" -lm 2>"$dir/err"; then
			tap_fail "$what $level: it compiles" "$(cat "$dir/err")"
			continue
		fi
		if $runner "$dir/switch" >"$dir/out" 2>&1 && [ "$(grep -c '^ok' "$dir/out")" = 5 ]; then
			tap_ok "$what $level: registers, rounding and alignment are kept"
		else
			tap_fail "$what $level" "$(cat "$dir/out")"
		fi
	done
}

whole() { # whole NAME RUNNER COMPILER ARGUMENT... : the whole runtime, under a short stress
	what=$1 runner=$2
	shift 2
	if ! "$@" -std=gnu17 -D_GNU_SOURCE -O2 -static -pthread -I"$top" -I"$top/include" -I"$dir" \
		-o "$dir/resize" "$top/tests/stress/resize.c" "$top"/runtime/*.c \
		"$top"/runtime/base/*.c "$top"/runtime/cpu/*.c 2>"$dir/err"; then
		tap_fail "$what: the runtime compiles" "$(cat "$dir/err")"
	elif $runner "$dir/resize" 500 3 >"$dir/out" 2>&1; then
		tap_ok "$what: 500 coroutines while the pool is resized, $(sed -n 's/^# \([0-9]* resizes.*\)/\1/p' "$dir/out")"
	else
		tap_fail "$what: 500 coroutines while the pool is resized" "$(tail -n 20 "$dir/out")"
	fi
}

: >"$dir/config.h"
arch=$top/runtime/arch
try "aarch64 under qemu" "qemu-aarch64" aarch64-linux-gnu-gcc \
	"$arch/aarch64/context.c" "$arch/aarch64/switch.S"
try "the portable switch" "" gcc -DARCH_UCONTEXT "$arch/ucontext/switch.c" "$top/runtime/base/must.c"
whole "aarch64 under qemu" "qemu-aarch64" aarch64-linux-gnu-gcc \
	"$arch/aarch64/context.c" "$arch/aarch64/switch.S"
whole "the portable switch" "" gcc -DARCH_UCONTEXT "$arch/ucontext/switch.c"
tap_done
