#pragma once

/*
 * Time - now, deadlines, sleeping, timers
 *
 * All times are nanoseconds of CLOCK_MONOTONIC in a uint64_t. Calls that may wait take a
 * deadline, a point in time: several calls in a row then share one bound.
 */

#include <stdbool.h>
#include <stdint.h>

#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CORUN_FOREVER UINT64_MAX  /* a deadline that never comes */
#define CORUN_NOW     UINT64_C(0) /* a deadline that has passed: do not wait */

#define CORUN_US UINT64_C(1000)
#define CORUN_MS UINT64_C(1000000)
#define CORUN_S  UINT64_C(1000000000)

/** corun_now() - CLOCK_MONOTONIC in nanoseconds. Context: any, also a signal handler. */
CORUN_EXPORT uint64_t corun_now(void);

/**
 * corun_in() - the deadline that is @ns nanoseconds from now; saturates at CORUN_FOREVER
 * Context: any, also a signal handler.
 */
CORUN_EXPORT uint64_t corun_in(uint64_t ns);

/**
 * corun_sleep() - let @ns nanoseconds pass; never wakes early
 * Context: coroutine (parks) or plain thread (blocks). 0 returns at once.
 */
CORUN_EXPORT void corun_sleep(uint64_t ns);

/** corun_sleep_until() - the same up to a deadline */
CORUN_EXPORT void corun_sleep_until(uint64_t deadline_ns);

struct corun_timer;

/**
 * corun_timer_start() - call @fn(@arg) in a coroutine of its own at a point in time
 * @deadline_ns: when; one that has passed fires at once, CORUN_FOREVER never
 * @ret_timer:   the caller frees it with corun_timer_free(); NULL if it is not wanted: the
 *               timer then frees itself after it has fired
 *
 * Context: coroutine or plain thread, with the runtime started; allocates.
 * Return:  0, -ENOMEM, -ESRCH (the runtime is not started).
 */
CORUN_EXPORT int corun_timer_start(struct corun_timer **ret_timer, uint64_t deadline_ns,
				   void (*fn)(void *arg), void *arg);

/**
 * corun_timer_stop() - keep it from firing
 * Return: true if this call stopped it; false if it has fired already or was stopped. Does not
 *         wait for a callback that is running.
 * Context: coroutine or plain thread.
 */
CORUN_EXPORT bool corun_timer_stop(struct corun_timer *timer);

/**
 * corun_timer_reset() - fire at @deadline_ns, whatever it did before
 * Return: true if it was still to fire, false if it had fired or been stopped (as Go's Reset).
 * Context: coroutine or plain thread.
 */
CORUN_EXPORT bool corun_timer_reset(struct corun_timer *timer, uint64_t deadline_ns);

/** corun_timer_free() - stop it and free it; NULL is fine. A running callback goes on. */
CORUN_EXPORT void corun_timer_free(struct corun_timer *timer);

#ifdef __cplusplus
}
#endif
