#!/bin/sh
# check.sh - all tests of corun
#
#   ./contrib/check.sh [--long] [SUITE...]
#
# Installs what the tests need (with apt; elsewhere it says what is missing), builds outside the
# source tree and runs the suites: all of them if none is named. The last line is
# "N passed, N failed, N skipped"; the exit code is 1 if anything failed.
#
# Options:
#   --long       the long form of each suite that has one
#   --verbose    each result of the unit tests, not only those that failed
#   --work DIR   keep builds and logs in DIR (default: a new folder below TMPDIR or /tmp, which
#                is kept only if something failed)
#   --list       the names of the suites and what they do
#   --help       this text
set -eu

# ---- the suites: a line here, and a function suite_NAME below ---------------------------------
suites() { # name, what setup.sh is to provide, what it does
	cat <<-'TABLE'
		unit       build,unit            unit tests, built with gcc and -Werror
		clang      build,unit,clang      the same with clang
		sanitize   build,unit            the same under ASan and UBSan
		minimal    build,unit            with each optional part left out
		distcheck  build,unit,dist       make distcheck, from a source tree that is read-only
		lint       build,clang,lint      format, shellcheck, layers, exported names, names and words
		tsan       build,unit            the runtime's unit tests under TSan
		debug      build,unit            unit tests with checks of lock ranks and invariants
		stress     build                 100,000 coroutines while the pool is resized, with ASan, TSan too
		hogs       build,live            corund beside modules that spin; gaps while the count changes
		model      model                 models of park, entry, idle and resize, checked exhaustively
		arch       build,arch            the switch, and the runtime, on aarch64 and with ucontext
		fuzz       build,clang           each parser with random input (--long: 600 s each)
		v1         build,live            corunctl in real cgroups v1 on this machine
		docker     build,live,docker     corunctl and corund in containers of the Docker Engine
		vm         build,live,vm         the same under systemd with cgroup v2, hybrid and v1
	TABLE
}

suite_unit() {
	build gcc CC=gcc && make_check gcc
	step "the README's C examples build with pkg-config and run" readme_examples
}

readme_examples() { # each block of C is a program of its own
	prefix=$work/install/usr/local
	make -s -C "$work/gcc" install DESTDIR="$work/install" || return 1
	rm -f "$work"/example*
	awk -v to="$work/example" '/^```c$/ { n++; file = to n ".c"; next } /^```$/ { file = "" }
		file != "" { print >file }' README.md
	flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/install \
		pkg-config --cflags --libs corun) || return 1
	for example in "$work"/example*.c; do
		# shellcheck disable=SC2086 # a list
		gcc -Wall -Werror -o "${example%.c}" "$example" $flags &&
			LD_LIBRARY_PATH=$prefix/lib "${example%.c}" >"${example%.c}.out" || return 1
		cat "${example%.c}.out"
	done >"$work/examples.out"
	cat "$work/examples.out"
	grep -q 'the sum is 55;' "$work/examples.out" &&
		grep -q 'workers, decided by' "$work/examples.out"
}

suite_clang() { # scripts are not about the compiler; gcc's build and the sanitizers run them
	build clang CC=clang || return 0
	make_check clang TESTS="$(tests_of clang | grep -v '\.sh$' | tr '\n' ' ')"
}

sanitize_flags='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'

suite_sanitize() {
	build sanitize CC=gcc CFLAGS="$sanitize_flags" LDFLAGS='-fsanitize=address,undefined' || return 0
	ASAN_OPTIONS=detect_leaks=1 make_check sanitize
}

suite_minimal() {
	# One build without all that is optional, one without the daemon, one with the library alone.
	build without --without-libarchive --without-libsystemd --without-libcgroup &&
		make_check without TESTS="tests/e2e/corunctl.sh tests/e2e/corunctl_capture.sh \
			tests/e2e/corund_tasks.sh $(programs taskgroup)"
	build disable-daemon --disable-daemon &&
		make_check disable-daemon TESTS='tests/e2e/corunctl.sh tests/e2e/corunctl_docs.sh'
	# shellcheck disable=SC2086 # a list
	build disable-tools --disable-tools &&
		make_check_only disable-tools $short_tests
}

suite_distcheck() {
	# Configured and no more: what distcheck needs it makes, and then all of it from the archive.
	build_dir=$work/dist
	mkdir -p "$build_dir"
	step "configure: dist" configure || return 0
	# What needs the runtime reads no file of the source tree: it is built here, and run elsewhere.
	for test in $(tests_of dist); do
		# shellcheck disable=SC2086 # a list
		case " $(programs $runtime_tests) " in
		*" $test "*) ;;
		*) set -- "$@" "$test" ;;
		esac
	done
	step "make distcheck" make -C "$work/dist" -s -j"$jobs" distcheck TESTS="$*"
}

