#!/bin/sh
# spawn_symbols.sh - does the child between clone and exec call anything outside of its file?
#
#   tests/lint/spawn_symbols.sh [OBJECT...]
#
# Prints TAP. OBJECT is what the build folder one stands in has made of
# daemon/process/spawn_child.c, if not given. Why: see there.
set -eu
export LC_ALL=C
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
top=$(cd "$(dirname "$0")/../.." && pwd)
cc=${CC:-cc}

# One name a line. Sanitizers register a file from constructors, which no child ever calls.
# Machines without system calls of their own in that file use libc's two.
allowed='_GLOBAL_OFFSET_TABLE_
__asan_init
__asan_register_globals
__asan_unregister_globals
__asan_version_mismatch_check_v8
__tsan_init'
case $($cc -dumpmachine) in
x86_64-*linux-gnu* | aarch64-*) ;;
*) allowed="$allowed
clone
syscall
__errno_location" ;;
esac

# Prints the names that object $1 needs from elsewhere and may not need.
outside() {
	nm -u "$1" | awk -v allowed="$allowed" '
		BEGIN { n = split(allowed, names, "\n"); for (i = 1; i <= n; i++) ok[names[i]] = 1 }
		{ sub(/@.*/, "", $NF); if (!($NF in ok)) print $NF }'
}

[ $# -gt 0 ] || set -- daemon/process/*spawn_child.o daemon/process/.libs/*spawn_child.o
for object; do
	[ -f "$object" ] || continue
	if nm "$object" | grep -q ' T spawn_child_clone$'; then wrong=$(outside "$object"); else
		wrong="spawn_child_clone() is not in it"
	fi
	tap_none "${object##*/process/} needs nothing from elsewhere" "$wrong"
done
[ "$tap_number" -gt 0 ] || { echo "Bail out! no object of spawn_child.c: build first"; exit 1; }

# The test itself: the file with one call of libc put into a step must be found out.
planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
sed 's/^\tchild->step = SPAWN_DIR;$/&\n\tputs(child->dir);/' \
	"$top/daemon/process/spawn_child.c" >"$planted/planted.c"
$cc -std=gnu17 -D_GNU_SOURCE -include stdio.h -O1 -I"$top" -I"$top/include" \
	-c "$planted/planted.c" -o "$planted/planted.o"
tap_is "a planted call of libc is found" "$(outside "$planted/planted.o")" puts

tap_done
