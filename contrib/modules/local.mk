# Modules that are installed: examples that are of use. Only public headers.

if DAEMON
modulesdir = $(pkglibdir)/modules
modules_LTLIBRARIES = \
	%D%/burn.la \
	%D%/jobs.la \
	%D%/proxy.la
module_ldflags = -module -avoid-version -shared
module_values = \
	%D%/values.c \
	%D%/values.h

%C%_burn_la_SOURCES = %D%/burn.c $(module_values)
%C%_burn_la_LDFLAGS = $(module_ldflags)
%C%_burn_la_LIBADD = libcorun.la

%C%_jobs_la_SOURCES = %D%/jobs.c $(module_values)
%C%_jobs_la_LDFLAGS = $(module_ldflags)
%C%_jobs_la_LIBADD = libcorun.la

%C%_proxy_la_SOURCES = \
	%D%/address.c \
	%D%/address.h \
	%D%/proxy.c \
	$(module_values)
%C%_proxy_la_LDFLAGS = $(module_ldflags)
%C%_proxy_la_LIBADD = libcorun.la

endif
EXTRA_DIST += \
	contrib/tasks/backup.task \
	contrib/tasks/burn.task \
	contrib/tasks/proxy.task
