/*
 * Governor - when to look at the quota again, and when to act
 *
 * Once a second it looks. A value (limit and CPUs) that differs from the one acted upon is looked
 * at again 100 ms later and counts if it is still the same; while it keeps moving that is repeated
 * up to 5 times, and then the last one counts. cgroup v1 is written in two steps, and a pod's limit
 * and its container's come in either order: what lies in between is not worth a resize.
 *
 * The size is pinned by CORUN_WORKERS, by options.policy.pin, or by a call. The first two are taken
 * into the policy when it opens; the last is sched.pinned, which worker_set_pool_size() looks at
 * under its lock: so a look that was under way never overwrites a call's pin.
 */

#include "runtime/governor.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <corun/cpu.h>
#include <corun/time.h>

#include "runtime/base/futex.h"
#include "runtime/pool.h"

#define LOOK_NS   (1 * CORUN_S)
#define SETTLE_NS (100 * CORUN_MS)

enum { SETTLE_TRIES = 5 };

struct value {
	struct corun_cpu_limit limit;
	unsigned cpus;
};

static struct {
	struct corun_cpu *cpu;
	struct corun_cpu_policy policy;
	const struct corun_options *options;
	struct value acted_on;
	unsigned told; /* the size that on_resize knows */
	pthread_t pthread;
	bool running;
	_Atomic bool stop;
	_Atomic uint32_t calls;     /* futex: raised by whoever wants something */
	_Atomic uint32_t looks;     /* wanted by governor_look_now() */
	_Atomic uint32_t looked;    /* futex: how many of them were done */
	_Atomic bool forget_pin;    /* policy.pin no longer counts */
	_Atomic unsigned cpus_seen; /* for corun_num_cpu() */
} governor;

_Atomic uint64_t governor_ticks;

static struct value
look(void)
{
	const struct corun_cpu_view *view = corun_cpu_look(governor.cpu);
	struct value v = { .limit = view->limit, .cpus = view->cpus };

	if (governor.options->follow_affinity)
		v.limit = (struct corun_cpu_limit){ .limited = false };
	atomic_fetch_add(&governor_ticks, 1);
	return v;
}

static bool
same(const struct value *a, const struct value *b)
{
	return a->cpus == b->cpus && a->limit.limited == b->limit.limited &&
	       a->limit.quota_us == b->limit.quota_us && a->limit.period_us == b->limit.period_us;
}

static struct corun_cpu_decision
decide(const struct value *v)
{
	return corun_cpu_decide(&governor.policy, v->cpus, &v->limit);
}

static void
read_environment(struct corun_cpu_policy *policy)
{
	const char *text = getenv("CORUN_WORKERS");
	unsigned pin;

	if (corun_workers_parse(text, &pin) < 0) {
		fprintf(stderr,
			"corun: CORUN_WORKERS=%s is not a whole number from 1 to %d or \"auto\"; "
			"the CPU quota decides\n",
			text, CORUN_WORKERS_MAX);
		return;
	}
	if (pin != 0)
		policy->pin = pin;
}

int
governor_open(const struct corun_options *options, unsigned *ret_workers)
{
	struct corun_cpu_options look_options = {
		.root = options->root,
		.cpus = options->cpus,
	};
	int r = corun_cpu_open(&look_options, &governor.cpu);

	if (r < 0)
		return r;
	governor.options = options;
	governor.policy = options->policy;
	if (!options->ignore_env)
		read_environment(&governor.policy);
	governor.acted_on = look();
	atomic_store(&governor.cpus_seen, governor.acted_on.cpus);
	*ret_workers = decide(&governor.acted_on).workers;
	governor.told = *ret_workers;
	atomic_store(&governor.stop, false);
	atomic_store(&governor.forget_pin, false);
	return 0;
}

/* Sleep until @until_ns or until somebody wants something that @seen does not include. */
static void
pause_until(uint64_t until_ns, uint32_t seen)
{
	while (atomic_load(&governor.calls) == seen && corun_now() < until_ns)
		futex_wait(&governor.calls, seen, until_ns);
}

/* Tell of the size, whoever changed it. */
static void
tell(enum corun_cpu_reason reason)
{
	unsigned now = atomic_load(&sched.n_workers);

	if (now == governor.told)
		return;
	if (governor.options->on_resize != NULL)
		governor.options->on_resize(governor.told, now,
					    atomic_load(&sched.pinned) ? CORUN_BY_PIN : reason,
					    governor.options->on_resize_arg);
	governor.told = now;
}

/* The value once it has come to rest. */
static struct value
settle(struct value v)
{
	for (int i = 0; i < SETTLE_TRIES && !atomic_load(&governor.stop); i++) {
		struct value again;

		pause_until(corun_in(SETTLE_NS), atomic_load(&governor.calls));
		again = look();
		if (same(&v, &again))
			break;
		v = again;
	}
	return v;
}

static void
look_and_act(bool at_once)
{
	struct corun_cpu_decision d;
	struct value v = look();

	if (!at_once && same(&v, &governor.acted_on))
		return;
	if (!at_once)
		v = settle(v);
	governor.acted_on = v;
	d = decide(&v);
	worker_set_pool_size(d.workers, RESIZE_BY_RULES);
	tell(d.reason);
}

static void *
governor_main(void *arg)
{
	uint64_t next_ns = corun_in(LOOK_NS);

	(void) arg;
	while (!atomic_load(&governor.stop)) {
		uint32_t seen = atomic_load(&governor.calls);
		uint32_t looks = atomic_load(&governor.looks);

		if (looks != atomic_load(&governor.looked)) {
			if (atomic_load(&governor.forget_pin))
				governor.policy.pin = 0;
			look_and_act(true);
			atomic_store(&governor.looked, looks);
			futex_wake(&governor.looked, INT32_MAX);
		} else if (corun_now() >= next_ns) {
			next_ns = corun_in(LOOK_NS);
			if (!governor.options->no_update)
				look_and_act(false);
		}
		tell(CORUN_BY_PIN);
		pause_until(next_ns, seen);
	}
	return NULL;
}

int
governor_start(void)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&governor.pthread, NULL, governor_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	governor.running = r == 0;
	return r;
}

void
governor_stop(void)
{
	if (governor.running) {
		atomic_store(&governor.stop, true);
		governor_tell();
		pthread_join(governor.pthread, NULL);
		governor.running = false;
		/* Who asked too late need not wait for an answer. */
		atomic_store(&governor.looked, atomic_load(&governor.looks));
		futex_wake(&governor.looked, INT32_MAX);
	}
	corun_cpu_close(governor.cpu);
	governor.cpu = NULL;
}

void
governor_tell(void)
{
	atomic_fetch_add(&governor.calls, 1);
	futex_wake(&governor.calls, 1);
}

void
governor_look_now(void)
{
	uint32_t mine = atomic_fetch_add(&governor.looks, 1) + 1;

	atomic_store(&governor.forget_pin, true);
	governor_tell();
	for (;;) {
		uint32_t looked = atomic_load(&governor.looked);

		if ((int32_t) (looked - mine) >= 0 || atomic_load(&governor.stop))
			return;
		futex_wait(&governor.looked, looked, UINT64_MAX);
	}
}

unsigned
corun_num_cpu(void)
{
	unsigned cpus = atomic_load(&governor.cpus_seen);
	struct corun_cpu *cpu;

	if (cpus != 0)
		return cpus;
	if (corun_cpu_open(NULL, &cpu) < 0)
		return 1;
	cpus = corun_cpu_look(cpu)->cpus;
	corun_cpu_close(cpu);
	return cpus;
}
