#!/bin/sh
# run.sh - check the models exhaustively with spin
#
#   tests/model/run.sh [--long] [--build DIR] [MODEL...]
#
# Prints TAP, a line for each variant of a model with the number of states. A variant is right,
# and then spin must find nothing, or has one step left out (-DBROKEN_...), and then spin must
# find that: a model that cannot fail says nothing.
#
#   --long       with more threads, coroutines and tries as well (minutes, and up to 6 GB)
#   --build DIR  work in DIR and keep it; the trail of what was found is there
#   MODEL        park, entry, idle, resize; all of them if none is named
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/tap.sh
. "$here/../tap.sh"

# Model, what is to be found (right, or broken), defines. A line that begins with + is for --long.
variants() {
	cat <<-'TABLE'
		park   right
		park   right  PLAIN
		park   broken BROKEN_CLAIM
		park   broken BROKEN_PERMIT
		park   broken BROKEN_HEAP_FIRST
		park   broken BROKEN_REMOVE
		park   broken BROKEN_MOVED
		park   broken BROKEN_READ_AFTER
		park   broken PLAIN BROKEN_LATE_CLAIM
		+park  right  ROUNDS=3
		+park  right  PLAIN ROUNDS=4
		entry  right  THREADS=2 TAKES=1
		entry  right  THREADS=2 TAKES=1 FENCED
		entry  broken THREADS=2 TAKES=1 BROKEN_MEMBARRIER
		entry  broken THREADS=2 TAKES=1 BROKEN_EXCHANGE FENCED
		entry  broken THREADS=2 TAKES=1 BROKEN_AWAIT
		entry  broken THREADS=2 TAKES=1 BROKEN_WAKE
		entry  broken THREADS=2 TAKES=1 BROKEN_RELEASE
		entry  broken THREADS=2 WORKERS=2 CALLS=1 TAKES=1 RETIRES=1 BROKEN_OWNER
		+entry right  THREADS=2 TAKES=2
		+entry right  THREADS=2 TAKES=2 FENCED
		+entry right  THREADS=3 TAKES=1
		+entry right  THREADS=2 WORKERS=2 CALLS=1 TAKES=1 RETIRES=1
		+entry right  THREADS=3 TAKES=2
		idle   right  SPAWNS=2
		idle   broken SPAWNS=2 BROKEN_RING_FENCE
		idle   broken SPAWNS=2 BROKEN_GLOBAL_BATCH
		idle   broken SPAWNS=2 BROKEN_HELPER
		idle   broken SPAWNS=2 BROKEN_LISTED
		idle   broken SPAWNS=2 BROKEN_RESCAN
		+idle  broken SPAWNS=3 ENDS=0 BROKEN_LAST_SPINNER
		+idle  right  SPAWNS=3 ENDS=0
		+idle  right  SPAWNS=2 ENDS=0 THREADS=3
		resize right  SPAWNS=0
		resize broken SPAWNS=0 TAKES=0 BROKEN_RETIRE
		resize broken SPAWNS=0 TAKES=0 BROKEN_LET_GO
		resize broken SPAWNS=0 TAKES=0 BROKEN_EMPTY
		resize broken SPAWNS=0 TAKES=0 BROKEN_TIMERS
		resize broken SPAWNS=0 TAKES=0 BROKEN_IDLE
		resize broken SPAWNS=0 TAKES=0 BROKEN_REVIVE
		resize broken SPAWNS=0 TAKES=0 BROKEN_HOLDER
		+resize right SPAWNS=1
		+resize right SPAWNS=0 RESIZES=3
		+resize right SPAWNS=0 SLOTS=3
	TABLE
}

long=''
build=''
models=''
while [ $# -gt 0 ]; do
	case $1 in
	--long) long=yes ;;
	--build)
		build=$2
		shift
		;;
	-*)
		echo "run.sh: unknown option $1" >&2
		exit 2
		;;
	*) models="$models $1" ;;
	esac
	shift
done

for tool in spin cc; do
	command -v "$tool" >/dev/null ||
		tap_skip_all "$tool is missing (Debian: apt install spin gcc)"
done
if [ -z "$build" ]; then
	build=$(mktemp -d)
	trap 'rm -rf "$build"' EXIT
fi
mkdir -p "$build"
build=$(cd "$build" && pwd)

# Its result goes to stdout: "ok" or "not ok", the sentence, then details.
# -m: how deep the search may go; -w: the size of its table at first.
check() { # model $1, wanted result $2, defines $3...
	model=$1 wanted=$2
	shift 2
	name="$model${*:+ $*}"
	dir=$build/$(echo "$name" | tr ' =' '--')
	mkdir -p "$dir"
	cd "$dir"
	rm -f -- *.trail
	flags=''
	for define in "$@"; do
		flags="$flags -D$define"
	done
	# Compiling with -O2 takes longer than most of the searches.
	level=-O0 order=
	[ -z "$long" ] || level=-O2
	[ "$wanted" = right ] || order=-DT_REVERSE # what is broken is found sooner so
	# shellcheck disable=SC2086 # a list
	if ! spin -a $flags "$here/$model.pml" >log 2>&1 ||
		! cc $level $order -w -DSAFETY -DVECTORSZ=2048 -o pan pan.c >>log 2>&1; then
		printf '%s\n' "not ok" "$name: it does not compile"
		cat log
		return
	fi
	./pan -m1000000 -w20 >log 2>&1 || true
	states=$(awk '/states, stored/ { print $1; exit }' log)
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' log)
	what=$(sed -n 's/^pan:[0-9]*: \(.*\) (at depth.*/\1/p' log | head -n 1)
	if [ -z "$errors" ] || { [ "$errors" = 0 ] && grep -q \
		-e 'max search depth too small' -e 'out of memory' -e 'Search not completed' log; }; then
		printf '%s\n' "not ok" "$name: the search was not completed"
		cat log
	elif [ "$wanted" = right ] && [ "$errors" = 0 ]; then
		printf '%s\n' ok "$name: holds, $states states"
	elif [ "$wanted" = broken ] && [ "$errors" != 0 ]; then
		printf '%s\n' ok "$name: found after $states states: $what"
	elif [ "$wanted" = right ]; then
		printf '%s\n' "not ok" "$name: $what, after $states states" \
			"The way there: run.sh --build DIR $model, then" \
			"cd DIR/${dir##*/} && spin -t -p -g $flags $here/$model.pml"
	else
		printf '%s\n' "not ok" "$name: nothing found in $states states: the model cannot see it"
	fi
}

results() { # prints what the checks with the result files $@ have found
	for file in "$@"; do
		verdict=$(sed -n 1p "$file")
		sentence=$(sed -n 2p "$file")
		if [ "$verdict" = ok ]; then
			tap_ok "$sentence"
		else
			tap_fail "$sentence" "$(sed 1,2d "$file")"
		fi
	done
}

variants >"$build/variants"
running=''
while read -r model wanted defines; do
	case $model in
	+*)
		[ -n "$long" ] || continue
		model=${model#+}
		;;
	esac
	case "${models:-$model} " in
	*"$model "*) ;;
	*) continue ;;
	esac
	# Two at a time; more would need more memory than a small machine has.
	result=$build/$(echo "$model $defines" | tr ' =' '--').result
	# shellcheck disable=SC2086 # a list
	check "$model" "$wanted" $defines >"$result" &
	if [ -n "$running" ]; then
		wait
		results "$running" "$result"
		running=''
	else
		running=$result
	fi
done <"$build/variants"
wait
[ -z "$running" ] || results "$running"
tap_done
