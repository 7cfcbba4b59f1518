#pragma once

/*
 * Stacks - large in address space, small in memory
 *
 * A stack is reserved in full and committed by touching it. Below each lies a guard of 64 KiB.
 * Stacks are reused last in, first out, so that warm pages stay in use; what has been free for
 * a while is given back to the kernel by stack_trim().
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/list.h"

enum {
	STACK_GUARD_BYTES = 64 * 1024,
	STACK_SHIFT_MIN = 14, /* 16 KiB */
	STACK_SHIFT_MAX = 30, /* 1 GiB */
	STACK_CACHE_MAX = 64, /* stacks of the default size that a worker keeps */
};

struct stack {
	char *low, *high; /* usable; the guard ends at low */
	struct list link; /* under the pool's lock while in a pool, else the owner's */
	uint8_t shift;    /* high - low is 1 << shift */
	bool guarded;
};

/* A worker's own stacks, touched only by the thread that holds it. */
struct stack_cache {
	struct list free;
	_Atomic unsigned n; /* read by statistics */
};

void stack_cache_init(struct stack_cache *cache);

/** stack_shift() - the size class for @bytes; -EINVAL if over 1 GiB */
int stack_shift(size_t bytes);

/**
 * stack_get() - a stack of 1 << @shift bytes
 * @cache: of the worker held, or NULL
 *
 * Its memory is not zeroed. Return: NULL when the kernel gives no more.
 */
struct stack *stack_get(struct stack_cache *cache, unsigned shift);

void stack_put(struct stack_cache *cache, struct stack *stack);

/* Give all of a cache back to the pools: the worker leaves. */
void stack_cache_drain(struct stack_cache *cache);

/**
 * stack_trim() - give the memory of stacks back that nobody has needed since the last call
 * Context: the monitor, about once a second; at most a bounded number of stacks each time.
 * Return:  whether there is more to give back later.
 */
bool stack_trim(void);

/* The size class that workers cache; set before the runtime starts. */
extern unsigned stack_default_shift;

struct stack_counts {
	uint64_t in_use, cached, unguarded, bytes;
};

void stack_count(struct stack_counts *ret_counts);
