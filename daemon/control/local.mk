# The control server: HTTP over a Unix socket; and what it shows of the pool and of events.

libdaemon_la_SOURCES += \
	%D%/events.c \
	%D%/events.h \
	%D%/levels.c \
	%D%/levels.h \
	%D%/pool.c \
	%D%/pool.h \
	%D%/server.h
