/*
 * Workers - the slots, and how the pool grows and shrinks while everything runs
 *
 * Growing makes slots, or brings dead or retiring ones back, and wakes threads for them. Shrinking
 * takes idle slots out at once and marks held ones; the holder gives a marked worker up at its next
 * scheduling point, and the monitor takes it from a thread that does not come to one. Slot 0 never
 * retires: timers of those that do go there.
 *
 *  R1  `state`, `retiring` and the idle list change under sched.lock.
 *  R2  A retiring worker is emptied by its holder before the state becomes DEAD. Whether it still
 *      retires is asked in the same critical section: who brings it back finds it either HELD
 *      (and takes the mark away) or DEAD.
 *  R3  A dead worker's queue and heap are empty, and stay so: only a holder fills them. (Timers of
 *      plain threads and of the monitor go to slot 0.)
 */

#include <errno.h>

#include <corun/time.h>

#include "runtime/base/clock.h"
#include "runtime/base/pages.h"
#include "runtime/pool.h"

struct worker *
worker_slot(uint32_t i)
{
	return atomic_load_explicit(&sched.slots[i], memory_order_relaxed);
}

int
worker_make_slots(uint32_t n)
{
	/* Under resize_lock, or before the start. */
	for (uint32_t i = atomic_load(&sched.n_slots); i < n; i++) {
		struct worker *w = pages_alloc(sizeof(*w));

		if (w == NULL)
			return -ENOMEM;
		w->id = i;
		w->state = WORKER_DEAD;
		timers_init(&w->timers);
		stack_cache_init(&w->stacks);
		atomic_store_explicit(&sched.slots[i], w, memory_order_relaxed);
		atomic_store(&sched.n_slots, i + 1); /* publishes the slot */
	}
	return 0;
}

struct worker *
worker_pop_idle_locked(struct thread *holder)
{
	struct list *link = list_pop_head(&sched.idle_workers);
	struct worker *w;

	if (link == NULL)
		return NULL;
	w = list_entry(link, struct worker, idle_link);
	w->state = WORKER_HELD;
	atomic_store(&w->thread, holder);
	atomic_fetch_sub(&sched.n_idle, 1);
	return w;
}

void
worker_push_idle_locked(struct worker *w)
{
	w->state = WORKER_IDLE;
	atomic_store(&w->thread, NULL);
	list_push_head(&sched.idle_workers, &w->idle_link);
	atomic_fetch_add(&sched.n_idle, 1); /* FENCE-WORK, announcing half */
}

struct worker *
worker_acquire(struct thread *t)
{
	struct worker *w;

	if (atomic_load(&sched.n_idle) == 0)
		return NULL;
	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	w = worker_pop_idle_locked(t);
	lock_release(&sched.lock, LOCK_RANK_SCHED);
	if (w != NULL) {
		t->worker = w;
		monitor_wake();
	}
	return w;
}

void
worker_begin_hog_turn(struct worker *w, uint64_t now_ns)
{
	w->hog_began_ns = now_ns;
	w->hog_ran_ns = CORUN_MS; /* if it does not run up to its end */
}

void
worker_end_hog_turn(struct worker *w)
{
	uint64_t ran_ns = clock_now_ns() - w->hog_began_ns;

	w->hog_ran_ns = ran_ns < HOG_TURN_MS * CORUN_MS ? ran_ns : HOG_TURN_MS * CORUN_MS;
}

bool
worker_hog_is_due(struct worker *w, uint64_t now_ns)
{
	/* From now on, not from its end: the thread that goes on may have had to wait for a CPU. */
	if (w->hog_ran_ns != 0) {
		w->hog_due_ns = now_ns + w->hog_ran_ns;
		w->hog_ran_ns = 0;
	}
	return now_ns >= w->hog_due_ns;
}

/* All that the worker has to run, as a list. Its holder calls. */
static struct coroutine *
empty_queue(struct worker *w)
{
	struct coroutine *first = runq_take_next(&w->runq);
	struct coroutine *last = first;
	struct coroutine *co;

	if (first != NULL)
		first->link = NULL;
	while ((co = runq_get(&w->runq)) != NULL) {
		co->link = NULL;
		if (last == NULL)
			first = co;
		else
			last->link = co;
		last = co;
	}
	return first;
}

