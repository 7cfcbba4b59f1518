/*
 * Scheduler - which coroutine runs next on this thread
 *
 * Words: coroutine (Go: G), worker (P), thread (M); the object's states are drawn in coroutine.h,
 * the slots' in worker.h. A thread must hold a worker to run a coroutine.
 *
 * Invariants
 *
 *  I1  A RUNNABLE coroutine is in exactly one place: a worker's ring, a worker's `next`, the global
 *      queue, or the hand of a thread that is about to run or queue it. In every other state it is
 *      in none.
 *  I2  If any coroutine is RUNNABLE and a worker is idle, then some thread is looking for work, or
 *      was asked to. A lost wake-up is a broken I2, and only the monitor's next look would repair
 *      it.
 *  I3  A coroutine's context is used by one stack at a time: it is made RUNNABLE only after it was
 *      saved. Who readies a coroutine that has not parked yet leaves a permit instead
 * (PARK_NOTIFIED), which the coroutine finds; see park_notify() and publish_parked().
 *
 * How I2 is kept [FENCE-WORK]. Who makes work visible publishes it first (exchange of `next`, or
 * the count of the global queue: sequentially consistent) and then reads n_idle and n_spinning. Who
 * goes idle announces first (n_idle, n_spinning: sequentially consistent) and then looks at all
 * queues again. So one of the two sees the other. A coroutine that moves from `next` to the ring
 * because a newer one took its place was published before; whoever steals the newer one and was the
 * last to look wakes another thread (steal.c).
 *
 * Switching. A coroutine that parks or yields picks its successor itself and switches to it
 * directly. What remains to be done for the one that was left (publish that it has parked, queue
 * it, free its stack) is done by the successor, first thing, since only then its context is saved
 * and its stack out of use: finish_left(). Where there is no easy successor (the queue is empty,
 * the worker retires, it is time to look at the global queue, timers and the network, or the next
 * coroutine is bound to another thread) the switch goes to the thread's own stack, to sched_loop().
 *
 * Fairness. Who was readied last runs next and shares the slice of who readied it: a pair that hands
 * off to each other stays together, and no longer than others. For that every pick counts, from
 * `next` too: after so many the loop looks at the rest, and goes on with `next` in the same slice if
 * there is nothing else. And when a slice that was shared is over, who was to run next goes behind
 * the others of the ring (sched_end_slice). Who used up a slice alone is a hog, until it parks: it
 * waits in a part of the global queue of its own, and all others come first (steal.c, which sees to
 * it that hogs have their turns too).
 *
 * Locks: see base/lock_ranks.def. None is held across a switch.
 *
 * Considered and rejected
 *  - Marking a coroutine "on CPU" and letting who picks it spin until it is off (as kernels do):
 *    saves an atomic exchange per wake, but under a CPU quota the thread that is switching away may
 *    stand still for most of a period, and the spinner burns quota all the while.
 *  - Holding the channel's lock until after the switch (Go): the same, for all users of the
 * channel.
 *
 * Not here: where work is looked for (steal.c), slots (worker.c), threads (thread.c), who does not
 * yield (monitor.c, preempt.c).
 */

#include "runtime/sched.h"

#include <errno.h>
#include <sched.h>

#include <corun/coroutine.h>

#include "runtime/base/futex.h"
#include "runtime/netpoll.h"
#include "runtime/pool.h"

struct sched sched;

/* errno by functions that the compiler cannot see through: its address differs per thread. */
static __attribute__((noinline)) int
errno_get(void)
{
	__asm__ volatile("");
	return errno;
}

static __attribute__((noinline)) void
errno_set(int value)
{
	__asm__ volatile("");
	errno = value;
}

bool
sched_is_started(void)
{
	return atomic_load_explicit(&sched.started, memory_order_acquire);
}

/* ---- queues ------------------------------------------------------------------------------------
 */

/* sched.lock is held. */
static void
queue_append_locked(struct queue *q, struct coroutine *first, struct coroutine *last)
{
	if (q->tail != NULL)
		q->tail->link = first;
	else
		q->head = first;
	q->tail = last;
}

void
sched_put_global(struct coroutine *list)
{
	struct coroutine *last = list;
	uint32_t n = 1;

	while (last->link != NULL) {
		last = last->link;
		n++;
	}
	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	queue_append_locked(&sched.woken, list, last);
	atomic_fetch_add(&sched.n_woken, n);
	atomic_fetch_add(&sched.n_global, n); /* FENCE-WORK, publishing half */
	lock_release(&sched.lock, LOCK_RANK_SCHED);
	thread_wake_one();
	if (atomic_load(&sched.n_idle) == 0)
		monitor_wake_if_slow();
}

