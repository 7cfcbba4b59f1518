#!/bin/sh
# corunctl_daemon.sh - the commands that ask corund, when something other than corund answers
#
# CORUNCTL names the program; default: the one in the build folder. A server of the test's own says
# what corund would never say, or say seldom: garbage, half an answer, none, too much, hostile names.
# The same commands with corund itself are in corund_ctl.sh.
set -eu
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/e2e/kernel.sh
. "$(dirname "$0")/kernel.sh"
here=$(cd "$(dirname "$0")" && pwd)
"$corunctl" --help | grep -q '^  status ' || tap_skip_all "built with --disable-daemon"
python3 -c '' 2>/dev/null || tap_skip_all "python3 is not installed"
unset CORUN_SOCKET XDG_RUNTIME_DIR

# ---- the command line
for command in status tasks workers start stop restart logs events reload version; do
	run $command --help
	tap_is "$command --help: exit code" "$status" 0
	refuses "$command: unknown option" "unknown option '--bogus'" $command --bogus
	refuses "$command --timeout 0" "whole number of seconds from 1 to 3600" $command --timeout 0
	refuses "$command --timeout 1.5" "whole number of seconds" $command --timeout 1.5
	refuses "$command --timeout 3601" "whole number of seconds" $command --timeout 3601
	refuses "$command --socket ''" "want the path of a socket" $command --socket ''
done
for command in tasks events reload version; do
	refuses "$command: a word too many" "unexpected argument 'word'" $command word
done
for command in start stop restart logs; do
	refuses "$command without a name" "it needs the name of a task" $command
	refuses "$command ''" "'' is not the name of a task" $command ''
done
refuses "status: two names" "unexpected argument 'b'" status a b
refuses "status --lines without a name" "goes with the name of a task" status --lines 3
refuses "logs: two names" "unexpected argument 'b'" logs a b
refuses "logs -n 0" "whole number from 1 to" logs a -n 0
refuses "logs -n" "-n needs a value" logs a -n
refuses "logs --json: it is text" "unknown option '--json'" logs a --json
refuses "events --since -1" "want the number of an event" events --since=-1
refuses "events --since ''" "want the number of an event" events --since=
for n in 0 1025 -- -1 4x '' AUTO; do
	[ "$n" != -- ] || continue
	case $n in
	-*) refuses "workers $n" "want a whole number from 1 to 1024, or auto" workers -- "$n" ;;
	'') refuses "workers ''" "'' is not a number of workers or auto" workers "$n" ;;
	*) refuses "workers $n" "want a whole number from 1 to 1024, or auto" workers "$n" ;;
	esac
done
refuses "a mistyped command" "did you mean 'status'" stauts

# ---- nobody there
nobody() { # WHAT WORDS ARGUMENT...: exit code 3, nothing on stdout
	what=$1 words=$2
	shift 2
	run "$@"
	tap_is "$what: exit code, stdout" "$status$out" 3
	says "$what: says that it is not there" "corund cannot be reached"
	says "$what: names where it looked" "$words"
}
nobody "no socket" "$dir/none: No such file or directory" status --socket "$dir/none"
nobody "several tasks" "$dir/none: No such file or directory" stop a b c --socket "$dir/none"
tap_is "several tasks: said once" "$(grep -c reached "$dir/err")" 1
nobody "events" "$dir/none: No such file or directory" events --socket "$dir/none"
CORUN_SOCKET=$dir/of-variable
export CORUN_SOCKET
nobody "CORUN_SOCKET" "$dir/of-variable: No such file" tasks
nobody "--socket goes first" "$dir/none: No such file" tasks --socket "$dir/none"
unset CORUN_SOCKET
long=$dir/$(printf '%0120d' 0)
nobody "a path that is too long for a socket" "File name too long" tasks --socket "$long"
: >"$dir/file"
nobody "a file that is no socket" "$dir/file: the socket is there, but nobody listens" tasks --socket "$dir/file"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/stale"
nobody "a stale socket" "$dir/stale: the socket is there, but nobody listens" tasks --socket "$dir/stale"
run version --socket "$dir/none"
tap_is "version: its own is printed all the same" "$status $(echo "$out" | cut -d' ' -f1)" "3 corunctl"

# ---- a server
answers=$dir/answers
mkdir "$answers"
python3 "$here/ctl_server.py" "$dir/socket" "$answers" 2>"$dir/server.err" &
server=$!
trap 'kill $server; kernel_cleanup' EXIT
wait_for test -S "$dir/socket" || { echo "Bail out! the server did not start"; exit 1; }
CORUN_SOCKET=$dir/socket
export CORUN_SOCKET

