# The control server: HTTP over a Unix socket; and what it shows of the pool and of events.

libdaemon_la_SOURCES += \
	%D%/events.c \
	%D%/events.h \
	%D%/levels.c \
	%D%/levels.h \
	%D%/listen.c \
	%D%/listen.h \
	%D%/peer.c \
	%D%/peer.h \
	%D%/pool.c \
	%D%/pool.h \
	%D%/reply_daemon.c \
	%D%/reply_tasks.c \
	%D%/reply_workers.c \
	%D%/request.c \
	%D%/request.h \
	%D%/routes.c \
	%D%/routes.h \
	%D%/server.c \
	%D%/server.h \
	%D%/stream.c \
	%D%/stream.h \
	%D%/workers_json.h
