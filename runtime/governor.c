/*
 * Governor - when to look at the quota again, and when to act
 *
 * Once a second it looks. A value (limit and CPUs) that differs from the one acted upon is looked
 * at again 100 ms later and counts if it is still the same; while it keeps moving that is repeated
 * up to 5 times, and then the last one counts. cgroup v1 is written in two steps, and a pod's limit
 * and its container's come in either order: what lies in between is not worth a resize.
 *
 * The size is pinned by a call, by CORUN_WORKERS, or by the configuration's policy, in this order.
 * A call's pin is sched.pinned, which worker_set_pool_size() looks at under its lock: so a look that
 * was under way never overwrites it. The other two are read by the governor alone.
 */

#include "runtime/governor.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <corun/cpu.h>
#include <corun/time.h>

#include "runtime/base/futex.h"
#include "runtime/base/lock.h"
#include "runtime/pool.h"

#define LOOK_NS   (1 * CORUN_S)
#define SETTLE_NS (100 * CORUN_MS)

enum { SETTLE_TRIES = 5 };

struct value {
	struct corun_cpu_limit limit;
	unsigned cpus;
};

static struct {
	const struct corun_options *options;

	struct lock lock;               /* rank GOVERNOR, for the next two */
	struct corun_cpu_policy policy; /* the configuration's */
	unsigned env_pin;               /* of CORUN_WORKERS; 0: none, or forgotten */

	/* the thread's own, and before it runs, of who starts */
	struct corun_cpu *cpu;
	const struct corun_cpu_view *view; /* of the last look */
	struct value acted_on;
	enum corun_cpu_reason reason; /* what acting upon it gave, unless pinned by a call */
	bool undone;                  /* no memory for the workers: again at the next look */
	uint32_t told;                /* `calls` that on_look has seen the effect of */

	pthread_t pthread;
	bool running;
	_Atomic bool stop;
	_Atomic uint32_t calls;     /* futex: raised by whoever wants something */
	_Atomic uint32_t looks;     /* wanted by governor_look_now() */
	_Atomic uint32_t looked;    /* futex: how many of them were done */
	_Atomic unsigned cpus_seen; /* for corun_num_cpu() */
} governor;

_Atomic uint64_t governor_ticks;

static struct value
look(void)
{
	const struct corun_cpu_view *view = corun_cpu_look(governor.cpu);
	struct value v = { .limit = view->limit, .cpus = view->cpus };

	governor.view = view;
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
	struct corun_cpu_policy policy;

	lock_acquire(&governor.lock, LOCK_RANK_GOVERNOR);
	policy = governor.policy;
	if (governor.env_pin != 0)
		policy.pin = governor.env_pin;
	lock_release(&governor.lock, LOCK_RANK_GOVERNOR);
	return corun_cpu_decide(&policy, v->cpus, &v->limit);
}

/* Tell what is, whoever made it so. */
static void
tell(bool settling)
{
	bool by_call = atomic_load(&sched.pinned);
	struct corun_pool_state state = {
		.workers = atomic_load(&sched.n_workers),
		.reason = by_call ? CORUN_BY_PIN : governor.reason,
		.pinned = by_call || governor.reason == CORUN_BY_PIN,
		.limit = governor.acted_on.limit,
		.cpus = governor.acted_on.cpus,
		.settling = settling,
	};

	if (governor.options->on_look != NULL)
		governor.options->on_look(governor.view, &state, governor.options->on_look_arg);
}

static unsigned
read_environment(void)
{
	const char *text = getenv("CORUN_WORKERS");
	unsigned pin;

	if (corun_workers_parse(text, &pin) >= 0)
		return pin;
	fprintf(stderr,
		"corun: CORUN_WORKERS=%s is not a whole number from 1 to %d or \"auto\"; the CPU "
		"quota decides\n",
		text, CORUN_WORKERS_MAX);
	return 0;
}

