/*
 * Monitor - the one thread without a worker that watches the others (Go: sysmon)
 *
 * At each look, for each worker that a thread holds:
 *   - declared blocking: the worker is taken after 20 us if work waits, after 10 ms in any case;
 *   - a slice of 10 ms of the thread's CPU clock is over: the flag is raised, which the next call
 *     of the runtime finds;
 *   - the flag was raised half a millisecond of CPU ago, nothing has moved, and work waits (or the
 *     worker retires): the worker is handed off;
 *   - woken beats hogs: a coroutine that is no hog itself waits, and every worker has run the same
 *     one for a millisecond: the flag of the oldest slice is raised now, whatever is left of it,
 *     and each millisecond that of one more. Slices are of CPU time: on a busy machine, or under a
 *     quota, 10 ms of them may last a tenth of a second, and several hogs may be before the other;
 *   - nothing moves, work waits, and twice in a row the kernel says that the thread sleeps (state
 *     S or D) while its CPU clock stands still: blocked undeclared, the worker is taken. A thread
 *     that is throttled or crowded out is in state R and keeps its worker: under a quota every
 *     clock stands still for part of each period, and more threads would be throttled more.
 * It runs timers that are late because their worker is busy, polls the network when nobody else has
 * for 10 ms, and gives the memory of idle stacks back.
 *
 * It looks every 20 us while it finds something to do, then less and less often, at least every
 * 10 ms; every millisecond while work waits for a busy worker. If its next look is more than a
 * millisecond off, it is woken for what comes into the global queue while no worker is idle, for a
 * change of the pool, and for a timer that is due before that look while nobody waits in epoll. When
 * all workers have been idle for 5 ms it sleeps without a period until one is acquired: not at once,
 * for then whoever works in short bursts would pay a system call for each.
 *
 * The monitor needs no lock that a coroutine may hold: sched.lock and the timers' locks are held
 * inside the runtime only, where no thread is ever stopped by us. No malloc, no stdio.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <corun/time.h>

#include "runtime/base/clock.h"
#include "runtime/base/futex.h"
#include "runtime/base/syscall.h"
#include "runtime/netpoll.h"
#include "runtime/pool.h"

#define SLICE_NS         (10 * CORUN_MS)
#define FLAG_HEEDED_NS   (500 * CORUN_US) /* of CPU; a call of the runtime takes far less */
#define LOOK_NS          (1 * CORUN_MS)   /* between two looks at one thread's state */
#define DECLARED_NS      (20 * CORUN_US)
#define DECLARED_LONG_NS (10 * CORUN_MS)
#define PERIOD_MIN_NS    (20 * CORUN_US)
#define PERIOD_MAX_NS    (10 * CORUN_MS)
#define POLL_NS          (10 * CORUN_MS)
#define LINGER_NS        (5 * CORUN_MS)
#define TRIM_NS          (1 * CORUN_S)

enum { QUIET_ROUNDS = 50 }; /* before the period grows */

static struct {
	pthread_t pthread;
	bool running;
	_Atomic bool stop;
	_Atomic uint32_t soon; /* futex: 1 asks for a look now */
	_Atomic uint64_t period_ns;
	_Atomic uint64_t until_ns;        /* when the present pause ends */
	uint64_t preferred_ns;            /* when a flag was last raised for one that woke */
	_Atomic(struct thread *) reading; /* its stat_fd is being read */
	uint64_t trimmed_ns;
	bool trim_more;
} monitor;

_Atomic uint64_t monitor_ticks;

/* ---- what the kernel says of a thread ----------------------------------------------------------
 */

