#!/bin/sh
# corunctl_capture.sh - corunctl cpu --capture, and reading it back with --root
#
# CORUNCTL names the program; default: the one in the build folder.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/kernel.sh
. "$(dirname "$0")/kernel.sh"
fixtures=$(cd "$(dirname "$0")/../fixtures" && pwd)

run cpu --root "$kernel" --capture "$dir/first.tar"
case $status:$err in
1:*"built without libarchive"*)
	tap_ok "--capture says that libarchive was left out"
	tap_is "and writes nothing" "$(find "$dir" -name '*.tar*')" ""
	tap_done
	exit
	;;
esac
tap_is "--capture: exit code, stderr" "$status$err" 0
has "it says how many files" "first.tar: 5 files"

# round_trip WHAT ROOT [OPTION...]: the same answer from the tar file as from ROOT?
round_trip() {
	what=$1 root=$2
	shift 2
	rm -rf "$dir/got" "$dir/got.tar"
	mkdir "$dir/got"
	"$corunctl" cpu --root "$root" --cpus 8 "$@" >"$dir/before"
	"$corunctl" cpu --root "$root" --cpus 8 "$@" --capture "$dir/got.tar" >"$dir/said" 2>&1 ||
		cat "$dir/said" >>"$dir/before"
	tar -xf "$dir/got.tar" -C "$dir/got"
	"$corunctl" cpu --root "$dir/got" --cpus 8 "$@" >"$dir/after"
	case $what in
	*unreadable*) # what could not be read is not in the tar file; only the answer comes back
		for side in before after; do
			tail -n 1 "$dir/$side" >"$dir/last" && mv "$dir/last" "$dir/$side"
		done
		;;
	esac
	if cmp -s "$dir/before" "$dir/after"; then tap_ok "$what comes back"; else
		tap_fail "$what comes back" "$(diff "$dir/before" "$dir/after")"
	fi
}
printf 'nr_periods 40\nnr_throttled 12\nthrottled_usec 1234567\n' >"$kernel/sys/fs/cgroup/a/b/cpu.stat"
round_trip "a tree with throttling" "$kernel"
for fixture in "$fixtures"/*/; do
	round_trip "the fixture $(basename "$fixture")" "$fixture"
done
round_trip "with --leaf-only, the leaf" "$kernel" --leaf-only
tap_is "with --leaf-only, all levels are saved nevertheless" \
	"$(find "$dir/got" -name cpu.max | wc -l | tr -d ' ')" 2
utf8=$(printf 'm\303\274ller') other=$(printf 'x\377y')
mkdir -p "$kernel/sys/fs/cgroup/a/$utf8/$other"
quota "a/$utf8/$other" '310000 100000'
file proc/self/cgroup "0::/a/$utf8/$other"
round_trip "a name that is not ASCII" "$kernel"
tap_is "a name that is not ASCII: its quota" "$("$corunctl" nproc --root "$dir/got" --cpus 8)" 4
long=$(printf '%0200d' 0)/$(printf '%0200d' 1)
mkdir -p "$kernel/sys/fs/cgroup/a/$long"
quota "a/$long" '510000 100000'
file proc/self/cgroup "0::/a/$long"
round_trip "a path longer than a tar header holds" "$kernel"
file proc/self/cgroup '0::/a/b'

# ---- the note
run cpu --root "$kernel" --cpus 5 --min 4 --round down --capture - # the tar file is in $dir/out
tap_is "- is stdout: exit code, stderr" "$status$err" 0
note=$(tar -xOf "$dir/out" README)
case $note in
*"corunctl cpu --root THIS-FOLDER --cpus 5 --round down --min 4"*) tap_ok "the note has the command" ;;
*) tap_fail "the note has the command" "$note" ;;
esac
quota a '1 2 3'
rm "$kernel/sys/fs/cgroup/a/b/cpu.max"
mkdir "$kernel/sys/fs/cgroup/a/b/cpu.max"
run cpu --root "$kernel" --capture -
case $(tar -xOf "$dir/out" README) in
*"Not saved:"*"/sys/fs/cgroup/a/b/cpu.max: Is a directory"*) tap_ok "the note has what could not be read" ;;
*) tap_fail "the note has what could not be read" "$(tar -xOf "$dir/out" README)" ;;
esac
rmdir "$kernel/sys/fs/cgroup/a/b/cpu.max"
quota a/b '230000 100000'
run cpu --capture "$dir/live.tar"
tap_is "of this machine: exit code, stderr" "$status$err" 0
case $(tar -xOf "$dir/live.tar" README) in
*Cpus_allowed_list:*) tap_ok "of this machine: the note has the affinity mask" ;;
*) tap_fail "of this machine: the note has the affinity mask" "$(tar -xOf "$dir/live.tar" README)" ;;
esac
mkdir "$dir/live"
tar -xf "$dir/live.tar" -C "$dir/live"
tap_is "of this machine: the same count" "$("$corunctl" nproc --root "$dir/live")" "$("$corunctl" nproc)"

# ---- never half a file, never over what is no file
leaves_alone() { # WHAT WORDS FILE
	run cpu --root "$kernel" --capture "$3"
	tap_is "$1: exit code, stdout" "$status$out" 1
	says "$1" "$2"
}
leaves_alone "into a folder that is not there" "No such file or directory" "$dir/no/such/folder.tar"
leaves_alone "onto a folder" "it is a folder" "$kernel"
mkfifo "$dir/fifo"
leaves_alone "onto a device" "it is no regular file" "$dir/fifo"
tap_is "the device is still there" "$(find "$dir/fifo" -type p)" "$dir/fifo"
tap_is "a failure leaves nothing behind" "$(find "$dir" -name '*.tar.*' -o -name 'fifo.*')" ""
ln -s target.tar "$dir/link.tar"
echo old >"$dir/target.tar"
(umask 027 && "$corunctl" cpu --root "$kernel" --capture "$dir/link.tar" >/dev/null)
tap_is "through a link, its target is replaced" \
	"$(find "$dir/link.tar" -type l)$(tar -tf "$dir/target.tar" | grep -c mountinfo)" "$dir/link.tar1"
tap_is "a new file has the rights of any other" "$(find "$dir/target.tar" -perm 640)" "$dir/target.tar"
status=0
"$corunctl" cpu --root "$kernel" --capture - >/dev/full 2>"$dir/err" || status=$?
err=$(cat "$dir/err")
tap_is "to a full disk: exit code" "$status" 1
says "to a full disk" "cannot write to stdout: No space left on device"
if command -v script >/dev/null; then
	status=0
	script -q -e -c "'$corunctl' cpu --root '$kernel' --capture -" "$dir/screen" </dev/null \
		>/dev/null 2>&1 || status=$?
	tap_is "to a terminal: exit code" "$status" 2
fi

tap_done
