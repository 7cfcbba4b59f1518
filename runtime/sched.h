#pragma once

/*
 * Sched - what the other rooms of the runtime need of the scheduler
 *
 * Every public function that touches runtime state is written so:
 *
 *	struct coroutine *co = rt_enter();
 *	...                               (locks of rank < SCHED, waits, sched_ready)
 *	rt_exit();
 *
 * Between the two nothing may call malloc, stdio, dlopen or anything else that takes a lock of
 * libc: see entry.h. What has to be allocated is allocated before rt_enter() or from
 * base/pages.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include "runtime/coroutine.h"
#include "runtime/entry.h"

/**
 * sched_ready() - make a coroutine runnable that was, or is about to be, parked
 *
 * Once per park (wait.h, W2). On a worker it goes into the `next` slot, elsewhere into the global
 * queue; an idle worker is woken for it. A plain thread is woken by its futex.
 * Context: inside the runtime, or any thread that is none of it; ranks below SCHED may be held.
 */
void sched_ready(struct coroutine *co);

/**
 * sched_park() - stop running until sched_ready(); returns at once if that came first
 * Context: inside the runtime, no lock held. The stub of a plain thread sleeps on its futex.
 */
void sched_park(struct coroutine *co, enum wait_why why);

/* Whether the runtime is started. */
bool sched_is_started(void);

/*
 * Start a coroutine that nobody joins, from where there is no worker or locks up to TIMERS are
 * held. @group: NULL for none. Return: false without memory, or while the runtime stops.
 */
bool sched_start_coroutine(struct corun_group *group, void (*fn)(void *arg), void *arg);

/* A heap for a timer of the caller: its worker's, else any. */
struct timers *sched_timers(void);

/**
 * park_notify() - the first half of sched_ready(): give the permit
 *
 * Return: whether the caller must now queue the coroutine (it was parked, and its permit is
 *         reset). False: it had not parked yet and goes on by itself, or it is a plain thread's
 *         stub, which has been woken.
 */
bool park_notify(struct coroutine *co);

/* A timer at the front of some heap is due at @when_ns: see that somebody wakes for it. */
void sched_timer_added(uint64_t when_ns);
