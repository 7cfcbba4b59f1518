#!/bin/sh
# guest_corund.sh - corund as a systemd service on 8 CPUs; run by live_corund.sh inside the small machine
#
#   guest_corund.sh DIR MODE
#
# Prints TAP. DIR has what live_corund.sh laid there: corun/ (from stage.sh) and the units. MODE is v2,
# hybrid or v1.
set -eu
dir=$1 mode=$2
# shellcheck source=tests/tap.sh
. "$dir/tap.sh"
export LC_ALL=C

# The software emulation is slow, and a shared folder slower: all of it into memory first.
bin=/run/corun-test
mkdir "$bin"
cp -R "$dir/corun" "$bin/"
for program in corund corunctl; do
	printf '#!/bin/sh\nexec %s/corun/run %s "$@"\n' "$bin" "$program" >"/usr/local/bin/$program"
	chmod 755 "/usr/local/bin/$program"
done
now_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }
becomes() { # WHAT WANTED SECONDS COMMAND...
	what=$1 wanted=$2 seconds=$3
	shift 3
	begun=$(now_ms)
	while :; do
		got=$("$@" 2>&1 || :)
		took=$(($(now_ms) - begun))
		[ "$got" != "$wanted" ] || break
		[ $took -lt $((seconds * 1000)) ] || break
		sleep 0.1
	done
	if [ "$got" = "$wanted" ]; then tap_ok "$what ($took ms)"; else
		tap_fail "$what" "'$got' after $took ms, wanted '$wanted'"
	fi
}
journal() { journalctl -u corund.service -o cat --no-pager; }
in_journal() { [ "$(journal | grep -c -F -e "$1")" -ge "${2:-1}" ] && echo yes; }

# ---- the service as it is shipped, with our paths
mkdir -p /etc/corun/tasks.d
printf '[Corund]\nModuleDirectory=%s\n' "$bin/corun/lib/corun/modules" >/etc/corun/corund.conf
cat >/etc/corun/tasks.d/burn.task <<-'TASK'
	[Task]
	Type=module
	Module=burn
	[Module]
	Coroutines=16
	Checkpoint=no
TASK
cat >/etc/corun/tasks.d/told.task <<-'TASK'
	[Task]
	ExecStart=/bin/sh -c 'trap "echo signalled" USR1; echo started with %w; while :; do sleep 1 & wait $!; done'
	OnResize=signal:USR1
TASK
sed 's|^ExecStart=.*|ExecStart=/usr/local/bin/corund --config /etc/corun/corund.conf|; s|^ExecReload=.*|ExecReload=/usr/local/bin/corunctl reload|' \
	"$dir/corund.service" >/etc/systemd/system/corund.service
cp "$dir/corund.socket" /etc/systemd/system/
mkdir -p /etc/systemd/system/corund.service.d
printf '[Service]\nSlice=coruntest.slice\nCPUQuota=230%%\n' >/etc/systemd/system/corund.service.d/test.conf
systemctl daemon-reload
tap_note "$mode: $(uname -r), $(systemctl --version | head -n 1), $(nproc) CPUs"
tap_is "the unit is in order" "$(systemd-analyze verify /etc/systemd/system/corund.service 2>&1 | grep -v "Command 'man" || :)" ""
tap_is "systemctl start waits for READY=1" "$(systemctl start corund.service && systemctl is-active corund.service)" active
show() { systemctl show -p "$1" --value corund.service; }
pid=$(show MainPID)
workers() { corunctl workers --json --timeout 20 | sed -n 's/.*"workers": *\([0-9]*\).*/\1/p'; }
becomes "CPUQuota=230%: corunctl" 3 20 workers
becomes "the task was told" yes 20 in_journal "told: started with 3"
tap_note "$(show StatusText)"

