#pragma once

/*
 * Coroutine - the object (Go: G). It lies at the top of its own stack, so that a parked
 * coroutine costs one page, and is found by debuggers through the slabs of stack.c.
 *
 *                sched_ready()              picked
 *    PARKED ------------------> RUNNABLE ----------> RUNNING ----> ENDED
 *      ^                           ^                  |    |
 *      |                           +-- yield, preempt-+    |
 *      +------------------------------- sched_park() ------+
 *
 * A plain thread that waits on coroutines has one as well, without a stack: the stub in its
 * struct thread. `stack` is NULL there, and parking is a futex.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/arch/context.h"
#include "runtime/base/list.h"
#include "runtime/base/lock.h"
#include "runtime/sanitize.h"
#include "runtime/timer.h"

struct corun_attr;
struct corun_coroutine;
struct corun_group;
struct thread;
struct stack;
struct stack_cache;
struct wait;

/* The permit of one park; wait.h says who may write it. */
enum park {
	PARK_RUNNING,  /* runs, is runnable, or is on its way to park */
	PARK_PARKED,   /* its context is saved; who takes it out of this state owns it */
	PARK_POLLING,  /* a plain thread's stub that sleeps in ppoll(2): wait_poll() */
	PARK_NOTIFIED, /* somebody readied it before it had parked */
};

/* What a coroutine waits for, if it does; the words are those of Go's dumps. */
enum wait_why {
#define WAIT_WHY(id, words) WAIT_##id,
#include "runtime/wait_whys.def"
#undef WAIT_WHY
	WAIT_WHYS
};

struct coroutine {
	/* used by every switch */
	struct context ctx;
	_Atomic uint32_t park;  /* enum park */
	_Atomic uint8_t why;    /* enum wait_why while it does not run; written by the coroutine */
	uint8_t pins;           /* owner: calls of corun_pin() to be undone */
	struct coroutine *link; /* in the global queue or a list on its way there */
	struct thread *bound;   /* owner: only this thread may run it; NULL: any */
	int saved_errno;        /* while it does not run */
	_Atomic uint32_t refs;  /* the runtime's, and the handle's; the last frees the stack */

	void (*fn)(void *arg);
	void *arg;
	struct stack *stack;
	uint64_t id;
	const char *name;

	/* NULL: in none. Read by the coroutine itself; written, as the link is, as group.c says. */
	struct corun_group *group;
	struct list group_link;

	struct timer timer; /* the deadline of the present wait */

	/* under join_lock (rank JOIN) */
	struct lock join_lock;
	bool ended;
	struct wait *joiner;

	struct sanitize sanitize;
};

/**
 * coroutine_new() - make one that is ready to be picked for the first time
 * @cache: stacks of the worker held, or NULL
 * @shift: size class of the stack
 * @refs:  1, or 2 with a handle
 *
 * Its first instructions are coroutine_first() (sched.c). Return: NULL without memory.
 */
struct coroutine *coroutine_new(struct stack_cache *cache, unsigned shift, uint32_t refs,
				void (*fn)(void *arg), void *arg);

/**
 * coroutine_start() - what corun_go() and corun_spawn() do
 * @ret:   a handle is set there; NULL: nobody joins it
 * @group: NULL: that of the caller, if it is in one
 */
int coroutine_start(struct corun_coroutine **ret, const struct corun_attr *attr,
		    struct corun_group *group, void (*fn)(void *arg), void *arg);

/* Where a new one starts: sched.c. */
void coroutine_first(void *co);

/* The function of @co has returned: leave the group, tell who joins. Inside the runtime. */
void coroutine_ended(struct coroutine *co);

/** coroutine_unref() - the last one puts the stack, and with it the object, back */
void coroutine_unref(struct stack_cache *cache, struct coroutine *co);
