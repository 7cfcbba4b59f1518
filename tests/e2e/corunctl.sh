#!/bin/sh
# corunctl.sh - every option and every message of corunctl, on folders that stand for the kernel
#
# CORUNCTL names the program; default: the one in the build folder.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/watch.sh
. "$(dirname "$0")/watch.sh"

corunctl=${CORUNCTL:-${CORUN_TOP_BUILDDIR:-$PWD}/corunctl}
fixtures=$(cd "$(dirname "$0")/../fixtures" && pwd)
[ -x "$corunctl" ] || tap_skip_all "corunctl is not built (--disable-tools)"
unset CORUN_WORKERS
dir=$(mktemp -d)
watcher=''
cleanup() {
	[ -z "$watcher" ] || kill "$watcher" 2>/dev/null || :
	rm -rf "$dir"
}
trap cleanup EXIT

run() { # run corunctl "$@": leaves $status, $out, $err
	status=0
	"$corunctl" "$@" >"$dir/out" 2>"$dir/err" || status=$?
	out=$(cat "$dir/out")
	err=$(cat "$dir/err")
}
refuses() { # refuses DESCRIPTION WORDS... : exit code 2, nothing on stdout, the words on stderr
	what=$1 words=$2
	shift 2
	run "$@"
	case $status:$out:$err in
	2::*"$words"*) tap_ok "$what: $(head -n 1 "$dir/err")" ;;
	*) tap_fail "$what" "exit code $status, stdout '$out', stderr '$err'; wanted 2 and '$words'" ;;
	esac
}
says() { # says DESCRIPTION WORDS: stderr of the last run has them
	case $err in
	*"$2"*) tap_ok "$1: $(head -n 1 "$dir/err")" ;;
	*) tap_fail "$1" "'$2' is not in '$err'" ;;
	esac
}
is_json() { # is file $1 JSON, each line of it if $2 is "lines"?
	if [ "${2-}" = lines ]; then
		while read -r line; do echo "$line" | json_check || return 1; done <"$1"
	else
		json_check <"$1"
	fi
}
json_check() {
	if command -v jq >/dev/null; then jq -e . >/dev/null; else python3 -m json.tool >/dev/null; fi
}

# A cgroup v2 tree whose files this test rewrites.
kernel=$dir/kernel
mkdir -p "$kernel/proc/self" "$kernel/sys/fs/cgroup/a/b"
echo '0::/a/b' >"$kernel/proc/self/cgroup"
echo '30 22 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw' >"$kernel/proc/self/mountinfo"
quota() { # level $1 gets "$2"; replaced as a whole, for a reader may be at it
	echo "$2" >"$kernel/new" && mv "$kernel/new" "$kernel/sys/fs/cgroup/$1/cpu.max"
}
quota a 'max 100000'
quota a/b '230000 100000'

# ---- the command line
run
tap_is "no command: exit code" "$status" 2
run --help
tap_is "--help: exit code, and the first word" "$status $(echo "$out" | head -n 1 | cut -d' ' -f1)" "0 Usage:"
run --version
tap_is "--version: exit code" "$status" 0
refuses "an unknown command names the nearest" "did you mean 'nproc'" nporc
for command in nproc cpu; do
	run $command --help
	tap_is "$command --help: exit code" "$status" 0
	refuses "$command: unknown option" "unknown option '--bogus'" $command --bogus
	refuses "$command: a word too many" "unexpected 'word'" $command word
	refuses "$command --cpus 0" "whole number from 1 to" $command --cpus 0
	refuses "$command --cpus 2x" "whole number from 1 to" $command --cpus 2x
	refuses "$command --cpus 99999999999999999999" "whole number from 1 to" $command --cpus 99999999999999999999
	refuses "$command --min ''" "whole number from 1 to" $command --min ''
	refuses "$command --max -3" "whole number from 1 to" $command --max -3
	refuses "$command --round sideways" "up, down or nearest" $command --round sideways
	refuses "$command --root without a value" "needs a value" $command --root
	run $command --root "$dir/none"
	tap_is "$command --root of nothing: exit code" "$status" 1
	says "$command --root of nothing" "No such file or directory"
