#pragma once

/*
 * Coroutines - functions with stacks of their own, scheduled on the workers
 *
 * A coroutine may wake on another thread than the one it parked on. So no address of
 * thread-local storage may be kept across a call of this library; that includes errno, which
 * compilers cache. This library returns negative errnos and never sets errno; it keeps the
 * value of errno across its calls for each coroutine. A coroutine that uses foreign
 * thread-local state calls corun_pin().
 */

#include <stddef.h>
#include <stdint.h>

#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct corun_coroutine;

struct corun_attr {
	const char *name;   /* for dumps; borrowed until the coroutine ends; NULL: none */
	size_t stack_bytes; /* 0: the runtime's default. Rounded up to a power of two. */
};

/**
 * corun_go() - start @fn(@arg) as a coroutine that nobody joins
 *
 * Context: coroutine or plain thread, with the runtime started. From a coroutine the new one
 *          runs next on this worker, as in Go, unless another worker takes it.
 * Return:  0; -ENOMEM (no memory or address space for a stack); -ESRCH (not started).
 */
CORUN_EXPORT int corun_go(void (*fn)(void *arg), void *arg);

/**
 * corun_spawn() - start a coroutine and keep a handle of it
 * @ret_co: set on success; the caller ends its life with corun_join() or corun_detach()
 * @attr:   copied; NULL for the defaults
 *
 * Return: as corun_go(); -EINVAL (a stack of over 1 GiB).
 */
CORUN_EXPORT int corun_spawn(struct corun_coroutine **ret_co, const struct corun_attr *attr,
			     void (*fn)(void *arg), void *arg);

/**
 * corun_join() - wait until it has ended, and free the handle
 *
 * Context: coroutine (parks) or plain thread (blocks). One joiner at a time.
 * Return:  0: ended, @co is no longer valid; -ETIMEDOUT: it goes on, and so does the handle;
 *          -EDEADLK: @co is the caller; -EBUSY: somebody else is joining it.
 */
CORUN_EXPORT int corun_join(struct corun_coroutine *co, uint64_t deadline_ns);

/** corun_detach() - free the handle; the coroutine goes on. NULL is fine. */
CORUN_EXPORT void corun_detach(struct corun_coroutine *co);

/** corun_yield() - let others on this worker run first. A plain thread calls sched_yield(2). */
CORUN_EXPORT void corun_yield(void);

/**
 * corun_checkpoint() - yield if the time slice is over; for loops that call nothing else here
 * Context: anywhere but a signal handler; costs some nanoseconds when there is nothing to do.
 */
CORUN_EXPORT void corun_checkpoint(void);

/** corun_id() - the number of the calling coroutine, from 1; 0 in a plain thread */
CORUN_EXPORT uint64_t corun_id(void);

/**
 * corun_pin() - stay on this OS thread until corun_unpin(), which must be called as often
 *
 * For code with foreign thread-local state between runtime calls. A pinned coroutine that wakes
 * has its thread given a worker: that costs a futex wake, so pin for long or not at all.
 * Context: coroutine; nothing happens in a plain thread.
 */
CORUN_EXPORT void corun_pin(void);
CORUN_EXPORT void corun_unpin(void);

/**
 * corun_block_enter() / corun_block_exit() - around a call that is known to block the thread
 *
 * In between the worker may go on with another thread; on exit the coroutine asks for a worker
 * again and may wait for one. No other call of this library may stand between the two. They
 * do not nest. Nothing happens in a plain thread.
 */
CORUN_EXPORT void corun_block_enter(void);
CORUN_EXPORT void corun_block_exit(void);

#ifdef __cplusplus
}
#endif
