# shellcheck shell=sh
#
# Sourced by the tests of corunctl: a folder that stands for the kernel, and what corunctl says
# about it.
#
#   $corunctl                 the program: CORUNCTL, or the one in the build folder
#   $dir                      a folder that is removed at the end
#   $kernel                   a cgroup v2 tree for --root: the process is in /a/b, which has 230 %
#   quota LEVEL TEXT          LEVEL/cpu.max, replaced as a whole: somebody may be reading it
#   file NAME TEXT            any other file of $kernel, in the same way
#   run ARGUMENT...           corunctl; leaves $status, $out, $err
#   refuses WHAT WORDS ARGUMENT...  it is to exit with 2, print nothing, and say WORDS on stderr
#   says WHAT WORDS           the last run's stderr has WORDS
#   has WHAT WORDS            the last run's stdout has WORDS
#   start FILE ARGUMENT...    corunctl in the background, stdout to FILE; its id is in $watcher
#   ended                     wait for it (20 s at most); leaves $status
#   wait_for COMMAND...       until COMMAND succeeds, 20 s at most; fails after that
#   is_json FILE [lines]      is it JSON, or each line of it?

corunctl=${CORUNCTL:-${CORUN_TOP_BUILDDIR:-$PWD}/corunctl}
[ -x "$corunctl" ] || tap_skip_all "corunctl is not built (--disable-tools)"
unset CORUN_WORKERS
export LC_ALL=C
dir=$(mktemp -d)
watcher=''
kernel_cleanup() {
	[ -z "$watcher" ] || kill "$watcher" 2>/dev/null || :
	rm -rf "$dir"
}
trap kernel_cleanup EXIT
trap 'exit 130' INT TERM

kernel=$dir/kernel
mkdir -p "$kernel/proc/self" "$kernel/sys/fs/cgroup/a/b"
file() { printf '%s\n' "$2" >"$kernel/new" && mv "$kernel/new" "$kernel/$1"; }
quota() { file "sys/fs/cgroup/$1/cpu.max" "$2"; }
file proc/self/cgroup '0::/a/b'
file proc/self/mountinfo '30 22 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw'
quota a 'max 100000'
quota a/b '230000 100000'

run() {
	status=0
	"$corunctl" "$@" >"$dir/out" 2>"$dir/err" || status=$?
	out=$(cat "$dir/out")
	err=$(cat "$dir/err")
}
refuses() {
	what=$1 words=$2
	shift 2
	run "$@"
	case $status:$out:$err in
	2::*"$words"*) tap_ok "$what: $(head -n 1 "$dir/err")" ;;
	*) tap_fail "$what" "exit code $status, stdout '$out', stderr '$err'; wanted 2 and '$words'" ;;
	esac
}
says() {
	case $err in
	*"$2"*) tap_ok "$1: $(head -n 1 "$dir/err")" ;;
	*) tap_fail "$1" "'$2' is not in '$err'" ;;
	esac
}
has() {
	case $out in
	*"$2"*) tap_ok "$1" ;;
	*) tap_fail "$1" "'$2' is not in '$out'" ;;
	esac
}

wait_for() {
	wait_left=200
	until "$@"; do
		[ $wait_left -gt 0 ] || return 1
		wait_left=$((wait_left - 1))
		sleep 0.1
	done
}
start() {
	start_out=$1
	shift
	"$corunctl" "$@" >"$start_out" 2>"$dir/start.err" &
	watcher=$!
}
gone() { ! kill -0 "$1" 2>/dev/null; }
ended() {
	status=0
	if wait_for gone "$watcher"; then
		wait "$watcher" || status=$?
	else
		status="still runs after 20 s"
		kill -KILL "$watcher"
		wait "$watcher" 2>/dev/null || :
	fi
	watcher=''
}

json_check() {
	if command -v jq >/dev/null; then jq -e . >/dev/null; else python3 -m json.tool >/dev/null; fi
}
is_json() {
	if [ "${2-}" = lines ]; then
		while read -r line; do echo "$line" | json_check || return 1; done <"$1"
	else
		json_check <"$1"
	fi
}
