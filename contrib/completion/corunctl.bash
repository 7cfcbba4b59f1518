# bash completion for corunctl
# shellcheck shell=bash

_corunctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local look='--root --cpus --leaf-only --round --min --max --help'
	COMPREPLY=()
	# "--round=up" comes as three words.
	[ "$cur" != = ] || cur=''
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	case $prev in
	--root) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames 2>/dev/null; return ;;
	--capture) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null; return ;;
	--round) mapfile -t COMPREPLY < <(compgen -W 'up down nearest' -- "$cur"); return ;;
	--cpus | --min | --max) return ;;
	esac
	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W 'nproc cpu --help --version' -- "$cur")
		return
	fi
	case ${COMP_WORDS[1]} in
	nproc) mapfile -t COMPREPLY < <(compgen -W "$look" -- "$cur") ;;
	cpu) mapfile -t COMPREPLY < <(compgen -W "--watch --json --capture $look" -- "$cur") ;;
	esac
}
complete -F _corunctl corunctl
