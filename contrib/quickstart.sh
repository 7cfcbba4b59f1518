#!/bin/sh
# quickstart.sh - from a fresh clone to a running corund
#
#   ./contrib/quickstart.sh [--build-dir DIR] [--watch]
#
# Installs what the build needs (with apt; elsewhere it says what is missing), builds into DIR,
# installs below DIR/root and runs corund there in the foreground, with the demonstration of
# contrib/demo: a process and a module that follow the CPU quota of this place. Ctrl-C ends it. Only
# apt needs root.
#
# Options:
#   --build-dir DIR   where to build (default: build/ at the top of the clone)
#   --watch           run `corunctl cpu --watch` instead: no daemon, only the limit
#   --help            this text
set -eu

usage() { sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0"; }
die() { echo "quickstart.sh: $*" >&2; exit 1; }

top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build watch=''
while [ $# -gt 0 ]; do
	case $1 in
	--build-dir) [ $# -ge 2 ] || die "--build-dir needs a folder"; build=$2; shift 2 ;;
	--watch) watch=yes; shift ;;
	--help | -h) usage; exit 0 ;;
	*) die "unknown argument '$1' (see --help)" ;;
	esac
done

# shellcheck source=contrib/setup.sh
. "$top/contrib/setup.sh"
setup_need build || exit 1

mkdir -p "$build"
build=$(cd "$build" && pwd)
root=$build/root
log=$build/quickstart.log
step() { # say $1, run the rest; its output is of interest only if it fails
	echo "$1 ..."
	shift
	"$@" >"$log" 2>&1 || { cat "$log" >&2; die "failed: $* (this output is also in $log)"; }
}
[ -f "$top/configure" ] || step "Making configure" "$top/autogen.sh"
cd "$build"
[ -f Makefile ] || step "Configuring in $build" "$top/configure" --prefix="$root"
[ "$(sed -n 's/^prefix = //p' Makefile)" = "$root" ] ||
	die "$build was configured for another prefix; remove it, or use --build-dir"
step "Building" make -j"$(getconf _NPROCESSORS_ONLN)"
step "Installing below $root" make install
mkdir -p "$root/etc/corun/tasks.d" "$root/run"
cp "$top/contrib/demo/corund.conf" "$root/etc/corun/"
cp "$top/contrib/demo/tasks.d/"*.task "$root/etc/corun/tasks.d/"

corunctl=$root/bin/corunctl
if [ -n "$watch" ]; then
	exec "$corunctl" cpu --watch
fi
socket=$root/run/control.sock
cat <<TEXT

corun is built and installed below $root. In another terminal you can ask:

    export CORUN_SOCKET=$socket PATH=$root/bin:\$PATH
    corunctl status          the workers, the limit, the tasks
    corunctl cpu             how the count came about, line by line
    corunctl workers 4       pin the pool, and see the tasks be told; then: corunctl workers auto
    corunctl events          what happens, as it happens
    corunctl restart greeter
    curl --unix-socket \$CORUN_SOCKET http://corund/v1/status

The tasks are in $root/etc/corun/tasks.d. Now running corund (Ctrl-C ends it):

TEXT
exec "$root/bin/corund" --socket "$socket"
