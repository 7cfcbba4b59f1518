#!/bin/sh
# live_corund.sh - corund as a service of systemd on 8 CPUs, in each cgroup layout
#
#   tests/e2e/live_corund.sh [BUILD-FOLDER [MODE...]]
#
# Prints TAP. BUILD-FOLDER is the current one if not given; MODE is v2, hybrid or v1, all three if none
# is given; each is one boot of the small machine (see tests/vm.sh). What happens there is in
# guest_corund.sh. Needs root.
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
cp "$here/../tap.sh" "$here/guest_corund.sh" "$build/systemd/corund.service" \
	"$here/../../systemd/corund.socket" "$dir/"

for mode in "$@"; do
	guest_run "$mode" "$dir" guest_corund.sh
done
tap_done
