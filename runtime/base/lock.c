#include "runtime/base/lock.h"

#include "runtime/base/futex.h"
#include "runtime/base/pause.h"

enum { SPINS = 60 };

void
lock_slow(struct lock *l)
{
	/* The holder is in a section of some dozen instructions, unless the kernel took its CPU. */
	for (int i = 0; i < SPINS; i++) {
		uint32_t free_word = 0;

		if (atomic_load_explicit(&l->word, memory_order_relaxed) == 0 &&
		    atomic_compare_exchange_weak_explicit(
			    &l->word, &free_word, 1, memory_order_acquire, memory_order_relaxed))
			return;
		cpu_pause();
	}
	while (atomic_exchange_explicit(&l->word, 2, memory_order_acquire) != 0)
		futex_wait(&l->word, 2, UINT64_MAX);
}

void
lock_wake(struct lock *l)
{
	futex_wake(&l->word, 1);
}

#ifdef CORUN_DEBUG

/*
 * How many locks of each rank this thread holds. A lock is never held across a switch, so no
 * address of this is kept where a coroutine changes threads.
 */
static _Thread_local uint8_t held[LOCK_RANKS];

void
lock_check_acquire(enum lock_rank rank)
{
	for (int r = (int) rank; r < LOCK_RANKS; r++)
		must(held[r] == 0 || (r == (int) rank && rank == LOCK_RANK_CHAN));
	held[rank]++;
}

void
lock_check_release(enum lock_rank rank)
{
	must(held[rank] > 0);
	held[rank]--;
}

#endif
