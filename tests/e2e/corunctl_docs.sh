#!/bin/sh
# corunctl_docs.sh - do --help, the manual page and the completions tell of the same options?
#
# CORUNCTL names the program; default: the one in the build folder.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/kernel.sh
. "$(dirname "$0")/kernel.sh"
top=$(cd "$(dirname "$0")/../.." && pwd)
man=$top/man/corunctl.1
completion=$top/contrib/completion

sed 's/\\-/-/g' "$man" >"$dir/man"
commands=$("$corunctl" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
asking='status tasks limit workers start stop restart logs events reload version '
case " $(echo "$commands" | tr '\n' ' ')" in
" nproc cpu $asking") daemon=yes ;;
*) daemon='' ;;
esac
tap_is "--help lists its commands" "$(echo "$commands" | tr '\n' ' ')" "nproc cpu ${daemon:+$asking}"
for command in $commands; do
	grep -qw -e "$command" "$completion/corunctl.bash" || echo "$command: bash"
	grep -q -e "^.*'$command:" "$completion/_corunctl" || echo "$command: zsh"
	grep -q -e "-a $command " "$completion/corunctl.fish" || echo "$command: fish"
	sed -n '/^.SH SYN/,/^.SH DESC/p' "$dir/man" | grep -q -e "corunctl $command" -e "| $command" ||
		echo "$command: synopsis"
	sed -n '/^.SH COMMANDS W/,/^.SH OPT/p' "$dir/man" | grep -q -e "^.BI* $command" \
		-e "^.BR .*\b$command\b" || echo "$command: manual page"
done >"$dir/missing"
tap_none "each command is in the manual page and all completions" "$(cat "$dir/missing")"
: >"$dir/options"
for command in $commands; do
	"$corunctl" "$command" --help | sed -n 's/^  [-a-z, ]* --\([a-z-]*\).*/\1/p' >"$dir/own"
	sort -u "$dir/own" "$dir/options" >"$dir/all"
	cp "$dir/all" "$dir/options"
	tap_is "$command --help has options" "$(grep -c -e '^help$' "$dir/own")" 1
done

while read -r option; do
	grep -q -e "--$option\$" -e "--${option}[^a-z-]" "$dir/man" || echo "--$option: manual page"
	grep -q -e "--$option\$" -e "--${option}[^a-z-]" "$completion/corunctl.bash" || echo "--$option: bash"
	grep -q -e "--${option}[^a-z-]" "$completion/_corunctl" || echo "--$option: zsh"
	grep -q -e "-l $option\$" -e "-l $option " "$completion/corunctl.fish" || echo "--$option: fish"
done <"$dir/options" >"$dir/missing"
tap_none "each option of --help is in the manual page and all completions" "$(cat "$dir/missing")"

echo version >>"$dir/options"
# Without the daemon's commands the page still tells of their options.
[ -n "$daemon" ] || printf '%s\n' socket timeout lines running since no-follow >>"$dir/options"
sed '/jq --unbuffered/d; s/--[a-z-]*/\n&\n/g' "$dir/man" | sed -n 's/^--\([a-z-]\{2,\}\)$/\1/p' | sort -u |
	while read -r option; do
		grep -qx -e "$option" "$dir/options" || echo "--$option"
	done >"$dir/unknown"
tap_none "the manual page has no option that --help does not have" "$(cat "$dir/unknown")"

if command -v jq >/dev/null; then
	printf 'nr_periods 40\nnr_throttled 12\nthrottled_usec 1234567\n' \
		>"$kernel/sys/fs/cgroup/a/b/cpu.stat"
	quota a nonsense
	"$corunctl" cpu --root "$kernel" --json |
		jq -r '[paths | map(strings) | last] | unique | .[] | values' |
		while read -r field; do
			sed -n '/^.SH JSON/,/^.SH EX/p' "$dir/man" | grep -qw -e "$field" || echo "$field"
		done >"$dir/missing"
	tap_none "each field of --json is in the manual page" "$(cat "$dir/missing")"
fi
if command -v man >/dev/null && command -v groff >/dev/null; then
	MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$man" >/dev/null 2>"$dir/warnings" || :
	tap_none "the manual page is well formed" "$(cat "$dir/warnings")"
fi

if command -v bash >/dev/null; then
	completes() { # WHAT WANTED WORD...: what TAB after the last word offers
		what=$1 want=$2
		shift 2
		tap_is "bash: $what" "$(bash -c '
			. "$0"
			COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
			_corunctl
			echo "${COMPREPLY[*]}"' "$completion/corunctl.bash" "$@")" "$want"
	}
	completes "a command" "nproc" corunctl np
	completes "an option" "--watch" corunctl cpu --w
	completes "an option that is not of this command" "" corunctl nproc --w
	completes "a way of rounding" "down" corunctl nproc --round d
	completes "a way of rounding after =" "nearest" corunctl nproc --round = n
	completes "a folder" "$kernel/proc" corunctl cpu --root "$kernel/p"
	if [ -n "$daemon" ]; then
		PATH=$(dirname "$corunctl"):$PATH
		completes "the name of a task: no daemon, nothing" "" corunctl start --socket "$dir/none" ""
		completes "an option of a command that takes names" "--timeout" corunctl stop --t
	fi
fi
for shell in zsh fish; do
	command -v $shell >/dev/null || continue
	case $shell in
	zsh) script=$completion/_corunctl ;;
	fish) script=$completion/corunctl.fish ;;
	esac
	tap_is "$shell reads its completion" "$($shell -n "$script" 2>&1 && echo yes)" yes
done

tap_done
