/*
 * Steal - where a thread looks for work, and in which order
 *
 *   1. what a coroutine of this thread picked but could not run
 *   2. timers of this worker that are due
 *   3. now and then the global queue and the network first, so that neither starves
 *   4. this worker's `next` and ring
 *   5. the global queue, but for the hogs in it
 *   6. the network, without waiting
 *   7. the rings of others, half of one at a time; in the last round also their timers, and their
 *      `next` if its owner does not run it within some microseconds
 *   8. the hogs: coroutines that used up their slice. Where there are always others to come first,
 *      each worker gives a hog a turn at 3 or 5, and then the others as much time as that took
 *   9. idle: release the worker, look at everything once more (sched.c, FENCE-WORK), then sleep in
 *      epoll if nobody does, else on the futex
 *
 * At most half as many threads look at 7 as workers are busy: more would find nothing but each
 * other. Who finds something and was the last one looking wakes another, so that a burst of work
 * spreads without one wake-up per coroutine.
 */

#include <corun/time.h>

#include "runtime/base/clock.h"
#include "runtime/base/pause.h"
#include "runtime/netpoll.h"
#include "runtime/pool.h"
#include "runtime/sched.h"

enum {
	/*
	 * Picks between two looks at the global queue and the network first. 61 as in Go: a prime,
	 * so that it falls in step with no pattern of the program's.
	 */
	PICKS_PER_LOOK = 61,
	/* The same while this worker has timers: they come due while it is busy. */
	PICKS_PER_LOOK_WITH_TIMERS = 16,
	ROUNDS = 4,
	GLOBAL_BATCH_MAX = RUNQ_SIZE / 2,
	NEXT_SPINS =
		100, /* how often to look whether a victim runs its `next` itself: about 3 us */
};

static uint32_t
random_next(struct thread *t)
{
	uint32_t x = t->random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	t->random = x;
	return x;
}

/*
 * A share of the global queue: one to run, the others into the ring, which has room for them. They
 * are counted in n_global until they are there: who goes idle sees them in one or the other.
 */
static struct coroutine *
woken_from_global_locked(struct worker *w, uint32_t max)
{
	uint32_t share = atomic_load(&sched.n_woken) / atomic_load(&sched.n_workers) + 1;
	struct coroutine *co, *rest;
	uint32_t n;

	co = queue_take_locked(&sched.woken, share < max ? share : max, &n);
	rest = co != NULL ? co->link : NULL;
	while (rest != NULL) {
		struct coroutine *following = rest->link;

		rest->link = NULL; /* what is in a ring, or in a hand, is in no list */
		must(runq_put(&w->runq, rest) == NULL);
		rest = following;
	}
	queue_taken_locked(&sched.woken, n);
	return co;
}

/* Hogs are taken one by one: one in a ring would be before what is woken into it. */
static struct coroutine *
hog_from_global_locked(struct worker *w, uint64_t now_ns)
{
	uint32_t n;
	struct coroutine *co = queue_take_locked(&sched.hogs, 1, &n);

	queue_taken_locked(&sched.hogs, n);
	worker_begin_hog_turn(w, now_ns);
	return co;
}

/* @hogs_too: nothing else was found, so hogs need not wait until it is their turn. */
static struct coroutine *
from_global(struct worker *w, uint32_t max, bool hogs_too)
{
	struct coroutine *co = NULL;
	uint64_t now_ns = 0;
	bool turn = false;

	if (atomic_load_explicit(&sched.n_global, memory_order_relaxed) == 0)
		return NULL;
	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	if (sched.hogs.head != NULL) {
		now_ns = clock_now_ns();
		turn = worker_hog_is_due(w, now_ns);
	}
	if (!turn)
		co = woken_from_global_locked(w, max);
	if (co == NULL && sched.hogs.head != NULL && (turn || hogs_too))
		co = hog_from_global_locked(w, now_ns);
	lock_release(&sched.lock, LOCK_RANK_SCHED);
	if (co != NULL)
		co->link = NULL;
	return co;
}