suite_lint() {
	step "C is formatted as .clang-format says" c_is_formatted
	step "shell scripts pass shellcheck" shell_is_clean
	step "no file is named after nothing" names_mean_something
	step "nothing speaks of the place where it was written" words_are_fit
	step "corun(7) has each number of stats.h with its sentence" statistics_are_told
	step "manual pages are formatted without a warning" manuals_are_clean
	run_tap tests/lint/layers.sh
	build gcc CC=gcc || return 0
	cd "$work/gcc"
	run_tap "$top/tests/lint/exports.sh"
	run_tap "$top/tests/lint/spawn_symbols.sh"
}

# What needs the runtime; the rest has no threads of its own.
runtime_tests='chan chan_race chan_rules context events fair governor group io io_race io_socket mutex netpoll output preempt reaper runq sched spawn task taskgroup'
# What shows that a build without something works.
short_tests='context look mutex policy runq sched'

programs() { # the unit tests "$@", as make knows them
	printf 'tests/unit/test_%s ' "$@"
}

suite_tsan() {
	build tsan CC=gcc CFLAGS='-O1 -g -fsanitize=thread' LDFLAGS='-fsanitize=thread' || return 0
	# TSan's limits: it knows no membarrier(2), so the runtime's entry is a fence in this build, and the
	# other form is left to tests/model; and a coroutine costs it a millisecond, so the tests start
	# fewer (COROUTINES in tests/unit/pool.h).
	# shellcheck disable=SC2086 # a list
	make_check_only tsan $runtime_tests
}

suite_debug() {
	build debug CC=gcc --enable-debug || return 0
	# shellcheck disable=SC2086 # a list
	make_check_only debug $runtime_tests
}

suite_stress() {
	seconds=30
	[ -z "$long" ] || seconds=3600
	build gcc CC=gcc && run_tap tests/stress/run.sh "$work/gcc" 100000 "$seconds"
	[ -z "$long" ] || seconds=600
	build sanitize CC=gcc CFLAGS="$sanitize_flags" LDFLAGS='-fsanitize=address,undefined' &&
		run_tap tests/stress/run.sh "$work/sanitize" 100000 "$seconds"
	build tsan CC=gcc CFLAGS='-O1 -g -fsanitize=thread' LDFLAGS='-fsanitize=thread' &&
		run_tap tests/stress/run.sh "$work/tsan" 2000 "$seconds"
}

suite_hogs() {
	changes=100
	[ -z "$long" ] || changes=1000
	build gcc CC=gcc || return 0
	make -s -C "$work/gcc" tests/modules/gaps.la
	run_tap env CORUN_TOP_SRCDIR="$top" CORUN_TOP_BUILDDIR="$work/gcc" tests/e2e/corund_hogs.sh $changes
}

suite_model() {
	# shellcheck disable=SC2086 # nothing or a word
	run_tap tests/model/run.sh ${long:+--long}
}

suite_arch() {
	run_tap tests/arch/run.sh
}

suite_fuzz() {
	seconds=10
	[ -z "$long" ] || seconds=600
	for target in config membership mount quota stat workers; do
		step "fuzz $target: $seconds s" \
			env CORUN_FUZZ_DIR="$work/fuzz" tests/fuzz/run.sh "$seconds" "$target"
	done
}

suite_v1() {
	build gcc CC=gcc && run_tap tests/e2e/live_v1.sh "$work/gcc/corunctl"
}

suite_docker() {
	build gcc CC=gcc && run_tap tests/e2e/live_docker.sh "$work/gcc"
}

suite_vm() {
	modes='v2 v1'
	[ -z "$long" ] || modes='v2 hybrid v1'
	build gcc CC=gcc || return 0
	run_tap tests/e2e/live_vm.sh "$work/gcc"
	# shellcheck disable=SC2086 # a list
	run_tap tests/e2e/live_corund.sh "$work/gcc" $modes
	# shellcheck disable=SC2086 # a list
	build without --without-libarchive --without-libsystemd --without-libcgroup &&
		run_tap tests/e2e/live_process.sh "$work/gcc" "$work/without" ${modes% v1}
}

# ---- lint -------------------------------------------------------------------------------------
files() { # run the command "$@" on the project's files that match the patterns before "--"
	files_patterns=''
	while [ "$1" != -- ]; do
		files_patterns="$files_patterns $1"
		shift
	done
	shift
	# Names may hold anything: a fixture's has a tab and a backslash.
	# shellcheck disable=SC2086 # a list
	(set -f && git ls-files -z --cached --others --exclude-standard -- $files_patterns) |
		xargs -0 -r "$@"
}

c_is_formatted() {
	files '*.c' '*.h' -- clang-format --dry-run -Werror
}

shell_is_clean() {
	files '*.sh' .ci/run -- shellcheck -x
}

