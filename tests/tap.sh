# shellcheck shell=sh
#
# Sourced by the tests that are shell scripts: prints the Test Anything Protocol.
#
#   tap_ok DESCRIPTION                an assertion that held
#   tap_fail DESCRIPTION [DETAILS]    one that did not; DETAILS may have several lines
#   tap_is DESCRIPTION GOT WANTED     are the two strings equal?
#   tap_none DESCRIPTION TEXT         is TEXT, a list of what is wrong, empty?
#   tap_note TEXT                     a remark for people
#   tap_skip_all REASON               nothing of this can be tried here; ends the script
#   tap_done                          prints the plan; its status says whether all held

tap_number=0
tap_failures=0

tap_ok() {
	tap_number=$((tap_number + 1))
	echo "ok $tap_number - $1"
}

tap_fail() {
	tap_number=$((tap_number + 1))
	tap_failures=$((tap_failures + 1))
	echo "not ok $tap_number - $1"
	[ -z "${2-}" ] || tap_note "$2"
}

tap_is() {
	if [ "$2" = "$3" ]; then
		tap_ok "$1: $2"
	else
		tap_fail "$1: '$2', but wanted '$3'"
	fi
}

tap_none() {
	if [ -z "$2" ]; then tap_ok "$1"; else tap_fail "$1" "$2"; fi
}

tap_note() {
	printf '%s\n' "$1" | sed 's/^/# /'
}

tap_skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

tap_done() {
	echo "1..$tap_number"
	[ "$tap_failures" = 0 ]
}