int
thread_open_stat(pid_t tid)
{
	char path[64] = "/proc/self/task/";
	char digits[16];
	size_t at = 16, n = 0;

	do {
		digits[n++] = (char) ('0' + tid % 10);
		tid /= 10;
	} while (tid > 0);
	while (n > 0)
		path[at++] = digits[--n];
	for (const char *tail = "/stat"; *tail != '\0'; tail++)
		path[at++] = *tail;
	return (int) raw_syscall6(SYS_openat, AT_FDCWD, (long) path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
}

/* "TID (name) S ...": the name may hold anything, also ") R", so the last ")" counts. */
static bool
is_asleep(struct thread *t)
{
	char text[128];
	long n = 0;
	int fd;

	/* Who ends waits until we have done with its descriptor: monitor_release(). */
	atomic_store(&monitor.reading, t);
	fd = atomic_load(&t->stat_fd);
	if (fd >= 0)
		n = raw_syscall6(SYS_pread64, fd, (long) text, sizeof(text), 0, 0, 0);
	atomic_store(&monitor.reading, NULL);
	for (long i = n - 3; i > 0; i--) {
		if (text[i] == ')')
			return text[i + 2] == 'S' || text[i + 2] == 'D';
	}
	return false;
}

/* ---- one worker --------------------------------------------------------------------------------
 */

static bool
work_waits(struct worker *w)
{
	return atomic_load(&sched.n_global) > 0 || !runq_empty(&w->runq);
}

/* Would anybody be helped if this worker went on with another thread? Not while one is idle. */
static bool
would_help(struct worker *w)
{
	return atomic_load(&sched.n_idle) == 0 ? work_waits(w) : !runq_empty(&w->runq);
}

static bool
take(struct worker *w, struct thread *t, enum lost why)
{
	if (why == LOST_HANDOFF && atomic_load(&sched.n_handed_off) >= sched.options.handoff_max) {
		if (!w->seen.refused)
			atomic_fetch_add(&sched.handoffs_refused, 1);
		w->seen.refused = true;
		return false;
	}
	return preempt_take(t, w, why);
}

static bool
look_at_declared(struct worker *w, struct thread *t, uint64_t since_ns, uint64_t now_ns)
{
	/* It may have begun after @now_ns. */
	uint64_t elapsed_ns = now_ns > since_ns ? now_ns - since_ns : 0;

	if (elapsed_ns < DECLARED_NS)
		return false;
	if (elapsed_ns < DECLARED_LONG_NS && !would_help(w))
		return false;
	return take(w, t, LOST_BLOCKED_DECLARED);
}

/* What changed since the last look? Return: whether the same coroutine still runs. */
static bool
note_progress(struct worker *w, struct thread *t, uint64_t now_ns)
{
	uint64_t slice = atomic_load_explicit(&w->slice, memory_order_relaxed);
	uint64_t switches = atomic_load_explicit(&w->counts.switches, memory_order_relaxed);
	bool same = t == w->seen.thread && switches == w->seen.switches;

	if (t != w->seen.thread || slice != w->seen.slice) {
		w->seen.since_ns = now_ns;
		w->seen.slice_cpu_ns = 0;
		w->seen.flagged = false;
		w->seen.refused = false;
	}
	if (!same) {
		w->seen.was_asleep = false;
		w->seen.switched_ns = now_ns;
	}
	w->seen.thread = t;
	w->seen.slice = slice;
	w->seen.switches = switches;
	return same;
}

static void
flag(struct worker *w, struct thread *t, uint64_t cpu_ns)
{
	preempt_flag(t);
	w->seen.flagged = true;
	w->seen.flagged_cpu_ns = cpu_ns;
}

/* The slice is running. Return: whether something was done. */
static bool
look_at_slice(struct worker *w, struct thread *t, bool same, uint64_t cpu_ns)
{
	bool retiring = atomic_load(&w->retiring);

	if (w->seen.slice_cpu_ns == 0)
		w->seen.slice_cpu_ns = cpu_ns;
	if (!w->seen.flagged) {
		if (!retiring && cpu_ns - w->seen.slice_cpu_ns < SLICE_NS - LOOK_NS)
			return false;
		flag(w, t, cpu_ns);
		return false; /* whether it was heeded is seen in a millisecond, not sooner */
	}
	if (!same || cpu_ns - w->seen.flagged_cpu_ns < FLAG_HEEDED_NS)
		return false;
	return (retiring || would_help(w)) && take(w, t, LOST_HANDOFF);
}

static bool
look_at(struct worker *w, uint64_t now_ns)
{
	struct thread *t = atomic_load(&w->thread);
	uint64_t cpu_ns, blocks_since_ns;
	bool same, asleep;

	if (t == NULL) {
		w->seen.thread = NULL;
		return false;
	}
	same = note_progress(w, t, now_ns);
	blocks_since_ns = atomic_load(&t->blocks_since_ns);
	if (blocks_since_ns != 0)
		return look_at_declared(w, t, blocks_since_ns, now_ns);
	if (now_ns - w->seen.since_ns < LOOK_NS || now_ns - w->seen.looked_ns < LOOK_NS)
		return false;
	w->seen.looked_ns = now_ns;
	cpu_ns = clock_read_ns(t->cpu_clock);
	asleep = (would_help(w) || atomic_load(&w->retiring)) && is_asleep(t);
	if (same && asleep && w->seen.was_asleep && cpu_ns == w->seen.last_cpu_ns)
		return take(w, t, LOST_BLOCKED);
	w->seen.was_asleep = asleep;
	w->seen.last_cpu_ns = cpu_ns;
	return look_at_slice(w, t, same, cpu_ns);
}

/* Has @w run the same coroutine for so long that it will hardly look for another soon? */
static bool
is_stuck(struct worker *w, struct thread *t, uint64_t now_ns)
{
	return t == w->seen.thread && now_ns - w->seen.switched_ns >= LOOK_NS &&
	       atomic_load_explicit(&t->in_rt, memory_order_relaxed) == 0 &&
	       atomic_load(&t->blocks_since_ns) == 0;
}

/* Woken beats hogs: see above. */
static void
prefer_woken(uint64_t now_ns)
{
	uint32_t n = atomic_load_explicit(&sched.n_slots, memory_order_acquire);
	bool global = atomic_load(&sched.n_woken) > 0;
	struct worker *best = NULL;
	bool best_has_ring = false;

	if (now_ns - monitor.preferred_ns < LOOK_NS || atomic_load(&sched.n_idle) > 0)
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct worker *w = worker_slot(i);
		struct thread *t = atomic_load(&w->thread);
		bool has_ring = !runq_empty(&w->runq);

		if (t == NULL || atomic_load(&w->retiring))
			continue;
		if (!is_stuck(w, t, now_ns))
			return;
		if (w->seen.flagged || (!global && !has_ring))
			continue;
		/* One that waits in a worker's own ring is best served there. */
		if (best == NULL || has_ring > best_has_ring ||
		    (has_ring == best_has_ring && w->seen.since_ns < best->seen.since_ns)) {
			best = w;
			best_has_ring = has_ring;
		}
	}
	if (best == NULL)
		return;
	monitor.preferred_ns = now_ns;
	flag(best, best->seen.thread, clock_read_ns(best->seen.thread->cpu_clock));
}