names_mean_something() {
	! files -- printf '%s\n' |
		grep -E '(^|/)(util|utils|common|misc|helper|helpers)(\.[^/]*)?(/|$)'
}

words_are_fit() { # this script holds the words, so it is left out
	! files ':!contrib/check.sh' -- grep -n -I -E \
		'(^|[^A-Za-z0-9_.])/work(/|$)|\.\./shared|\.library|workplace|debian\.org|proxy\.golang|docker\.io/'
}

manuals_are_clean() { # groff only warns, so any word of it is a failure
	manuals_warnings=$(groff -man -t -ww -z -K utf8 man/*.[1-8] 2>&1) || return 1
	[ -z "$manuals_warnings" ] || { echo "error: $manuals_warnings"; return 1; }
}
statistics_are_told() {
	sed -n 's/^\tX(\([a-z_]*\), \([a-z]*\), "\(.*\)").*/.BR \1 " (\2)"\n\3./p' \
		include/corun/stats.h >"$work/statistics"
	sed -n '/^\.SH STATISTICS/,/^\.SH SEE/p' man/corun.7 | sed '1,/^\.TP/d; /^\.SH/d; /^\.TP$/d' \
		>"$work/told"
	[ -s "$work/statistics" ] && diff "$work/statistics" "$work/told"
}

# ---- what suites are made of --------------------------------------------------------------------
# A result is a line "ok - WHAT", "ok - WHAT # SKIP WHY" or "not ok - WHAT" on stdout.

step() { # one result: "ok" if the command succeeds; its output is shown if it does not. (A function
	# as the command chains with && itself: set -e does not hold inside.)
	step_what=$1
	shift
	if "$@" >"$work/step.log" 2>&1; then
		echo "ok - $step_what"
	else
		echo "not ok - $step_what"
		{
			grep -E '^(FAIL|ERROR|not ok)|error:' "$work/step.log" | head -n 30
			echo ...
			tail -n 40 "$work/step.log"
		} | sed 's/^/# /'
		return 1
	fi
}

build() { # configure and make in $work/$1, once; the rest are arguments of configure
	build_dir=$work/$1
	build_name=$1
	shift
	[ ! -f "$build_dir/built" ] || return 0
	mkdir -p "$build_dir"
	step "build: $build_name" configure_and_make "$@"
}

configure() {
	[ -x "$top/configure" ] || "$top/autogen.sh" || return 1
	(cd "$build_dir" && "$top/configure" --enable-werror "$@")
}

configure_and_make() {
	configure "$@" && make -C "$build_dir" -s -j"$jobs" && touch "$build_dir/built"
}

tests_of() { # what `make check` runs in $work/$1, one a line
	# shellcheck disable=SC2016 # make's
	make -C "$work/$1" -s --no-print-directory --eval='list-tests:; @printf "%s\n" $(TESTS)' list-tests
}

make_check_only() { # the unit tests $2... in $work/$1; no other is built
	check_only=$1
	shift
	make_check "$check_only" TESTS="$(programs "$@")" check_PROGRAMS="$(programs "$@")"
}

make_check() { # all results of `make check` in $work/$1; the rest are arguments of make
	check_status=0
	check_build=$1
	shift
	# Built first, since more tests than compilers fit at a time: most of them wait for most of the time.
	# -O: two programs that print at once would tear each other's lines.
	{
		make -C "$work/$check_build" -s -j"$jobs" check "$@" TESTS= &&
			make -C "$work/$check_build" -s -O -j"$((2 * jobs))" check "$@"
	} >"$work/$check_build/check.log" 2>&1 || check_status=$?
	set -- "$check_build"
	sed -n -e "s/^PASS: /ok - $1 check: /p" -e "s/^XFAIL: /ok - $1 check: /p" \
		-e "s/^SKIP: \(.*\)/ok - $1 check: \1 # SKIP/p" \
		-e "s/^\(FAIL\|ERROR\|XPASS\): /not ok - $1 check: /p" "$work/$1/check.log" >"$work/$1/results"
	cat "$work/$1/results"
	if ! grep -q . "$work/$1/results"; then
		echo "not ok - $1: make check (no test ran)"
		check_status=1
	elif [ "$check_status" != 0 ] && ! grep -q '^not ok' "$work/$1/results"; then
		echo "not ok - $1: make check"
	fi
	[ "$check_status" = 0 ] || show_check_log "$work/$1"
}

show_check_log() {
	grep -E 'error:' "$1/check.log" | head -n 20 | sed 's/^/# /'
	tail -n 20 "$1/check.log" | sed 's/^/# /'
	[ ! -f "$1/test-suite.log" ] || grep -h -A 3 '^not ok' "$1/test-suite.log" |
		head -n 60 | sed 's/^/# /'
}

run_tap() { # run a script that prints TAP, and hold it to its plan
	# Into a file rather than a pipe: a process that the script forgot would keep a pipe open.
	echo "# $1 ..."
	tap_status=0
	timeout --foreground "${long:-2700}" "$@" >"$work/run.tap" 2>"$work/run.err" || tap_status=$?
	sed -e '/^1\.\.[1-9]/d' -e 's/^\(not \)\{0,1\}ok [0-9]* - /\1ok - /' "$work/run.tap"
	ran=$(grep -c -E '^(not )?ok ' "$work/run.tap" || :)
	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$work/run.tap")
	if [ "$ran" != "${plan:-none}" ]; then
		echo "not ok - $1: ran $ran of ${plan:-an unknown number of} tests, exit code $tap_status"
		tail -n 40 "$work/run.err" | sed 's/^/# /'
	elif [ "$tap_status" != 0 ] && ! grep -q '^not ok' "$work/run.tap"; then
		echo "not ok - $1: exit code $tap_status"
		tail -n 40 "$work/run.err" | sed 's/^/# /'
	fi
}

# ---- the run ------------------------------------------------------------------------------------
usage() { sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0"; }
die() { echo "check.sh: $*" >&2; exit 2; }

top=$(cd "$(dirname "$0")/.." && pwd)
long='' verbose='' work='' chosen=''
while [ $# -gt 0 ]; do
	case $1 in
	--long) long=14400; shift ;;
	--verbose) verbose=yes; shift ;;
	--work) [ $# -ge 2 ] || die "--work needs a folder"; work=$2; shift 2 ;;
	--list) suites | awk '{ $2 = ""; sub(/ +/, "\t"); print }'; exit 0 ;;
	--help | -h) usage; exit 0 ;;
	-*) die "unknown option '$1' (see --help)" ;;
	*)
		suites | grep -q "^$1 " || die "no suite '$1' (see --list)"
		chosen="$chosen $1"
		shift
		;;
	esac
