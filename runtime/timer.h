#pragma once

/*
 * Timers - one 4-ary heap per worker, under a lock of its own
 *
 * Two kinds of timer, by what happens when one comes due, always under the heap's lock:
 *   - with a `wait`: it is claimed with WAKE_TIMEOUT and its coroutine readied;
 *   - with a `fire`: it is called; it must be short, take only locks of higher rank, and may
 *     return the next time at which to fire (0: never again).
 *
 * So once timer_remove() has returned, nothing of the timer is in use by anybody.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/lock.h"

struct wait;
struct timers;
struct coroutine;

struct timer {
	/* The heap it is in, or NULL. Changes under that heap's lock only (moves: both locks). */
	_Atomic(struct timers *) heap;
	uint64_t when_ns;
	uint32_t index; /* in the heap; under its lock */
	uint64_t (*fire)(struct timer *timer, uint64_t now_ns);
	union {
		struct wait *wait; /* `fire` is NULL */
		/*
		 * With `fire`: not NULL if nobody else has the timer. Called when the heap has done
		 * with it, after it has fired or when the runtime stops; frees it.
		 */
		void (*gone)(struct timer *timer);
	};
};

struct timer_slot {
	uint64_t when_ns; /* beside the pointer: sifting touches no timer but the moved ones */
	struct timer *timer;
};

struct timers {
	struct lock lock;   /* rank TIMERS */
	_Atomic uint32_t n; /* under the lock for writing, as are the rest */
	uint32_t room;
	struct timer_slot *slots;
	_Atomic uint64_t next_ns; /* when the first is due, UINT64_MAX: none; read by anybody */
	_Atomic uint64_t fired;
};

void timers_init(struct timers *timers);

/**
 * timer_add() - arm a timer that is in no heap
 *
 * Wakes the poller if that sleeps past it. Return: 0 or -ENOMEM.
 * Context: inside the runtime; @timers is any worker's (the caller's own where it has one).
 */
int timer_add(struct timers *timers, struct timer *timer, uint64_t when_ns);

/** timer_remove() - disarm. Return: whether it was armed; if not, it has fired or never was. */
bool timer_remove(struct timer *timer);

/**
 * timers_run() - fire all that are due at @now_ns
 * Return: how many. Context: inside the runtime, or the monitor; any worker's heap.
 */
unsigned timers_run(struct timers *timers, uint64_t now_ns);

/** timers_move() - all of @from into @to: the worker of @from leaves the pool */
void timers_move(struct timers *from, struct timers *to);

/** timers_drop() - disarm all without firing: the runtime stops. They may be armed again later. */
void timers_drop(struct timers *timers);