void
sched_put_hog(struct coroutine *co)
{
	co->link = NULL;
	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	queue_append_locked(&sched.hogs, co, co);
	atomic_fetch_add(&sched.n_global, 1); /* FENCE-WORK, publishing half */
	lock_release(&sched.lock, LOCK_RANK_SCHED);
	thread_wake_one();
}

struct coroutine *
queue_take_locked(struct queue *q, uint32_t max, uint32_t *ret_n)
{
	struct coroutine *first = q->head;
	struct coroutine *last = first;
	uint32_t n = 1;

	*ret_n = 0;
	if (first == NULL)
		return NULL;
	while (n < max && last->link != NULL) {
		last = last->link;
		n++;
	}
	q->head = last->link;
	if (q->head == NULL)
		q->tail = NULL;
	last->link = NULL;
	*ret_n = n;
	return first;
}

void
queue_taken_locked(struct queue *q, uint32_t n)
{
	if (q == &sched.woken)
		atomic_fetch_sub(&sched.n_woken, n);
	atomic_fetch_sub(&sched.n_global, n); /* FENCE-WORK: after the tail of the ring */
}

static void
put_ring(struct worker *w, struct coroutine *co)
{
	struct coroutine *list = runq_put(&w->runq, co);

	if (unlikely(list != NULL)) {
		count_add(w, overflows, 1);
		sched_put_global(list);
	}
}

void
sched_put(struct coroutine *co, bool as_next)
{
	struct thread *t = thread_self();
	struct worker *w = t != NULL ? t->worker : NULL;

	co->link = NULL;
	if (w == NULL) {
		sched_put_global(co);
		return;
	}
	if (as_next) {
		co = atomic_exchange(&w->runq.next, co); /* FENCE-WORK, publishing half */
		if (co != NULL)
			put_ring(w, co);
	} else {
		put_ring(w, co);
		pool_fence(); /* FENCE-WORK: the tail was a release */
	}
	thread_wake_one();
}

/* ---- permits -----------------------------------------------------------------------------------
 */

bool
park_notify(struct coroutine *co)
{
	/* Read first: a stub's owner may go on, and its thread end, as soon as the permit is there.
	 */
	bool plain = co->stack == NULL;
	/* Acquire pairs with publish_parked(): the context is saved. Release: with who consumes it.
	 */
	uint32_t was = atomic_exchange_explicit(&co->park, PARK_NOTIFIED, memory_order_acq_rel);

	must(was != PARK_NOTIFIED);
	if (was == PARK_RUNNING)
		return false;
	if (plain) {
		if (was == PARK_POLLING)
			thread_end_poll(list_entry(co, struct thread, stub));
		else
			futex_wake(&co->park, 1);
		return false;
	}
	atomic_store_explicit(&co->park, PARK_RUNNING, memory_order_relaxed);
	return true;
}

void
sched_ready(struct coroutine *co)
{
	if (park_notify(co))
		sched_put(co, true);
}

/* For the one that was left to park; its context is saved now. */
static void
publish_parked(struct coroutine *co)
{
	uint32_t running = PARK_RUNNING;

	if (atomic_compare_exchange_strong_explicit(&co->park, &running, PARK_PARKED,
						    memory_order_acq_rel, memory_order_acquire))
		return;
	/* Readied before it had parked: who did so left it to us. */
	atomic_store_explicit(&co->park, PARK_RUNNING, memory_order_relaxed);
	sched_put(co, false);
}

/* ---- switching ---------------------------------------------------------------------------------
 */

void
sched_count_end(struct worker *w)
{
	count_add(w, ended, 1);
	/* Pairs with await_end_of_all(), which raises end_watch and reads the counts then. */
	pool_fence();
	if (unlikely(atomic_load(&sched.end_watch) != 0)) {
		atomic_fetch_add(&sched.end_word, 1);
		futex_wake(&sched.end_word, INT32_MAX);
	}
}

static void
end_of(struct thread *t, struct coroutine *co)
{
	sanitize_free(&co->sanitize);
	coroutine_unref(t->worker != NULL ? &t->worker->stacks : NULL, co);
	sched_count_end(t->worker);
}

/* On the new stack: do for the coroutine that was left what its own stack could not. */
static void
finish_left(struct thread *t)
{
	struct coroutine *left = t->left;
	enum after after = t->after;

	t->left = NULL;
	t->after = AFTER_NOTHING;
	switch (after) {
	case AFTER_NOTHING:
		break;
	case AFTER_PARK:
		publish_parked(left);
		break;
	case AFTER_YIELD:
		sched_put(left, false);
		break;
	case AFTER_YIELD_GLOBAL:
		left->link = NULL;
		sched_put_global(left);
		break;
	case AFTER_PREEMPTED:
		sched_put_hog(left);
		break;
	case AFTER_END:
		end_of(t, left);
		break;
	}
}

