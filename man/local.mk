# Manual pages.

if TOOLS
dist_man_MANS += %D%/corunctl.1
else
EXTRA_DIST += %D%/corunctl.1
endif
