# What is said of the CPU and of wrong words, for the daemon and corunctl alike.

noinst_LTLIBRARIES += libreport.la
libreport_la_SOURCES = \
	%D%/complaints.c \
	%D%/complaints.h \
	%D%/cpu_because.c \
	%D%/cpu_json.c \
	%D%/cpu_names.c \
	%D%/cpu_report.h \
	%D%/nearest.c \
	%D%/nearest.h \
	%D%/quoted.c \
	%D%/quoted.h \
	%D%/text_json.c \
	%D%/text_json.h \
	%D%/throttling.c \
	%D%/throttling.h
libreport_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