/* Where every coroutine goes on, new or not; nothing known of the thread before holds. */
static void
arrive(struct coroutine *co)
{
	struct thread *t = thread_self();

	sanitize_arrive(&co->sanitize, t->left != NULL ? &t->left->sanitize : &t->sanitize);
	finish_left(t);
}

static void
begin_slice(struct thread *t, struct worker *w)
{
	relaxed_add(&w->slice, 1);
	w->shares_slice = false;
	/* A request to preempt was meant for the slice that is over. */
	if (unlikely(atomic_load_explicit(&t->attention, memory_order_relaxed) & ATTENTION_PREEMPT))
		atomic_fetch_and(&t->attention, ~(uint32_t) ATTENTION_PREEMPT);
}

void
sched_end_slice(struct coroutine *co)
{
	struct worker *w = thread_self()->worker;
	struct coroutine *next = w->shares_slice ? runq_take_next(&w->runq) : NULL;
	/* Who shared the slice, or has to go because the worker retires, is no hog for that. */
	bool hog = !w->shares_slice && !atomic_load(&w->retiring);

	if (hog)
		worker_end_hog_turn(w);
	/* What is over is not for `next` to inherit. */
	relaxed_add(&w->slice, 1);
	/* Others are told of it by the switch, which puts @co into the global queue after it. */
	if (next != NULL)
		put_ring(w, next);
	sched_switch_out(co, hog ? AFTER_PREEMPTED : AFTER_YIELD_GLOBAL);
}

/* The easy successors: what this worker has itself. NULL: ask the loop. */
static struct coroutine *
pick_direct(struct thread *t, struct worker *w)
{
	struct coroutine *co;

	if (unlikely(atomic_load_explicit(&w->retiring, memory_order_relaxed)))
		return NULL;
	if (unlikely(w->slow_in == 0))
		return NULL;
	co = runq_take_next(&w->runq);
	if (co == NULL) {
		co = runq_get(&w->runq);
		if (co == NULL)
			return NULL;
		begin_slice(t, w);
	} else {
		w->shares_slice = true;
	}
	w->slow_in--;
	if (unlikely(co->bound != NULL && co->bound != t)) {
		t->picked = co;
		return NULL;
	}
	return co;
}

SWITCHES static void
switch_to_coroutine(struct thread *t, struct coroutine *from, struct coroutine *to)
{
	count_add(t->worker, switches, 1);
	t->current = to;
	sanitize_leave(&from->sanitize, &to->sanitize, t->after == AFTER_END);
	context_switch(&from->ctx, &to->ctx);
}

SWITCHES static void
switch_to_loop(struct thread *t, struct coroutine *from)
{
	t->current = NULL;
	sanitize_leave(&from->sanitize, &t->sanitize, t->after == AFTER_END);
	context_switch(&from->ctx, &t->ctx);
}

SWITCHES static void
switch_from_loop(struct thread *t, struct coroutine *to)
{
	count_add(t->worker, switches, 1);
	t->current = to;
	sanitize_leave(&t->sanitize, &to->sanitize, false);
	context_switch(&t->ctx, &to->ctx);
}

void
sched_switch_out(struct coroutine *co, enum after after)
{
	struct thread *t = thread_self();
	struct worker *w = t->worker;
	struct coroutine *to = NULL;

	must_debug(t->current == co);
	if (after != AFTER_PARK)
		atomic_store_explicit(&co->why, WAIT_TURN, memory_order_relaxed);
	/* A call inside a section that blocks, which is not allowed: the next one here is in none. */
	if (unlikely(atomic_load_explicit(&t->blocks_since_ns, memory_order_relaxed) != 0))
		atomic_store(&t->blocks_since_ns, 0);
	co->saved_errno = errno_get();
	if (w != NULL && co->bound == NULL)
		to = pick_direct(t, w);
	t->left = co;
	t->after = (uint8_t) after;
	if (to != NULL)
		switch_to_coroutine(t, co, to);
	else
		switch_to_loop(t, co);
	arrive(co);
	atomic_store_explicit(&co->why, WAIT_NOTHING, memory_order_relaxed);
	errno_set(co->saved_errno);
}

void
sched_park(struct coroutine *co, enum wait_why why)
{
	uint32_t notified = PARK_NOTIFIED;

	if (co->stack == NULL) {
		uint32_t running = PARK_RUNNING;

		atomic_compare_exchange_strong(&co->park, &running, PARK_PARKED);
		while (atomic_load_explicit(&co->park, memory_order_acquire) == PARK_PARKED)
			futex_wait(&co->park, PARK_PARKED, UINT64_MAX);
		atomic_store_explicit(&co->park, PARK_RUNNING, memory_order_relaxed);
		return;
	}
	/* The permit is there already: no need to leave. Read first, for it seldom is. */
	if (atomic_load_explicit(&co->park, memory_order_relaxed) == PARK_NOTIFIED &&
	    atomic_compare_exchange_strong_explicit(&co->park, &notified, PARK_RUNNING,
						    memory_order_acquire, memory_order_relaxed))
		return;
	atomic_store_explicit(&co->why, (uint8_t) why, memory_order_relaxed);
	count_add(thread_self()->worker, parks, 1);
	sched_switch_out(co, AFTER_PARK);
}

