# The programs. (daemon/ctl uses include/, runtime/cpu and daemon/report, not the rest of daemon/.)

if TOOLS
include daemon/report/local.mk
include daemon/ctl/local.mk
endif

# All of corund but main() goes into a convenience library, which the unit tests link too.
if DAEMON
bin_PROGRAMS += corund
noinst_LTLIBRARIES += libdaemon.la
libdaemon_la_SOURCES =
libdaemon_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(MICROHTTPD_CFLAGS) $(INIH_CFLAGS) \
	$(LIBSYSTEMD_CFLAGS) $(LIBCGROUP_CFLAGS) \
	-DSYSCONFDIR='"$(sysconfdir)"' -DMODULEDIR='"$(pkglibdir)/modules"'
libdaemon_la_LIBADD = libreport.la $(JANSSON_LIBS) $(MICROHTTPD_LIBS) $(INIH_LIBS) $(LIBSYSTEMD_LIBS) \
	$(LIBCGROUP_LIBS) -ldl
include daemon/base/local.mk
include daemon/config/local.mk
include daemon/process/local.mk
include daemon/task/local.mk
include daemon/module/local.mk
include daemon/control/local.mk
include daemon/systemd/local.mk

# The shared library, since the modules that it loads bring the same one in.
corund_SOURCES = \
	%D%/corund.c \
	%D%/reload.c \
	%D%/reload.h \
	%D%/serve.c \
	%D%/serve.h
corund_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
corund_LDADD = libdaemon.la libcorun.la
endif
