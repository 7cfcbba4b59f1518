/*
 * Timers - the heaps
 *
 * 4-ary: half the depth of a binary heap, and the four children of a slot share a cache line.
 *
 *  T1  Slots, `index` and the order are under the heap's lock; `heap` of a timer changes under the
 * lock of the heap it is in. A timer moves to another heap only with both locks held, so who has
 *      locked the heap that a timer names, and finds that it still names it, has the timer.
 *  T2  What a timer does when it fires happens under the lock, and `heap` is cleared after it: who
 *      reads `heap` and finds NULL knows that all of it is over, and who finds the heap waits for
 * the lock. So after timer_remove() nothing of the timer is in use. (Clearing it first was tried:
 * TSan showed a wait that was claimed after its owner had gone.) T3  next_ns is written under the
 * lock and is the first slot's time, or UINT64_MAX.
 */

#include "runtime/timer.h"

#include <errno.h>
#include <string.h>

#include "runtime/base/pages.h"
#include "runtime/base/relaxed.h"
#include "runtime/sched.h"
#include "runtime/wait.h"

enum {
	CHILDREN = 4,
	ROOM_FIRST = 64,
};

void
timers_init(struct timers *h)
{
	memset(h, 0, sizeof(*h));
	atomic_store(&h->next_ns, UINT64_MAX);
}

static void
place(struct timers *h, uint32_t i, struct timer_slot slot)
{
	h->slots[i] = slot;
	slot.timer->index = i;
}

static void
sift_up(struct timers *h, uint32_t i, struct timer_slot slot)
{
	while (i > 0) {
		uint32_t parent = (i - 1) / CHILDREN;

		if (h->slots[parent].when_ns <= slot.when_ns)
			break;
		place(h, i, h->slots[parent]);
		i = parent;
	}
	place(h, i, slot);
}

static void
sift_down(struct timers *h, uint32_t i, struct timer_slot slot)
{
	for (;;) {
		uint32_t child = i * CHILDREN + 1;
		uint32_t end = child + CHILDREN < relaxed_get(&h->n) ? child + CHILDREN
								     : relaxed_get(&h->n);
		uint32_t least = child;

		if (child >= relaxed_get(&h->n))
			break;
		for (uint32_t c = child + 1; c < end; c++) {
			if (h->slots[c].when_ns < h->slots[least].when_ns)
				least = c;
		}
		if (slot.when_ns <= h->slots[least].when_ns)
			break;
		place(h, i, h->slots[least]);
		i = least;
	}
	place(h, i, slot);
}

static void
publish_next(struct timers *h)
{
	uint64_t next = relaxed_get(&h->n) > 0 ? h->slots[0].when_ns : UINT64_MAX;

	/* Sequentially consistent: FENCE-TIMER in steal.c. Skipped where it costs for nothing. */
	if (atomic_load_explicit(&h->next_ns, memory_order_relaxed) != next)
		atomic_store(&h->next_ns, next);
}

static bool
make_room(struct timers *h, uint32_t n)
{
	uint32_t room = h->room > 0 ? h->room : ROOM_FIRST;
	struct timer_slot *slots;

	while (room < n)
		room *= 2;
	if (room == h->room)
		return true;
	slots = pages_alloc(room * sizeof(*slots));
	if (slots == NULL)
		return false;
	if (relaxed_get(&h->n) > 0)
		memcpy(slots, h->slots, relaxed_get(&h->n) * sizeof(*slots));
	pages_free(h->slots, h->room * sizeof(*slots));
	h->slots = slots;
	h->room = room;
	return true;
}

static void
insert(struct timers *h, struct timer *timer)
{
	struct timer_slot slot = { .when_ns = timer->when_ns, .timer = timer };

	atomic_store_explicit(&timer->heap, h, memory_order_release);
	relaxed_add(&h->n, 1);
	sift_up(h, relaxed_get(&h->n) - 1, slot);
}

/* Out of the order; who finds `heap` unchanged still has to wait for the lock. */
static void
take_slot(struct timers *h, struct timer *timer)
{
	uint32_t i = timer->index;
	struct timer_slot last;

	relaxed_add(&h->n, -1u);
	last = h->slots[relaxed_get(&h->n)];

	must(h->slots[i].timer == timer || last.timer == timer);
	if (last.timer == timer)
		return;
	if (i > 0 && last.when_ns < h->slots[(i - 1) / CHILDREN].when_ns)
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
}

