#pragma once

/*
 * Thread - an OS thread (Go: M); it needs a worker to run coroutines
 *
 * struct thread is never freed, only reused: the monitor may look at one at any time. A plain
 * thread of the user's that waits on coroutines has one too (`plain`), with a stub coroutine.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "runtime/arch/context.h"
#include "runtime/base/list.h"
#include "runtime/coroutine.h"
#include "runtime/sanitize.h"

struct worker;

/* What is to be done for the coroutine that was left, on the stack that runs now. */
enum after {
	AFTER_NOTHING,
	AFTER_PARK,         /* publish that it is parked */
	AFTER_YIELD,        /* behind the others of this worker */
	AFTER_YIELD_GLOBAL, /* behind the others of all workers: no worker held, or bound */
	AFTER_PREEMPTED,    /* behind the hogs: it used up its slice */
	AFTER_END,          /* drop the runtime's reference */
};

struct thread {
	/* the entry protocol: entry.h */
	_Atomic uint32_t in_rt;
	_Atomic uint32_t attention;

	/* owned by the thread itself */
	struct coroutine *current; /* NULL on the thread's own stack */
	bool plain;
	bool spinning; /* counted in sched.n_spinning */
	bool inherits; /* what the loop runs now shares the slice of who readied it */
	uint8_t after; /* enum after, for `left` */
	struct coroutine *left;
	struct coroutine *picked;   /* found by a coroutine that could not switch to it directly */
	struct coroutine *bound_to; /* left just now, and only this thread may run it */
	uint32_t random;
	struct context ctx; /* of the scheduler loop, on the thread's own stack */
	struct sanitize sanitize;

	/* owned by the thread while it is inside; by the monitor once it has taken the worker */
	struct worker *worker;

	/* sleeping: under sched.lock, but for the futex word */
	_Atomic uint32_t asleep;        /* 1 while it sleeps or is about to; set to 0 to wake it */
	_Atomic(struct worker *) given; /* the worker to go on with, written before `asleep` = 0 */
	struct coroutine *given_co;     /* and the bound coroutine to run with it */
	struct list idle_link;

	/* read by the monitor */
	_Atomic uint64_t blocks_since_ns; /* between block_enter and block_exit; else 0 */
	_Atomic uint8_t lost_to;          /* enum lost: why it has no worker while it runs on */
	pid_t tid;
	_Atomic clockid_t cpu_clock;
	_Atomic int stat_fd; /* /proc/self/task/TID/stat, or -1 */
	int nice;            /* what it began with */
	bool low_priority;   /* it was lowered as a hog's, and may not be raised again */

	pthread_t pthread;
	struct thread *all_link; /* every struct thread ever made, newest first */
	struct thread *free_link;
	/*
	 * Plain threads only. The eventfd ends the ppoll(2) of wait_poll(). It stays with the
	 * struct: a late write to it does no more than wake a later owner for nothing.
	 */
	struct coroutine stub;
	_Atomic int wake_fd; /* 0: none yet */
};

/* Every thread of the runtime. */
struct threads {
	_Atomic(struct thread *) all; /* every struct ever made, plain ones too */
	_Atomic uint32_t n;           /* that hold or may hold a worker */
	_Atomic bool starting;        /* one is being made */
};

extern struct threads threads;

/*
 * thread_wake_fd() - make the eventfd of a plain thread, once; by itself
 * Return: the descriptor, or -errno.
 */
int thread_wake_fd(struct thread *t);

/* thread_end_poll() - write to it. Any thread. */
void thread_end_poll(struct thread *t);

/* /proc/self/task/TID/stat, or -1 */
int thread_open_stat(pid_t tid);

/* Why a thread runs on without a worker. */
enum lost {
	LOST_NOTHING,
	LOST_HANDOFF,
	LOST_BLOCKED,
	LOST_BLOCKED_DECLARED,
};

/*
 * The calling thread's struct, or NULL. It must never be kept across a switch, and the compiler
 * must not keep the address of the thread-local variable either (gcc and clang do), so this is
 * either volatile assembly or a call that cannot be seen through.
 */
extern _Thread_local struct thread *thread_current __attribute__((tls_model("initial-exec")));

#if defined(__x86_64__) && !defined(__ILP32__)
static inline struct thread *
thread_self(void)
{
	struct thread *t;

	__asm__ volatile("movq thread_current@GOTTPOFF(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(t));
	return t;
}
#else
struct thread *thread_self(void);
#endif
