#!/bin/sh
# exports.sh - does the library export what its headers declare, and nothing else?
#
#   tests/lint/exports.sh [LIBRARY [INCLUDE-FOLDER]]
#
# Prints TAP. LIBRARY is .libs/libcorun.so of the build folder one stands in, if not given.
# What the headers declare is read from the preprocessor's output, so that no spelling of a
# declaration is missed.
set -eu
export LC_ALL=C
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
top=$(cd "$(dirname "$0")/../.." && pwd)
library=${1:-.libs/libcorun.so}
include=${2:-$top/include}
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One exported name a line: the last word before the first parenthesis of each declaration
# with the attribute.
declared() {
	for header in "$include"/corun/*.h; do # module.h declares what a module exports
		[ "${header##*/}" = module.h ] || echo "#include <corun/$(basename "$header")>"
	done | $cc -std=gnu17 -E -P -I"$include" - | tr '\n\t' '  ' | tr ';{}' '[\n*]' |
		sed -n '/__attribute__((visibility("default")))/{
			s/.*__attribute__((visibility("default")))//
			s/__attribute__((([^()]*))//g
			s/[[(=].*//
			s/.*[ *]\([A-Za-z_][A-Za-z_0-9]*\) *$/\1/p
		}' | sort -u
}

[ -f "$library" ] || { echo "Bail out! no $library: build first"; exit 1; }
# A version node such as CORUN_0 is an absolute symbol, no name of ours.
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
	sort -u >"$work/exported"
declared >"$work/declared"

[ -s "$work/declared" ] && wrong='' || wrong="no declaration found below $include"
tap_none "the headers declare something ($(wc -l <"$work/declared") names)" "$wrong"
tap_none "only corun_* is exported" "$(grep -v '^corun_' "$work/exported" || :)"
tap_none "what is declared is exported" "$(comm -13 "$work/exported" "$work/declared")"
tap_none "what is exported is declared" "$(comm -23 "$work/exported" "$work/declared")"

alone=$(for header in "$include"/corun/*.h; do
	echo "#include <corun/$(basename "$header")>" |
		$cc -std=c11 -Wall -Wextra -Wundef -Werror -fsyntax-only -I"$include" -x c - 2>&1 || :
done)
tap_none "each header stands alone" "$alone"

tap_done
