# The public headers: one per room of the library.

corunincludedir = $(includedir)/corun
coruninclude_HEADERS = \
	%D%/corun/chan.h \
	%D%/corun/context.h \
	%D%/corun/coroutine.h \
	%D%/corun/cpu.h \
	%D%/corun/export.h \
	%D%/corun/group.h \
	%D%/corun/io.h \
	%D%/corun/module.h \
	%D%/corun/pulse.h \
	%D%/corun/runtime.h \
	%D%/corun/stats.h \
	%D%/corun/sync.h \
	%D%/corun/time.h
