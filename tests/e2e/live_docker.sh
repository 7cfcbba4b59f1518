#!/bin/sh
# live_docker.sh - corunctl and corund in containers of the Docker Engine, whose limits change
#
#   tests/e2e/live_docker.sh [BUILD-FOLDER]
#
# Prints TAP. BUILD-FOLDER is the current one if not given. Needs root, and starts an engine if
# none runs. The image is made of this machine's own files: nothing is downloaded.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/tap.sh
. "$here/../tap.sh"
# shellcheck source=tests/e2e/watch.sh
. "$here/watch.sh"

build=${1:-.}
name=corun-test-$$
dir=$(mktemp -d)
engine='' client='' image=''
cleanup() {
	docker rm -f "$name" >/dev/null 2>&1 || :
	[ -z "$client" ] || wait "$client" 2>/dev/null || :
	[ -z "$image" ] || docker rmi -f "$name" >/dev/null 2>&1 || :
	if [ -n "$engine" ]; then
		kill "$engine"
		wait "$engine" 2>/dev/null || :
	fi
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

if ! docker info >/dev/null 2>&1; then
	dockerd >"$dir/dockerd.log" 2>&1 &
	engine=$!
	i=0
	until docker info >/dev/null 2>&1; do
		i=$((i + 1))
		if [ $i -gt 300 ] || ! kill -0 "$engine" 2>/dev/null; then
			tap_fail "an engine runs" "$(tail -n 20 "$dir/dockerd.log")"
			tap_done
			exit 1
		fi
		sleep 0.1
	done
fi
tap_note "$(docker info --format '{{.ServerVersion}}, cgroup v{{.CgroupVersion}}, {{.CgroupDriver}}' 2>&1)"

"$here/stage.sh" "$build" "$dir/root"
mkdir -p "$dir/root/proc" "$dir/root/sys" "$dir/root/dev" "$dir/root/etc/corun/tasks.d" "$dir/root/tmp"
cp "$(command -v busybox)" "$dir/root/bin/sh" # sh, echo, sleep in one file without libraries
cat >"$dir/root/etc/corun/corund.conf" <<-'CONF'
	[Corund]
	WorkersMin=1
CONF
cat >"$dir/root/etc/corun/tasks.d/told.task" <<-'TASK'
	[Task]
	ExecStart=/bin/sh -c 'trap "echo signalled" USR1; echo started with %w; (sleep 1 &) ; while :; do sleep 1 & wait $!; done'
	OnResize=signal:USR1
TASK
tar -C "$dir/root" -c . | docker import - "$name" >/dev/null
image=yes

cpus=$(docker info --format '{{.NCPU}}')
run() { docker run --rm --network none "$@"; }
least() { if [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi; }
tap_is "no limit: all CPUs" "$(run "$name" /bin/corunctl nproc)" "$cpus"
tap_is "--cpus=0.5" "$(run --cpus=0.5 "$name" /bin/corunctl nproc --min 1)" 1
tap_is "--cpus=1.5" "$(run --cpus=1.5 "$name" /bin/corunctl nproc --min 1)" "$(least 2 "$cpus")"
tap_is "--cpuset-cpus=0" "$(run --cpuset-cpus=0 "$name" /bin/corunctl nproc --min 1)" 1
tap_is "read-only root, no capability, any user" \
	"$(run --read-only --cap-drop=ALL --user 12345 --cpus=1.5 "$name" /bin/corunctl nproc --cpus 8)" 2
tap_is "--cgroupns=private" \
	"$(run --cgroupns=private --cpus=1.5 "$name" /bin/corunctl nproc --cpus 8)" 2

# One that runs while its limit changes.
run --name "$name" --cpus=1.5 "$name" /bin/corunctl cpu --watch --json --min 1 --cpus 8 >"$dir/out" &
client=$!
follow() { # $1 description, $2 the count that is to come within 10 s
	seen=$(watch_until "$dir/out" "$2" 10)
	tap_is "--watch follows: $1 (${seen#* } ms)" "${seen% *}" "$2"
}
update() { docker update "$@" "$name" >/dev/null; }
follow "--cpus=1.5" 2
update --cpus 0.7
follow "update --cpus 0.7" 1
update --cpus 1.01
follow "update --cpus 1.01" 2
update --cpus 1
follow "update --cpus 1" 1

before=$(now_ms)
docker stop --time 20 "$name" >/dev/null
took=$(($(now_ms) - before))
status=0
wait "$client" || status=$?
client=''
if [ "$took" -lt 10000 ]; then
	tap_ok "as PID 1 it ends when told to ($took ms, exit code $status)"
else
	tap_fail "as PID 1 it did not end when told to: $took ms"
fi

# ---- corund as PID 1: any uid, read-only root, no capability
docker rm -f "$name" >/dev/null 2>&1 || :
docker run -d --network none --name "$name" --cpus=1.5 --read-only --tmpfs /tmp:uid=12345 --cap-drop=ALL \
	--user 12345 --env CORUN_SOCKET=/tmp/corun.sock "$name" \
	/bin/corund --config /etc/corun/corund.conf --cpus 8 >/dev/null
ask() { docker exec "$name" /bin/corunctl "$@" 2>&1; }
workers() { ask workers --json | sed -n 's/.*"workers": *\([0-9]*\).*/\1/p'; }
logged() { docker logs "$name" 2>&1 | grep -c -F -e "$1" || :; }
becomes() { # WHAT WANTED COMMAND...: within 20 s
	what=$1 wanted=$2
	shift 2
	begun=$(now_ms)
	while :; do
		got=$("$@" || :)
		took=$(($(now_ms) - begun))
		[ "$got" != "$wanted" ] || break
		[ $took -lt 20000 ] || break
		sleep 0.1
	done
	if [ "$got" = "$wanted" ]; then tap_ok "$what ($took ms)"; else
		tap_fail "$what" "'$got', wanted '$wanted'; $(docker logs "$name" 2>&1 | tail -n 10)"
	fi
}
becomes "corund as PID 1, --cpus=1.5" 2 workers
becomes "its task is told 2" 1 logged "told: started with 2"
update --cpus 0.7
becomes "docker update --cpus 0.7" 1 workers
becomes "OnResize=signal" 1 logged "told: signalled"
update --cpus 1.9
becomes "docker update --cpus 1.9" 2 workers
orphans() { ask status --json | sed -n 's/.*"orphans_reaped": *\([0-9]*\).*/\1/p'; }
becomes "it reaps what nobody waits for" 1 orphans
before=$(now_ms)
docker stop --time 20 "$name" >/dev/null
tap_is "docker stop ($(($(now_ms) - before)) ms): exit code" \
	"$(docker inspect --format '{{.State.ExitCode}}' "$name")" 0

tap_done
