#pragma once

/*
 * Run queue - a worker's own: a ring of 256, and the `next` slot before it
 *
 *  Q1  Only the thread that holds the worker puts; it alone writes `tail` and the cells.
 *  Q2  Anybody takes, by moving `head` with a compare-and-swap. A cell is read before the swap: if
 *      the swap succeeds, the owner cannot have reused the cell, for it reuses none that lies
 *      between head and tail.
 *  Q3  The release of `tail` (put) pairs with the acquire of `tail` (take): the coroutine's saved
 *      state is visible to who takes it. The release part of the swap of `head` pairs with the
 *      owner's acquire of `head`: the cell has been read before it is written again.
 *  Q4  `next` changes by atomic exchange or compare-and-swap, sequentially consistent: the put is
 *      also the first half of the fence against a worker that goes idle (sched.c, FENCE-WORK).
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct coroutine;

enum { RUNQ_SIZE = 256 };

struct runq {
	_Alignas(64) _Atomic(struct coroutine *) next;
	_Atomic uint32_t tail;
	_Alignas(64) _Atomic uint32_t head;
	_Alignas(64) _Atomic(struct coroutine *) ring[RUNQ_SIZE];
};

_Static_assert((RUNQ_SIZE & (RUNQ_SIZE - 1)) == 0, "indices wrap by masking");

/**
 * runq_put() - owner: at the tail
 * Return: NULL, or when the ring was full a list (through `link`) of half of it and @co, which
 *         the caller puts into the global queue.
 */
struct coroutine *runq_put(struct runq *q, struct coroutine *co);

/** runq_get() - owner: from the head, without `next`; NULL when empty */
struct coroutine *runq_get(struct runq *q);

/** runq_take_next() - anybody: what is in the `next` slot, or NULL */
struct coroutine *runq_take_next(struct runq *q);

/** runq_empty() - anybody: nothing in the ring and nothing in `next`, at one instant */
bool runq_empty(struct runq *q);

/**
 * runq_steal() - move half of the victim's ring, rounded up, to the thief's own
 * @thief: of the caller's worker; its ring must be empty
 *
 * Return: one of them, to run now; *@ret_n says how many were moved in all. NULL if none.
 */
struct coroutine *runq_steal(struct runq *thief, struct runq *victim, uint32_t *ret_n);