/* ---- the rest ----------------------------------------------------------------------------------
 */

static bool
poll_network(uint64_t now_ns)
{
	struct coroutine *list;

	if (!netpoll_waiters() || atomic_load(&sched.polling) ||
	    now_ns < atomic_load(&sched.last_poll_ns) + POLL_NS)
		return false;
	list = netpoll_poll(CORUN_NOW);
	atomic_store(&sched.last_poll_ns, now_ns);
	if (list == NULL)
		return false;
	sched_put_global(list);
	return true;
}

static void
trim_stacks(uint64_t now_ns)
{
	if (now_ns < monitor.trimmed_ns + TRIM_NS)
		return;
	monitor.trimmed_ns = now_ns;
	monitor.trim_more = stack_trim();
}

/*
 * One look at everything. Return: whether anything was done that speaks for looking again soon. A
 * late timer does not: when the next one is due is known.
 */
static bool
look(uint64_t now_ns, bool *ret_waits)
{
	uint32_t n = atomic_load_explicit(&sched.n_slots, memory_order_acquire);
	bool acted = poll_network(now_ns);
	uint64_t next_timer_ns;

	sched_run_due_timers(now_ns, &next_timer_ns);
	*ret_waits = atomic_load(&sched.n_retiring) > 0;
	for (uint32_t i = 0; i < n; i++) {
		struct worker *w = worker_slot(i);

		acted |= look_at(w, now_ns);
		*ret_waits |= w->seen.thread != NULL && work_waits(w);
	}
	if (*ret_waits)
		prefer_woken(now_ns);
	/* The heir of the next take-over has to be made ahead. */
	if (*ret_waits && atomic_load(&sched.n_idle_threads) == 0)
		thread_request();
	/* Whatever wake-up went astray, the next look makes up for it. */
	if (*ret_waits)
		thread_wake_one();
	trim_stacks(now_ns);
	return acted;
}

/* ---- its loop ----------------------------------------------------------------------------------
 */

void
monitor_wake(void)
{
	if (atomic_load(&sched.monitor_asleep) != 0 &&
	    atomic_exchange(&sched.monitor_asleep, 0) != 0)
		futex_wake(&sched.monitor_asleep, 1);
}

