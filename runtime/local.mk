# The library. Only cpu/ and governor.c know of cgroups; nothing here includes a header of
# daemon/. libcorun depends on libc and pthreads alone.
#
# All sources go into a convenience library, from which libcorun is made: unit tests link that
# one, since libcorun.so hides what is not public.

noinst_LTLIBRARIES += libruntime.la
lib_LTLIBRARIES += libcorun.la

libruntime_la_SOURCES = \
	%D%/arch/context.h \
	%D%/base/clock.h \
	%D%/base/futex.c \
	%D%/base/futex.h \
	%D%/base/list.h \
	%D%/base/lock.c \
	%D%/base/lock.h \
	%D%/base/lock_ranks.def \
	%D%/base/must.c \
	%D%/base/must.h \
	%D%/base/pages.c \
	%D%/base/pages.h \
	%D%/base/pause.h \
	%D%/base/relaxed.h \
	%D%/base/syscall.h \
	%D%/chan.c \
	%D%/context.c \
	%D%/context.h \
	%D%/coroutine.c \
	%D%/coroutine.h \
	%D%/entry.h \
	%D%/governor.c \
	%D%/governor.h \
	%D%/group.c \
	%D%/group.h \
	%D%/io.c \
	%D%/monitor.c \
	%D%/mutex.c \
	%D%/netpoll.c \
	%D%/netpoll.h \
	%D%/pool.h \
	%D%/preempt.c \
	%D%/pulse.c \
	%D%/runq.c \
	%D%/runq.h \
	%D%/runtime.c \
	%D%/sanitize.h \
	%D%/sched.c \
	%D%/sched.h \
	%D%/stack.c \
	%D%/stack.h \
	%D%/stats.c \
	%D%/steal.c \
	%D%/thread.c \
	%D%/thread.h \
	%D%/timer.c \
	%D%/timer.h \
	%D%/timer_go.c \
	%D%/wait.c \
	%D%/wait.h \
	%D%/wait_whys.def \
	%D%/worker.c \
	%D%/worker.h \
	%D%/cpu/affinity.c \
	%D%/cpu/affinity.h \
	%D%/cpu/cgroup.c \
	%D%/cpu/cgroup.h \
	%D%/cpu/look.c \
	%D%/cpu/policy.c \
	%D%/cpu/quota.c \
	%D%/cpu/quota.h \
	%D%/cpu/source.c \
	%D%/cpu/source.h

# One switch per machine; all of them are in the tarball.
arch_x86_64 = %D%/arch/x86_64/context.c %D%/arch/x86_64/switch.S
arch_aarch64 = %D%/arch/aarch64/context.c %D%/arch/aarch64/switch.S
arch_ucontext = %D%/arch/ucontext/switch.c
EXTRA_DIST += $(arch_x86_64) $(arch_aarch64) $(arch_ucontext)
if ARCH_X86_64
libruntime_la_SOURCES += %D%/arch/x86_64/context.c %D%/arch/x86_64/switch.S
endif
if ARCH_AARCH64
libruntime_la_SOURCES += %D%/arch/aarch64/context.c %D%/arch/aarch64/switch.S
endif
if ARCH_UCONTEXT
libruntime_la_SOURCES += %D%/arch/ucontext/switch.c
endif

libcorun_la_SOURCES =
libcorun_la_LIBADD = libruntime.la
libcorun_la_LDFLAGS = -version-info 0:0:0 -Wl,--version-script=$(srcdir)/%D%/libcorun.map
EXTRA_libcorun_la_DEPENDENCIES = %D%/libcorun.map
EXTRA_DIST += %D%/libcorun.map
