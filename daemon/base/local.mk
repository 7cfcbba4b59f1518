# What the rest of the daemon stands on.

libdaemon_la_SOURCES += \
	%D%/event.h \
	%D%/log.c \
	%D%/log.h \
	%D%/loop.c \
	%D%/loop.h \
	%D%/mailbox.c \
	%D%/mailbox.h \
	%D%/publish.h
