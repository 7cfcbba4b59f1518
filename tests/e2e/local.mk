# Live tests; contrib/check.sh runs them.

EXTRA_DIST += \
	%D%/gomaxprocs/go.mod \
	%D%/gomaxprocs/main.go \
	%D%/kernel.sh \
	%D%/watch.sh
dist_noinst_SCRIPTS += \
	%D%/guest_cpu.sh \
	%D%/guest_process.sh \
	%D%/live_docker.sh \
	%D%/live_process.sh \
	%D%/live_v1.sh \
	%D%/live_vm.sh \
	%D%/stage.sh

# These need no root and no live cgroup: `make check` runs them.
cli_tests = \
	%D%/corunctl.sh \
	%D%/corunctl_capture.sh \
	%D%/corunctl_docs.sh \
	%D%/corunctl_watch.sh
dist_noinst_SCRIPTS += $(cli_tests)
if TOOLS
TESTS += $(cli_tests)
endif
