# Configuration: one table of options, the parser, the checks.

config_sources = \
	%D%/check.c \
	%D%/check_world.c \
	%D%/complain.c \
	%D%/complain.h \
	%D%/config.h \
	%D%/environment.c \
	%D%/explain.c \
	%D%/explain.h \
	%D%/lines.c \
	%D%/lines.h \
	%D%/load.c \
	%D%/options.c \
	%D%/options.h \
	%D%/parse.c \
	%D%/parse.h \
	%D%/span.c \
	%D%/task.c \
	%D%/value.c \
	%D%/value.h \
	%D%/words.c \
	%D%/words.h

libdaemon_la_SOURCES += $(config_sources)