void
monitor_release(struct thread *t)
{
	while (atomic_load(&monitor.reading) == t)
		sched_yield();
}

void
monitor_wake_soon(void)
{
	if (atomic_load_explicit(&monitor.period_ns, memory_order_relaxed) > PERIOD_MIN_NS &&
	    atomic_exchange(&monitor.soon, 1) == 0)
		futex_wake(&monitor.soon, 1);
}

void
monitor_wake_if_slow(void)
{
	if (atomic_load_explicit(&monitor.period_ns, memory_order_relaxed) > LOOK_NS)
		monitor_wake_soon();
}

void
monitor_timer_added(uint64_t when_ns)
{
	uint64_t until_ns = atomic_load(&monitor.until_ns);

	if (until_ns > LOOK_NS && when_ns < until_ns - LOOK_NS)
		monitor_wake_soon();
}

static bool
all_idle(void)
{
	return atomic_load(&sched.n_idle) >= atomic_load(&sched.n_workers) &&
	       atomic_load(&sched.n_retiring) == 0;
}

/*
 * Sleep until a worker is acquired. Who acquires one lowers n_idle first and reads monitor_asleep
 * then; both sides are sequentially consistent.
 */
static void
sleep_while_idle(void)
{
	uint64_t until = monitor.trim_more ? corun_in(TRIM_NS) : UINT64_MAX;

	atomic_store(&sched.monitor_asleep, 1);
	if (all_idle() && !atomic_load(&monitor.stop))
		futex_wait(&sched.monitor_asleep, 1, until);
	atomic_store(&sched.monitor_asleep, 0);
}

/* Until @until_ns, or until somebody wants a look. Return: whether somebody does. */
static bool
pause_until(uint64_t until_ns, uint64_t period_ns)
{
	uint64_t next_timer_ns;

	atomic_store_explicit(&monitor.period_ns, period_ns, memory_order_relaxed);
	atomic_store(&monitor.until_ns, until_ns);
	/*
	 * The poller wakes for timers; when there is none, this thread does. Who adds one now either
	 * finds until_ns, or is found here [FENCE-TIMER].
	 */
	sched_run_due_timers(0, &next_timer_ns);
	if (next_timer_ns < until_ns && atomic_load(&sched.poll_until) == 0) {
		until_ns = next_timer_ns;
		atomic_store(&monitor.until_ns, until_ns);
	}
	if (atomic_exchange(&monitor.soon, 0) != 0)
		return true;
	futex_wait(&monitor.soon, 0, until_ns);
	return false;
}

static void *
monitor_main(void *arg)
{
	uint64_t period_ns = PERIOD_MIN_NS;
	unsigned quiet = 0;

	(void) arg;
	prctl(PR_SET_NAME, "corun-monitor", 0, 0, 0);
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	while (!atomic_load(&monitor.stop)) {
		uint64_t now_ns;
		bool acted, waits;

		if (all_idle()) {
			pause_until(corun_in(LINGER_NS), LINGER_NS);
			if (all_idle())
				sleep_while_idle();
			period_ns = PERIOD_MIN_NS;
			quiet = 0;
		}
		now_ns = clock_now_ns();
		acted = look(now_ns, &waits);
		atomic_fetch_add(&monitor_ticks, 1);
		if (acted) {
			period_ns = PERIOD_MIN_NS;
			quiet = 0;
		} else if (++quiet > QUIET_ROUNDS && period_ns < PERIOD_MAX_NS) {
			period_ns *= 2;
		}
		if (waits && period_ns > LOOK_NS)
			period_ns = LOOK_NS;
		if (period_ns > PERIOD_MAX_NS)
			period_ns = PERIOD_MAX_NS;
		if (pause_until(now_ns + period_ns, period_ns))
			period_ns = PERIOD_MIN_NS;
	}
	return NULL;
}

int
monitor_start(void)
{
	sigset_t all, before;
	int r;

	atomic_store(&monitor.stop, false);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&monitor.pthread, NULL, monitor_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	monitor.running = r == 0;
	return r;
}

void
monitor_stop(void)
{
	if (!monitor.running)
		return;
	atomic_store(&monitor.stop, true);
	atomic_store(&monitor.soon, 1);
	futex_wake(&monitor.soon, 1);
	atomic_store(&sched.monitor_asleep, 0);
	futex_wake(&sched.monitor_asleep, 1);
	pthread_join(monitor.pthread, NULL);
	monitor.running = false;
}
