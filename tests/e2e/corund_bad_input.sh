#!/bin/sh
# corund_bad_input.sh - whatever is wrong gets a clear error, and the daemon goes on
#
# CORUND and CORUNCTL name the programs; default: those in the build folder.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/kernel.sh
. "$(dirname "$0")/kernel.sh"
# shellcheck source=tests/e2e/daemon.sh
. "$(dirname "$0")/daemon.sh"

wrong() { # WHAT CODE WORDS ARGUMENT...: corund is to end with CODE and say WORDS
	what=$1 code=$2 words=$3
	shift 3
	status=0
	timeout 20 "$corund" "$@" >"$dir/out" 2>"$dir/err" || status=$?
	err=$(cat "$dir/err")
	case $status:$err in
	"$code:"*"$words"*) tap_ok "$what: $(grep -F -e "$words" "$dir/err" | head -n 1)" ;;
	*) tap_fail "$what" "exit code $status, stderr '$err'; wanted $code and '$words'" ;;
	esac
}
check() { # WHAT WORDS LINE...: a task file with these lines, by --check-config
	check_what=$1 check_words=$2
	shift 2
	task one "$@"
	wrong "$check_what" 78 "$check_words" --config "$conf/corund.conf" --check-config
}

# ---- the command line
wrong "an unknown option" 2 "unknown option '--sockets'" --sockets
wrong "an option without its value" 2 "--cpus needs a value" --cpus
wrong "a value that is no number" 2 "--cpus x" --cpus x
wrong "an argument" 2 "unexpected argument 'start'" start
wrong "a file that is not there" 78 "$dir/no.conf" --config "$dir/no.conf"
wrong "--explain of a file that is not there" 78 "$dir/no.task" --config "$conf/corund.conf" --explain "$dir/no.task"
CORUN_WORKERS=x wrong "CORUN_WORKERS=x" 78 "CORUN_WORKERS=x" --config "$conf/corund.conf"
CORUN_WORKERS=0 wrong "CORUN_WORKERS=0" 78 "CORUN_WORKERS=0" --config "$conf/corund.conf" --check-config
wrong "--root of a folder that is not there" 1 "--root $dir/nowhere" --config "$conf/corund.conf" \
	--socket "$sock" --root "$dir/nowhere"

# ---- the configuration: all errors at once, with file and line
check "an unknown key" "one.task:2: unknown key 'ExecStrat'" 'ExecStrat=/bin/true'
check "the nearest key" "did you mean 'ExecStart'" 'ExecStrat=/bin/true'
check "a bad time" "one.task:3:" 'ExecStart=/bin/true' 'RestartSec=soon'
check "a bad count" "one.task:3:" 'ExecStart=/bin/true' 'Workers=some'
check "a bad signal" "one.task:3:" 'ExecStart=/bin/true' 'OnResize=signal:NOPE'
check "a bad word" "one.task:3:" 'ExecStart=/bin/true' 'Restart=sometimes'
check "no command" "ExecStart" 'Description=nothing to do'
check "a program that is not there" "/no/such/program" 'ExecStart=/no/such/program'
check "a reload without a command for it" "ExecReload" 'ExecStart=/bin/true' 'OnResize=reload'
check "a missing module" "nosuch" 'Type=module' 'Module=nosuch'
check "an unknown user" "nobody-of-this-name" 'ExecStart=/bin/true' 'User=nobody-of-this-name'
echo 'I am text' >"$dir/text.so"
check "a text file as a module" "$dir/text.so" 'Type=module' "Module=$dir/text.so"
check "a module with another ABI" "ABI" 'Type=module' \
	"Module=${CORUN_TOP_BUILDDIR:-$PWD}/tests/modules/.libs/bad_abi.so"
task one 'ExecStrat=/bin/true' 'RestartSec=soon'
status=0
"$corund" --config "$conf/corund.conf" --check-config 2>"$dir/err" || status=$?
tap_is "all errors at once" "$(grep -c 'one.task:' "$dir/err")" "$(grep -c . "$dir/err" | awk '{ print $1 - 1 }')"
rm "$conf/tasks.d/one.task"
status=0
"$corund" --config "$conf/corund.conf" --check-config >"$dir/out" 2>&1 || status=$?
tap_is "a configuration in order: exit code" "$status" 0

# ---- while it runs
task good 'ExecStart=/bin/sleep 1000'
task broken "ExecStart=/bin/sh -c 'exit 7'" 'Restart=no'
task unit 'Type=module' 'Module=burn' 'Restart=no'
printf '[Module]\nCoroutine=1\n' >>"$conf/tasks.d/unit.task"
daemon_start
becomes "a module with an unknown key fails" failed field .state status unit
case $(field .error status unit) in
*Coroutine*) tap_ok "and says which one: $(field .error status unit)" ;;
*) tap_fail "and says which one" "$(field . status unit)" ;;
esac
becomes "an exit code" 7 field .last_end.code status broken