# ---- each change, in the event stream and in status, while the module keeps all workers busy
corunctl events --json >"$bin/events" 2>&1 &
events=$!
trap 'kill $events 2>/dev/null || :' EXIT
sleep 1
event_ms() { # when, in ms since the epoch, the stream said that there are now $1 workers, after line $2
	tail -n "+$(($2 + 1))" "$bin/events" | grep '"event": *"workers"' | grep "\"workers\": *$1[,}]" |
		tail -n 1 | sed 's/.*"time": *"\([^"]*\)".*/\1/' |
		while read -r time; do date -u -d "$time" +%s%3N; done
}
follow() { # WHAT WANTED: what has just been set is to show within 2.5 s
	set_ms=$(date +%s%3N)
	begun=$(now_ms)
	said=''
	while [ -z "$said" ] && [ $(($(now_ms) - begun)) -lt 20000 ]; do
		said=$(event_ms "$2" "$lines")
		[ -n "$said" ] || sleep 0.2
	done
	if [ -n "$said" ] && [ $((said - set_ms)) -le 2500 ]; then
		tap_ok "$1: $2 in the event stream after $((said - set_ms)) ms"
	else
		tap_fail "$1: $2 in the event stream within 2.5 s" "${said:+$((said - set_ms)) ms} $(tail -n 2 "$bin/events")"
	fi
	tap_is "$1: corunctl" "$(workers)" "$2"
}
prepare() { lines=$(wc -l <"$bin/events"); }
set_quota() {
	prepare
	systemctl set-property --runtime "$1" CPUQuota="$2"
}
set_quota corund.service 100%
follow "CPUQuota=100%" 2
set_quota corund.service 410%
follow "CPUQuota=410%" 5
set_quota corund.service 50%
follow "CPUQuota=50%" 2
set_quota corund.service ''
follow "no quota" 8
set_quota coruntest.slice 300%
follow "300% on the slice above" 3
set_quota coruntest.slice ''
follow "none there" 8
case $mode in
v2) other=/sys/fs/cgroup/corun-other ;;
*) other=/sys/fs/cgroup/cpu,cpuacct/corun-other ;;
esac
own=$(sed -n "s/^[0-9]*:\(cpu,cpuacct\)\{0,1\}:\(.*\)/\2/p" "/proc/$pid/cgroup" | head -n 1)
mkdir "$other"
case $mode in
v2) echo '600000 100000' >"$other/cpu.max" ;;
*) echo 600000 >"$other/cpu.cfs_quota_us" ;;
esac
prepare
echo "$pid" >"$other/cgroup.procs"
follow "a move to another cgroup with 600%" 6
prepare
echo "$pid" >"${other%/*}$own/cgroup.procs"
follow "and back" 8
becomes "OnResize= ran once for each change" yes 20 in_journal "told: signalled" 7
tap_is "the daemon did not restart" "$(show MainPID)" "$pid"

# ---- a task's own quota, in a cgroup below the unit's
cat >/etc/corun/tasks.d/limited.task <<-'TASK'
	[Task]
	ExecStart=/bin/sh -c 'echo limited to %w; exec sleep 1000'
	CPUQuota=320%
TASK
if systemctl reload corund.service; then tap_ok "systemctl reload"; else
	tap_fail "systemctl reload" "$(journal | tail -n 5)"
fi
becomes "the task with CPUQuota=320% is told 4" yes 20 in_journal "limited: limited to 4"
task_pid=$(corunctl status limited --json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
case $mode in
v2)
	task_dir=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$task_pid/cgroup")
	tap_is "its cpu.max ($task_dir)" "$(cat "$task_dir/cpu.max")" "320000 100000"
	;;
*)
	task_dir=/sys/fs/cgroup/cpu,cpuacct$(sed -n 's/^[0-9]*:cpu,cpuacct://p' "/proc/$task_pid/cgroup")
	tap_is "its quota ($task_dir)" "$(cat "$task_dir/cpu.cfs_quota_us")" 320000
	;;
esac
# With v1 the kernel refuses a quota that is tighter than that of a group below it.
case $mode in
v2)
	set_quota corund.service 230%
	follow "CPUQuota=230%, though a task has 320%" 3
	;;
*)
	set_quota corund.service 350%
	follow "CPUQuota=350%, while a task has 320%" 4
	;;
esac
printf '[Task]\nExecStrat=/bin/true\n' >/etc/corun/tasks.d/wrong.task
if systemctl reload corund.service 2>/dev/null; then
	tap_fail "systemctl reload fails with a wrong configuration"
else
	tap_ok "systemctl reload fails with a wrong configuration"
fi
becomes "and the journal says why" yes 20 in_journal "unknown key 'ExecStrat'"
tap_is "the daemon goes on" "$(systemctl is-active corund.service)" active
rm /etc/corun/tasks.d/wrong.task

# ---- stop, and socket activation
begun=$(now_ms)
systemctl stop corund.service
tap_is "systemctl stop: result ($(($(now_ms) - begun)) ms)" "$(show Result)" success
tap_is "nothing of it is left" "$(ls -d "$task_dir" 2>/dev/null || :)" ""
systemctl start corund.socket
tap_is "with corund.socket, asking starts it" "$(corunctl version --timeout 30 | grep -c corund)" 1
tap_is "and it is active" "$(systemctl is-active corund.service)" active
systemctl stop corund.socket corund.service

tap_done
