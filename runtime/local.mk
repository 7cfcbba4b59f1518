# The library. Only cpu/ and governor.c know of cgroups; nothing here includes a header of
# daemon/. libcorun depends on libc and pthreads alone.

lib_LTLIBRARIES += libcorun.la

libcorun_la_SOURCES = \
	%D%/cpu/policy.c
libcorun_la_LDFLAGS = -version-info 0:0:0 -Wl,--version-script=$(srcdir)/%D%/libcorun.map
EXTRA_libcorun_la_DEPENDENCIES = %D%/libcorun.map
EXTRA_DIST += %D%/libcorun.map
