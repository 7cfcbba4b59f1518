#pragma once

/*
 * Worker - a slot that may run one coroutine at a time (Go: P)
 *
 * The pool is an array of 1,024 slots. A slot, once made, is never freed: thieves and the monitor
 * may look at it at any time. Its states, all changes under sched.lock:
 *
 *             grow                      picked by a thread
 *     DEAD ---------> IDLE  <-----------------------------> HELD
 *      ^               |              released                |
 *      +---------------+--------------------------------------+
 *            shrink         `retiring`, at the holder's next scheduling point
 *
 * A worker that is HELD and retiring is brought back to life by growing: the mark is taken away.
 * What the fields marked "holder" hold belongs to the thread that holds the worker; when the
 * monitor takes it away, or the worker is released, they go to the next holder by way of sched.lock
 * or the entry protocol (entry.h, E4).
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/list.h"
#include "runtime/runq.h"
#include "runtime/stack.h"
#include "runtime/timer.h"

struct thread;

enum worker_state {
	WORKER_DEAD,
	WORKER_IDLE,
	WORKER_HELD,
};

/* Counted by the holder of a worker, or, with atomic additions, by threads that have none. */
#define COUNTS(X)                                                                                  \
	X(spawned)                                                                                 \
	X(ended)                                                                                   \
	X(switches)                                                                                \
	X(yields)                                                                                  \
	X(parks)                                                                                   \
	X(preempted_flag)                                                                          \
	X(steals)                                                                                  \
	X(stolen)                                                                                  \
	X(overflows)                                                                               \
	X(wakes)                                                                                   \
	X(netpolls)                                                                                \
	X(netpoll_ready)

struct counts {
#define COUNTS_FIELD(name) _Atomic uint64_t name;
	COUNTS(COUNTS_FIELD)
#undef COUNTS_FIELD
};

enum { HOG_TURN_MS = 10 }; /* as long as a time slice; what a turn counts for at most */

struct worker {
	struct runq runq; /* its own protocol: runq.h */

	/* holder */
	_Alignas(64) uint32_t slow_in; /* picks until the loop looks at the rest first */
	bool shares_slice;     /* what runs came from `next`: its waker's slice is its own */
	uint64_t hog_began_ns; /* when a hog last had its turn here */
	uint64_t hog_ran_ns;   /* for how long, until the next look at those that waited for it */
	uint64_t hog_due_ns;   /* not before this do hogs go before others */
	uint64_t next_id, end_id; /* numbers for new coroutines */
	struct stack_cache stacks;

	/* written by the holder, read by anybody */
	_Atomic uint64_t slice; /* time slices begun: a coroutine from `next` shares its waker's */
	struct counts counts;   /* counts.switches tells the monitor whether anything moves */

	struct timers timers; /* its own lock */

	/*
	 * Under sched.lock for writing. One thing alone is done without: who holds the worker, or
	 * has taken it, passes it to another thread and says so in `thread` first. It is not NULL
	 * before nor after, which is all that resizing relies on (finish_shrink: NULL means that
	 * nobody holds it). Who marks the worker at that moment may flag the thread that had it; the
	 * one that has it finds `retiring` at its next look for work, and the monitor flags it too.
	 */
	_Alignas(64) _Atomic(struct thread *) thread; /* the holder */
	_Atomic bool retiring;
	enum worker_state state;
	struct list idle_link;
	uint32_t id; /* immutable */

	/* the monitor's: what it saw at its last looks (monitor.c) */
	struct {
		uint64_t slice, switches;
		uint64_t since_ns;     /* when this slice was first seen */
		uint64_t switched_ns;  /* when what runs now was first seen */
		uint64_t slice_cpu_ns; /* the thread's CPU clock then */
		uint64_t last_cpu_ns;  /* at the last look */
		uint64_t looked_ns;
		struct thread *thread;
		bool was_asleep; /* state S or D at the last look */
		bool flagged;
		uint64_t flagged_cpu_ns;
		bool refused; /* counted once a slice */
	} seen;
};
