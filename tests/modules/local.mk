# Modules that are right, and modules that are wrong, for the test of what loads them; and one that
# measures (gaps).

if DAEMON

# -rpath makes libtool build a shared object of what is not installed.
test_module_ldflags = -module -avoid-version -shared -rpath $(abs_builddir)/%D%

check_LTLIBRARIES += \
	%D%/abi.la \
	%D%/answer.la \
	%D%/answer2.la \
	%D%/family.la \
	%D%/gaps.la \
	%D%/missing.la \
	%D%/no_name.la \
	%D%/no_run.la \
	%D%/no_table.la \
	%D%/own_runtime.la \
	%D%/small.la \
	%D%/starts.la

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

%C%_starts_la_SOURCES = %D%/starts.c
%C%_starts_la_LDFLAGS = $(test_module_ldflags)
%C%_starts_la_LIBADD = libcorun.la

%C%_abi_la_SOURCES = %D%/broken.c
%C%_abi_la_CPPFLAGS = $(AM_CPPFLAGS) -DABI=99
%C%_abi_la_LDFLAGS = $(test_module_ldflags)
%C%_abi_la_LIBADD = libcorun.la

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
check_PROGRAMS += tests/unit/test_module
TESTS += tests/unit/test_module
tests_unit_test_module_SOURCES = tests/unit/test_module.c tests/unit/module.h tests/unit/tap.h
tests_unit_test_module_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_module_LDADD = libdaemon.la libcorun.la $(CHECK_LIBS)

endif
endif
