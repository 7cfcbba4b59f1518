#!/bin/sh
# corunctl.sh - every option and every message of corunctl, on folders that stand for the kernel
#
# CORUNCTL names the program; default: the one in the build folder. What takes longer than one look
# is in corunctl_watch.sh, tar files in corunctl_capture.sh, documents in corunctl_docs.sh.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/kernel.sh
. "$(dirname "$0")/kernel.sh"
fixtures=$(cd "$(dirname "$0")/../fixtures" && pwd)

# ---- the command line
run
tap_is "no command: exit code" "$status" 2
run --help
tap_is "--help: exit code, and the first word" "$status $(echo "$out" | head -n 1 | cut -d' ' -f1)" "0 Usage:"
run --version
tap_is "--version: exit code" "$status" 0
refuses "an unknown option before the command" "unknown option '--watch'" --watch
refuses "a command that is like none" "unknown command 'zzz'" zzz
refuses "an unknown command names the nearest" "did you mean 'nproc'" nporc
for command in nproc cpu; do
	run $command --help
	tap_is "$command --help: exit code" "$status" 0
	refuses "$command: unknown option" "unknown option '--bogus'" $command --bogus
	refuses "$command: a word too many" "unexpected argument 'word'" $command word
	refuses "$command --cpus 0" "whole number from 1 to" $command --cpus 0
	refuses "$command --cpus 2x" "whole number from 1 to" $command --cpus 2x
	refuses "$command --cpus 99999999999999999999" "whole number from 1 to" $command --cpus 99999999999999999999
	refuses "$command --min ''" "whole number from 1 to" $command --min ''
	refuses "$command --max -3" "whole number from 1 to" $command --max -3
	refuses "$command --round sideways" "up, down or nearest" $command --round sideways
	refuses "$command --root without a value" "needs a value" $command --root
	refuses "$command: the beginning of two options" "'--m' is ambiguous: it may mean --min or --max" \
		$command --m 3
	refuses "$command: a mistyped option names the nearest" "did you mean '--leaf-only'?" \
		$command --leafonly
	refuses "$command: an unknown letter" "unknown option '-x'" $command -x
	refuses "$command: a value for an option without one" "--leaf-only takes no value" \
		$command --leaf-only=1
	refuses "$command --cpus without a value" "--cpus needs a value" $command --cpus
	refuses "$command --cpus above what a kernel can have" "from 1 to 1048576" $command --cpus 1048577
	refuses "$command --min above what a pool can have" "from 1 to 1024" $command --min 1025
	refuses "$command --min above --max" "--min 5 is above --max 3" $command --min 5 --max 3
	refuses "$command --root ''" "want the name of a folder" $command --root ''
	run $command --root "$kernel/proc/self/cgroup"
	tap_is "$command --root of a file: exit code, stdout" "$status$out" 1
	says "$command --root of a file" "Not a directory"
	run $command --root "$dir/none"
	tap_is "$command --root of nothing: exit code" "$status" 1
	says "$command --root of nothing" "No such file or directory"
done
refuses "cpu --watch=0" "whole number of seconds" cpu --watch=0
refuses "cpu --watch=+1" "whole number of seconds" cpu --watch=+1
refuses "cpu --watch=3601" "from 1 to 3600" cpu --watch=3601
refuses "cpu --watch=" "whole number of seconds" cpu --watch=
refuses "cpu --capture with --watch" "neither --watch nor --json" cpu --capture x.tar --watch
refuses "cpu --capture ''" "want the name of a file" cpu --capture ''
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

status=0
"$corunctl" nproc >&- 2>"$dir/err" || status=$?
err=$(cat "$dir/err")
tap_is "stdout is closed: exit code" "$status" 1
says "stdout is closed" "cannot write to standard output: Bad file descriptor"
status=0
"$corunctl" cpu --json >/dev/full 2>"$dir/err" || status=$?
err=$(cat "$dir/err")
tap_is "cpu --json, a full disk: exit code" "$status" 1
says "cpu --json, a full disk" "No space left on device"

# ---- cpu
run cpu --root "$kernel" --cpus 8
tap_is "cpu: exit code" "$status" 0
tap_is "cpu: the level that decides" "$(echo "$out" | grep 'decides' | tr -s ' ')" \
	" /a/b 230000 us in 100000 us: 2.3 CPUs <- decides"
tap_is "cpu: the answer" "$(echo "$out" | tail -n 1)" "workers      3: the quota of cgroup /a/b allows 2.3 CPUs, rounded up"
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

# ---- cpu: the sentence that says why
because() { # WHAT WANTED ARGUMENT... : the last line
	what=$1 want=$2
	shift 2
	run cpu --root "$kernel" "$@"
	tap_is "$what" "$(tail -n 1 "$dir/out" | tr -s ' ')" "workers $want"
}
because "reason: quota" "3: the quota of cgroup /a/b allows 2.3 CPUs, rounded up" --cpus 8
because "reason: quota, rounded down" \
	"2: the quota of cgroup /a/b allows 2.3 CPUs, rounded down" --cpus 8 --round down
