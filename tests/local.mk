# A unit test needs one line in unit_tests, one _SOURCES line and the two that follow it. A shell
# test needs one line in TESTS and in dist_noinst_SCRIPTS. All of them speak TAP, so that each
# case counts as one; "1..0 # SKIP reason" skips a program as a whole.

TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)

AM_TESTS_ENVIRONMENT = \
	CORUN_TOP_SRCDIR='$(abs_top_srcdir)'; export CORUN_TOP_SRCDIR; \
	CORUN_TOP_BUILDDIR='$(abs_top_builddir)'; export CORUN_TOP_BUILDDIR;

EXTRA_DIST += %D%/fixtures

# ---- models: contrib/check.sh runs them ---------------------------------------------------------

EXTRA_DIST += \
	%D%/model/README.md \
	%D%/model/entry.pml \
	%D%/model/idle.pml \
	%D%/model/park.pml \
	%D%/model/resize.pml
dist_noinst_SCRIPTS += %D%/model/run.sh

# ---- unit tests: one program for each room ------------------------------------------------------

unit_tests = \
	%D%/unit/test_cgroup \
	%D%/unit/test_chan \
	%D%/unit/test_chan_race \
	%D%/unit/test_chan_rules \
	%D%/unit/test_context \
	%D%/unit/test_fair \
	%D%/unit/test_governor \
	%D%/unit/test_group \
	%D%/unit/test_io \
	%D%/unit/test_io_race \
	%D%/unit/test_io_socket \
	%D%/unit/test_live \
	%D%/unit/test_look \
	%D%/unit/test_mutex \
	%D%/unit/test_netpoll \
	%D%/unit/test_policy \
	%D%/unit/test_policy_property \
	%D%/unit/test_preempt \
	%D%/unit/test_quota \
	%D%/unit/test_runq \
	%D%/unit/test_sched

unit_headers = \
	%D%/unit/chan.h \
	%D%/unit/pool.h \
	%D%/unit/tap.h \
	%D%/unit/tree.h \
	%D%/unit/ways.h \
	%D%/unit/with_runtime.h

# Per target, since the rest of the tree is to be built where check is not installed.
unit_cppflags = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_ldadd = libruntime.la $(CHECK_LIBS)

%C%_unit_test_cgroup_SOURCES = %D%/unit/test_cgroup.c $(unit_headers)
%C%_unit_test_cgroup_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_cgroup_LDADD = $(unit_ldadd)

%C%_unit_test_chan_SOURCES = %D%/unit/test_chan.c $(unit_headers)
%C%_unit_test_chan_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_chan_LDADD = $(unit_ldadd)

%C%_unit_test_chan_race_SOURCES = %D%/unit/test_chan_race.c $(unit_headers)
%C%_unit_test_chan_race_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_chan_race_LDADD = $(unit_ldadd)

%C%_unit_test_chan_rules_SOURCES = %D%/unit/test_chan_rules.c $(unit_headers)
%C%_unit_test_chan_rules_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_chan_rules_LDADD = $(unit_ldadd)

%C%_unit_test_context_SOURCES = %D%/unit/test_context.c $(unit_headers)
%C%_unit_test_context_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_context_LDADD = $(unit_ldadd)

%C%_unit_test_fair_SOURCES = %D%/unit/test_fair.c $(unit_headers)
%C%_unit_test_fair_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_fair_LDADD = $(unit_ldadd)

%C%_unit_test_io_SOURCES = %D%/unit/test_io.c $(unit_headers)
%C%_unit_test_io_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_io_LDADD = $(unit_ldadd)

%C%_unit_test_io_race_SOURCES = %D%/unit/test_io_race.c $(unit_headers)
%C%_unit_test_io_race_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_io_race_LDADD = $(unit_ldadd)

%C%_unit_test_io_socket_SOURCES = %D%/unit/test_io_socket.c $(unit_headers)
%C%_unit_test_io_socket_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_io_socket_LDADD = $(unit_ldadd)

%C%_unit_test_live_SOURCES = %D%/unit/test_live.c $(unit_headers)
%C%_unit_test_live_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_live_LDADD = $(unit_ldadd)

%C%_unit_test_look_SOURCES = %D%/unit/test_look.c $(unit_headers)
%C%_unit_test_look_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_look_LDADD = $(unit_ldadd)