/* The first instructions of every coroutine, on its own stack, inside the runtime. */
void
coroutine_first(void *arg)
{
	struct coroutine *co = arg;

	arrive(co);
	atomic_store_explicit(&co->why, WAIT_NOTHING, memory_order_relaxed);
	errno_set(0);
	rt_exit();
	co->fn(co->arg);
	rt_enter();
	must(co->pins == 0 || co->bound == thread_self());
	co->bound = NULL;
	coroutine_ended(co);
	sched_switch_out(co, AFTER_END);
	must(!"an ended coroutine ran again");
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

/* @co belongs to another thread, which sleeps: it goes on with this worker. */
static void
run_on_its_thread(struct thread *t, struct coroutine *co)
{
	struct worker *w = t->worker;

	t->worker = NULL;
	atomic_store(&w->thread, co->bound);
	thread_give(co->bound, w, co);
}

SWITCHES static void
run(struct thread *t, struct coroutine *co)
{
	struct worker *w = t->worker;
	bool inherits = t->inherits;

	t->inherits = false;
	if (unlikely(co->bound != NULL && co->bound != t)) {
		run_on_its_thread(t, co);
		return;
	}
	if (!inherits)
		begin_slice(t, w);
	else
		w->shares_slice = true;
	t->left = NULL;
	t->after = AFTER_NOTHING;
	switch_from_loop(t, co);
	/* Back from whichever coroutine ran last on this thread. */
	sanitize_arrive(&t->sanitize, &t->left->sanitize);
}

void
sched_loop(struct thread *t)
{
	struct coroutine *co;

	atomic_store(&t->in_rt, 1);
	while ((co = steal_find_work(t)) != NULL) {
		struct coroutine *left;

		run(t, co);
		left = t->left;
		if (left == NULL)
			continue; /* handed to its own thread */
		/* A bound coroutine has this thread to itself: sleep until it is runnable again. */
		t->bound_to = left->bound == t ? left : NULL;
		finish_left(t);
	}
}

/* ---- yielding ----------------------------------------------------------------------------------
 */

void
corun_yield(void)
{
	struct coroutine *co = rt_enter();
	struct worker *w;

	if (co->stack == NULL) {
		sched_yield();
		return;
	}
	w = thread_self()->worker;
	if (w->slow_in > 0 && runq_empty(&w->runq) &&
	    !atomic_load_explicit(&w->retiring, memory_order_relaxed)) {
		/* Nobody else here; now and then the loop looks elsewhere. */
		w->slow_in--;
	} else {
		count_add(w, yields, 1);
		sched_switch_out(co, co->bound != NULL ? AFTER_YIELD_GLOBAL : AFTER_YIELD);
	}
	rt_exit();
}

void
corun_checkpoint(void)
{
	/* Entering is the check. */
	rt_enter();
	rt_exit();
}

struct timers *
sched_timers(void)
{
	struct thread *t = thread_self();
	struct worker *w = t != NULL && t->worker != NULL ? t->worker : worker_slot(0);

	return &w->timers;
}

unsigned
sched_run_due_timers(uint64_t now_ns, uint64_t *ret_next_ns)
{
	uint32_t n = atomic_load_explicit(&sched.n_slots, memory_order_acquire);
	unsigned fired = 0;

	*ret_next_ns = UINT64_MAX;
	for (uint32_t i = 0; i < n; i++) {
		struct timers *timers = &worker_slot(i)->timers;
		uint64_t due = atomic_load(&timers->next_ns);

		if (due <= now_ns) {
			fired += timers_run(timers, now_ns);
			due = atomic_load(&timers->next_ns);
		}
		if (due < *ret_next_ns)
			*ret_next_ns = due;
	}
	return fired;
}

void
sched_timer_added(uint64_t when_ns)
{
	uint64_t until = atomic_load(&sched.poll_until); /* FENCE-TIMER, reading half */

	if (until != 0) {
		if (when_ns < until)
			netpoll_break();
		return;
	}
	if (when_ns == UINT64_MAX)
		return;
	/* A worker's thread looks at its timers itself; from elsewhere somebody has to be asked. */
	if (thread_self() == NULL || thread_self()->worker == NULL)
		thread_wake_one();
	/* But what it runs until then may be a hog. */
	monitor_timer_added(when_ns);
}