bool
worker_retire(struct worker *w)
{
	struct coroutine *list;

	if (!atomic_load(&w->retiring))
		return false;
	list = empty_queue(w);
	timers_move(&w->timers, &worker_slot(0)->timers);
	stack_cache_drain(&w->stacks);
	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	if (!atomic_load(&w->retiring)) {
		lock_release(&sched.lock, LOCK_RANK_SCHED);
		if (list != NULL)
			sched_put_global(list);
		return false;
	}
	atomic_store(&w->retiring, false);
	atomic_fetch_sub(&sched.n_retiring, 1);
	w->state = WORKER_DEAD;
	atomic_store(&w->thread, NULL);
	lock_release(&sched.lock, LOCK_RANK_SCHED);
	atomic_fetch_add(&sched.retired, 1);
	if (list != NULL)
		sched_put_global(list);
	return true;
}

void
worker_let_go(struct worker *w)
{
	while (!worker_retire(w)) {
		bool lives;

		lock_acquire(&sched.lock, LOCK_RANK_SCHED);
		lives = !atomic_load(&w->retiring);
		if (lives)
			worker_push_idle_locked(w);
		lock_release(&sched.lock, LOCK_RANK_SCHED);
		if (lives)
			return;
	}
}

/* sched.lock is held. Slots below @n live, whatever they were. Return: how many came alive. */
static uint32_t
grow_locked(uint32_t n)
{
	uint32_t grown = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct worker *w = worker_slot(i);

		if (w->state == WORKER_DEAD) {
			worker_push_idle_locked(w);
			grown++;
		} else if (atomic_load(&w->retiring)) {
			atomic_store(&w->retiring, false);
			atomic_fetch_sub(&sched.n_retiring, 1);
			atomic_fetch_add(&sched.revived, 1);
		}
	}
	return grown;
}

/* sched.lock is held. Idle slots from @n on die; held ones are marked. */
static void
shrink_locked(uint32_t n)
{
	uint32_t slots = atomic_load(&sched.n_slots);

	for (uint32_t i = n; i < slots; i++) {
		struct worker *w = worker_slot(i);

		if (w->state == WORKER_IDLE) {
			/* An idle worker may have timers, and, for a moment, work: mark it first.
			 */
			list_remove(&w->idle_link);
			atomic_fetch_sub(&sched.n_idle, 1);
			w->state = WORKER_HELD;
		} else if (w->state == WORKER_DEAD || atomic_load(&w->retiring)) {
			continue;
		}
		atomic_store(&w->retiring, true);
		atomic_fetch_add(&sched.n_retiring, 1);
	}
}

/* Those that nobody holds are this function's; the others' threads are asked. */
static void
finish_shrink(uint32_t n)
{
	uint32_t slots = atomic_load(&sched.n_slots);

	for (uint32_t i = n; i < slots; i++) {
		struct worker *w = worker_slot(i);
		struct thread *t = atomic_load(&w->thread);

		if (!atomic_load(&w->retiring))
			continue;
		if (t == NULL)
			worker_retire(w);
		else
			preempt_flag(t);
	}
}

int
worker_set_pool_size(uint32_t n, enum resize_by by)
{
	uint32_t before, grown;
	int r;

	lock_acquire(&sched.resize_lock, LOCK_RANK_RESIZE);
	before = atomic_load(&sched.n_workers);
	r = by == RESIZE_BY_RULES && atomic_load(&sched.pinned) ? (int) before
								: worker_make_slots(n);
	if (r != 0) {
		lock_release(&sched.resize_lock, LOCK_RANK_RESIZE);
		return r;
	}
	if (by == RESIZE_BY_PIN)
		atomic_store(&sched.pinned, true);
	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	atomic_store(&sched.n_workers, n);
	grown = grow_locked(n);
	shrink_locked(n);
	lock_release(&sched.lock, LOCK_RANK_SCHED);
	finish_shrink(n);
	if (n != before)
		atomic_fetch_add(&sched.resizes, 1);
	/* One is woken; it finds work and wakes the next, or there is none. */
	if (grown > 0)
		thread_wake_one();
	monitor_wake();
	monitor_wake_if_slow(); /* hogs on workers that retire */
	lock_release(&sched.resize_lock, LOCK_RANK_RESIZE);
	return (int) before;
}