then_() { echo "$1" >"$answers/then"; }
raw() { # BYTES [PATH]: as printf has them; PATH as in _v1_tasks
	# shellcheck disable=SC2059 # that is the point
	printf "$1" >"$answers/reply${2-}"
}
reply() { # STATUS BODY [PATH]
	printf 'HTTP/1.1 %s X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
		"$1" "$(printf '%s' "$2" | wc -c)" "$2" >"$answers/reply${3-}"
}
asked() { tail -n 1 "$answers/requests"; }
requests() { grep -v '^gone$' "$answers/requests" | tail -n "$1" | tr '\n' ';'; }
forget() {
	rm -f "$answers"/*
	then_ close
	: >"$answers/requests"
}
fails() { # WHAT CODE WORDS ARGUMENT...: that exit code, nothing on stdout, WORDS on stderr
	what=$1 code=$2 words=$3
	shift 3
	run "$@"
	case $status:$out:$err in
	"$code"::*"$words"*) tap_ok "$what: $(head -n 1 "$dir/err")" ;;
	*) tap_fail "$what" "exit code $status, stdout '$out', stderr '$err'; wanted $code and '$words'" ;;
	esac
}

# ---- answers that are none
forget
raw ''
fails "closed at once" 1 "closed in the middle" tasks
raw 'SSH-2.0-OpenSSH_9.2\r\n'
fails "another protocol" 1 "does not speak HTTP" tasks
raw 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"tasks":['
fails "closed in the middle of the body" 1 "closed in the middle" tasks
fails "closed in the middle, --json prints no half" 1 "closed in the middle" tasks --json
raw 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'
fails "a chunk without a length" 1 "$dir/socket" tasks
raw 'HTTP/1.1 200 OK\r\nContent-Len'
fails "closed in the middle of the head" 1 "$dir/socket" tasks
then_ hold
raw ''
fails "no answer in time" 4 "no answer within 1 second" tasks --timeout 1
raw 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"tasks":['
fails "half an answer in time" 4 "no answer within 1 second" tasks --timeout 1
raw ''
fails "events: no answer in time" 4 "no answer within 1 second" events --timeout 1
raw 'HTTP/1.1 200 OK\r\n\r\n'
fails "events --no-follow: no end in time" 4 "no answer within 1 second" events --no-follow --timeout 1
then_ flood
raw 'HTTP/1.1 200 OK\r\n\r\n'
fails "an answer without end" 1 "more than 64 MiB" tasks
fails "an output without end" 1 "more than 64 MiB" logs a
fails "events: a line without end" 1 "a line has more than 16 MiB" events
then_ close

# ---- answers that are not corund's
not_corund() { # WHAT WORDS BODY ARGUMENT...
	what=$1 words=$2
	reply 200 "$3"
	shift 3
	fails "$what" 1 "$words" "$@"
}
not_corund "no JSON" "it is no JSON" 'hello' tasks
not_corund "no JSON, with --json" "it is no JSON" 'hello' tasks --json
not_corund "nothing" "it is no JSON" '' tasks
not_corund "JSON of another kind" "'tasks' is missing" '[1,2]' tasks
not_corund "a number" "'tasks' is missing" '17' tasks
not_corund "no tasks" "'tasks' is missing" '{}' tasks
not_corund "tasks: no list" "'tasks' is missing, or no list" '{"tasks":{"a":1}}' tasks
not_corund "a task that is none" "the task is no object" '{"tasks":[7]}' tasks
not_corund "a task without a name" "the name of a task is missing" '{"tasks":[{"state":"x"}]}' tasks
not_corund "a task whose name is a number" "the name of a task is missing" \
	'{"tasks":[{"name":5,"state":"x"}]}' tasks
not_corund "a task without a state" "the state of a task is missing" '{"name":"a"}' status a
not_corund "start: a task without a state" "the state of a task is missing" '{"name":"a"}' start a
not_corund "no state of the daemon" "the state of the daemon is missing" '{"workers":3}' status
not_corund "workers: no object" "'workers' is no object" '{"state":"running","workers":3}' status
not_corund "workers: no number" "the number of workers is missing" '{"workers":"many"}' workers
not_corund "reload: no lists" "'added', 'changed' or 'removed' is missing" '{"added":[]}' reload
reply 200 '{"name":"corund","version":"9"}'
run version
tap_is "version: no number: exit code" "$status" 1
says "version: no number" "'name', 'version' or 'api' is missing"
not_corund "too deep to be read" "it is no JSON" "$(python3 -c 'print("[" * 5000)')" tasks
reply 500 'oops'
fails "an error without a sentence" 1 "its status is 500" tasks
reply 404 '{"error":"no such path: /v1/tasks"}'
reply 200 '{"name":"corund","version":"2.0.0","api":2,"pid":1}' _v1_version
fails "a daemon of another version: its sentence" 1 "no such path" tasks
reply 200 '{"jobs":[]}'
fails "a daemon of another version: who it is" 1 \
	"it is corund 2.0.0, which speaks version 2 of the protocol" tasks
run version
tap_is "version: the number of both, exit code" "$status $(echo "$out" | tail -n 1)" \
	"1 corund 2.0.0, process 1, protocol 2"
says "version: what to do" "use the one that came with the daemon"

# ---- errors that corund does say
forget
reply 404 '{"error":"no task '"'ngnix'; did you mean 'nginx'"'?"}'
fails "the daemon's sentence" 1 "no task 'ngnix'; did you mean 'nginx'?" status ngnix
fails "the daemon's sentence, with --json" 1 "did you mean" status ngnix --json
fails "logs: the daemon's sentence" 1 "did you mean" logs ngnix
fails "events: the daemon's sentence" 1 "did you mean" events
: >"$answers/requests"
fails "several tasks" 1 "did you mean" stop a b
tap_is "several tasks: each is tried" "$(requests 2)" \
	"POST /v1/tasks/a/stop?timeout=120;POST /v1/tasks/b/stop?timeout=120;"
reply 504 '{"error":"a did not end within 7 s"}'
fails "what was asked for did not happen in time" 4 "a did not end within 7 s" stop a --timeout 7
tap_is "the daemon knows the time-out" "$(requests 1)" "POST /v1/tasks/a/stop?timeout=7;"
reply 200 '{"name":"b","state":"stopped"}' _v1_tasks_b_stop
run stop a b
tap_is "one of two was late: exit code, stdout" "$status $out" "4 b: stopped"
reply 404 '{"error":"no task c"}' _v1_tasks_c_stop
run stop a b c
tap_is "one late, one unknown: exit code, stdout" "$status $out" "1 b: stopped"
reply 500 '{"error":"bad \u001b[31m\nname"}'
run tasks
printf '%s\n' 'corunctl tasks: bad \033[31m\012name' >"$dir/wanted"
tap_none "a sentence with control characters" "$(diff "$dir/wanted" "$dir/err")"
reply 422 '{"error":"2 errors","errors":[
{"file":"/x/a.task","line":3,"text":"unknown key"},{"file":"/x/b.task","line":0,"text":"unreadable"},{"file":null,"line":0,"text":"no tasks"}]}'
fails "reload: where" 1 "/x/a.task:3: unknown key" reload
says "reload: a file as a whole" "/x/b.task: unreadable"
tap_is "reload: no file" "$(tail -n 1 "$dir/err")" "no tasks"
run reload --json
tap_is "reload --json: exit code, what is on stdout" "$status $(printf '%s\n' "$out" | head -c 9)" '1 {"error":'

# ---- what is asked
forget
reply 200 '{"name":"x","state":"running","pid":5}'
run start 'a b/../c?d%'
tap_is "a name is one part of the path" "$(requests 1)" \
	"POST /v1/tasks/a%20b%2F..%2Fc%3Fd%25/start?timeout=120;"
run start ..
tap_is "so is .." "$(requests 1)" "POST /v1/tasks/../start?timeout=120;"
tap_is "start: what it prints" "$status $out" "0 x: running, process 5"
reply 200 '{"workers":7,"reason":"pin"}'
run workers 7
tap_is "workers 7" "$status $(requests 1)" '0 PUT /v1/workers {"workers":7};'
run workers auto
tap_is "workers auto" "$status $(requests 1)" '0 PUT /v1/workers {"workers":"auto"};'
raw 'HTTP/1.1 200 OK\r\n\r\n'
run events --no-follow
tap_is "events --no-follow" "$status $(requests 1)" '0 GET /v1/events?since=0&follow=0;'
run events --since 12
tap_is "events --since 12" "$status $(requests 1)" '0 GET /v1/events?since=12;'

# ---- tables, on a terminal and elsewhere
forget
reply 200 '{"tasks":[
{"name":"web","state":"running","since":"nonsense","pid":12,"restarts":3,"workers":2,"on_resize":"none"},
{"name":"b\u001b[2Jö\\","state":"failed\n","since":null,"pid":null,"new":1}]}'
cat >"$dir/wanted" <<'END'
NAME         STATE       SINCE     PID  RESTARTS  WORKERS  ON-RESIZE
web          running     nonsense  12   3         2        none
b\033[2Jö\\  failed\012  -         -    -         -        -
END
run tasks
tap_none "a table stays a table" "$(diff "$dir/wanted" "$dir/out")"
run tasks --json
tap_none "--json: every byte as it came" "$({ sed '1,/^.$/d' "$answers/reply" && echo; } >"$dir/wanted"
	diff "$dir/wanted" "$dir/out")"
python3 "$here/ctl_terminal.py" 80 "$corunctl" tasks >"$dir/out"
tap_is "a wide terminal: lines" "$(grep -c . "$dir/out")" 3
python3 "$here/ctl_terminal.py" 40 "$corunctl" tasks >"$dir/out"
tap_is "a narrow one: a line for each cell" "$(grep -c . "$dir/out")" 14
tap_is "a narrow one: a row" "$(sed -n 2,4p "$dir/out" | tr -s ' ' | tr '\n' ';')" \
	" STATE running; SINCE nonsense; PID 12;"
tap_is "a narrow one: no control characters" "$(tr -d '\n[:print:]' <"$dir/out" | tr -d '\303\266')" ""
reply 200 '{"tasks":[]}'
run tasks
tap_is "no tasks" "$status $out" "0 There are no tasks."

if command -v bash >/dev/null; then
	# shellcheck disable=SC2016 # it is not to be expanded
	reply 200 '{"tasks":[{"name":"web","state":"a"},{"name":"größe","state":"b"},{"name":"two words","state":"c"},
		{"name":"$(touch '"$dir/bad"')","state":"d"},{"name":"web-2","state":"STATE"}]}'
	tap_is "bash completes the names that need no quotes" "$(PATH=$(dirname "$corunctl"):$PATH bash -c '
		. "$0"
		COMP_WORDS=(corunctl stop "") COMP_CWORD=2
		_corunctl
		echo "${COMPREPLY[*]}"' "$here/../../contrib/completion/corunctl.bash")" "web web-2"
	[ ! -e "$dir/bad" ] || tap_fail "bash: a name was run as a command"
fi

raw 'HTTP/1.1 200 OK\r\n\r\none\ntwo \033[31m\001 \\ \377\nthree'
run logs a
tap_none "logs: every byte as it came" "$(printf 'one\ntwo \033[31m\001 \\ \377\nthree' | cmp - "$dir/out" 2>&1)"
run logs a -n 1
tap_is "logs -n 1: a last line without its end" "$out" three
run logs -n 2 a
tap_is "logs -n 2" "$(head -n 1 "$dir/out" | cut -d' ' -f1)" two
run logs a --lines=99
tap_is "logs --lines: more than there are" "$(wc -l <"$dir/out")" 2
python3 "$here/ctl_terminal.py" 80 "$corunctl" logs a >"$dir/out"
printf '%s\n' one 'two \033[31m\001 \ \377' three >"$dir/wanted"
tap_none "logs on a terminal: nothing that commands it" "$(diff "$dir/wanted" "$dir/out")"
raw 'HTTP/1.1 200 OK\r\n\r\n'
run logs a
tap_is "logs of nothing" "$status$out$err" 0

# ---- streams
forget
stream() { # BODY: without a length, until the connection ends; \n as printf has it
	raw "HTTP/1.1 200 OK\r\n\r\n$1"
}
chunks() { # BODY [END]: in one chunk
	raw "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n$(printf '%x' "$(printf '%s' "$1" | wc -c)")\r\n$1\r\n${2-}"
}
one='{"n":1,"time":"x","event":"new","a":"\\u001b"}'
two='{"n":2,"time":"x","event":"daemon","state":"stopping"}'
stream "$one\n$two\n"
run events
tap_is "events: exit code, the last line" "$status $(tail -n 1 "$dir/out")" "0 2  x  corund: stopping"
printf '%s\n' '1  x  {"n":1,"time":"x","event":"new","a":"\\u001B"}' >"$dir/wanted"
tap_none "events: one that is not known is printed whole" "$(head -n 1 "$dir/out" | diff "$dir/wanted" -)"
run events --json
printf '%s\n' '{"n":1,"time":"x","event":"new","a":"\u001b"}' "$two" >"$dir/wanted"
tap_none "events --json: as they came" "$(diff "$dir/wanted" "$dir/out")"
stream "$one\n{\"n\":2,"
run events --json
tap_is "events: half a line at the end: exit code, lines" "$status $(grep -c . "$dir/out")" "1 1"
says "events: half a line at the end" "broke off"
stream "$one\nwhat\n"
run events
tap_is "events: a line that is no JSON: exit code, lines" "$status $(grep -c . "$dir/out")" "1 1"
says "events: a line that is no JSON" "a line is no JSON object"
stream "[1]\n"
fails "events: a line that is no object" 1 "a line is no JSON object" events
stream '{"dropped":5}\n'
run events
has "events: some were not kept" "(5 events are missing here"
raw 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n'"$one"'\n'
run events
tap_is "events: the connection breaks: exit code, lines" "$status $(grep -c . "$dir/out")" "1 1"
says "events: the connection breaks" "broke off"
raw 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n'"$two"'\n'
run events
tap_is "events: the daemon said that it ends, and breaks: exit code, stderr" "$status$err" 0

then_ hold
stream "$one\n"
for signal in INT TERM; do
	: >"$answers/requests"
	: >"$dir/events"
	start "$dir/events" events
	wait_for grep -q . "$dir/events" || :
	kill -$signal "$watcher"
	ended
	tap_is "events: SIG$signal: exit code, stderr" "$status$(cat "$dir/start.err")" 0
	wait_for grep -qx gone "$answers/requests" || :
	tap_is "events: SIG$signal: the server sees it go" "$(asked)" gone
done
: >"$answers/requests"
# shellcheck disable=SC2016 # for the other shell
timeout 20 sh -c '"$1" events | head -n 1' sh "$corunctl" >"$dir/events" && status=0 || status=$?
tap_is "events: ends when its reader does: exit code, lines" "$status $(grep -c . "$dir/events")" "0 1"

# ---- what was printed does not arrive
then_ close
reply 200 '{"tasks":[{"name":"a","state":"b"}]}'
if [ -c /dev/full ]; then
	status=0
	"$corunctl" tasks >/dev/full 2>"$dir/err" || status=$?
	err=$(cat "$dir/err")
	tap_is "a full disk: exit code" "$status" 1
	says "a full disk" "cannot write to standard output"
fi

# ---- another user: $XDG_RUNTIME_DIR first, then the system's
if [ "$(id -u)" != 0 ]; then
	as_user() { "$@"; }
elif setpriv --reuid 65534 --clear-groups "$corunctl" --version >/dev/null 2>&1; then
	as_user() { setpriv --reuid 65534 --clear-groups "$@"; }
else
	as_user() { false; }
fi
unset CORUN_SOCKET
if as_user "$corunctl" --version >/dev/null 2>&1; then
	chmod 755 "$dir"
	mkdir -p "$dir/runtime/corun"
	export XDG_RUNTIME_DIR="$dir/runtime"
	as_user "$corunctl" tasks >"$dir/out" 2>"$dir/err" && status=0 || status=$?
	err=$(cat "$dir/err")
	says "a user: looks below XDG_RUNTIME_DIR" "$dir/runtime/corun/control.sock: No such file"
	says "a user: and at the system's place" "/run/corun/control.sock: "
	tap_is "a user: exit code" "$status" 3
	ln "$dir/socket" "$dir/runtime/corun/control.sock"
	chmod 666 "$dir/socket"
	as_user "$corunctl" tasks >"$dir/out" 2>"$dir/err" && status=0 || status=$?
	tap_is "a user: finds the own daemon" "$status $(tail -n 1 "$dir/out" | cut -c 1)" "0 a"
	chmod 0 "$dir/socket"
	as_user "$corunctl" tasks --socket "$dir/socket" >"$dir/out" 2>"$dir/err" && status=0 || status=$?
	err=$(cat "$dir/err")
	tap_is "a user without the right: exit code" "$status" 3
	says "a user without the right" "Permission denied"
	says "a user without the right: what to do" "try it as root"
else
	tap_note "not tried: another user cannot run $corunctl"
fi
tap_none "the server had no trouble" "$(cat "$dir/server.err")"

tap_done
