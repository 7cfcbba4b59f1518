/* Hogs, blocked threads, resizing: what must not freeze the others. Bounds are generous and print.
 */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <corun/io.h>
#include <corun/sync.h>

#include "tests/unit/with_runtime.h"

static _Atomic bool stop;
static _Atomic uint64_t work;

static void
hog(void *arg)
{
	(void) arg;
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		atomic_fetch_add_explicit(&work, 1, memory_order_relaxed);
}

static void
polite_hog(void *arg)
{
	(void) arg;
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		for (int i = 0; i < 1000; i++)
			atomic_fetch_add_explicit(&work, 1, memory_order_relaxed);
		corun_checkpoint();
	}
}

/* Its mutex is never contended: locking it is all that looks at the slice. */
static void
locking_hog(void *arg)
{
	struct corun_mutex mutex = { 0 };

	(void) arg;
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		corun_mutex_lock(&mutex);
		atomic_fetch_add_explicit(&work, 1, memory_order_relaxed);
		corun_mutex_unlock(&mutex);
	}
}

static struct corun_stats
stats(void)
{
	struct corun_stats s;

	corun_stats(&s);
	return s;
}

static void
wait_1_ms(void *arg)
{
	(void) arg;
	corun_sleep(CORUN_MS);
}

/* From a plain thread: how long until a new coroutine has slept a millisecond beside what runs. */
static uint64_t
ms_of_a_short_task(void)
{
	uint64_t start = corun_now();

	join(spawn(wait_1_ms, NULL));
	return ms_since(start);
}

static void
check_liveness(const char *beside)
{
	uint64_t worst = 0;

	for (int i = 0; i < 10; i++) {
		uint64_t ms = ms_of_a_short_task();

		worst = ms > worst ? ms : worst;
	}
	printf("# a sleep of 1 ms beside %s: at worst %lu ms\n", beside, (unsigned long) worst);
	ck_assert_uint_lt(worst, 5000);
}

enum { HOGS = 4 };

static void
beside_hogs(void (*fn)(void *arg), const char *name)
{
	struct corun_coroutine *all[HOGS];

	for (int i = 0; i < HOGS; i++)
		all[i] = spawn(fn, NULL);
	check_liveness(name);
	atomic_store(&stop, true);
	for (int i = 0; i < HOGS; i++)
		join(all[i]);
	stop_all();
}

START_TEST(flag_preempts_at_a_checkpoint)
{
	start_workers(worker_counts[_i]);
	beside_hogs(polite_hog, "4 hogs with checkpoints");
	if (worker_counts[_i] < HOGS)
		ck_assert_uint_gt(stats().preempted_flag, 0);
}
END_TEST

START_TEST(flag_preempts_at_a_mutex)
{
	start_workers(worker_counts[_i]);
	beside_hogs(locking_hog, "4 hogs that lock and unlock");
	if (worker_counts[_i] < HOGS)
		ck_assert_uint_gt(stats().preempted_flag, 0);
}
END_TEST

START_TEST(hogs_are_handed_off)
{
	start_workers(worker_counts[_i]);
	beside_hogs(hog, "4 hogs without");
	if (worker_counts[_i] < HOGS)
		ck_assert_uint_gt(stats().handoffs, 0);
	ck_assert_uint_eq(stats().handed_off, 0);
}
END_TEST

/* At most so many run on without a worker; those beyond keep theirs, and that is counted. */
START_TEST(hand_off_has_a_limit)
{
	struct corun_options options = {
		.policy = { .pin = 2 },
		.ignore_env = true,
		.handoff_max = 3,
	};
	struct corun_coroutine *all[10];
	uint64_t start = corun_now(), most = 0;

	ck_assert_int_eq(corun_start(&options), 0);
	for (int i = 0; i < 10; i++)
		all[i] = spawn(hog, NULL);
	while (stats().handoffs_refused == 0 && ms_since(start) < 20000) {
		most = stats().handed_off > most ? stats().handed_off : most;
		usleep(1000);
	}
	printf("# handed off at most %lu, refused after %lu ms\n", (unsigned long) most,
	       (unsigned long) ms_since(start));
	ck_assert_uint_gt(stats().handoffs_refused, 0);
	ck_assert_uint_le(stats().handed_off, 3);
	atomic_store(&stop, true);
	for (int i = 0; i < 10; i++)
		join(all[i]);
	stop_all();
}
END_TEST

/* ---- blocking ----------------------------------------------------------------------------------
 */

static int block_pipe[2];

static void
block_undeclared(void *arg)
{
	char byte;

	(void) arg;
	ck_assert_int_eq(read(block_pipe[0], &byte, 1), 1);
}

static void
block_declared(void *arg)
{
	char byte;

	(void) arg;
	corun_block_enter();
	ck_assert_int_eq(read(block_pipe[0], &byte, 1), 1);
	corun_block_exit();
}

enum { BLOCKERS = 20 };