%C%_unit_test_mutex_SOURCES = %D%/unit/test_mutex.c $(unit_headers)
%C%_unit_test_mutex_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_mutex_LDADD = $(unit_ldadd)

%C%_unit_test_netpoll_SOURCES = %D%/unit/test_netpoll.c $(unit_headers)
%C%_unit_test_netpoll_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_netpoll_LDADD = $(unit_ldadd)

%C%_unit_test_policy_SOURCES = %D%/unit/test_policy.c $(unit_headers)
%C%_unit_test_policy_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_policy_LDADD = $(unit_ldadd)

%C%_unit_test_policy_property_SOURCES = %D%/unit/test_policy_property.c $(unit_headers)
%C%_unit_test_policy_property_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_policy_property_LDADD = $(unit_ldadd)

%C%_unit_test_quota_SOURCES = %D%/unit/test_quota.c $(unit_headers)
%C%_unit_test_quota_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_quota_LDADD = $(unit_ldadd)

%C%_unit_test_governor_SOURCES = %D%/unit/test_governor.c $(unit_headers)
%C%_unit_test_governor_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_governor_LDADD = $(unit_ldadd)

%C%_unit_test_group_SOURCES = %D%/unit/test_group.c $(unit_headers)
%C%_unit_test_group_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_group_LDADD = $(unit_ldadd)

%C%_unit_test_preempt_SOURCES = %D%/unit/test_preempt.c $(unit_headers)
%C%_unit_test_preempt_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_preempt_LDADD = $(unit_ldadd)

%C%_unit_test_runq_SOURCES = %D%/unit/test_runq.c $(unit_headers)
%C%_unit_test_runq_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_runq_LDADD = $(unit_ldadd)

%C%_unit_test_sched_SOURCES = %D%/unit/test_sched.c $(unit_headers)
%C%_unit_test_sched_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_sched_LDADD = $(unit_ldadd)

# What of the daemon can be tried without corund.
if DAEMON
unit_tests_daemon = \
	%D%/unit/test_backoff \
	%D%/unit/test_config \
	%D%/unit/test_config_given \
	%D%/unit/test_output \
	%D%/unit/test_reaper \
	%D%/unit/test_spawn \
	%D%/unit/test_task \
	%D%/unit/test_task_count \
	%D%/unit/test_task_table \
	%D%/unit/test_taskgroup
unit_ldadd_daemon = libdaemon.la $(unit_ldadd)

%C%_unit_test_config_SOURCES = %D%/unit/test_config.c %D%/unit/config_files.h %D%/unit/tap.h
%C%_unit_test_config_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_config_LDADD = $(unit_ldadd_daemon)

%C%_unit_test_config_given_SOURCES = %D%/unit/test_config_given.c %D%/unit/config_files.h %D%/unit/tap.h
%C%_unit_test_config_given_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_config_given_LDADD = $(unit_ldadd_daemon)

%C%_unit_test_output_SOURCES = %D%/unit/test_output.c %D%/unit/child.h %D%/unit/tap.h
%C%_unit_test_output_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_output_LDADD = $(unit_ldadd_daemon)

%C%_unit_test_reaper_SOURCES = %D%/unit/test_reaper.c %D%/unit/child.h %D%/unit/tap.h
%C%_unit_test_reaper_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_reaper_LDADD = $(unit_ldadd_daemon)

%C%_unit_test_spawn_SOURCES = %D%/unit/test_spawn.c %D%/unit/child.h %D%/unit/refuse.h %D%/unit/tap.h
%C%_unit_test_spawn_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_spawn_LDADD = $(unit_ldadd_daemon)

%C%_unit_test_backoff_SOURCES = %D%/unit/test_backoff.c %D%/unit/tap.h
%C%_unit_test_backoff_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_backoff_LDADD = $(unit_ldadd_daemon)

%C%_unit_test_task_SOURCES = %D%/unit/test_task.c %D%/unit/refuse.h %D%/unit/task_control.h %D%/unit/tap.h
%C%_unit_test_task_CPPFLAGS = $(unit_cppflags) $(JANSSON_CFLAGS)
# With the shared library that modules bring in, too: one runtime in the process.
%C%_unit_test_task_LDADD = libdaemon.la libcorun.la $(CHECK_LIBS)

