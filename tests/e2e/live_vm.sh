#!/bin/sh
# live_vm.sh - corunctl under systemd on 8 CPUs, in each cgroup layout, beside Go's own count
#
#   tests/e2e/live_vm.sh [BUILD-FOLDER [MODE...]]
#
# Prints TAP. BUILD-FOLDER is the current one if not given; MODE is v2, hybrid or v1, all three
# if none is given; each is one boot of the small machine (see tests/vm.sh). What happens there
# is in guest_cpu.sh. Needs root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/tap.sh
. "$here/../tap.sh"
# shellcheck source=tests/e2e/guest.sh
. "$here/guest.sh"

build=${1:-.}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- v2 hybrid v1

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
"$here/stage.sh" "$build" "$dir/corun"
cp "$here/../tap.sh" "$here/watch.sh" "$here/guest_cpu.sh" "$dir/"
(cd "$dir/corun" && mkdir -p proc sys dev etc tmp && tar -c -f "$dir/corun.tar" .)

# Go looks at its cgroup since 1.25.
go_minor=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
if [ "${go_minor:-0}" -ge 25 ]; then
	(cd "$here/gomaxprocs" && CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false \
		go build -o "$dir/gomaxprocs" .)
	tap_ok "built the program that prints Go's count ($(GOTOOLCHAIN=local go env GOVERSION))"
else
	tap_ok "Go's count beside corun's # SKIP no Go 1.25 or newer"
fi

for mode in "$@"; do
	guest_run "$mode" "$dir" guest_cpu.sh
done

tap_done
