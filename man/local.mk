# Manual pages.

# Of the library, which is built without the tools, too.
dist_man_MANS += %D%/corun.7

if TOOLS
dist_man_MANS += %D%/corunctl.1
else
EXTRA_DIST += %D%/corunctl.1
endif

if DAEMON
dist_man_MANS += %D%/corund.conf.5
else
EXTRA_DIST += %D%/corund.conf.5
endif