%C%_unit_test_task_count_SOURCES = %D%/unit/test_task_count.c %D%/unit/tap.h
%C%_unit_test_task_count_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_task_count_LDADD = $(unit_ldadd_daemon)

%C%_unit_test_task_table_SOURCES = %D%/unit/test_task_table.c %D%/unit/tap.h
%C%_unit_test_task_table_CPPFLAGS = $(unit_cppflags) $(JANSSON_CFLAGS)
%C%_unit_test_task_table_LDADD = $(unit_ldadd_daemon)

%C%_unit_test_taskgroup_SOURCES = %D%/unit/test_taskgroup.c %D%/unit/child.h %D%/unit/tap.h
%C%_unit_test_taskgroup_CPPFLAGS = $(unit_cppflags)
%C%_unit_test_taskgroup_LDADD = $(unit_ldadd_daemon)
endif

# The switch alone, without check: tests/arch/run.sh runs the same file under an emulator.
%C%_unit_test_switch_SOURCES = %D%/unit/test_switch.c
%C%_unit_test_switch_LDADD = libruntime.la -lm
check_PROGRAMS += %D%/unit/test_switch
TESTS += %D%/unit/test_switch

if HAVE_CHECK
check_PROGRAMS += $(unit_tests) $(unit_tests_daemon)
TESTS += $(unit_tests) $(unit_tests_daemon)
endif

# ---- fuzz targets: here over the fixtures and the corpus; tests/fuzz/run.sh has libFuzzer ------

fuzz_targets = \
	%D%/fuzz/fuzz_membership \
	%D%/fuzz/fuzz_mount \
	%D%/fuzz/fuzz_quota \
	%D%/fuzz/fuzz_stat \
	%D%/fuzz/fuzz_workers
if DAEMON
fuzz_targets += %D%/fuzz/fuzz_config
endif

fuzz_replay = \
	%D%/fuzz/fuzz.h \
	%D%/fuzz/replay.c

%C%_fuzz_fuzz_config_SOURCES = %D%/fuzz/fuzz_config.c $(fuzz_replay)
%C%_fuzz_fuzz_config_LDADD = libdaemon.la libruntime.la

%C%_fuzz_fuzz_membership_SOURCES = %D%/fuzz/fuzz_membership.c $(fuzz_replay)
%C%_fuzz_fuzz_membership_LDADD = libruntime.la

%C%_fuzz_fuzz_mount_SOURCES = %D%/fuzz/fuzz_mount.c $(fuzz_replay)
%C%_fuzz_fuzz_mount_LDADD = libruntime.la

%C%_fuzz_fuzz_quota_SOURCES = %D%/fuzz/fuzz_quota.c $(fuzz_replay)
%C%_fuzz_fuzz_quota_LDADD = libruntime.la

%C%_fuzz_fuzz_stat_SOURCES = %D%/fuzz/fuzz_stat.c $(fuzz_replay)
%C%_fuzz_fuzz_stat_LDADD = libruntime.la

%C%_fuzz_fuzz_workers_SOURCES = %D%/fuzz/fuzz_workers.c $(fuzz_replay)
%C%_fuzz_fuzz_workers_LDADD = libruntime.la

check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
EXTRA_DIST += %D%/fuzz/corpus
dist_noinst_SCRIPTS += %D%/fuzz/run.sh

# ---- the control server: libcurl is not needed, the clients write HTTP by hand ------------------

control_tests = \
	%D%/unit/test_events \
	%D%/unit/test_server
control_cppflags = $(unit_cppflags) $(JANSSON_CFLAGS) $(MICROHTTPD_CFLAGS)
control_ldadd = libdaemon.la libreport.la libruntime.la $(JANSSON_LIBS) $(CHECK_LIBS)
control_headers = %D%/unit/control.h %D%/unit/tap.h %D%/unit/tree.h

%C%_unit_test_events_SOURCES = %D%/unit/test_events.c $(control_headers)
%C%_unit_test_events_CPPFLAGS = $(control_cppflags)
%C%_unit_test_events_LDADD = $(control_ldadd)

%C%_unit_test_server_SOURCES = %D%/unit/test_server.c $(control_headers)
%C%_unit_test_server_CPPFLAGS = $(control_cppflags)
%C%_unit_test_server_LDADD = $(control_ldadd)

if HAVE_CHECK
if DAEMON
check_PROGRAMS += $(control_tests)
TESTS += $(control_tests)
endif
endif