int
governor_open(const struct corun_options *options, unsigned *ret_workers)
{
	struct corun_cpu_options look_options = {
		.root = options->root,
		.cpus = options->cpus,
		.with_stat = options->on_look != NULL,
	};
	struct corun_cpu_decision d;
	int r = corun_cpu_open(&look_options, &governor.cpu);

	if (r < 0)
		return r;
	governor.options = options;
	governor.policy = options->policy;
	governor.env_pin = options->ignore_env ? 0 : read_environment();
	governor.acted_on = look();
	atomic_store(&governor.cpus_seen, governor.acted_on.cpus);
	d = decide(&governor.acted_on);
	governor.reason = d.reason;
	governor.undone = false;
	*ret_workers = d.workers;
	atomic_store(&governor.stop, false);
	return 0;
}

/* Sleep until @until_ns or until somebody wants something that @seen does not include. */
static void
pause_until(uint64_t until_ns, uint32_t seen)
{
	while (atomic_load(&governor.calls) == seen && corun_now() < until_ns)
		futex_wait(&governor.calls, seen, until_ns);
}

static bool
is_wanted(void)
{
	return atomic_load(&governor.looks) != atomic_load(&governor.looked);
}

/*
 * The value once it has come to rest. Return: false if somebody cannot wait for that: he has the
 * value acted upon as it is then.
 */
static bool
settle(struct value *v)
{
	for (int i = 0; i < SETTLE_TRIES; i++) {
		uint64_t again_ns = corun_in(SETTLE_NS);
		struct value last = *v;

		tell(true);
		while (corun_now() < again_ns) {
			uint32_t seen = atomic_load(&governor.calls);

			if (atomic_load(&governor.stop) || is_wanted())
				return false;
			pause_until(again_ns, seen);
		}
		*v = look();
		if (same(v, &last))
			break;
	}
	return true;
}

static void
act(const struct value *v)
{
	struct corun_cpu_decision d = decide(v);

	governor.undone = worker_set_pool_size(d.workers, RESIZE_BY_RULES) < 0;
	if (governor.undone)
		return;
	governor.acted_on = *v;
	governor.reason = d.reason;
}

static void
look_and_act(bool at_once)
{
	struct value v = look();

	if (at_once || governor.undone || (!same(&v, &governor.acted_on) && settle(&v)))
		act(&v);
	tell(!same(&v, &governor.acted_on));
}

static void *
governor_main(void *arg)
{
	uint64_t next_ns = corun_in(LOOK_NS);

	(void) arg;
	prctl(PR_SET_NAME, "corun-governor", 0, 0, 0);
	while (!atomic_load(&governor.stop)) {
		uint32_t seen = atomic_load(&governor.calls);
		uint32_t looks = atomic_load(&governor.looks);

		if (looks != atomic_load(&governor.looked)) {
			look_and_act(true);
			atomic_store(&governor.looked, looks);
			futex_wake(&governor.looked, INT32_MAX);
		} else if (!governor.options->no_update && corun_now() >= next_ns) {
			next_ns = corun_in(LOOK_NS);
			look_and_act(false);
		} else if (seen != governor.told) {
			tell(false);
		}
		governor.told = seen;
		pause_until(governor.options->no_update ? UINT64_MAX : next_ns, seen);
	}
	return NULL;
}

int
governor_start(void)
{
	sigset_t all, before;
	int r;

	governor.told = atomic_load(&governor.calls);
	tell(false);
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
governor_set_policy(const struct corun_cpu_policy *policy)
{
	lock_acquire(&governor.lock, LOCK_RANK_GOVERNOR);
	governor.policy = *policy;
	lock_release(&governor.lock, LOCK_RANK_GOVERNOR);
}

void
governor_forget_pins(void)
{
	lock_acquire(&governor.lock, LOCK_RANK_GOVERNOR);
	governor.policy.pin = 0;
	governor.env_pin = 0;
	lock_release(&governor.lock, LOCK_RANK_GOVERNOR);
}

void
governor_look_now(void)
{
	uint32_t mine = atomic_fetch_add(&governor.looks, 1) + 1;

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
