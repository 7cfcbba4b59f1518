# Tasks: what they are, their life, and how they are told of the worker count.

libdaemon_la_SOURCES += \
	%D%/backoff.c \
	%D%/backoff.h \
	%D%/count.c \
	%D%/count.h \
	%D%/table.c \
	%D%/table.h \
	%D%/task.h \
	%D%/tasks.h
