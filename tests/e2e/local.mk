# Live tests; contrib/check.sh runs them.

EXTRA_DIST += \
	%D%/ctl_server.py \
	%D%/ctl_terminal.py \
	%D%/gomaxprocs/go.mod \
	%D%/gomaxprocs/main.go \
	%D%/daemon.sh \
	%D%/guest.sh \
	%D%/kernel.sh \
	%D%/watch.sh
dist_noinst_SCRIPTS += \
	%D%/guest_corund.sh \
	%D%/guest_cpu.sh \
	%D%/guest_process.sh \
	%D%/live_corund.sh \
	%D%/live_docker.sh \
	%D%/live_process.sh \
	%D%/live_v1.sh \
	%D%/live_vm.sh \
	%D%/stage.sh

# These need no root and no live cgroup: `make check` runs them.
cli_tests = \
	%D%/corunctl.sh \
	%D%/corunctl_capture.sh \
	%D%/corunctl_daemon.sh \
	%D%/corunctl_docs.sh \
	%D%/corunctl_watch.sh
dist_noinst_SCRIPTS += $(cli_tests)
if TOOLS
TESTS += $(cli_tests)
endif

daemon_tests = \
	%D%/corund_bad_input.sh \
	%D%/corund_ctl.sh \
	%D%/corund_hogs.sh \
	%D%/corund_notify.sh \
	%D%/corund_stop.sh \
	%D%/corund_tasks.sh
dist_noinst_SCRIPTS += $(daemon_tests)
if DAEMON
TESTS += $(daemon_tests)
endif
