/*
 * Threads - made, asleep, woken, ended
 *
 * pthread_create() takes locks of libc that a coroutine may hold in a thread that does not run.
 * So the scheduler never calls it: it asks a helper thread, which holds no worker and may wait.
 * The helper also keeps one thread to spare, for the monitor, which takes no worker without a
 * successor at hand.
 *
 * Sleeping and giving. A thread about to sleep stores `asleep` = 1 and then reads `given`; who
 * gives a worker stores `given` and then exchanges `asleep`. Both are sequentially consistent, so
 * one of the two sees the other. Only one giver at a time: it has popped the thread from
 * idle_threads, or holds the only runnable coroutine that is bound to it.
 */

#include "runtime/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <corun/time.h>

#include "runtime/base/clock.h"
#include "runtime/base/futex.h"
#include "runtime/base/pages.h"
#include "runtime/base/syscall.h"
#include "runtime/netpoll.h"
#include "runtime/pool.h"

enum {
	THREAD_STACK_BYTES = 256 * 1024,
	/* Threads beyond those that the workers need end after this long without work. */
	IDLE_END_S = 30,
	SPARE = 1,
	RETRY_MS = 100, /* when the kernel gives no thread */
};

_Thread_local struct thread *thread_current __attribute__((tls_model("initial-exec")));

#if !defined(__x86_64__) || defined(__ILP32__)
__attribute__((noinline)) struct thread *
thread_self(void)
{
	__asm__ volatile("" ::: "memory");
	return thread_current;
}
#endif

struct threads threads;

static struct {
	pthread_t pthread;
	bool running;
	_Atomic uint32_t wanted; /* futex: 1 while somebody has asked */
	_Atomic bool stop;
	pthread_mutex_t lock; /* of free structs and of those to be joined; a plain thread's lock */
	struct thread *free;
	struct thread *ended; /* to be joined */
} helper = { .lock = PTHREAD_MUTEX_INITIALIZER };

static pthread_key_t plain_key;
static pthread_once_t plain_once = PTHREAD_ONCE_INIT;

/* ---- struct thread -----------------------------------------------------------------------------
 */

static struct thread *
thread_struct(void)
{
	struct thread *t;

	pthread_mutex_lock(&helper.lock);
	t = helper.free;
	if (t != NULL)
		helper.free = t->free_link;
	pthread_mutex_unlock(&helper.lock);
	if (t == NULL) {
		t = pages_alloc(sizeof(*t));
		if (t == NULL)
			return NULL;
		t->all_link = atomic_load(&threads.all);
		while (!atomic_compare_exchange_weak(&threads.all, &t->all_link, t))
			;
	}
	t->stat_fd = -1;
	t->worker = NULL; /* a plain thread must not seem to hold what its last owner held */
	t->spinning = false;
	t->low_priority = false;
	return t;
}

static void
thread_struct_free(struct thread *t)
{
	pthread_mutex_lock(&helper.lock);
	t->free_link = helper.free;
	helper.free = t;
	pthread_mutex_unlock(&helper.lock);
}

static void
plain_ended(void *arg)
{
	struct thread *t = arg;

	thread_current = NULL;
	t->plain = false;
	thread_struct_free(t);
}

static void
plain_make_key(void)
{
	pthread_key_create(&plain_key, plain_ended);
}

struct thread *
thread_plain(void)
{
	struct thread *t = thread_self();

	if (t != NULL)
		return t;
	pthread_once(&plain_once, plain_make_key);
	t = thread_struct();
	if (t == NULL || pthread_setspecific(plain_key, t) != 0)
		return NULL;
	t->plain = true;
	t->current = &t->stub;
	t->stub = (struct coroutine){ .name = NULL };
	thread_current = t;
	return t;
}

int
thread_wake_fd(struct thread *t)
{
	int fd = atomic_load_explicit(&t->wake_fd, memory_order_relaxed);

	if (fd > 0)
		return fd;
	fd = (int) raw_syscall3(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK, 0);
	if (fd == 0) { /* stands for "none" */
		fd = (int) raw_syscall3(SYS_fcntl, 0, F_DUPFD_CLOEXEC, 3);
		raw_syscall3(SYS_close, 0, 0, 0);
	}
	if (fd > 0)
		atomic_store(&t->wake_fd, fd);
	return fd;
}

void
thread_end_poll(struct thread *t)
{
	uint64_t one = 1;

	raw_syscall3(SYS_write, atomic_load(&t->wake_fd), (long) &one, sizeof(one));
}

/* ---- asleep and awake --------------------------------------------------------------------------
 */

void
thread_request(void)
{
	if (atomic_exchange(&helper.wanted, 1) == 0)
		futex_wake(&helper.wanted, 1);
}

struct thread *
thread_pop_idle_locked(void)
{
	struct list *link = list_pop_head(&sched.idle_threads);

	if (link == NULL)
		return NULL;
	atomic_fetch_sub(&sched.n_idle_threads, 1);
	return list_entry(link, struct thread, idle_link);
}

