#pragma once

/* Run a test inside the runtime: as a coroutine, on 1, 2, 4 and 16 workers. */

#include <stdio.h>

#include <corun/coroutine.h>
#include <corun/runtime.h>
#include <corun/stats.h>
#include <corun/time.h>

#include "tests/unit/tap.h"

static const unsigned worker_counts[] = { 1, 2, 4, 16 };
enum { N_WORKER_COUNTS = sizeof(worker_counts) / sizeof(worker_counts[0]) };

static inline void
start_workers(unsigned n)
{
	struct corun_options options = { .policy = { .pin = n }, .ignore_env = true };

	ck_assert_int_eq(corun_start(&options), 0);
}

/* Every coroutine has to end by itself. */
static inline void
stop_all(void)
{
	ck_assert_int_eq(corun_stop(corun_in(10 * CORUN_S)), 0);
}

static inline void
run_on(unsigned workers, void (*fn)(void *arg), void *arg)
{
	start_workers(workers);
	ck_assert_int_eq(corun_run(fn, arg), 0);
	stop_all();
}

static inline struct corun_coroutine *
spawn(void (*fn)(void *arg), void *arg)
{
	struct corun_coroutine *co;

	ck_assert_int_eq(corun_spawn(&co, NULL, fn, arg), 0);
	return co;
}

static inline void
join(struct corun_coroutine *co)
{
	ck_assert_int_eq(corun_join(co, corun_in(20 * CORUN_S)), 0);
}

static inline uint64_t
ms_since(uint64_t start_ns)
{
	return (corun_now() - start_ns) / CORUN_MS;
}

/* A test named @name that runs @fn as a coroutine on each count of workers. */
#define ON_WORKERS(name, fn)                                                                       \
	START_TEST(name)                                                                           \
	{                                                                                          \
		run_on(worker_counts[_i], fn, NULL);                                               \
	}                                                                                          \
	END_TEST

#define add_on_workers(tcase, name) tcase_add_loop_test(tcase, name, 0, N_WORKER_COUNTS)