static struct coroutine *
from_network(struct worker *w)
{
	struct coroutine *list;

	if (!netpoll_waiters() || atomic_load_explicit(&sched.polling, memory_order_relaxed))
		return NULL;
	list = netpoll_poll(CORUN_NOW);
	atomic_store_explicit(&sched.last_poll_ns, clock_now_ns(), memory_order_relaxed);
	count_add(w, netpolls, 1);
	if (list == NULL)
		return NULL;
	if (list->link != NULL)
		sched_put_global(list->link);
	list->link = NULL;
	return list;
}

static void
run_timers(struct worker *w, uint64_t *now_ns)
{
	uint64_t due = atomic_load_explicit(&w->timers.next_ns, memory_order_relaxed);

	if (due == UINT64_MAX)
		return;
	if (*now_ns == 0)
		*now_ns = clock_now_ns();
	if (due <= *now_ns)
		timers_run(&w->timers, *now_ns);
}

/* This worker's own queues. */
static struct coroutine *
from_own(struct worker *w)
{
	struct coroutine *co = runq_take_next(&w->runq);

	return co != NULL ? co : runq_get(&w->runq);
}

static struct coroutine *
steal_next(struct worker *victim)
{
	struct coroutine *co = atomic_load_explicit(&victim->runq.next, memory_order_relaxed);

	if (co == NULL)
		return NULL;
	/* Its owner is likely to park soon and run it, warm: give it that long. */
	for (int i = 0; i < NEXT_SPINS; i++) {
		if (atomic_load_explicit(&victim->runq.next, memory_order_relaxed) != co)
			return NULL;
		cpu_pause();
	}
	return runq_take_next(&victim->runq);
}

static struct coroutine *
from_victim(struct thread *t, struct worker *victim, bool last_round, uint64_t *now_ns)
{
	struct worker *w = t->worker;
	struct coroutine *co;
	uint32_t n;

	if (victim == w)
		return NULL;
	if (last_round) {
		run_timers(victim, now_ns); /* readies into our own queue */
		co = from_own(w);
		if (co != NULL)
			return co;
	}
	co = runq_steal(&w->runq, &victim->runq, &n);
	if (co == NULL && last_round) {
		co = steal_next(victim);
		n = 1;
	}
	if (co != NULL) {
		count_add(w, steals, 1);
		count_add(w, stolen, n);
	}
	return co;
}

static struct coroutine *
from_others(struct thread *t, uint64_t *now_ns)
{
	uint32_t n = atomic_load_explicit(&sched.n_slots, memory_order_acquire);

	for (int round = 0; round < ROUNDS; round++) {
		uint32_t start = random_next(t) % n;

		for (uint32_t i = 0; i < n; i++) {
			struct worker *victim = worker_slot((start + i) % n);
			struct coroutine *co;

			co = from_victim(t, victim, round == ROUNDS - 1, now_ns);
			if (co != NULL)
				return co;
		}
	}
	return NULL;
}

static bool
start_spinning(struct thread *t)
{
	uint32_t spinning, idle, busy;

	if (t->spinning)
		return true;
	spinning = atomic_load_explicit(&sched.n_spinning, memory_order_relaxed);
	idle = atomic_load(&sched.n_idle);
	busy = atomic_load(&sched.n_workers);
	busy -= idle < busy ? idle : busy; /* while the pool shrinks there may be more of them */
	if (2 * spinning >= busy)
		return false;
	t->spinning = true;
	atomic_fetch_add(&sched.n_spinning, 1);
	return true;
}

/* @t found something; if it was the last one looking, somebody else has to. */
static void
stop_spinning(struct thread *t)
{
	if (!t->spinning)
		return;
	t->spinning = false;
	if (atomic_fetch_sub(&sched.n_spinning, 1) == 1)
		thread_wake_one();
}