/* What stands for "look for a worker yourself", or "end". */
static struct worker no_worker;

void
thread_give(struct thread *t, struct worker *w, struct coroutine *co)
{
	t->given_co = co;
	atomic_store(&t->given, w != NULL ? w : &no_worker);
	if (atomic_exchange(&t->asleep, 0) == 1)
		futex_wake(&t->asleep, 1);
}

/* More threads than the workers, the poller and the spare need. */
static bool
has_surplus(void)
{
	return atomic_load(&threads.n) > atomic_load(&sched.n_workers) + SPARE + 1;
}

/* Timed out: leave the list, unless somebody has taken us from it and is about to give. */
static bool
leave_list(struct thread *t)
{
	bool left = false;

	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	/* The list's last is the one that has slept longest: only that one ends, one by one. */
	if (list_is_linked(&t->idle_link) && sched.idle_threads.prev == &t->idle_link &&
	    has_surplus()) {
		list_remove(&t->idle_link);
		atomic_fetch_sub(&sched.n_idle_threads, 1);
		left = true;
	}
	lock_release(&sched.lock, LOCK_RANK_SCHED);
	return left;
}

bool
thread_sleep(struct thread *t, bool listed)
{
	struct worker *w;

	if (listed) {
		lock_acquire(&sched.lock, LOCK_RANK_SCHED);
		list_push_head(&sched.idle_threads, &t->idle_link);
		atomic_fetch_add(&sched.n_idle_threads, 1);
		lock_release(&sched.lock, LOCK_RANK_SCHED);
		/*
		 * Work that came before we were listed may have found no thread, and the helper
		 * this one and not it: see to it. Perhaps this thread itself is woken.
		 */
		if (atomic_load(&sched.n_idle) > 0 && work_anywhere())
			thread_wake_one();
	}
	for (;;) {
		uint64_t until = UINT64_MAX;
		int r;

		atomic_store(&t->asleep, 1);
		w = atomic_load(&t->given);
		if (w != NULL)
			break;
		if (listed && has_surplus())
			until = corun_in(IDLE_END_S * CORUN_S);
		r = futex_wait(&t->asleep, 1, until);
		w = atomic_load(&t->given);
		if (w != NULL)
			break;
		if (r == -ETIMEDOUT && leave_list(t))
			return false;
	}
	atomic_store(&t->given, NULL);
	atomic_store(&t->asleep, 0);
	t->worker = w != &no_worker ? w : NULL;
	return !atomic_load(&sched.stopping);
}

/* n_spinning was raised. Return: whether there was an idle worker and a thread for it. */
static bool
wake_for_idle_worker(void)
{
	struct worker *w;
	struct thread *t = NULL;

	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	if (!list_is_empty(&sched.idle_workers)) {
		t = thread_pop_idle_locked();
		w = t != NULL ? worker_pop_idle_locked(t) : NULL;
	}
	lock_release(&sched.lock, LOCK_RANK_SCHED);
	if (t == NULL) {
		atomic_fetch_sub(&sched.n_spinning, 1);
		/* The poller is free as well; awake it takes a worker itself. */
		if (atomic_load(&sched.poll_until) != 0)
			netpoll_break();
		return false;
	}
	t->spinning = true; /* the count was raised for it */
	count_add(thread_self() != NULL ? thread_self()->worker : NULL, wakes, 1);
	monitor_wake();
	thread_give(t, w, NULL);
	return true;
}

static void
wake_one(bool may_ask)
{
	do {
		uint32_t none = 0;

		/* FENCE-WORK, reading half */
		if (likely(atomic_load(&sched.n_idle) == 0) || atomic_load(&sched.n_spinning) != 0)
			return;
		if (!atomic_compare_exchange_strong(&sched.n_spinning, &none, 1) ||
		    wake_for_idle_worker())
			return;
		if (may_ask) {
			thread_request();
			return;
		}
		/*
		 * The helper itself. While it was counted as one that looks, others relied on that;
		 * if a thread has been listed since, nobody else looks for them.
		 */
	} while (atomic_load(&sched.n_idle_threads) > 0 && work_anywhere());
}

void
thread_wake_one(void)
{
	wake_one(true);
}

void
thread_wake_poller(void)
{
	struct thread *t;

	lock_acquire(&sched.lock, LOCK_RANK_SCHED);
	t = thread_pop_idle_locked();
	lock_release(&sched.lock, LOCK_RANK_SCHED);
	if (t != NULL)
		thread_give(t, NULL, NULL);
}

/* ---- the life of a runtime thread --------------------------------------------------------------
 */

static void
thread_init(struct thread *t)
{
	/* This thread's number makes its walk over victims its own. */
	t->random = (uint32_t) t->tid * 2654435761u | 1;
	atomic_store(&t->attention, preempt_first_attention());
	atomic_store(&t->in_rt, 1);
	atomic_store(&t->asleep, 0);
	atomic_store(&t->given, NULL);
	atomic_store(&t->blocks_since_ns, 0);
	atomic_store(&t->lost_to, LOST_NOTHING);
	t->plain = false;
	t->spinning = false;
	t->inherits = false;
	t->low_priority = false;
	t->current = NULL;
	t->worker = NULL;
	t->picked = NULL;
	t->left = NULL;
	t->bound_to = NULL;
	t->given_co = NULL;
	sanitize_thread(&t->sanitize);
}

