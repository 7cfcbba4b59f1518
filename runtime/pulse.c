/* Pulse - compares what the parts count with what they had counted at the last look */

#include <corun/pulse.h>

#include <stdlib.h>

#include <corun/cpu.h>
#include <corun/time.h>

#include "runtime/governor.h"
#include "runtime/pool.h"
#include "runtime/sched.h"

struct seen {
	uint64_t count;
	uint64_t since_ns; /* when it was first seen so */
};

struct corun_pulse {
	struct seen monitor, governor;
	struct seen worker[CORUN_WORKERS_MAX];
	struct thread *thread[CORUN_WORKERS_MAX];
};

struct corun_pulse *
corun_pulse_new(void)
{
	return calloc(1, sizeof(struct corun_pulse));
}

void
corun_pulse_free(struct corun_pulse *pulse)
{
	free(pulse);
}

/* For how long @count has been the same, unless it is right that it stands. */
static uint64_t
still(struct seen *seen, uint64_t count, bool may_stand, uint64_t now_ns)
{
	if (may_stand || seen->since_ns == 0 || seen->count != count) {
		seen->count = count;
		seen->since_ns = now_ns;
	}
	return now_ns - seen->since_ns;
}

static uint64_t
worker_still(struct corun_pulse *pulse, uint32_t i, uint64_t now_ns)
{
	struct worker *w = worker_slot(i);
	struct thread *thread = atomic_load(&w->thread);
	uint64_t moves = atomic_load_explicit(&w->slice, memory_order_relaxed) +
			 atomic_load_explicit(&w->counts.switches, memory_order_relaxed);
	bool waits = !runq_empty(&w->runq) || atomic_load(&sched.n_global) > 0;
	bool may_stand = thread == NULL || thread != pulse->thread[i] || !waits;

	pulse->thread[i] = thread; /* only compared, never followed */
	return still(&pulse->worker[i], moves, may_stand, now_ns);
}

void
corun_pulse_look(struct corun_pulse *pulse, struct corun_still *ret)
{
	uint64_t now_ns = corun_now();
	uint32_t n = atomic_load_explicit(&sched.n_slots, memory_order_acquire);
	bool started = sched_is_started();

	ret->monitor_ns = still(&pulse->monitor, atomic_load(&monitor_ticks),
				!started || atomic_load(&sched.monitor_asleep) != 0, now_ns);
	ret->governor_ns = still(&pulse->governor, atomic_load(&governor_ticks),
				 !started || sched.options.no_update, now_ns);
	ret->workers_ns = 0;
	for (uint32_t i = 0; i < n && started; i++) {
		uint64_t ns = worker_still(pulse, i, now_ns);

		if (ns > ret->workers_ns)
			ret->workers_ns = ns;
	}
}
