# Modules that are right, and modules that are wrong, for the test of what loads them; and one that
# measures (gaps).

if DAEMON

# -rpath makes libtool build a shared object of what is not installed.
test_module_ldflags = -module -avoid-version -shared -rpath $(abs_builddir)/%D%

# The example of corun-module(7).
%D%/hello.c: man/corun-module.7
	$(AM_V_GEN)$(MKDIR_P) %D% && $(AWK) '/The example ends/ { on = 0 } on && !/^\.nf|^\.fi/ { \
		gsub(/\\-/, "-"); gsub(/\\e/, "\\"); print } \
		/The example begins/ { on = 1 }' $(top_srcdir)/man/corun-module.7 >$@
CLEANFILES += %D%/hello.c
nodist_%C%_hello_la_SOURCES = %D%/hello.c
%C%_hello_la_LDFLAGS = $(test_module_ldflags)
%C%_hello_la_LIBADD = libcorun.la

check_LTLIBRARIES += \
	%D%/bad_abi.la \
	%D%/allocates.la \
	%D%/answer.la \
	%D%/answer2.la \
	%D%/family.la \
	%D%/gaps.la \
	%D%/ground.la \
	%D%/hello.la \
	%D%/missing.la \
	%D%/no_name.la \
	%D%/no_run.la \
	%D%/no_table.la \
	%D%/own_runtime.la \
	%D%/small.la \
	%D%/starts.la

%C%_allocates_la_SOURCES = %D%/allocates.c
%C%_allocates_la_LDFLAGS = $(test_module_ldflags)
%C%_allocates_la_LIBADD = libcorun.la

%C%_answer_la_SOURCES = %D%/answer.c
%C%_answer_la_CPPFLAGS = $(AM_CPPFLAGS) -DEDITION=1
%C%_answer_la_LDFLAGS = $(test_module_ldflags)
%C%_answer_la_LIBADD = libcorun.la

%C%_answer2_la_SOURCES = %D%/answer.c
%C%_answer2_la_CPPFLAGS = $(AM_CPPFLAGS) -DEDITION=2
%C%_answer2_la_LDFLAGS = $(test_module_ldflags)
%C%_answer2_la_LIBADD = libcorun.la

%C%_family_la_SOURCES = %D%/family.c
%C%_family_la_LDFLAGS = $(test_module_ldflags)
%C%_family_la_LIBADD = libcorun.la

%C%_gaps_la_SOURCES = %D%/gaps.c
%C%_gaps_la_LDFLAGS = $(test_module_ldflags)
%C%_gaps_la_LIBADD = libcorun.la

%C%_ground_la_SOURCES = %D%/ground.c
%C%_ground_la_LDFLAGS = $(test_module_ldflags)
%C%_ground_la_LIBADD = libcorun.la

%C%_starts_la_SOURCES = %D%/starts.c
%C%_starts_la_LDFLAGS = $(test_module_ldflags)
%C%_starts_la_LIBADD = libcorun.la

%C%_bad_abi_la_SOURCES = %D%/broken.c
%C%_bad_abi_la_CPPFLAGS = $(AM_CPPFLAGS) -DABI=99
%C%_bad_abi_la_LDFLAGS = $(test_module_ldflags)
%C%_bad_abi_la_LIBADD = libcorun.la

%C%_small_la_SOURCES = %D%/broken.c
%C%_small_la_CPPFLAGS = $(AM_CPPFLAGS) -DSIZE=16
%C%_small_la_LDFLAGS = $(test_module_ldflags)
%C%_small_la_LIBADD = libcorun.la

%C%_no_run_la_SOURCES = %D%/broken.c
%C%_no_run_la_CPPFLAGS = $(AM_CPPFLAGS) -DRUN=NULL
%C%_no_run_la_LDFLAGS = $(test_module_ldflags)
%C%_no_run_la_LIBADD = libcorun.la

%C%_no_name_la_SOURCES = %D%/broken.c
%C%_no_name_la_CPPFLAGS = $(AM_CPPFLAGS) -DNAME=NULL
%C%_no_name_la_LDFLAGS = $(test_module_ldflags)
%C%_no_name_la_LIBADD = libcorun.la

%C%_no_table_la_SOURCES = %D%/broken.c
%C%_no_table_la_CPPFLAGS = $(AM_CPPFLAGS) -DNO_TABLE
%C%_no_table_la_LDFLAGS = $(test_module_ldflags)
%C%_no_table_la_LIBADD = libcorun.la

%C%_missing_la_SOURCES = %D%/broken.c
%C%_missing_la_CPPFLAGS = $(AM_CPPFLAGS) -DMISSING
%C%_missing_la_LDFLAGS = $(test_module_ldflags)
%C%_missing_la_LIBADD = libcorun.la

%C%_own_runtime_la_SOURCES = %D%/broken.c
%C%_own_runtime_la_CPPFLAGS = $(AM_CPPFLAGS)
%C%_own_runtime_la_LDFLAGS = $(test_module_ldflags)
%C%_own_runtime_la_LIBADD = libruntime.la

if HAVE_CHECK
# libdaemon with the shared library that the modules bring in, too: one runtime in the process.
module_tests = \
	tests/unit/test_jobs \
	tests/unit/test_module \
	tests/unit/test_proxy
module_test_headers = \
	tests/unit/module.h \
	tests/unit/refuse.h \
	tests/unit/tap.h
check_PROGRAMS += $(module_tests)
TESTS += $(module_tests)

tests_unit_test_jobs_SOURCES = tests/unit/test_jobs.c $(module_test_headers)
tests_unit_test_jobs_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_jobs_LDADD = libdaemon.la libcorun.la $(CHECK_LIBS)

tests_unit_test_module_SOURCES = tests/unit/test_module.c $(module_test_headers)
tests_unit_test_module_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_module_LDADD = libdaemon.la libcorun.la $(CHECK_LIBS)

tests_unit_test_proxy_SOURCES = tests/unit/test_proxy.c $(module_test_headers)
tests_unit_test_proxy_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_proxy_LDADD = libdaemon.la libcorun.la $(CHECK_LIBS)

endif
endif
