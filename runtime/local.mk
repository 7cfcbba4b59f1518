# The library. Only cpu/ and governor.c know of cgroups; nothing here includes a header of
# daemon/. libcorun depends on libc and pthreads alone.

