# Tasks: what they are, their life, and how they are told of the worker count.

libdaemon_la_SOURCES += \
	%D%/answer.c \
	%D%/backoff.c \
	%D%/backoff.h \
	%D%/count.c \
	%D%/count.h \
	%D%/process.c \
	%D%/procgroup.c \
	%D%/procgroup.h \
	%D%/resize.c \
	%D%/status.c \
	%D%/supervise.c \
	%D%/supervisor.h \
	%D%/table.c \
	%D%/table.h \
	%D%/task.c \
	%D%/task.h \
	%D%/tasks.c \
	%D%/tasks.h \
	%D%/workers_file.c \
	%D%/workers_file.h