done
refuses "cpu --watch=0" "whole number of seconds" cpu --watch=0
refuses "cpu --watch=x" "whole number of seconds" cpu --watch=x
refuses "cpu --capture with --json" "neither --watch nor --json" cpu --capture x.tar --json

# ---- nproc
nproc_is() { # nproc_is DESCRIPTION WANTED ARGUMENT...
	what=$1 want=$2
	shift 2
	run nproc --root "$kernel" "$@"
	tap_is "$what" "$status $out $err" "0 $want "
}
nproc_is "230% of 8 CPUs" 3 --cpus 8
nproc_is "230% of 2 CPUs" 2 --cpus 2
nproc_is "230% of 5000 CPUs" 3 --cpus 5000
nproc_is "--round down" 2 --cpus 8 --round down
nproc_is "--round nearest" 2 --cpus 8 --round nearest
nproc_is "--min 5" 5 --cpus 8 --min 5
nproc_is "--max 1" 1 --cpus 8 --max 1
quota a '150000 100000'
nproc_is "the parent is tighter" 2 --cpus 8
nproc_is "--leaf-only" 3 --cpus 8 --leaf-only
quota a/b '50000 100000'
nproc_is "50%" 2 --cpus 8
nproc_is "50% --min 1" 1 --cpus 8 --min 1
quota a 'max 100000'
quota a/b 'max 100000'
nproc_is "no quota on 4000 CPUs: as many as a pool can have" 1024 --cpus 4000
quota a/b 'nonsense'
run nproc --root "$kernel" --cpus 8
tap_is "malformed: the fallback on stdout, exit code 0" "$status $out" "0 8"
says "malformed: the reason" "is malformed"
run nproc --root "$fixtures/malformed-cgroup" --cpus 4
tap_is "malformed /proc/self/cgroup: exit code and count" "$status $out" "0 4"
says "malformed /proc/self/cgroup: the reason" "/proc/self/cgroup"
quota a/b '230000 100000'

with_env() { CORUN_WORKERS=$1 run nproc --cpus 4; }
with_env 7
tap_is "CORUN_WORKERS=7, above the CPUs" "$status $out $err" "0 7 "
with_env auto
pinless=$out
with_env ''
tap_is "CORUN_WORKERS= is as auto" "$out" "$pinless"
with_env x
tap_is "CORUN_WORKERS=x: the rules, exit code 0" "$status $out" "0 $pinless"
says "CORUN_WORKERS=x: the reason" "CORUN_WORKERS=x is not a whole number from 1 to 1024"
with_env 0
says "CORUN_WORKERS=0" "CORUN_WORKERS=0 is not"
with_env 1025
says "CORUN_WORKERS=1025" "CORUN_WORKERS=1025 is not"
CORUN_WORKERS=7 run nproc --root "$kernel" --cpus 8
tap_is "CORUN_WORKERS does not count with --root" "$status $out $err" "0 3 "
status=0
"$corunctl" nproc >/dev/full 2>"$dir/err" || status=$?
err=$(cat "$dir/err")
tap_is "a full disk: exit code" "$status" 1
says "a full disk" "cannot write"

# ---- cpu
run cpu --root "$kernel" --cpus 8
tap_is "cpu: exit code" "$status" 0
tap_is "cpu: the level that decides" "$(echo "$out" | grep 'decides' | tr -s ' ')" \
	" /a/b 230000 us in 100000 us: 2.3 CPUs <- decides"
tap_is "cpu: the answer" "$(echo "$out" | tail -n 1)" "workers      3 (the limit, rounded)"
run cpu --root "$kernel" --cpus 8 --json
tap_is "cpu --json is JSON" "$(is_json "$dir/out" && echo yes)" yes
if command -v jq >/dev/null; then
	tap_is "cpu --json: its fields" "$(jq -c '[.workers, .reason, .limit.cpus, .levels[0].decides, .hierarchy]' \
		"$dir/out")" '[3,"quota","2.3",true,"v2"]'
