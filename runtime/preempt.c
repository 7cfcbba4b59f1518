/*
 * Preempt - asking for a worker, taking it, and coming back without one
 *
 * entry.h has the protocol and its invariants E1 to E5. Here are the slow sides of it: a thread
 * that finds something in its attention, and the monitor that takes.
 *
 * Steps of preemption: the flag (preempt_flag), and the hand-off (preempt_take with LOST_HANDOFF):
 * the worker goes on with another thread and the hog keeps running on its own at a lower priority.
 * Parking the hog's thread comes between the two, and finds its hook in preempt_take: the heir is
 * at hand, the thread is known to be in user code, and its coroutine is bound to it (`bound`),
 * which sched.c and steal.c already honour.
 */

#include <corun/coroutine.h>

#include <linux/membarrier.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "runtime/base/clock.h"
#include "runtime/base/futex.h"
#include "runtime/base/pause.h"
#include "runtime/base/syscall.h"
#include "runtime/pool.h"
#include "runtime/sched.h"

enum {
	DECISION_SPINS = 200,
	NICE_OF_HOGS = 5, /* more than the workers: below them, but not starved by them */
};

static bool fenced; /* membarrier is not to be had; immutable while started */

/* ---- the monitor's side ------------------------------------------------------------------------
 */

int
preempt_start(void)
{
#ifdef SANITIZE_THREAD
	fenced = true;
#else
	fenced = sched.options.no_membarrier ||
		 raw_syscall3(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0;
#endif
	return 0;
}

uint32_t
preempt_first_attention(void)
{
	return fenced ? ATTENTION_FENCE : 0;
}

static void
fence_all_threads(void)
{
	/* FENCE-TAKE. Fenced threads have fences of their own, and the RMW before is one here. */
	if (!fenced)
		must(raw_syscall3(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
}

void
preempt_flag(struct thread *t)
{
	atomic_fetch_or(&t->attention, ATTENTION_PREEMPT);
}

/* The monitor has decided: @add is TAKEN or nothing. */
static void
decide(struct thread *t, uint32_t add)
{
	uint32_t was;

	atomic_fetch_or(&t->attention, add);
	was = atomic_fetch_and(&t->attention, ~(uint32_t) (ATTENTION_TAKE | ATTENTION_ASLEEP));
	if (was & ATTENTION_ASLEEP)
		futex_wake(&t->attention, 1);
}

static struct thread *
take_heir(void)
{
	struct thread *heir;

	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	heir = thread_pop_idle_locked();
	lock_release(&sched.lock, LOCK_RANK_SCHED);
	return heir;
}

static void
put_heir_back(struct thread *heir)
{
	if (heir == NULL)
		return;
	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	list_push_head(&sched.idle_threads, &heir->idle_link);
	atomic_fetch_add(&sched.n_idle_threads, 1);
	lock_release(&sched.lock, LOCK_RANK_SCHED);
}

static void
count_lost(struct thread *t, enum lost why)
{
	atomic_store(&t->lost_to, (uint8_t) why);
	switch (why) {
	case LOST_NOTHING:
		break;
	case LOST_HANDOFF:
		atomic_fetch_add(&sched.handoffs, 1);
		atomic_fetch_add(&sched.n_handed_off, 1);
		raw_syscall3(SYS_setpriority, PRIO_PROCESS, t->tid, t->nice + NICE_OF_HOGS);
		break;
	case LOST_BLOCKED:
		atomic_fetch_add(&sched.blocked, 1);
		atomic_fetch_add(&sched.n_blocked, 1);
		break;
	case LOST_BLOCKED_DECLARED:
		atomic_fetch_add(&sched.blocked_declared, 1);
		atomic_fetch_add(&sched.n_blocked, 1);
		break;
	}
}

/* The worker is the monitor's. On with it. */
static void
pass_on(struct worker *w, struct thread *heir)
{
	if (heir != NULL && !atomic_load(&w->retiring)) {
		atomic_store(&w->thread, heir);
		thread_give(heir, w, NULL);
		return;
	}
	worker_let_go(w);
	put_heir_back(heir);
	thread_wake_one();
}

bool
preempt_take(struct thread *t, struct worker *w, enum lost why)
{
	struct thread *heir = NULL;

	if (atomic_load_explicit(&t->in_rt, memory_order_relaxed) != 0)
		return false;
	if (!atomic_load(&w->retiring)) {
		heir = take_heir();
		if (heir == NULL) {
			thread_request();
			return false;
		}
	}
	atomic_fetch_or(&t->attention, ATTENTION_TAKE);
	fence_all_threads();
	if (atomic_load_explicit(&t->in_rt, memory_order_seq_cst) != 0 || t->worker != w) {
		decide(t, 0);
		put_heir_back(heir);
		/* Whoever looked for an idle thread meanwhile did not find this one. */
		thread_wake_one();
		return false;
	}
	t->worker = NULL;
	if (why == LOST_HANDOFF)
		worker_end_hog_turn(w);
	count_lost(t, why);
	decide(t, ATTENTION_TAKEN);
	pass_on(w, heir);
	return true;
}

/* ---- the thread's side -------------------------------------------------------------------------
 */

static void
await_decision(struct thread *t)
{
	uint32_t a;

	for (int i = 0; i < DECISION_SPINS; i++) {
		if (!(atomic_load(&t->attention) & ATTENTION_TAKE))
			return;
		cpu_pause();
	}
	a = atomic_fetch_or(&t->attention, ATTENTION_ASLEEP) | ATTENTION_ASLEEP;
	while (a & ATTENTION_TAKE) {
		futex_wait(&t->attention, a, UINT64_MAX);
		a = atomic_load(&t->attention);
		if (a & ATTENTION_TAKE)
			a = atomic_fetch_or(&t->attention, ATTENTION_ASLEEP) | ATTENTION_ASLEEP;
	}
	atomic_fetch_and(&t->attention, ~(uint32_t) ATTENTION_ASLEEP);
}

/* The worker was taken while this thread ran user code: get one again, or queue. */
static void
come_back(struct thread *t)
{
	enum lost why = atomic_load(&t->lost_to);

	atomic_fetch_and(&t->attention, ~(uint32_t) (ATTENTION_TAKEN | ATTENTION_PREEMPT));
	atomic_store(&t->lost_to, LOST_NOTHING);
	if (why == LOST_HANDOFF) {
		atomic_fetch_sub(&sched.n_handed_off, 1);
		/* Lowering nice takes a privilege. Without it this thread has served its time. */
		if (raw_syscall3(SYS_setpriority, PRIO_PROCESS, t->tid, t->nice) != 0)
			t->low_priority = true;
	} else {
		atomic_fetch_sub(&sched.n_blocked, 1);
	}
	if (!t->low_priority && t->current->bound == NULL && worker_acquire(t) != NULL)
		return;
	sched_switch_out(t->current, why == LOST_HANDOFF ? AFTER_PREEMPTED : AFTER_YIELD_GLOBAL);
}

struct coroutine *
rt_enter_slow(struct thread *t, bool may_yield)
{
	for (;;) {
		uint32_t a;

		/* FENCE-ENTRY where membarrier is missing; else one more store. */
		atomic_exchange(&t->in_rt, 1);
		a = atomic_load(&t->attention);
		if (a & ATTENTION_TAKE) {
			await_decision(t);
		} else if (a & ATTENTION_TAKEN) {
			come_back(t);
		} else if (may_yield && (a & ATTENTION_PREEMPT)) {
			atomic_fetch_and(&t->attention, ~(uint32_t) ATTENTION_PREEMPT);
			count_add(t->worker, preempted_flag, 1);
			sched_end_slice(t->current);
		} else {
			return t->current;
		}
		t = thread_self(); /* perhaps another one now */
	}
}

struct coroutine *
rt_enter_plain(void)
{
	struct thread *t = thread_plain();

	if (t == NULL)
		must_die("no memory for the state of a thread");
	return t->current;
}

/* ---- declared blocking -------------------------------------------------------------------------
 */

void
corun_block_enter(void)
{
	struct coroutine *co = rt_enter();
	struct thread *t = thread_self();

	if (co->stack != NULL) {
		atomic_store(&t->blocks_since_ns, clock_now_ns());
		/* The monitor may sleep for up to 10 ms; there is work for it sooner. */
		if (!runq_empty(&t->worker->runq) || atomic_load(&sched.n_global) > 0)
			monitor_wake_soon();
	}
	rt_exit();
}

void
corun_block_exit(void)
{
	struct thread *t = thread_self();

	if (t == NULL || t->plain)
		return;
	atomic_store(&t->blocks_since_ns, 0);
	rt_enter();
	rt_exit();
}