# another daemon on the same socket, and paths that cannot be one
wrong "a socket in use" 1 "$sock" --config "$conf/corund.conf" --socket "$sock" --root "$kernel"
long=$dir/$(printf '%0110d' 0)
wrong "a socket path that is too long" 1 "107 bytes at most" --config "$conf/corund.conf" --socket "$long"
wrong "a socket in a folder that is not there" 1 "$dir/none/s" --config "$conf/corund.conf" --socket "$dir/none/s"
tap_is "the first daemon answers" "$(field .state status)" running

# requests
if command -v curl >/dev/null; then
	http() { # WHAT CODE WORDS ARGUMENT...: of curl
		what=$1 code=$2 words=$3
		shift 3
		got=$(curl -s --max-time 20 --unix-socket "$sock" -o "$dir/body" -w '%{http_code}' "$@" || :)
		case $got:$(cat "$dir/body") in
		"$code:"*"$words"*) tap_ok "$what: $(jq -r .error "$dir/body")" ;;
		*) tap_fail "$what" "$got $(cat "$dir/body"); wanted $code and '$words'" ;;
		esac
	}
	http "a body that is no JSON" 400 "JSON" -X PUT -d '{"workers":' http://corund/v1/workers
	http "JSON of another kind" 400 "workers" -X PUT -d '[1]' http://corund/v1/workers
	http "a count that is none" 400 "workers" -X PUT -d '{"workers":"many"}' http://corund/v1/workers
	http "a count that is too large" 400 "1024" -X PUT -d '{"workers":1025}' http://corund/v1/workers
	head -c 70000 /dev/zero | tr '\0' ' ' >"$dir/large"
	http "a body that is too large" 413 "larger than 65536" -X PUT --data-binary "@$dir/large" http://corund/v1/workers
	http "a task that does not exist" 404 "godo" -X POST http://corund/v1/tasks/godo/stop
	http "a path that does not exist" 404 "/v1/nothing" http://corund/v1/nothing
	http "another method" 405 "PUT" -X DELETE http://corund/v1/workers
else
	tap_note "no curl here: requests were left out"
fi

# the kernel's files
quota a/b 'nonsense'
log_has "a malformed file is said once" "malformed"
quota a 'more nonsense'
sleep 1.2
tap_is "it goes on with the last good value" "$(field .workers workers)" 3
quota a 'max 100000'
quota a/b '410000 100000'
becomes "and follows when the file is well again" 5 field .workers workers
mkdir "$kernel/sys/fs/cgroup/a/b/folder"
rm "$kernel/sys/fs/cgroup/a/b/cpu.max"
mv "$kernel/sys/fs/cgroup/a/b/folder" "$kernel/sys/fs/cgroup/a/b/cpu.max"
log_has "a file that cannot be read is said" "cannot be read: Is a directory"
tap_is "it goes on with the last good value of that, too" "$(field .workers workers)" 5
rmdir "$kernel/sys/fs/cgroup/a/b/cpu.max"
quota a/b '410000 100000'
file proc/self/cgroup 'nonsense'
log_has "so is a place that cannot be found" "/proc/self/cgroup"
tap_is "and it goes on" "$(field .state status)" running
daemon_stop
tap_is "it ends as it should: exit code" "$status" 0

# whose is the log? The variable is inherited by all that a service starts
JOURNAL_STREAM=1:1
export JOURNAL_STREAM
daemon_start
daemon_stop
tap_is "JOURNAL_STREAM of another file: lines without a priority" "$(grep -c '^<' "$log" || :)" 0
JOURNAL_STREAM=$(stat -c %d:%i "$log")
daemon_start
daemon_stop
tap_is "JOURNAL_STREAM of this one: all with it" "$(grep -c -v '^<[3-7]>' "$log" || :)" 0
unset JOURNAL_STREAM

# a log that nobody reads, and a task that writes without end
task noisy 'ExecStart=/usr/bin/yes I am a line that is long enough to fill what is there in a short while'
mkfifo "$dir/pipe"
exec 5<>"$dir/pipe"
log=$dir/pipe
daemon_start
losing() { [ "$(field .log_dropped status)" -gt 0 ]; }
if wait_for losing; then tap_ok "lines of a task that do not fit are counted"; else
	tap_fail "lines of a task that do not fit are counted"
fi
tap_is "the daemon answers" "$(field .state status)" running
ctl stop noisy
ctl reload
log=$dir/log
cat <"$dir/pipe" >"$log" 5>&- &
reader=$!
log_has "what was lost is said" "lines were lost"
log_has "the daemon's own lines were not" "configuration reloaded"
daemon_stop
exec 5>&-
wait $reader
rm "$conf/tasks.d/noisy.task"

# a stale socket is replaced
daemon_start
orphan=$(field .pid status good)
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null || :
daemon=''
kill "$orphan"
tap_is "a killed daemon leaves its socket" "$([ -S "$sock" ] && echo yes)" yes
daemon_start
tap_is "the next one replaces it" "$(field .state status)" running
daemon_stop

tap_done
