# The library. Only cpu/ and governor.c know of cgroups; nothing here includes a header of
# daemon/. libcorun depends on libc and pthreads alone.
#
# All sources go into a convenience library, from which libcorun is made: unit tests link that
# one, since libcorun.so hides what is not public.

noinst_LTLIBRARIES += libruntime.la
lib_LTLIBRARIES += libcorun.la

libruntime_la_SOURCES = \
	%D%/cpu/affinity.c \
	%D%/cpu/affinity.h \
	%D%/cpu/cgroup.c \
	%D%/cpu/cgroup.h \
	%D%/cpu/look.c \
	%D%/cpu/policy.c \
	%D%/cpu/quota.c \
	%D%/cpu/quota.h \
	%D%/cpu/source.c \
	%D%/cpu/source.h

libcorun_la_SOURCES =
libcorun_la_LIBADD = libruntime.la
libcorun_la_LDFLAGS = -version-info 0:0:0 -Wl,--version-script=$(srcdir)/%D%/libcorun.map
EXTRA_libcorun_la_DEPENDENCIES = %D%/libcorun.map
EXTRA_DIST += %D%/libcorun.map