static void
beside_blockers(void (*fn)(void *arg), const char *name)
{
	struct corun_coroutine *all[BLOCKERS];
	char bytes[BLOCKERS] = "";

	ck_assert_int_eq(pipe(block_pipe), 0);
	for (int i = 0; i < BLOCKERS; i++)
		all[i] = spawn(fn, NULL);
	check_liveness(name);
	ck_assert_int_eq(write(block_pipe[1], bytes, BLOCKERS), BLOCKERS);
	for (int i = 0; i < BLOCKERS; i++)
		join(all[i]);
	ck_assert_uint_eq(stats().blocked_now, 0);
	stop_all();
}

START_TEST(undeclared_blocking_is_noticed)
{
	start_workers(worker_counts[_i]);
	beside_blockers(block_undeclared, "20 coroutines that block undeclared");
	if (worker_counts[_i] < BLOCKERS)
		ck_assert_uint_gt(stats().blocked, 0);
}
END_TEST

START_TEST(declared_blocking_is_taken_over)
{
	start_workers(worker_counts[_i]);
	beside_blockers(block_declared, "20 coroutines that block declared");
	if (worker_counts[_i] < BLOCKERS)
		ck_assert_uint_gt(stats().blocked_declared, 0);
}
END_TEST

/* ---- resizing ----------------------------------------------------------------------------------
 */

START_TEST(set_workers_reports_and_refuses)
{
	start_workers(3);
	ck_assert_int_eq(corun_set_workers(5), 3);
	ck_assert_int_eq(corun_set_workers(1), 5);
	ck_assert_uint_eq(corun_workers(), 1);
	ck_assert_int_eq(corun_set_workers(0), -22);
	ck_assert_int_eq(corun_set_workers(1025), -22);
	ck_assert_int_eq(corun_set_workers(1024), 1);
	ck_assert_uint_eq(corun_workers(), 1024);
	check_liveness("1,024 workers");
	stop_all();
	ck_assert_int_eq(corun_set_workers(2), -3);
}
END_TEST

static void
await_retired(void)
{
	uint64_t start = corun_now();

	while (stats().workers_retiring != 0 && ms_since(start) < 10000)
		usleep(1000);
	printf("# no worker was retiring any more after %lu ms\n", (unsigned long) ms_since(start));
	ck_assert_uint_eq(stats().workers_retiring, 0);
}

/* A retiring worker that runs a hog is taken from it: the pool really shrinks. */
START_TEST(shrinking_while_hogs_run)
{
	struct corun_coroutine *all[HOGS];

	start_workers(HOGS);
	for (int i = 0; i < HOGS; i++)
		all[i] = spawn(hog, NULL);
	check_liveness("4 hogs on 4 workers");
	ck_assert_int_eq(corun_set_workers(1), HOGS);
	await_retired();
	check_liveness("4 hogs on 1 worker");
	ck_assert_int_eq(corun_set_workers(HOGS), 1);
	check_liveness("4 hogs on 4 workers again");
	atomic_store(&stop, true);
	for (int i = 0; i < HOGS; i++)
		join(all[i]);
	stop_all();
}
END_TEST

/* Growing again before they have gone brings retiring workers back. */
START_TEST(retiring_workers_come_back)
{
	struct corun_coroutine *all[8];
	uint64_t start = corun_now();

	start_workers(8);
	for (int i = 0; i < 8; i++)
		all[i] = spawn(polite_hog, NULL);
	while (stats().revived == 0 && ms_since(start) < 20000) {
		ck_assert_int_ge(corun_set_workers(1), 0);
		ck_assert_int_eq(corun_set_workers(8), 1);
	}
	ck_assert_uint_gt(stats().revived, 0);
	check_liveness("8 hogs after the resizes");
	atomic_store(&stop, true);
	for (int i = 0; i < 8; i++)
		join(all[i]);
	stop_all();
}
END_TEST

/* Conformance 53: as many spinners as workers run at the same time, passing a token by turns. */
enum { PARALLEL = 4, TURNS = 200 };
static _Atomic int turn;

static void
take_turns(void *arg)
{
	int mine = (int) (intptr_t) arg;

	for (int i = 0; i < TURNS; i++) {
		while (atomic_load(&turn) != PARALLEL * i + mine)
			;
		atomic_fetch_add(&turn, 1);
	}
}

START_TEST(goroutine_parallelism)
{
	struct corun_coroutine *all[PARALLEL];

	start_workers(PARALLEL);
	for (int i = 0; i < PARALLEL; i++)
		all[i] = spawn(take_turns, (void *) (intptr_t) i);
	for (int i = 0; i < PARALLEL; i++)
		ck_assert_int_eq(corun_join(all[i], corun_in(100 * CORUN_S)), 0);
	stop_all();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("preempt");
	TCase *tcase = tcase_create("preempt");

	tcase_set_timeout(tcase, 120);
	add_on_workers(tcase, flag_preempts_at_a_checkpoint);
	add_on_workers(tcase, flag_preempts_at_a_mutex);
	add_on_workers(tcase, hogs_are_handed_off);
	tcase_add_test(tcase, hand_off_has_a_limit);
	add_on_workers(tcase, undeclared_blocking_is_noticed);
	add_on_workers(tcase, declared_blocking_is_taken_over);
	tcase_add_test(tcase, set_workers_reports_and_refuses);
	tcase_add_test(tcase, shrinking_while_hogs_run);
	tcase_add_test(tcase, retiring_workers_come_back);
	tcase_add_test(tcase, goroutine_parallelism);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
