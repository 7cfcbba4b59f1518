#!/bin/sh
# quickstart.sh - from a fresh clone to a running corun
#
#   ./contrib/quickstart.sh [--build-dir DIR]
#
# Installs what the build needs (with apt; elsewhere it says what is missing), builds into DIR
# and runs `corunctl cpu --watch`, which shows how many workers this machine or container
# should run and follows each change of its CPU quota. Ctrl-C ends it. Only apt needs root.
#
# Options:
#   --build-dir DIR   where to build (default: build/ at the top of the clone)
#   --help            this text
set -eu

usage() { sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0"; }
die() { echo "quickstart.sh: $*" >&2; exit 1; }

top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build
while [ $# -gt 0 ]; do
	case $1 in
	--build-dir) [ $# -ge 2 ] || die "--build-dir needs a folder"; build=$2; shift 2 ;;
	--help | -h) usage; exit 0 ;;
	*) die "unknown argument '$1' (see --help)" ;;
	esac
done

# shellcheck source=contrib/setup.sh
. "$top/contrib/setup.sh"
setup_need build || exit 1

mkdir -p "$build"
build=$(cd "$build" && pwd)
log=$build/quickstart.log
step() { # say $1, run the rest; its output is of interest only if it fails
	echo "$1 ..."
	shift
	"$@" >"$log" 2>&1 || { cat "$log" >&2; die "failed: $* (this output is also in $log)"; }
}
[ -f "$top/configure" ] || step "Making configure" "$top/autogen.sh"
cd "$build"
[ -f Makefile ] || step "Configuring in $build" "$top/configure"
step "Building" make -j"$(getconf _NPROCESSORS_ONLN)"

corunctl=$build/corunctl
cat <<TEXT

corun is built. In another terminal you can ask:

    $corunctl nproc          the number of workers, for  make -j\$(corunctl nproc)
    $corunctl cpu            how it came about, line by line
    $corunctl cpu --json     the same for programs

Now running:  corunctl cpu --watch  (Ctrl-C ends it)

TEXT
exec "$corunctl" cpu --watch
