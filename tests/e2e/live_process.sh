#!/bin/sh
# live_process.sh - starts, ends and cgroups of processes under systemd, in each cgroup layout
#
#   tests/e2e/live_process.sh BUILD-FOLDER BUILD-FOLDER-WITHOUT-LIBCGROUP [MODE...]
#
# Prints TAP. MODE is v2, hybrid or v1, all three if none is given; each is one boot of the small
# machine (see tests/vm.sh). What happens there is in guest_process.sh. Needs root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/tap.sh
. "$here/../tap.sh"
# shellcheck source=tests/e2e/guest.sh
. "$here/guest.sh"

build=$1 direct=$2
shift 2
[ $# -gt 0 ] || set -- v2 hybrid v1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

# The tests with the libraries that they load.
mkdir "$dir/tests"
for name in test_spawn test_reaper test_taskgroup; do
	make -s -C "$build" "tests/unit/$name"
	cp "$build/tests/unit/$name" "$dir/tests/"
done
make -s -C "$direct" tests/unit/test_taskgroup
cp "$direct/tests/unit/test_taskgroup" "$dir/tests/test_taskgroup_direct"
mkdir "$dir/tests/lib"
for program in "$dir"/tests/test_*; do ldd "$program"; done |
	awk '$2 == "=>" { print $3 } $1 ~ /^\/.*\/ld-/ { print $1 }' | sort -u |
	while read -r file; do cp -L "$file" "$dir/tests/lib/"; done
cat >"$dir/tests/run" <<'RUN'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
exec "$here"/lib/ld-* --library-path "$here/lib" "$here/$1"
RUN
chmod 755 "$dir/tests/run"
cp "$here/../tap.sh" "$here/guest_process.sh" "$dir/"

for mode in "$@"; do
	guest_run "$mode" "$dir" guest_process.sh
done

tap_done