bool
work_anywhere(void)
{
	uint32_t n = atomic_load_explicit(&sched.n_slots, memory_order_acquire);

	if (atomic_load(&sched.n_global) != 0)
		return true;
	for (uint32_t i = 0; i < n; i++) {
		if (!runq_empty(&worker_slot(i)->runq))
			return true;
	}
	return false;
}

static uint64_t
next_timer_ns(void)
{
	uint64_t first;

	sched_run_due_timers(0, &first);
	return first;
}

static void
let_go(struct thread *t)
{
	struct worker *w = t->worker;

	t->worker = NULL;
	if (w != NULL)
		worker_let_go(w);
}

/*
 * Sleep in epoll until the network or a timer has something. Return: whether this thread did.
 *
 * poll_until is published before the timers are read once more: who adds a timer puts it in
 * its heap first and reads poll_until then, so one of the two notices [FENCE-TIMER].
 */
static bool
sleep_as_poller(struct thread *t)
{
	struct coroutine *list;
	uint64_t until;

	do {
		bool nobody = false;

		if (!atomic_compare_exchange_strong(&sched.polling, &nobody, true))
			return false;
		do {
			until = next_timer_ns();
			atomic_store(&sched.poll_until, until);
		} while (next_timer_ns() < until);
		if (until != UINT64_MAX || netpoll_waiters())
			break;
		/*
		 * Nothing to poll for. But somebody who found this thread polling may have gone to
		 * sleep meanwhile and left a waiter or a timer to it: look again after letting go.
		 */
		atomic_store(&sched.poll_until, 0);
		atomic_store(&sched.polling, false);
		if (!netpoll_waiters() && next_timer_ns() == UINT64_MAX)
			return false;
	} while (true);
	/*
	 * Work and an idle worker may have come since we looked. (Work alone is for the busy
	 * workers: not to sleep then would be to spin beside them.)
	 */
	if ((work_anywhere() && atomic_load(&sched.n_idle) > 0) || atomic_load(&sched.stopping))
		until = CORUN_NOW;
	list = netpoll_poll(until);
	atomic_store(&sched.poll_until, 0);
	atomic_store(&sched.polling, false);
	atomic_store_explicit(&sched.last_poll_ns, clock_now_ns(), memory_order_relaxed);
	count_add(NULL, netpolls, 1);
	/* A worker first: what a timer readies then runs here, not on a thread that is to wake. */
	if (worker_acquire(t) != NULL && !t->spinning) {
		t->spinning = true;
		atomic_fetch_add(&sched.n_spinning, 1);
	}
	/* Timers of busy workers too, with or without a worker of one's own. */
	sched_run_due_timers(clock_now_ns(), &until);
	/* The next one is nobody's if all are busy: no thread takes over as the poller then. */
	if (atomic_load(&sched.n_idle) == 0)
		monitor_timer_added(until);
	if (list != NULL)
		sched_put_global(list);
	return true;
}

/*
 * Nothing to run: give the worker up and sleep. Return: false if the thread is to end; true to look
 * again, with or without a worker.
 */
static bool
go_idle(struct thread *t)
{
	bool was_spinning = t->spinning;

	let_go(t);
	if (was_spinning) {
		t->spinning = false;
		atomic_fetch_sub(&sched.n_spinning, 1); /* FENCE-WORK, announcing half */
	}
	if (t->low_priority) {
		/* Nobody is to wake it again; so what it would look for, another has to. */
		if (work_anywhere())
			thread_wake_one();
		return false;
	}
	/* A spinner has promised to look again; it costs the others little to do the same. */
	if (work_anywhere() && worker_acquire(t) != NULL) {
		t->spinning = true;
		atomic_fetch_add(&sched.n_spinning, 1);
		return true;
	}
	if (sleep_as_poller(t))
		return true;
	return thread_sleep(t, true);
}

