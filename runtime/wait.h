#pragma once

/*
 * Wait - how a coroutine, or a plain thread, waits for one of several things
 *
 * struct wait is one act of waiting; it lies on the waiter's stack. Whoever could end it (a
 * partner on a channel, a timer, a cancelled context, the network) holds a pointer to it in
 * some queue under some lock. The protocol:
 *
 *  W1  A waker claims the wait under the lock of the queue where it found it. The first claim
 *      wins; the others leave the wait alone.
 *  W2  The winner, and only it, calls sched_ready(wait->co), exactly once. It reads wait->co
 *      before that call: afterwards the wait may be gone.
 *  W3  The waiter parks once (wait_park) and goes on when it has been readied. Before it returns
 *      it takes the wait out of every queue where it put it, under that queue's lock. By W1 nobody
 *      holds a pointer to it any more then.
 *
 * wait_park() itself takes care of the deadline's timer and of the context. The caller takes care
 * of its own queue: when the reason is not WAKE_READY, it removes its node if that is still there.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/coroutine.h"

struct corun_context;

enum wake {
	WAKE_NONE,     /* nobody has claimed it */
	WAKE_READY,    /* what was waited for has come */
	WAKE_TIMEOUT,  /* the deadline */
	WAKE_CANCELED, /* the context */
	WAKE_CLOSED,   /* what was waited for can no longer come */
};

struct wait {
	struct coroutine *co;
	_Atomic uint32_t claim; /* enum wake of the winner */
};

static inline void
wait_init(struct wait *w, struct coroutine *co)
{
	w->co = co;
	atomic_init(&w->claim, WAKE_NONE);
}

/*
 * Acquire pairs with the release of a rival: none is needed for data, which the queue's lock
 * orders, but a loser that goes on to look at the waiter's node must not do so early.
 */
static inline bool
wait_claim(struct wait *w, enum wake reason)
{
	uint32_t none = WAKE_NONE;

	return atomic_compare_exchange_strong_explicit(&w->claim, &none, (uint32_t) reason,
						       memory_order_acq_rel, memory_order_acquire);
}

/**
 * wait_park() - park until somebody claims @w
 * @w:           initialised, and already in the queues where it can be found
 * @why:         for dumps
 * @deadline_ns: CORUN_FOREVER for none; one that has passed still gives others the chance to claim
 *               first, but does not wait for them
 * @ctx:         cancellation, or NULL
 *
 * Return:  the winner's reason.
 * Context: inside the runtime, no lock held. Another thread may carry the coroutine afterwards.
 */
enum wake wait_park(struct wait *w, enum wait_why why, uint64_t deadline_ns,
		    struct corun_context *ctx);

/**
 * wait_poll() - the same for a plain thread that watches a descriptor itself
 * @fd, @events: as for poll(2). When one of them comes, the thread claims @w for WAKE_READY.
 *
 * Context: a plain thread, inside the runtime, which need not be started. Its thread_wake_fd()
 * exists.
 */
enum wake wait_poll(struct wait *w, int fd, short events, uint64_t deadline_ns,
		    struct corun_context *ctx);

/** wait_error() - 0, -ETIMEDOUT, or what @ctx was cancelled with, for a reason of wait_park() */
int wait_error(enum wake reason, struct corun_context *ctx);
