# corunctl. It links the library statically: one file to copy into any container.

bin_PROGRAMS += corunctl

corunctl_SOURCES = \
	%D%/capture.h \
	%D%/command.c \
	%D%/command.h \
	%D%/corunctl.c \
	%D%/cpu.c \
	%D%/cpu_show.h \
	%D%/cpu_text.c \
	%D%/cpu_watch.c \
	%D%/cpu_watch.h \
	%D%/look_options.c \
	%D%/look_options.h \
	%D%/nproc.c \
	%D%/output.c \
	%D%/output.h
# JSON, and tar files where there is libarchive.
corunctl_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(LIBARCHIVE_CFLAGS)
corunctl_LDADD = libreport.la libruntime.la $(JANSSON_LIBS) $(LIBARCHIVE_LIBS)
if HAVE_LIBARCHIVE
corunctl_SOURCES += %D%/capture.c
else
corunctl_SOURCES += %D%/capture_none.c
endif
EXTRA_DIST += %D%/capture.c %D%/capture_none.c

# The commands that ask corund.
ctl_daemon_sources = \
	%D%/act.c \
	%D%/client.c \
	%D%/client.h \
	%D%/client_options.c \
	%D%/client_options.h \
	%D%/client_private.h \
	%D%/client_stream.c \
	%D%/escape.c \
	%D%/escape.h \
	%D%/event_text.c \
	%D%/event_text.h \
	%D%/events.c \
	%D%/limit.c \
	%D%/logs.c \
	%D%/reload.c \
	%D%/status.c \
	%D%/table.c \
	%D%/table.h \
	%D%/tail.c \
	%D%/tail.h \
	%D%/task_text.c \
	%D%/task_text.h \
	%D%/tasks.c \
	%D%/version.c \
	%D%/when.c \
	%D%/when.h \
	%D%/worker_text.c \
	%D%/worker_text.h \
	%D%/workers.c
if DAEMON
corunctl_SOURCES += $(ctl_daemon_sources)
corunctl_CPPFLAGS += $(CURL_CFLAGS)
corunctl_LDADD += $(CURL_LIBS)
endif