static uint32_t
picks_per_look(struct worker *w)
{
	return atomic_load_explicit(&w->timers.next_ns, memory_order_relaxed) == UINT64_MAX
		       ? PICKS_PER_LOOK
		       : PICKS_PER_LOOK_WITH_TIMERS;
}

static struct coroutine *
look(struct thread *t)
{
	struct worker *w = t->worker;
	struct coroutine *co = t->picked;
	uint64_t now_ns = 0;

	if (co != NULL) {
		t->picked = NULL;
		return co;
	}
	run_timers(w, &now_ns);
	if (w->slow_in == 0) {
		w->slow_in = picks_per_look(w);
		co = from_global(w, 1, false);
		if (co == NULL)
			co = from_network(w);
		if (co != NULL)
			return co;
	}
	w->slow_in--;
	/* Who finds a queue in a worker that was idle has no slice to share: the oldest first. */
	co = t->spinning ? runq_get(&w->runq) : NULL;
	if (co == NULL) {
		co = runq_take_next(&w->runq);
		t->inherits = co != NULL && !t->spinning;
	}
	if (co == NULL)
		co = runq_get(&w->runq);
	if (co == NULL)
		co = from_global(w, GLOBAL_BATCH_MAX, false);
	if (co == NULL)
		co = from_network(w);
	if (co == NULL && start_spinning(t))
		co = from_others(t, &now_ns);
	if (co == NULL)
		co = from_global(w, GLOBAL_BATCH_MAX, true);
	return co;
}

/*
 * The coroutine to which @t is bound, if it is the first in its worker's own queue: it was readied
 * before it had parked.
 */
static struct coroutine *
bound_is_first(struct thread *t)
{
	struct worker *w = t->worker;
	struct coroutine *co;

	if (w == NULL || w->slow_in == 0 ||
	    atomic_load_explicit(&w->retiring, memory_order_relaxed) ||
	    atomic_load_explicit(&w->runq.next, memory_order_relaxed) != NULL)
		return NULL;
	co = runq_get(&w->runq);
	if (co == t->bound_to) {
		w->slow_in--;
	} else if (co != NULL) {
		/* Back, behind the others; nobody else puts, so there is room. */
		must(runq_put(&w->runq, co) == NULL);
		co = NULL;
	}
	return co;
}

/* Its coroutine alone may run here: let the worker go and wait for it. */
static struct coroutine *
wait_for_bound(struct thread *t)
{
	struct coroutine *co = bound_is_first(t);

	if (co != NULL) {
		t->bound_to = NULL;
		return co;
	}
	if (t->worker != NULL) {
		let_go(t);
		/* Its queue may hold work, and its timers be due. */
		thread_wake_one();
		sched_timer_added(next_timer_ns());
	}
	if (!thread_sleep(t, false))
		return NULL;
	t->bound_to = NULL;
	co = t->given_co;
	t->given_co = NULL;
	return co;
}

static struct coroutine *
find_work(struct thread *t)
{
	for (;;) {
		struct coroutine *co;

		if (atomic_load_explicit(&sched.stopping, memory_order_relaxed))
			return NULL;
		if (t->bound_to != NULL)
			return wait_for_bound(t);
		if (t->worker != NULL &&
		    atomic_load_explicit(&t->worker->retiring, memory_order_acquire)) {
			if (t->picked != NULL) {
				co = t->picked;
				t->picked = NULL;
				co->link = NULL;
				sched_put_global(co);
			}
			let_go(t);
		}
		if (t->worker == NULL && (t->low_priority || worker_acquire(t) == NULL)) {
			if (!go_idle(t))
				return NULL;
			continue;
		}
		co = look(t);
		if (co != NULL) {
			stop_spinning(t);
			return co;
		}
		if (!go_idle(t))
			return NULL;
	}
}

struct coroutine *
steal_find_work(struct thread *t)
{
	struct coroutine *co = find_work(t);

	/* It ends, and the monitor must not find it as the holder of anything. */
	if (co == NULL)
		let_go(t);
	return co;
}
