# bash completion for corunctl
# shellcheck shell=bash

# The names of the daemon's tasks, but for those that a shell would have to quote; nothing when there
# is no daemon. $@: the words so far, of which --socket counts.
_corunctl_tasks() {
	local -a socket=()
	local i
	for ((i = 1; i < $#; i++)); do
		[ "${!i}" = --socket ] || continue
		((i++))
		[ "${!i}" != = ] || ((i++))
		socket=(--socket "${!i}")
	done
	corunctl tasks --timeout 1 "${socket[@]}" 2>/dev/null </dev/null |
		awk 'NR == 1 { width = index($0, "STATE") - 1 }
			NR > 1 && (name = substr($0, 1, width)) ~ /^[A-Za-z0-9_.@+-]+ *$/ { sub(/ *$/, "", name); print name }'
}

_corunctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local look='--root --cpus --leaf-only --round --min --max --help'
	local client='--socket --timeout --help'
	local words=''
	COMPREPLY=()
	# "--round=up" comes as three words.
	[ "$cur" != = ] || cur=''
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	case $prev in
	--root) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames 2>/dev/null; return ;;
	--capture | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null; return ;;
	--round) mapfile -t COMPREPLY < <(compgen -W 'up down nearest' -- "$cur"); return ;;
	--cpus | --min | --max | --timeout | --lines | -n | --since) return ;;
	esac
	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "nproc cpu status tasks limit workers start stop restart logs events
			reload version --help --version" -- "$cur")
		return
	fi
	case ${COMP_WORDS[1]} in
	nproc) words=$look ;;
	cpu) words="--watch --json --capture $look" ;;
	tasks | limit | reload | version) words="--json $client" ;;
	status) words="--lines --running --json $client" ;;
	workers) words="auto --json $client" ;;
	start | stop | restart) words="--json $client" ;;
	logs) words="--lines $client" ;;
	events) words="--since --no-follow --json $client" ;;
	esac
	case ${COMP_WORDS[1]}:$cur in
	*:-*) ;;
	status:* | start:* | stop:* | restart:* | logs:*) words=$(_corunctl_tasks "${COMP_WORDS[@]}") ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _corunctl corunctl
