# The public headers: one per room of the library.

corunincludedir = $(includedir)/corun
coruninclude_HEADERS = \
	%D%/corun/cpu.h \
	%D%/corun/export.h
