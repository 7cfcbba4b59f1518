# What systemd is told, and what it tells.

libdaemon_la_SOURCES += %D%/service.h
if HAVE_LIBSYSTEMD
libdaemon_la_SOURCES += %D%/service.c
else
libdaemon_la_SOURCES += %D%/service_none.c
endif
EXTRA_DIST += %D%/service.c %D%/service_none.c
