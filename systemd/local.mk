# Units. /usr/lib/systemd/system and /usr/local/lib/systemd/system are both on systemd's path.

EXTRA_DIST += \
	%D%/corund.service.in \
	%D%/corund.socket \
	%D%/notify-reload.conf

if DAEMON
systemdsystemunitdir = $(prefix)/lib/systemd/system
nodist_systemdsystemunit_DATA = %D%/corund.service
dist_systemdsystemunit_DATA = %D%/corund.socket
CLEANFILES += %D%/corund.service

%D%/corund.service: %D%/corund.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) %D% && \
		sed 's|@bindir[@]|$(bindir)|g' $(srcdir)/%D%/corund.service.in >$@.tmp && mv $@.tmp $@
endif