int
timer_add(struct timers *h, struct timer *timer, uint64_t when_ns)
{
	bool first;

	lock_acquire(&h->lock, LOCK_RANK_TIMERS);
	if (h->n == h->room && !make_room(h, relaxed_get(&h->n) + 1)) {
		lock_release(&h->lock, LOCK_RANK_TIMERS);
		return -ENOMEM;
	}
	timer->when_ns = when_ns;
	insert(h, timer);
	first = timer->index == 0;
	publish_next(h);
	lock_release(&h->lock, LOCK_RANK_TIMERS);
	/* @timer may have fired and be gone. */
	if (first)
		sched_timer_added(when_ns);
	return 0;
}

bool
timer_remove(struct timer *timer)
{
	for (;;) {
		struct timers *h = atomic_load_explicit(&timer->heap, memory_order_acquire);
		bool mine;

		if (h == NULL)
			return false;
		lock_acquire(&h->lock, LOCK_RANK_TIMERS);
		mine = atomic_load_explicit(&timer->heap, memory_order_relaxed) == h;
		if (mine) {
			take_slot(h, timer);
			atomic_store_explicit(&timer->heap, NULL, memory_order_release);
			publish_next(h);
		}
		lock_release(&h->lock, LOCK_RANK_TIMERS);
		if (mine)
			return true;
		/* It fired, or moved to another heap, before the lock was ours. */
	}
}

/* A wait's time has come. The store of `heap` is the last that is done with the timer and the wait.
 */
static void
fire_wait(struct timer *timer)
{
	struct coroutine *co = timer->wait->co;
	bool won = wait_claim(timer->wait, WAKE_TIMEOUT);

	atomic_store_explicit(&timer->heap, NULL, memory_order_release);
	if (won)
		sched_ready(co);
}

/* The heap's lock is held; @timer is the first. */
static void
fire(struct timers *h, struct timer *timer, uint64_t now_ns)
{
	void (*gone)(struct timer *);
	uint64_t again;

	take_slot(h, timer);
	if (timer->fire == NULL) {
		fire_wait(timer);
		return;
	}
	again = timer->fire(timer, now_ns);
	if (again != 0) {
		timer->when_ns = again;
		insert(h, timer);
		return;
	}
	gone = timer->gone;
	atomic_store_explicit(&timer->heap, NULL, memory_order_release);
	if (gone != NULL)
		gone(timer);
}

unsigned
timers_run(struct timers *h, uint64_t now_ns)
{
	unsigned fired = 0;

	lock_acquire(&h->lock, LOCK_RANK_TIMERS);
	while (relaxed_get(&h->n) > 0 && h->slots[0].when_ns <= now_ns) {
		fire(h, h->slots[0].timer, now_ns);
		fired++;
	}
	publish_next(h);
	lock_release(&h->lock, LOCK_RANK_TIMERS);
	if (fired > 0)
		atomic_fetch_add_explicit(&h->fired, fired, memory_order_relaxed);
	return fired;
}

void
timers_move(struct timers *from, struct timers *to)
{
	uint64_t next;

	if (atomic_load(&from->next_ns) == UINT64_MAX)
		return;
	lock_acquire_both(&from->lock, &to->lock, LOCK_RANK_TIMERS);
	must(make_room(to, to->n + from->n));
	for (uint32_t i = 0; i < from->n; i++)
		insert(to, from->slots[i].timer);
	atomic_store(&from->n, 0);
	publish_next(from);
	publish_next(to);
	next = atomic_load(&to->next_ns);
	lock_release_both(&from->lock, &to->lock, LOCK_RANK_TIMERS);
	sched_timer_added(next);
}

void
timers_drop(struct timers *h)
{
	lock_acquire(&h->lock, LOCK_RANK_TIMERS);
	for (uint32_t i = 0; i < relaxed_get(&h->n); i++) {
		struct timer *timer = h->slots[i].timer;
		void (*gone)(struct timer *) = timer->fire != NULL ? timer->gone : NULL;

		atomic_store_explicit(&timer->heap, NULL, memory_order_release);
		if (gone != NULL)
			gone(timer);
	}
	atomic_store(&h->n, 0);
	publish_next(h);
	lock_release(&h->lock, LOCK_RANK_TIMERS);
}
