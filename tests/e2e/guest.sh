# shellcheck shell=sh
#
# Sourced by the tests that boot the small machine, after tap.sh; $here is this folder.
#
#   guest_run MODE DIR SCRIPT   boot it with 8 CPUs in cgroup layout MODE, run SCRIPT of DIR there, and
#                               take over its results

export VM_PACKAGES=docker.io # what one test needs all have: so one image serves them

# shellcheck disable=SC2154 # here
guest_run() {
	guest_start=$(date +%s)
	guest_status=0
	"$here/../vm.sh" --cgroup "$1" --smp 8 --share "$2" --timeout 1200 \
		-- sh "./$3" . "$1" >"$2/tap" || guest_status=$?
	while IFS= read -r line; do
		case $line in
		"ok "*) tap_ok "$1: ${line#ok * - }" ;;
		"not ok "*) tap_fail "$1: ${line#not ok * - }" ;;
		"1.."*) ;;
		*) printf '%s\n' "$line" ;;
		esac
	done <"$2/tap"
	guest_ran=$(grep -c -E '^(not )?ok ' "$2/tap" || :)
	guest_plan=$(sed -n 's/^1\.\.//p' "$2/tap")
	tap_is "$1: the guest ran its whole plan (status $guest_status, $(($(date +%s) - guest_start)) s)" \
		"$guest_ran" "${guest_plan:-a plan}"
}