static clockid_t
own_cpu_clock(void)
{
	clockid_t clock;

	return pthread_getcpuclockid(pthread_self(), &clock) == 0 ? clock : CLOCK_MONOTONIC;
}

static void *
thread_main(void *arg)
{
	struct thread *t = arg;
	int stat_fd;

	t->tid = (pid_t) syscall(SYS_gettid);
	t->nice = getpriority(PRIO_PROCESS, 0);
	thread_init(t);
	t->stat_fd = thread_open_stat(t->tid);
	t->cpu_clock = own_cpu_clock();
	thread_current = t;
	__asm__ volatile("" ::: "memory");
	atomic_fetch_add(&threads.n, 1);
	atomic_store(&threads.starting, false);

	sched_loop(t);

	thread_current = NULL;
	stat_fd = atomic_exchange(&t->stat_fd, -1);
	monitor_release(t);
	if (stat_fd >= 0)
		raw_syscall3(SYS_close, stat_fd, 0, 0); /* as it was opened: TSan takes sides */
	atomic_fetch_add(&sched.threads_ended, 1);
	pthread_mutex_lock(&helper.lock);
	t->free_link = helper.ended;
	helper.ended = t;
	pthread_mutex_unlock(&helper.lock);
	atomic_fetch_sub(&threads.n, 1); /* last: who stops all joins once this is 0 */
	atomic_store(&helper.wanted, 1);
	futex_wake(&helper.wanted, 1);
	return NULL;
}

static int
thread_create(void)
{
	struct thread *t = thread_struct();
	pthread_attr_t attr;
	sigset_t all, before;
	int r;

	if (t == NULL)
		return -ENOMEM;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	/* Signals of the process are for the user's threads, not for these. */
	sigfillset(&all);
	sigdelset(&all, SIGURG);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGTRAP);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGPROF);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_store(&threads.starting, true);
	r = -pthread_create(&t->pthread, &attr, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r < 0) {
		atomic_store(&threads.starting, false);
		thread_struct_free(t);
		return r;
	}
	atomic_fetch_add(&sched.threads_created, 1);
	return 0;
}

static void
join_ended(void)
{
	for (;;) {
		struct thread *t;

		pthread_mutex_lock(&helper.lock);
		t = helper.ended;
		if (t != NULL)
			helper.ended = t->free_link;
		pthread_mutex_unlock(&helper.lock);
		if (t == NULL)
			return;
		pthread_join(t->pthread, NULL);
		thread_struct_free(t);
	}
}

/* Does the pool lack a thread: for an idle worker that has work to find, or to spare? */
static bool
too_few(void)
{
	return atomic_load(&sched.n_idle_threads) < SPARE &&
	       atomic_load(&threads.n) < sched.options.threads_max &&
	       !atomic_load(&threads.starting);
}

static void *
helper_main(void *arg)
{
	(void) arg;
	while (!atomic_load(&helper.stop)) {
		atomic_store(&helper.wanted, 0);
		join_ended();
		/*
		 * Who asked found an idle worker and no thread asleep. A new thread looks for work
		 * as soon as it runs; but if one has fallen asleep since, it did not see that work.
		 */
		if (!too_few()) {
			wake_one(false);
		} else if (thread_create() < 0) {
			/* Nobody asks a second time for the same work: try again by oneself. */
			futex_wait(&helper.wanted, 0, corun_in(RETRY_MS * CORUN_MS));
			continue;
		}
		futex_wait(&helper.wanted, 0, UINT64_MAX);
	}
	return NULL;
}

int
thread_start_helper(void)
{
	sigset_t all, before;
	int r;

	atomic_store(&helper.stop, false);
	atomic_store(&helper.wanted, 1); /* the first thread */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&helper.pthread, NULL, helper_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	helper.running = r == 0;
	return r;
}

void
thread_stop_all(void)
{
	/* First, or it makes one more thread while the last one ends. */
	if (helper.running) {
		atomic_store(&helper.stop, true);
		atomic_store(&helper.wanted, 1);
		futex_wake(&helper.wanted, 1);
		pthread_join(helper.pthread, NULL);
		helper.running = false;
	}
	/* sched.stopping is set; each thread ends at its next look for work. */
	while (atomic_load(&threads.n) > 0 || atomic_load(&threads.starting)) {
		struct thread *t;

		do {
			lock_acquire(&sched.lock, LOCK_RANK_SCHED);
			t = thread_pop_idle_locked();
			lock_release(&sched.lock, LOCK_RANK_SCHED);
			if (t != NULL)
				thread_give(t, NULL, NULL);
		} while (t != NULL);
		netpoll_break();
		usleep(200);
	}
	join_ended();
}
