#pragma once

/*
 * Synchronisation between coroutines, plain threads, or both
 */

#include <stdbool.h>
#include <stdint.h>

#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct corun_context;

/*
 * Zero bytes are an unlocked mutex; it needs no destroying and must not be copied. It is not bound
 * to who locked it: another may unlock it. Not recursive. The fields are the library's.
 */
struct corun_mutex {
	uint32_t word;
	uint32_t lock;
	void *first, *last;
};

/**
 * corun_mutex_lock() - lock it
 *
 * Yields first if the time slice is over; else, uncontended, it is one atomic instruction and does
 * not enter the runtime. Who waits is queued in order; a newcomer may be faster than who was woken,
 * until somebody has waited for a millisecond: then the mutex is handed over in order (the rule of
 * Go's sync.Mutex).
 */
CORUN_EXPORT void corun_mutex_lock(struct corun_mutex *m);

/** corun_mutex_lock_until() - the same up to a deadline. Return: 0, -ETIMEDOUT. */
CORUN_EXPORT int corun_mutex_lock_until(struct corun_mutex *m, uint64_t deadline_ns);

/** corun_mutex_lock_ctx() - the same until @ctx is cancelled. Return: 0 or its error. */
CORUN_EXPORT int corun_mutex_lock_ctx(struct corun_mutex *m, struct corun_context *ctx);

/** corun_mutex_try_lock() - lock it if that needs no waiting. Return: whether it did. */
CORUN_EXPORT bool corun_mutex_try_lock(struct corun_mutex *m);

/**
 * corun_mutex_unlock() - unlock it; unlocking an unlocked one ends the program
 *
 * Never parks, and does not yield even if the time slice is over. Who locks it next may free the
 * memory that it lies in, if no more users are to come: this call has then done with it.
 */
CORUN_EXPORT void corun_mutex_unlock(struct corun_mutex *m);

#ifdef __cplusplus
}
#endif
