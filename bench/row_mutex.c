/* Row mutex: 8 coroutines add to one counter; an operation is lock, add, unlock. */

#include "bench/bench.h"

#include <corun/coroutine.h>
#include <corun/sync.h>

#define LOCKERS 8

static struct {
	struct corun_mutex mutex;
	uint64_t count; /* under mutex */
	uint64_t each;
} shared;

static void
add_often(void *arg)
{
	uint64_t each = shared.each;

	(void) arg;
	for (uint64_t i = 0; i < each; i++) {
		corun_mutex_lock(&shared.mutex);
		shared.count++;
		corun_mutex_unlock(&shared.mutex);
	}
}

static void
mutex_run(struct bench *b, uint64_t ops)
{
	struct corun_coroutine *co[LOCKERS];

	shared.count = 0;
	shared.each = ops / LOCKERS;
	for (unsigned i = 0; i < LOCKERS; i++)
		co[i] = bench_spawn(add_often, NULL);
	for (unsigned i = 0; i < LOCKERS; i++)
		bench_join(co[i]);
	bench_check(b, shared.count == shared.each * LOCKERS, "no addition was lost");
}

void
row_mutex(struct bench *b)
{
	bench_measure(b, mutex_run, bench_scaled(b, 10000000, 80000));
}
