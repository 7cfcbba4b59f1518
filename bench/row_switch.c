/* Rows yield and spawn: what a switch costs, and a coroutine's whole life. */

#include "bench/bench.h"

#include <stdlib.h>

#include <corun/coroutine.h>

#define YIELDERS 100

struct yielder {
	_Alignas(64) uint64_t todo;
	uint64_t done;
};

static void
yield_often(void *arg)
{
	struct yielder *y = arg;

	for (uint64_t i = 0; i < y->todo; i++) {
		corun_yield();
		y->done++;
	}
}

static void
yield_run(struct bench *b, uint64_t ops)
{
	struct corun_coroutine *co[YIELDERS];
	static struct yielder all[YIELDERS];
	uint64_t done = 0;

	for (unsigned i = 0; i < YIELDERS; i++) {
		all[i] = (struct yielder){ .todo = ops / YIELDERS };
		co[i] = bench_spawn(yield_often, &all[i]);
	}
	for (unsigned i = 0; i < YIELDERS; i++) {
		bench_join(co[i]);
		done += all[i].done;
	}
	bench_check(b, done == ops / YIELDERS * YIELDERS,
		    "each coroutine yielded as often as asked");
}

void
row_yield(struct bench *b)
{
	bench_measure(b, yield_run, bench_scaled(b, 5000000, 10000));
}

static void
count_life(void *arg)
{
	uint64_t *lived = arg;

	(*lived)++;
}

static void
spawn_run(struct bench *b, uint64_t ops)
{
	uint64_t lived = 0; /* by one at a time, and join orders them */

	for (uint64_t i = 0; i < ops; i++)
		bench_join(bench_spawn(count_life, &lived));
	bench_check(b, lived == ops, "as many ran as were spawned");
}

void
row_spawn(struct bench *b)
{
	bench_measure(b, spawn_run, bench_scaled(b, 1000000, 1000));
}
