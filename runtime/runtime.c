/* Runtime - start and stop in order; the only file that knows every room. */

#include <corun/runtime.h>

#include <errno.h>
#include <string.h>

#include <corun/coroutine.h>
#include <corun/time.h>

#include "runtime/base/futex.h"
#include "runtime/governor.h"
#include "runtime/group.h"
#include "runtime/netpoll.h"
#include "runtime/pool.h"
#include "runtime/sched.h"
#include "runtime/stack.h"

enum {
	STACK_BYTES = 256 * 1024,
	THREADS_MAX = 10000,
	HANDOFF_MAX = 64,
};

/* Starting and stopping, one at a time. Plain threads only. */
static struct lock start_lock;

static bool
is_policy(const struct corun_cpu_policy *policy)
{
	return policy->pin <= CORUN_WORKERS_MAX && policy->workers_max <= CORUN_WORKERS_MAX;
}

static int
take_options(const struct corun_options *options)
{
	struct corun_options *o = &sched.options;
	int shift;

	*o = options != NULL ? *options : (struct corun_options){ .root = NULL };
	if (o->stack_bytes == 0)
		o->stack_bytes = STACK_BYTES;
	if (o->threads_max == 0)
		o->threads_max = THREADS_MAX;
	if (o->handoff_max == 0)
		o->handoff_max = HANDOFF_MAX;
	if (!is_policy(&o->policy))
		return -EINVAL;
	shift = stack_shift(o->stack_bytes);
	if (shift < 0)
		return shift;
	stack_default_shift = (unsigned) shift;
	return 0;
}

/* The statistics go on counting over a stop; all else begins anew. */
static void
reset(void)
{
	uint32_t n = atomic_load(&sched.n_slots);

	list_init(&sched.idle_workers);
	list_init(&sched.idle_threads);
	atomic_store(&sched.n_idle, 0);
	atomic_store(&sched.n_idle_threads, 0);
	atomic_store(&sched.n_spinning, 0);
	atomic_store(&sched.n_workers, 0);
	atomic_store(&sched.n_retiring, 0);
	atomic_store(&sched.polling, false);
	atomic_store(&sched.poll_until, 0);
	atomic_store(&sched.pinned, false);
	atomic_store(&sched.closing, false);
	atomic_store(&sched.stopping, false);
	for (uint32_t i = 0; i < n; i++) {
		struct worker *w = worker_slot(i);

		stack_cache_drain(&w->stacks);
		w->state = WORKER_DEAD;
		atomic_store(&w->retiring, false);
		atomic_store(&w->thread, NULL);
		memset(&w->seen, 0, sizeof(w->seen));
	}
}

static void
abandon(struct coroutine *co)
{
	if (co->group != NULL)
		group_leave(co);
	sanitize_free(&co->sanitize);
	coroutine_unref(NULL, co);
	count_add(NULL, ended, 1);
}

static void
abandon_all_of(struct queue *q)
{
	struct coroutine *co;
	uint32_t n;

	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	co = queue_take_locked(q, UINT32_MAX, &n);
	queue_taken_locked(q, n);
	lock_release(&sched.lock, LOCK_RANK_SCHED);
	while (co != NULL) {
		struct coroutine *following = co->link;

		abandon(co);
		co = following;
	}
}

/*
 * A plain thread may have started a coroutine after the last one had ended and before the stop was
 * announced. No thread will run it: its function is not called.
 */
static void
abandon_queued(void)
{
	uint32_t n = atomic_load(&sched.n_slots);
	struct coroutine *co;

	abandon_all_of(&sched.woken);
	abandon_all_of(&sched.hogs);
	for (uint32_t i = 0; i < n; i++) {
		struct runq *q = &worker_slot(i)->runq;

		while ((co = runq_take_next(q)) != NULL || (co = runq_get(q)) != NULL)
			abandon(co);
	}
}

/* Those that were not due yet: after a stop nothing fires. */
static void
drop_timers(void)
{
	uint32_t n = atomic_load(&sched.n_slots);

	for (uint32_t i = 0; i < n; i++)
		timers_drop(&worker_slot(i)->timers);
}

static void
end_everything(void)
{
	atomic_store(&sched.closing, true);
	atomic_store(&sched.stopping, true);
	governor_stop();
	monitor_stop();
	thread_stop_all();
	netpoll_stop();
	drop_timers();
	abandon_queued();
	atomic_store(&sched.started, false);
}

