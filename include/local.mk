# The public headers: one per room of the library.

corunincludedir = $(includedir)/corun
coruninclude_HEADERS = \
	%D%/corun/coroutine.h \
	%D%/corun/cpu.h \
	%D%/corun/export.h \
	%D%/corun/runtime.h \
	%D%/corun/stats.h \
	%D%/corun/time.h
