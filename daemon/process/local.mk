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
	%D%/spawn_user.c \
	%D%/taskgroup.c \
	%D%/taskgroup.h \
	%D%/taskgroup_files.c \
	%D%/taskgroup_files.h \
	%D%/taskgroup_members.c \
	%D%/taskgroup_v1.c \
	%D%/taskgroup_v2.c
if HAVE_LIBCGROUP
libdaemon_la_SOURCES += %D%/taskgroup_libcgroup.c
endif
EXTRA_DIST += %D%/taskgroup_libcgroup.c