static int
start_locked(const struct corun_options *options)
{
	unsigned workers;
	int r = take_options(options);

	if (r < 0)
		return r;
	reset();
	r = governor_open(&sched.options, &workers);
	if (r < 0)
		return r;
	r = netpoll_start();
	if (r >= 0)
		r = preempt_start();
	if (r >= 0)
		r = worker_set_pool_size(workers, RESIZE_BY_RULES);
	if (r >= 0)
		r = thread_start_helper();
	if (r >= 0)
		r = monitor_start();
	if (r >= 0)
		r = governor_start();
	if (r < 0) {
		end_everything();
		return r;
	}
	atomic_store(&sched.started, true);
	return 0;
}

int
corun_start(const struct corun_options *options)
{
	int r = -EALREADY;

	lock_acquire(&start_lock, LOCK_RANK_START);
	if (!sched_is_started())
		r = start_locked(options);
	lock_release(&start_lock, LOCK_RANK_START);
	return r;
}

/*
 * Ended is read first: a coroutine alive in between is then in `spawned` and not in `ended`. The
 * same with a slot that is made in between.
 */
static bool
any_alive(void)
{
	uint32_t n = atomic_load(&sched.n_slots);
	uint64_t ended = atomic_load(&sched.counts.ended);
	uint64_t spawned = 0;

	for (uint32_t i = 0; i < n; i++)
		ended += atomic_load(&worker_slot(i)->counts.ended);
	n = atomic_load(&sched.n_slots);
	for (uint32_t i = 0; i < n; i++)
		spawned += atomic_load(&worker_slot(i)->counts.spawned);
	spawned += atomic_load(&sched.counts.spawned);
	return spawned != ended;
}

/*
 * No coroutine was alive a moment ago. Return: whether none will be: a timer may have started one
 * since, but starts none from here on (sched_start_coroutine). If there is one, all goes on.
 */
static bool
close_for_timers(void)
{
	atomic_store(&sched.closing, true);
	if (!any_alive())
		return true;
	atomic_store(&sched.closing, false);
	return false;
}

static int
await_end_of_all(uint64_t deadline_ns)
{
	int r = 0;

	atomic_fetch_add(&sched.end_watch, 1);
	for (;;) {
		uint32_t word = atomic_load(&sched.end_word);

		if (!any_alive() && close_for_timers())
			break;
		if (corun_now() >= deadline_ns) {
			r = -ETIMEDOUT;
			break;
		}
		futex_wait(&sched.end_word, word, deadline_ns);
	}
	atomic_fetch_sub(&sched.end_watch, 1);
	return r;
}

int
corun_stop(uint64_t deadline_ns)
{
	struct thread *t = thread_self();
	int r;

	if (t != NULL && !t->plain)
		return -EDEADLK;
	lock_acquire(&start_lock, LOCK_RANK_START);
	r = sched_is_started() ? await_end_of_all(deadline_ns) : -ESRCH;
	if (r == 0)
		end_everything();
	lock_release(&start_lock, LOCK_RANK_START);
	return r;
}

int
corun_run(void (*fn)(void *arg), void *arg)
{
	struct corun_coroutine *co;
	int r = corun_start(NULL);

	if (r < 0 && r != -EALREADY)
		return r;
	r = corun_spawn(&co, NULL, fn, arg);
	if (r < 0)
		return r;
	return corun_join(co, CORUN_FOREVER);
}

unsigned
corun_workers(void)
{
	return sched_is_started() ? atomic_load(&sched.n_workers) : 0;
}

int
corun_set_workers(unsigned n)
{
	int r;

	if (n < 1 || n > CORUN_WORKERS_MAX)
		return -EINVAL;
	if (!sched_is_started())
		return -ESRCH;
	rt_enter();
	r = worker_set_pool_size(n, RESIZE_BY_PIN);
	rt_exit();
	if (r >= 0)
		governor_tell();
	return r;
}

/* What the governor is to do is said: wait until it has. */
static void
await_governor(void)
{
	corun_block_enter();
	governor_look_now();
	corun_block_exit();
}

int
corun_set_default_workers(void)
{
	if (!sched_is_started())
		return -ESRCH;
	rt_enter();
	atomic_store(&sched.pinned, false);
	governor_forget_pins();
	rt_exit();
	await_governor();
	return (int) corun_workers();
}

int
corun_set_policy(const struct corun_cpu_policy *policy)
{
	static const struct corun_cpu_policy defaults;

	if (policy == NULL)
		policy = &defaults;
	if (!is_policy(policy))
		return -EINVAL;
	if (!sched_is_started())
		return -ESRCH;
	rt_enter();
	governor_set_policy(policy);
	rt_exit();
	await_governor();
	return 0;
}
