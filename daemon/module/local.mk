# Modules: shared objects that run as coroutines.

libdaemon_la_SOURCES += \
	%D%/host.c \
	%D%/keys.c \
	%D%/keys.h \
	%D%/load.c \
	%D%/load.h \
	%D%/module.c \
	%D%/module.h \
	%D%/process.c \
	%D%/run.h
