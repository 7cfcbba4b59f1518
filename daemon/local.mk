# The programs. (daemon/ctl uses include/ and runtime/cpu, not the rest of daemon/.)

if TOOLS
include daemon/ctl/local.mk
endif
