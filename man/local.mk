# Manual pages; those of what is not built are in the tarball all the same.

dist_man_MANS += %D%/corun.7

ctl_pages = %D%/corunctl.1
daemon_pages = \
	%D%/corun-module.7 \
	%D%/corund-api.7 \
	%D%/corund.8 \
	%D%/corund.conf.5
EXTRA_DIST += $(ctl_pages) $(daemon_pages)
if TOOLS
dist_man_MANS += $(ctl_pages)
endif
if DAEMON
dist_man_MANS += $(daemon_pages)
endif