fi
for fixture in "$fixtures"/*/; do
	"$corunctl" cpu --root "$fixture" --cpus 8 --json >"$dir/fixture.json" 2>&1 &&
		is_json "$dir/fixture.json" || echo "$fixture"
done >"$dir/bad"
tap_none "cpu --json of each fixture is JSON" "$(cat "$dir/bad")"

# ---- cpu --watch
"$corunctl" cpu --watch --json --root "$kernel" --cpus 8 >"$dir/watch" 2>"$dir/watch.err" &
watcher=$!
follow() { # $1 what happened, $2 the count that is to come
	seen=$(watch_until "$dir/watch" "$2" 20)
	tap_is "--watch follows: $1 (${seen#* } ms)" "${seen% *}" "$2"
}
follow "the start" 3
quota a/b '410000 100000'
follow "410%" 5
rm "$kernel/sys/fs/cgroup/a/b/cpu.max"
follow "the file is gone" 8
quota a/b '100000 100000'
follow "the file is back with 100%" 2
echo '0::/a' >"$kernel/proc/self/cgroup"
follow "a move to a cgroup without a limit" 8
kill -TERM "$watcher"
status=0
wait "$watcher" || status=$?
watcher=''
tap_is "--watch ends on SIGTERM: exit code, stderr" "$status$(cat "$dir/watch.err")" 0
tap_is "--watch --json: each line is JSON" "$(is_json "$dir/watch" lines && echo yes)" yes
tap_is "--watch --json: one line a change" "$(grep -c . "$dir/watch")" 5

"$corunctl" cpu --watch --root "$kernel" --cpus 8 >"$dir/plain" &
watcher=$!
i=0
while ! grep -q '8 workers' "$dir/plain" && [ $i -lt 200 ]; do sleep 0.1; i=$((i + 1)); done
quota a '320000 100000'
while ! grep -q '8 -> 4 workers, by quota (limit 3.2, CPUs 8)' "$dir/plain" && [ $i -lt 200 ]; do
	sleep 0.1
	i=$((i + 1))
done
tap_is "--watch in plain text" "$(tail -n 1 "$dir/plain" | cut -c11-)" \
	"8 -> 4 workers, by quota (limit 3.2, CPUs 8)"
kill -INT "$watcher"
kill -TERM "$watcher" 2>/dev/null || : # it may have ended already
wait "$watcher" || :
watcher=''

# A reader that goes away ends it, though nothing more would be written.
mkfifo "$dir/pipe"
"$corunctl" cpu --watch --json --root "$kernel" --cpus 8 >"$dir/pipe" &
watcher=$!
head -n 1 "$dir/pipe" >/dev/null
i=0
while kill -0 "$watcher" 2>/dev/null && [ $i -lt 200 ]; do sleep 0.1; i=$((i + 1)); done
tap_is "--watch ends when nobody reads ($i tenths of a second)" \
	"$(kill -0 "$watcher" 2>/dev/null && echo runs || echo ended)" ended
wait "$watcher" || :
watcher=''

# ---- cpu --capture
run cpu --root "$kernel" --cpus 8 --capture "$dir/got.tar"
case $status:$err in
1:*"without libarchive"*) tap_ok "--capture says that libarchive was left out" ;;
*)
	tap_is "--capture: exit code" "$status$err" 0
	mkdir "$dir/got"
	tar -xf "$dir/got.tar" -C "$dir/got"
	"$corunctl" cpu --root "$dir/got" --cpus 8 >"$dir/again"
	"$corunctl" cpu --root "$kernel" --cpus 8 >"$dir/first"
	tap_is "--root reads --capture back" "$(diff "$dir/first" "$dir/again" && echo same)" same
	tap_is "--capture - writes to stdout" \
		"$("$corunctl" cpu --root "$kernel" --capture - | tar -t | grep -c mountinfo)" 1
	run cpu --capture "$dir/no/such/folder.tar"
	tap_is "--capture into nowhere: exit code" "$status" 1
	says "--capture into nowhere" "cannot write"
	tap_is "--capture leaves nothing half done" "$(find "$dir" -name '*.tar.*')" ""
	run cpu --capture "$dir/live.tar"
	tap_is "--capture of this machine: exit code" "$status$err" 0
	;;
esac

tap_done
