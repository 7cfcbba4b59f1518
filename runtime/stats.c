#include <corun/stats.h>

#include <string.h>

#include "runtime/pool.h"
#include "runtime/sched.h"
#include "runtime/stack.h"

static void
add_counts(struct corun_stats *s, struct counts *counts)
{
#define ADD(name) s->name += atomic_load_explicit(&counts->name, memory_order_relaxed);
	COUNTS(ADD)
#undef ADD
}

static void
add_worker(struct corun_stats *s, struct worker *w)
{
	struct timers *timers = &w->timers;

	add_counts(s, &w->counts);
	s->timers_fired += atomic_load_explicit(&timers->fired, memory_order_relaxed);
	s->timers += atomic_load_explicit(&timers->n, memory_order_relaxed);
	s->stacks_cached += atomic_load_explicit(&w->stacks.n, memory_order_relaxed);
}

void
corun_stats(struct corun_stats *s)
{
	uint32_t n = atomic_load(&sched.n_slots);
	struct stack_counts stacks;

	memset(s, 0, sizeof(*s));
	for (uint32_t i = 0; i < n; i++)
		add_worker(s, worker_slot(i));
	add_counts(s, &sched.counts);
	stack_count(&stacks);

	s->workers = atomic_load(&sched.n_workers);
	s->workers_idle = atomic_load(&sched.n_idle);
	s->workers_retiring = atomic_load(&sched.n_retiring);
	s->threads = atomic_load(&threads.n);
	s->threads_idle = atomic_load(&sched.n_idle_threads);
	s->threads_created = atomic_load(&sched.threads_created);
	s->threads_ended = atomic_load(&sched.threads_ended);
	s->coroutines = s->spawned > s->ended ? s->spawned - s->ended : 0;
	s->handoffs = atomic_load(&sched.handoffs);
	s->handed_off = atomic_load(&sched.n_handed_off);
	s->handoffs_refused = atomic_load(&sched.handoffs_refused);
	s->blocked = atomic_load(&sched.blocked);
	s->blocked_declared = atomic_load(&sched.blocked_declared);
	s->blocked_now = atomic_load(&sched.n_blocked);
	s->global_queue = atomic_load(&sched.n_global);
	s->resizes = atomic_load(&sched.resizes);
	s->retired = atomic_load(&sched.retired);
	s->revived = atomic_load(&sched.revived);
	s->stacks_cached += stacks.cached;
	s->stacks = stacks.in_use + stacks.cached - s->stacks_cached;
	s->stacks_unguarded = stacks.unguarded;
	s->stack_bytes = stacks.bytes;
}
