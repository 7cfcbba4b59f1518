#pragma once

/*
 * Pool - the scheduler's own state, shared by the files that make it up
 *
 *     sched.c    park, ready, yield, switch; the loop of a thread       (Go: proc.go)
 *     steal.c    where a thread looks for work, and in which order
 *     worker.c   the slots: idle list, growing, shrinking, retiring
 *     thread.c   OS threads: made by a helper thread, asleep, woken, ended
 *     preempt.c  taking a worker away; coming back without one
 *     monitor.c  the thread that watches the others
 *
 * Other rooms use sched.h.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <corun/cpu.h>
#include <corun/runtime.h>

#include "runtime/base/list.h"
#include "runtime/base/lock.h"
#include "runtime/base/relaxed.h"
#include "runtime/coroutine.h"
#include "runtime/thread.h"
#include "runtime/worker.h"

/* Coroutines through `link`. */
struct queue {
	struct coroutine *head, *tail;
};

struct sched {
	_Atomic bool started;
	_Atomic bool closing;  /* no timer starts a coroutine: corun_stop() has seen the last end */
	_Atomic bool stopping; /* threads end at their next look for work */
	struct corun_options options; /* immutable while started */

	struct lock lock; /* rank SCHED */

	/*
	 * The global queue, in two parts: `hogs` holds those that used up their slice, `woken` all
	 * others. Under lock; the counters are written under it and read by anybody.
	 */
	struct queue woken, hogs;
	_Atomic uint32_t n_global; /* in both parts */
	_Atomic uint32_t n_woken;
	struct list idle_workers; /* last released first */
	_Atomic uint32_t n_idle;
	struct list idle_threads; /* last asleep first */
	_Atomic uint32_t n_idle_threads;

	/*
	 * Threads that look for work without having any. A thread counted here promises to look at
	 * all queues once more after it has left the count: who publishes work need not wake
	 * anybody then.
	 */
	_Atomic uint32_t n_spinning;

	_Atomic uint32_t n_workers; /* the size aimed at */
	_Atomic uint32_t n_slots;   /* slots ever made; slots[0 .. n_slots) are not NULL */
	_Atomic(struct worker *) slots[CORUN_WORKERS_MAX];
	_Atomic uint32_t n_retiring;
	struct lock resize_lock; /* rank RESIZE: one change of the size at a time */
	_Atomic bool pinned; /* under resize_lock for writing: somebody set the size by a call */

	/* The poller: the one idle thread that sleeps in epoll rather than on its futex. */
	_Atomic bool polling;
	_Atomic uint64_t poll_until; /* when it wakes by itself; 0: nobody sleeps there */
	_Atomic uint64_t last_poll_ns;

	/* monitor */
	_Atomic uint32_t monitor_asleep; /* futex: 1 while it sleeps without a period */

	/* hogs and blocked threads that run on without a worker */
	_Atomic uint32_t n_handed_off;
	_Atomic uint32_t n_blocked;

	_Atomic uint32_t fence;   /* of pool_fence() */
	_Atomic uint64_t next_id; /* of coroutines, handed to workers in blocks */

	/* corun_stop() waits for the last coroutine */
	_Atomic uint32_t end_watch; /* somebody wants to know of ends */
	_Atomic uint32_t end_word;  /* futex */

	struct counts counts; /* of threads without a worker */
	_Atomic uint64_t handoffs, handoffs_refused, blocked, blocked_declared;
	_Atomic uint64_t resizes, retired, revived;
	_Atomic uint64_t threads_created, threads_ended;
};

extern struct sched sched;

/* @w NULL: a thread without a worker counts. */
#define count_add(w, name, n)                                                                      \
	do {                                                                                       \
		struct worker *count_w_ = (w);                                                     \
		if (count_w_ != NULL)                                                              \
			relaxed_add(&count_w_->counts.name, (n));                                  \
		else                                                                               \
			atomic_fetch_add_explicit(&sched.counts.name, (n), memory_order_relaxed);  \
	} while (0)

