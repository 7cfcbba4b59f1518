#pragma once

/*
 * Lock - spin a little, then sleep
 *
 * For the runtime's own short critical sections, and only between runtime entry and exit (or in
 * a thread that is not the scheduler's): the holder is never preempted by us, only by the kernel.
 * Zero bytes are an unlocked lock. 4 bytes: it fits into every channel and coroutine.
 *
 * Ranks: a lock may only be taken while all locks held have a smaller rank (the order of
 * lock_ranks.def). With --enable-debug each thread checks that.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "runtime/base/must.h"

enum lock_rank {
#define LOCK_RANK(id, what) LOCK_RANK_##id,
#include "runtime/base/lock_ranks.def"
#undef LOCK_RANK
	LOCK_RANKS
};

struct lock {
	_Atomic uint32_t word; /* 0 free, 1 held, 2 held and somebody may sleep */
};

void lock_slow(struct lock *l);
void lock_wake(struct lock *l);

#ifdef CORUN_DEBUG
void lock_check_acquire(enum lock_rank rank);
void lock_check_release(enum lock_rank rank);
#else
#define lock_check_acquire(rank) ((void) (rank))
#define lock_check_release(rank) ((void) (rank))
#endif

static inline void
lock_acquire(struct lock *l, enum lock_rank rank)
{
	uint32_t free_word = 0;

	lock_check_acquire(rank);
	if (unlikely(!atomic_compare_exchange_strong_explicit(
		    &l->word, &free_word, 1, memory_order_acquire, memory_order_relaxed)))
		lock_slow(l);
}

static inline int
lock_try(struct lock *l, enum lock_rank rank)
{
	uint32_t free_word = 0;

	if (!atomic_compare_exchange_strong_explicit(&l->word, &free_word, 1, memory_order_acquire,
						     memory_order_relaxed))
		return 0;
	lock_check_acquire(rank);
	return 1;
}

static inline void
lock_release(struct lock *l, enum lock_rank rank)
{
	lock_check_release(rank);
	if (unlikely(atomic_exchange_explicit(&l->word, 0, memory_order_release) == 2))
		lock_wake(l);
}

/* Taking two of one rank is right only in address order; this pair does it. */
static inline void
lock_acquire_both(struct lock *a, struct lock *b, enum lock_rank rank)
{
	struct lock *first = (uintptr_t) a < (uintptr_t) b ? a : b;
	struct lock *second = first == a ? b : a;
	uint32_t free_word = 0;

	lock_acquire(first, rank);
	if (!atomic_compare_exchange_strong_explicit(&second->word, &free_word, 1,
						     memory_order_acquire, memory_order_relaxed))
		lock_slow(second);
}

static inline void
lock_release_both(struct lock *a, struct lock *b, enum lock_rank rank)
{
	if (atomic_exchange_explicit(&b->word, 0, memory_order_release) == 2)
		lock_wake(b);
	lock_release(a, rank);
}
