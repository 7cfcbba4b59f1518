#!/bin/sh
# layers.sh - do the includes point down?
#
#   tests/lint/layers.sh [TOP]
#
# Prints TAP. The layers, from the bottom: include, runtime/base, runtime, daemon. Beside
# them, runtime/cpu and runtime/arch know nothing of the scheduler, daemon/report nothing above
# runtime/cpu, and daemon/ctl uses only include, runtime/cpu and daemon/report. Public headers
# are included as <corun/NAME.h>, all others by their whole path in quotes, so that the layer can
# be read from the line.
set -eu
export LC_ALL=C
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
top=${1:-$(cd "$(dirname "$0")/../.." && pwd)}

# One line per folder, the deepest that fits counts: what may stand in quotes there.
rules='
include/corun
runtime/base    runtime/base
runtime/arch    runtime/base runtime/arch
runtime/cpu     runtime/base runtime/cpu
runtime         runtime
daemon/report   daemon/report
daemon/ctl      runtime/base runtime/cpu daemon/report daemon/ctl
daemon          runtime daemon !daemon/ctl
tests           runtime daemon tests
bench           bench
contrib/modules contrib/modules
'

# Prints "FILE:LINE: includes WHAT" for each include below folder $1 of tree $2 that points
# anywhere but where the rule $3... allows.
violations() {
	folder=$1 tree=$2
	shift 2
	[ -d "$tree/$folder" ] || return 0
	(cd "$tree" && find "$folder" -name '*.[chS]' -type f) | sort | while read -r file; do
		[ "$(rule_of "$file")" = "$folder" ] || continue
		awk -v allowed="$*" -v file="$file" -v tree="$tree" '
			/^[ \t]*#[ \t]*include[ \t]*"/ {
				split($0, part, "\"")
				name = part[2]
				ok = (name == "config.h")
				n = split(allowed, prefix, " ")
				for (i = 1; i <= n; i++) {
					if (substr(prefix[i], 1, 1) == "!") {
						if (index(name, substr(prefix[i], 2) "/") == 1)
							ok = 0
					} else if (index(name, prefix[i] "/") == 1)
						ok = 1
				}
				if (name ~ /\.\./)
					ok = 0
				if (!ok)
					print file ":" FNR ": includes \"" name "\""
			}
			/^[ \t]*#[ \t]*include[ \t]*<(config|runtime|daemon|tests)/ {
				print file ":" FNR ": quotes are for our own headers: " $0
			}' "$tree/$file"
	done
}

rule_of() { # the deepest folder of the rules that holds file $1
	echo "$rules" | awk -v file="$1" '
		NF && index(file, $1 "/") == 1 && length($1) > length(best) { best = $1 }
		END { print best }'
}

folders=$(echo "$rules" | awk 'NF { print $1 }')
for folder in $folders; do
	# shellcheck disable=SC2046 # a list
	tap_none "includes below $folder point down" "$(violations "$folder" "$top" \
		$(echo "$rules" | awk -v f="$folder" '$1 == f { $1 = ""; print }'))"
done

# The test itself: a tree with one wrong include in each of these folders.
planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
plant() { # file $1 with the include line $2
	mkdir -p "$planted/$(dirname "$1")"
	echo "#include $2" >"$planted/$1"
}
plant include/corun/bad.h '"runtime/sched.h"'
plant runtime/base/bad.c '"runtime/sched.h"'
plant runtime/cpu/bad.c '"runtime/sched.h"'
plant runtime/bad.c '"daemon/config.h"'
plant daemon/bad.c '"daemon/ctl/table.h"'
plant daemon/ctl/bad.c '"daemon/config.h"'
plant daemon/ctl/relative.c '"../config.h"'
plant daemon/ctl/good.c '"runtime/cpu/quota.h"'
plant runtime/angle.c '<runtime/sched.h>'
# shellcheck disable=SC2046 # a list
found=$(for folder in include/corun runtime/base runtime/cpu runtime daemon daemon/ctl; do
	violations "$folder" "$planted" $(echo "$rules" | awk -v f="$folder" '$1 == f { $1 = ""; print }')
done | wc -l)
[ "$found" = 8 ] && wrong='' || wrong="found $found of 8"
tap_none "each of 8 planted wrong includes is found" "$wrong"

tap_done