because "reason: quota, rounded to the nearest" \
	"2: the quota of cgroup /a/b allows 2.3 CPUs, rounded to the nearest" --cpus 8 --round nearest
because "reason: CPUs" \
	"2: there are 2 CPUs; the quota of cgroup /a/b allows 2.3 CPUs, which gives no fewer" --cpus 2
because "reason: one CPU" \
	"1: there is 1 CPU; the quota of cgroup /a/b allows 2.3 CPUs, which gives no fewer" --cpus 1
because "reason: --min" \
	"5: the quota of cgroup /a/b allows 2.3 CPUs, but a quota alone never gives fewer than 5" \
	--cpus 8 --min 5
because "reason: --max" "1: --max 1 bounds it" --cpus 8 --max 1
quota a/b '100000 100000'
because "reason: the default minimum" \
	"2: the quota of cgroup /a/b allows 1 CPU, but a quota alone never gives fewer than 2" --cpus 8
quota a/b 'max 100000'
because "reason: no limit" "8: there is no limit, so one for each of the 8 CPUs" --cpus 8
because "reason: the largest pool" "1024: a pool has 1024 workers at most" --cpus 5000
CORUN_WORKERS=7 run cpu
tap_is "reason: pin" "$(tail -n 1 "$dir/out" | tr -s ' ')" "workers 7: CORUN_WORKERS asks for it"
has "a pin is shown" "pin          7 (CORUN_WORKERS)"
CORUN_WORKERS=7 run cpu --root "$kernel"
has "that --root leaves a pin out is shown" "CORUN_WORKERS does not count with --root"
CORUN_WORKERS=x run cpu
tap_is "cpu, CORUN_WORKERS=x: exit code, stderr" "$status$err" 0
has "cpu, CORUN_WORKERS=x: a note" "note         CORUN_WORKERS=x is not a whole number from 1 to 1024"
CORUN_WORKERS=$(printf 'a\033b\nc') run nproc
says "what a variable holds cannot command a terminal" 'CORUN_WORKERS=a\033b\012c is not'

# ---- cpu: a limit as a decimal number
limit_is() { # QUOTA PERIOD WANTED
	quota a/b "$1 $2"
	run cpu --root "$kernel" --cpus 8
	tap_is "$1 in $2" "$(sed -n 's/^limit *//p' "$dir/out")" "$3"
}
limit_is 230000 100000 "2.3 CPUs"
limit_is 200000 100000 "2 CPUs"
limit_is 100001 1000000 "0.100001 CPUs"
limit_is 1 65536 "0.0000152587890625 CPUs"
limit_is 100000 30000 "3.333333... CPUs"
limit_is 0 100000 "0 CPUs"
limit_is 9223372036854775807 9223372036854775807 "1 CPUs"
limit_is 9223372036854775807 1 "9223372036854775807 CPUs"
limit_is max 100000 "none"
quota a/b '230000 100000'

# ---- cpu: levels that cannot be read, throttling, names with any bytes
quota a '1 2 3'
run cpu --root "$kernel" --cpus 8
has "a malformed level is named" "note         the quota in /sys/fs/cgroup/a is malformed; it counts as no limit"
rm "$kernel/sys/fs/cgroup/a/cpu.max"
mkdir "$kernel/sys/fs/cgroup/a/cpu.max"
run nproc --root "$kernel" --cpus 8
tap_is "an unreadable level: the others count" "$status $out" "0 3"
says "an unreadable level" "the quota in /sys/fs/cgroup/a cannot be read: Is a directory"
rmdir "$kernel/sys/fs/cgroup/a/cpu.max"
quota a 'max 100000'
printf 'nr_periods 40\nnr_throttled 12\nthrottled_usec 1234567\n' >"$kernel/sys/fs/cgroup/a/b/cpu.stat"
run cpu --root "$kernel" --cpus 8
has "throttling" "throttled    12 of 40 periods, 1.234 s, since the cgroup exists: /a/b"
file proc/self/cgroup "$(printf '0::/a/x\377y\033z')"
file proc/self/mountinfo '30 22 0:27 / /sys/fs/c\012group rw - cgroup2 cgroup2 rw'
run cpu --root "$kernel" --cpus 8
has "a name's control characters are shown as numbers" "$(printf 'cgroup       /a/x\377y\\033z')"
has "a mount point stays on its line" 'mount        /sys/fs/c\012group (root /)'
run cpu --root "$kernel" --cpus 8 --json
if is_json "$dir/out"; then tap_ok "a name that is not UTF-8 makes no bad JSON"; else
	tap_fail "a name that is not UTF-8 makes no bad JSON" "$out"
fi
has "a name that is not UTF-8 is there all the same" "$(printf '"cgroup": "/a/x\357\277\275y\\u001Bz"')"

tap_done
