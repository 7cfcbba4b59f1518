# Child processes: start, end, output, cgroups.

libdaemon_la_SOURCES += \
	%D%/output.c \
	%D%/output.h \
	%D%/reaper.c \
	%D%/reaper.h \
	%D%/spawn.c \
	%D%/spawn.h \
	%D%/spawn_child.c \
	%D%/spawn_child.h \
	%D%/spawn_user.c