/* A full fence; TSan knows none, but takes a sequentially consistent exchange for one. */
static inline void
pool_fence(void)
{
#ifdef SANITIZE_THREAD
	atomic_fetch_add(&sched.fence, 0);
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* ---- sched.c ---- */

/* A list of coroutines (through `link`) into the global queue; wakes a thread for it. */
void sched_put_global(struct coroutine *list);

/* One that used up its slice: its turn comes when nothing else is queued, or now and then. */
void sched_put_hog(struct coroutine *co);

/* One runnable coroutine into the queue of the caller's worker, else the global one. */
void sched_put(struct coroutine *co, bool as_next);

/*
 * Leave the running coroutine for another or for the thread's loop; returns when it runs again,
 * perhaps on another thread.
 */
void sched_switch_out(struct coroutine *co, enum after after);

/* A coroutine that was counted in `spawned` is no more; @w NULL as for count_add(). */
void sched_count_end(struct worker *w);

/*
 * The time slice of the running coroutine is over: it goes behind the others of all workers. If
 * it shared the slice with others, who was to run next goes behind those of its own worker.
 */
void sched_end_slice(struct coroutine *co);

/*
 * Fire what is due at @now_ns (0: nothing), whoever's it is; *@ret_next_ns is when the next one is.
 * Return: how many fired.
 */
unsigned sched_run_due_timers(uint64_t now_ns, uint64_t *ret_next_ns);

/* The loop of a thread of the runtime. Returns when the runtime stops or the thread is to end. */
void sched_loop(struct thread *t);

/* sched.lock is held. Up to @max from the head of @q, as a list of *@ret_n. */
struct coroutine *queue_take_locked(struct queue *q, uint32_t max, uint32_t *ret_n);

/*
 * sched.lock is held. @n were taken from @q: they are not counted any more. Not before those that
 * are to be queued elsewhere are visible there (FENCE-WORK).
 */
void queue_taken_locked(struct queue *q, uint32_t n);

/* ---- steal.c ---- */

/* Something to run for a thread that holds a worker or not; NULL: the thread is to end. */
struct coroutine *steal_find_work(struct thread *t);

/* Is a coroutine queued anywhere? Who has announced itself idle asks (FENCE-WORK). */
bool work_anywhere(void);

/* ---- worker.c ---- */

struct worker *worker_slot(uint32_t i); /* i < n_slots */
int worker_make_slots(uint32_t n);

/* sched.lock is held. */
struct worker *worker_pop_idle_locked(struct thread *holder);
void worker_push_idle_locked(struct worker *w);

/* An idle worker for @t, which holds none; NULL if there is none. */
struct worker *worker_acquire(struct thread *t);

/* The holder's: a hog has its turn, @now_ns; it is over. Others run for as long then (steal.c). */
void worker_begin_hog_turn(struct worker *w, uint64_t now_ns);
void worker_end_hog_turn(struct worker *w);

/* The holder's: is it time for a hog, though others wait? */
bool worker_hog_is_due(struct worker *w, uint64_t now_ns);

/*
 * Whoever held @w lets it go: to the idle list, with whatever its queue holds, or out of the pool
 * if it retires, and then its queue and timers go to others. Who calls looks for work next, or
 * wakes somebody who does.
 */
void worker_let_go(struct worker *w);

/*
 * The same for the monitor, which has taken @w from its thread. Return: false if @w does not retire
 * and is still in the caller's hand.
 */
bool worker_retire(struct worker *w);

enum resize_by {
	RESIZE_BY_RULES, /* without effect while the size is pinned */
	RESIZE_BY_PIN,
};

/* Return: the size before, or -ENOMEM. */
int worker_set_pool_size(uint32_t n, enum resize_by by);

/* ---- thread.c ---- */

int thread_start_helper(void);
void thread_stop_all(void);

/* The calling plain thread's struct; made at its first call. NULL: no memory. */
struct thread *thread_plain(void);

/* Ask the helper for one more thread, unless one is on its way. Never blocks. */
void thread_request(void);

/* sched.lock is held. Take the thread that fell asleep last; NULL: none is asleep. */
struct thread *thread_pop_idle_locked(void);

/* Wake @t, which was popped or is bound, to go on with @w (and run @co first, if not NULL). */
void thread_give(struct thread *t, struct worker *w, struct coroutine *co);

/*
 * Sleep until somebody gives a worker. @listed: in idle_threads, where anybody finds it; else only
 * who has its bound coroutine. Return: false if the thread is to end instead.
 */
bool thread_sleep(struct thread *t, bool listed);

/* Wake a thread to look for work, if a worker is idle and nobody is looking yet. */
void thread_wake_one(void);

/* Wake a thread, if one sleeps, though there is no worker for it: to wait for the network. */
void thread_wake_poller(void);

/* ---- preempt.c ---- */

int preempt_start(void);

/* Attention that a new thread has for good: ATTENTION_FENCE or 0. */
uint32_t preempt_first_attention(void);

void preempt_flag(struct thread *t);

/*
 * Take @w from @t, which runs user code, and go on with it elsewhere. Only the monitor. @why says
 * how it is counted. Return: false if @t was inside the runtime, or no thread was at hand.
 */
bool preempt_take(struct thread *t, struct worker *w, enum lost why);

/* ---- monitor.c ---- */

int monitor_start(void);
void monitor_stop(void);

/* A worker has ceased to be idle: the monitor must not sleep on. */
void monitor_wake(void);

/* There may be something to take: the monitor shall look now rather than at its next period. */
void monitor_wake_soon(void);

/* The same, if its next period is not a short one already: something waits while all are busy. */
void monitor_wake_if_slow(void);

/* A timer is due at @when_ns (UINT64_MAX: none), and nobody waits in epoll. [FENCE-TIMER] */
void monitor_timer_added(uint64_t when_ns);

/* @t ends and has taken its stat_fd away: wait until the monitor does not read it any more. */
void monitor_release(struct thread *t);

/* How often it has looked; read by a watchdog. */
extern _Atomic uint64_t monitor_ticks;
