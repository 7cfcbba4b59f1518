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
# Only this program knows JSON and tar files.
corunctl_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(LIBARCHIVE_CFLAGS)
corunctl_LDADD = libreport.la libruntime.la $(JANSSON_LIBS) $(LIBARCHIVE_LIBS)
if HAVE_LIBARCHIVE
corunctl_SOURCES += %D%/capture.c
else
corunctl_SOURCES += %D%/capture_none.c
endif
EXTRA_DIST += %D%/capture.c %D%/capture_none.c