done
[ -n "$chosen" ] || chosen=$(suites | awk '{ print $1 }')

# shellcheck source=contrib/setup.sh
. "$top/contrib/setup.sh"
cd "$top"
# shellcheck disable=SC2046 # a list
setup_need $(for suite in $chosen; do suites | awk -v s="$suite" '$1 == s { print $2 }'; done |
	tr ',' '\n' | sort -u)

if [ -n "$work" ]; then
	mkdir -p "$work"
	work=$(cd "$work" && pwd)
	keep=yes
else
	work=$(mktemp -d "${TMPDIR:-/tmp}/corun-check.XXXXXX")
	keep=''
fi
jobs=$(getconf _NPROCESSORS_ONLN)
unset CORUN_WORKERS MAKEFLAGS MFLAGS
export CK_DEFAULT_TIMEOUT=60 # of each unit test, in seconds: the machine may be busy

show() { # to the console; the unit tests that passed are too many (those skipped end in SKIP)
	if [ -n "$verbose" ]; then cat; else
		grep --line-buffered -v '^ok - [a-z-]* check: .*[^P]$' || :
	fi
}

total_passed=0 total_failed=0 total_skipped=0
count() { # adds up the results in file $1
	passed=$(grep -c '^ok - ' "$1" || :)
	failed=$(grep -c '^not ok - ' "$1" || :)
	skipped=$(grep -c -E '^ok - .*# SKIP|^1\.\.0 # SKIP' "$1" || :)
	all_skipped=$(grep -c '^1\.\.0 # SKIP' "$1" || :)
	passed=$((passed - skipped + all_skipped))
	total_passed=$((total_passed + passed))
	total_failed=$((total_failed + failed))
	total_skipped=$((total_skipped + skipped))
}

started=$(date +%s)
times=''
for suite in $chosen; do
	echo "== $suite"
	suite_started=$(date +%s)
	{
		# A subshell of its own, since a suite may change folder or end early.
		(set +e; "suite_$suite") </dev/null 2>&1 || :
	} | tee "$work/$suite.results" | show
	count "$work/$suite.results"
	if [ $((passed + failed + skipped)) = 0 ]; then
		echo "not ok - $suite gave no result"
		total_failed=$((total_failed + 1))
		failed=1
	fi
	line=$(printf '%-10s %4d passed %3d failed %3d skipped %5d s' "$suite" "$passed" "$failed" \
		"$skipped" $(($(date +%s) - suite_started)))
	echo "== $line"
	times="$times$line
"
done

echo
printf '%s' "$times"
printf '%-10s %44d s\n' total $(($(date +%s) - started))
if [ "$total_failed" != 0 ]; then
	echo "Builds and logs are in $work"
elif [ -z "$keep" ]; then
	chmod -R u+w "$work"
	rm -rf "$work"
fi
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" = 0 ]
