#pragma once

/*
 * Statistics - what the scheduler has done
 */

#include <stdint.h>

#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, kind, sentence): kind is counter (only grows) or gauge. One table, many readers. */
#define CORUN_STATS(X)                                                                             \
	X(workers, gauge, "workers the pool is meant to have")                                     \
	X(workers_idle, gauge, "workers without a thread")                                         \
	X(workers_retiring, gauge, "workers too many that still run a coroutine")                  \
	X(threads, gauge, "threads of the runtime that hold or may hold a worker")                 \
	X(threads_idle, gauge, "of these, asleep for want of a worker")                            \
	X(threads_created, counter, "threads ever made")                                           \
	X(threads_ended, counter, "threads ended for being idle or of low priority")               \
	X(coroutines, gauge, "coroutines alive")                                                   \
	X(spawned, counter, "coroutines ever started")                                             \
	X(ended, counter, "coroutines that returned")                                              \
	X(switches, counter, "switches into a coroutine")                                          \
	X(yields, counter, "voluntary yields that switched")                                       \
	X(parks, counter, "times a coroutine parked")                                              \
	X(preempted_flag, counter, "slices that ended at a checkpoint by the flag")                \
	X(handoffs, counter, "hogs whose worker went on without them")                             \
	X(handed_off, gauge, "hogs that run without a worker now")                                 \
	X(handoffs_refused, counter, "hogs left alone: no thread at hand, or too many already")    \
	X(blocked, counter, "threads found blocked undeclared, and their worker taken")            \
	X(blocked_declared, counter, "workers taken between block_enter and block_exit")           \
	X(blocked_now, gauge, "threads that lost their worker in a blocking call")                 \
	X(steals, counter, "times a worker stole")                                                 \
	X(stolen, counter, "coroutines stolen")                                                    \
	X(overflows, counter, "times a full run queue moved half to the global queue")             \
	X(global_queue, gauge, "coroutines in the global queue")                                   \
	X(wakes, counter, "threads woken to look for work")                                        \
	X(timers_fired, counter, "timers that came due")                                           \
	X(timers, gauge, "timers armed")                                                           \
	X(netpolls, counter, "looks at the network")                                               \
	X(netpoll_ready, counter, "coroutines woken by the network")                               \
	X(resizes, counter, "changes of the pool's size")                                          \
	X(retired, counter, "workers that left the pool")                                          \
	X(revived, counter, "workers that were leaving when the pool grew again")                  \
	X(stacks, gauge, "stacks in use")                                                          \
	X(stacks_cached, gauge, "stacks kept for reuse")                                           \
	X(stacks_unguarded, gauge, "stacks made without a guard: no more mappings allowed")        \
	X(stack_bytes, gauge, "address space of all stacks, guards not counted")

struct corun_stats {
#define CORUN_STATS_FIELD(name, kind, sentence) uint64_t name;
	CORUN_STATS(CORUN_STATS_FIELD)
#undef CORUN_STATS_FIELD
};

/**
 * corun_stats() - a snapshot of the numbers above
 *
 * Counters of the workers are summed while they run: each number is right on its own, two of
 * them need not be of the same instant.
 * Context: any thread, also when every worker is stuck; does not allocate or park.
 */
CORUN_EXPORT void corun_stats(struct corun_stats *ret_stats);

#ifdef __cplusplus
}
#endif
