#!/bin/sh
# guest_cpu.sh - corunctl under systemd on 8 CPUs; run by live_vm.sh inside the small machine
#
#   guest_cpu.sh DIR MODE
#
# Prints TAP. DIR has what live_vm.sh laid there: corun/ (from stage.sh), corun.tar, and
# gomaxprocs where there is a Go. MODE is v2, hybrid or v1.
set -eu
dir=$1 mode=$2
# shellcheck source=tests/tap.sh
. "$dir/tap.sh"
# shellcheck source=tests/e2e/watch.sh
. "$dir/watch.sh"
export LC_ALL=C

# The software emulation is slow, and a shared folder slower: all of it into memory first.
bin=/run/corun-test
mkdir "$bin"
cp -R "$dir/corun" "$bin/"
corunctl=$bin/corunctl
printf '#!/bin/sh\nexec %s/corun/run corunctl "$@"\n' "$bin" >"$corunctl"
chmod 755 "$corunctl"
go=''
if [ -x "$dir/gomaxprocs" ]; then
	go=$bin/gomaxprocs
	cp "$dir/gomaxprocs" "$go"
fi

tap_note "$mode: $(uname -r), $(systemctl --version | head -n 1), $(nproc) CPUs"
case $mode in
v2) wanted_hierarchy=cgroup2fs ;;
*) wanted_hierarchy=tmpfs ;;
esac
tap_is "what is mounted on /sys/fs/cgroup" "$(stat -f -c %T /sys/fs/cgroup)" "$wanted_hierarchy"

# ---- what a program sees that starts under a quota
once() { # $1 description, $2 wanted count, then options of systemd-run
	once_description=$1 once_wanted=$2
	shift 2
	tap_is "started with $once_description" \
		"$(systemd-run --quiet --pipe --wait "$@" "$corunctl" nproc)" "$once_wanted"
}
once "no quota" 8
once "CPUQuota=230%" 3 -p CPUQuota=230%
once "CPUQuota=100%" 2 -p CPUQuota=100%
once "CPUQuota=50%" 2 -p CPUQuota=50%
once "CPUQuota=410%" 5 -p CPUQuota=410%
once "CPUQuota=230% and a period of 20 ms" 3 -p CPUQuota=230% -p CPUQuotaPeriodSec=20ms
once "CPUAffinity=0-2" 3 -p CPUAffinity=0-2
once "CPUAffinity=0-2 and CPUQuota=410%" 3 -p CPUAffinity=0-2 -p CPUQuota=410%
tap_is "taskset -c 1" "$(taskset -c 1 "$corunctl" nproc)" 1
tap_is "taskset -c 1,3-5,7" "$(taskset -c 1,3-5,7 "$corunctl" nproc)" 5

# ---- what a program sees that runs while the quota changes, beside the same in Go
# Both in one service, and so in the same cgroup at any time.
: >"$bin/go.out"
# shellcheck disable=SC2016 # for the inner shell
systemd-run --quiet --unit=corun-test.service --slice=coruntest.slice -p CPUQuota=230% \
	sh -c '[ -z "$2" ] || "$2" >"$0/go.out" &
		exec "$1" cpu --watch --json >"$0/corun.out"' "$bin" "$corunctl" "$go"
pid=$(systemctl show -p MainPID --value corun-test.service)
case $mode in
v2) cgroup=$(sed -n 's/^0:://p' "/proc/$pid/cgroup") ;;
*) cgroup=$(sed -n 's/^[0-9]*:cpu,cpuacct://p' "/proc/$pid/cgroup") ;;
esac
tap_note "in $cgroup"
cleanup() {
	systemctl stop corun-test.service 2>/dev/null || :
}
trap cleanup EXIT

go_count() { [ -z "$go" ] || tail -n 1 "$bin/go.out"; }

# follow DESCRIPTION CORUN [GO]: both columns are to come within 10 s; without GO, Go's count is
# shown, not judged.
follow() {
	start=$(now_ms)
	corun_ms='' go_ms='' took=0
	while [ $took -lt 10000 ]; do
		took=$(($(now_ms) - start))
		[ -n "$corun_ms" ] || [ "$(watch_workers "$bin/corun.out")" != "$2" ] || corun_ms=$took
		[ -n "$go_ms" ] || [ "$(go_count)" != "${3-}" ] || go_ms=$took
		waits_for_go=''
		[ -z "$go" ] || [ -z "${3-}" ] || [ -n "$go_ms" ] || waits_for_go=yes
		[ -z "$corun_ms" ] || [ -n "$waits_for_go" ] || break
		sleep 0.2
	done
	corun_count=$(watch_workers "$bin/corun.out")
	tap_note "$(printf '%-34s corun %2s after %5s ms   Go %2s after %5s ms' "$1" \
		"$corun_count" "${corun_ms:--}" "$(go_count)" "${go_ms:--}")"
	tap_is "$1: corun" "$corun_count" "$2"
	[ -z "${3-}" ] || [ -z "$go" ] || tap_is "$1: Go agrees" "$(go_count)" "$3"
}
set_quota() { systemctl set-property --runtime "$1" CPUQuota="$2"; }

follow "CPUQuota=230% at the start" 3 3
set_quota corun-test.service 100%
follow "set-property CPUQuota=100%" 2 2
set_quota corun-test.service 410%
follow "set-property CPUQuota=410%" 5 5
set_quota corun-test.service 50%
follow "set-property CPUQuota=50%" 2 2
set_quota corun-test.service ''
follow "set-property CPUQuota= (none)" 8 8
set_quota coruntest.slice 300%
follow "300% on the slice above" 3
set_quota coruntest.slice ''
follow "none on the slice above" 8 8
for p in $pid ${go:+$(pgrep -x gomaxprocs)}; do
	taskset -a -p 0x3b "$p" >/dev/null
done
follow "taskset to 5 CPUs" 5 5
tap_is "the command did not restart" "$(systemctl show -p MainPID --value corun-test.service)" "$pid"

# ---- a container of the Docker Engine
if [ "$mode" = v2 ] && command -v docker >/dev/null; then
	systemctl start docker.service
	docker import "$dir/corun.tar" corun-test >/dev/null
	tap_note "docker $(docker info --format '{{.ServerVersion}}, cgroup v{{.CgroupVersion}}, {{.CgroupDriver}}')"
	tap_is "docker run --cpus=2.3" \
		"$(docker run --rm --network none --cpus=2.3 corun-test /bin/corunctl nproc)" 3
	docker run --rm --network none --cpus=2.3 --name corun-test corun-test \
		/bin/corunctl cpu --watch --json >"$bin/docker.out" &
	container() { # $1 description, $2 wanted count
		seen=$(watch_until "$bin/docker.out" "$2" 90) # starting one is slow here
		tap_is "$1 (${seen#* } ms)" "${seen% *}" "$2"
	}
	container "--watch in docker run --cpus=2.3" 3
	docker update --cpus 4.5 corun-test >/dev/null
	container "docker update --cpus 4.5" 5
	docker update --cpus 0.7 corun-test >/dev/null
	container "docker update --cpus 0.7" 2
	docker rm -f corun-test >/dev/null
fi

tap_done
