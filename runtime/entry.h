#pragma once

/*
 * Entry - the protocol between a thread that enters the runtime and the monitor
 *
 * The monitor may take the worker away from a thread that runs user code (a hog, or a call
 * that blocks), and from no other. The thread announces that it is inside by a plain store; the
 * monitor pays for the fence on both sides, by membarrier(2):
 *
 *     thread, on entry                        monitor
 *       in_rt = 1            (relaxed)          attention |= TAKE       (seq_cst RMW)
 *       compiler barrier     [FENCE-ENTRY]      membarrier(2)           [FENCE-TAKE]
 *       read attention       (relaxed)          read in_rt              (acquire)
 *       if not 0: slow path                     if 0: the worker is mine, attention = TAKEN
 *                                               else: attention &= ~TAKE, try again later
 *     on exit
 *       in_rt = 0            (release)
 *
 * membarrier makes every running thread of the process pass a full barrier between FENCE-TAKE's
 * two sides. So either the thread sees TAKE, or the monitor sees in_rt == 1, or both:
 *
 *  E1  Only the monitor takes, and from one thread at a time.
 *  E2  A thread inside (in_rt == 1) with no TAKE in its attention owns its worker, until it exits.
 *  E3  A thread that sees TAKE on entry waits until the monitor has decided. The monitor decides
 *      without waiting for anything that the thread may hold.
 *  E4  The release of in_rt = 0 pairs with the monitor's acquire: what the thread did to its worker
 *      inside is visible to whoever runs the worker next.
 *  E5  After TAKEN the thread has no worker: on its next entry it asks for one, or queues its
 *      coroutine and sleeps.
 *
 * Where membarrier is missing (seccomp, emulators), and under TSan, which does not understand it,
 * each thread has the bit FENCE in its attention for good: every entry takes the slow path, which
 * repeats the store as a sequentially consistent exchange. Nothing on the fast path asks.
 *
 * tests/model holds a model of this that is checked exhaustively.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/must.h"
#include "runtime/thread.h"

enum attention {
	ATTENTION_FENCE = 1,   /* for good: entry needs a fence of its own */
	ATTENTION_PREEMPT = 2, /* the slice is over, or the worker retires: yield */
	ATTENTION_TAKE = 4,    /* the monitor is deciding */
	ATTENTION_TAKEN = 8,   /* the worker is gone */
	ATTENTION_ASLEEP = 16, /* the thread sleeps on this word until TAKE is gone */
};

struct coroutine *rt_enter_slow(struct thread *t, bool may_yield);
struct coroutine *rt_enter_plain(void);

static inline struct coroutine *
rt_enter_any(bool may_yield)
{
	struct thread *t = thread_self();

	if (unlikely(t == NULL || t->plain))
		return rt_enter_plain();
	must_debug(atomic_load_explicit(&t->in_rt, memory_order_relaxed) == 0);
	atomic_store_explicit(&t->in_rt, 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst); /* FENCE-ENTRY */
	if (unlikely(atomic_load_explicit(&t->attention, memory_order_relaxed) != 0))
		return rt_enter_slow(t, may_yield);
	return t->current;
}

/** rt_enter() - enter the runtime; the calling coroutine, or a plain thread's stub */
static inline struct coroutine *
rt_enter(void)
{
	return rt_enter_any(true);
}

/*
 * rt_enter_unyielding() - the same, but a slice that is over ends at the next entry: for calls that
 * others wait for, such as unlocking.
 */
static inline struct coroutine *
rt_enter_unyielding(void)
{
	return rt_enter_any(false);
}

/** rt_exit() - leave it again; perhaps on another thread than the one that entered */
static inline void
rt_exit(void)
{
	struct thread *t = thread_self();

	atomic_store_explicit(&t->in_rt, 0, memory_order_release); /* E4 */
}
