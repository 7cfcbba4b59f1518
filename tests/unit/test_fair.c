/*
 * Coroutines that always find each other in the `next` slot of one worker must not keep it from the
 * rest; hogs must not keep it from who wakes, nor these the hogs from it. The bounds are on the CPU time that passes, not on the clock: a busy machine changes that
 * little. Each is ten times or more what was seen.
 */

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <corun/io.h>

#include "tests/unit/chan.h"

/* Where each switch costs ten times as much. */
#if defined(SANITIZE_THREAD) || defined(SANITIZE_ADDRESS)
#define BOUND(ms) ((ms) *5)
#else
#define BOUND(ms) (ms)
#endif

static _Atomic bool stop;
static _Atomic uint64_t rounds; /* of the pair */
static struct corun_chan *ping, *pong;

static uint64_t
cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}

static void
serve(void *arg)
{
	if (arg != NULL)
		corun_pin();
	while (!atomic_load(&stop)) {
		send_int(ping, 1);
		recv_int(pong);
		atomic_fetch_add(&rounds, 1);
	}
	corun_chan_close(ping);
	if (arg != NULL)
		corun_unpin();
}

static void
return_it(void *arg)
{
	(void) arg;
	while (recv_int(ping) == 1)
		send_int(pong, 1);
}

/* A pair that hands off to each other runs beside @fn on one worker. Return: ms of CPU. */
static uint64_t
beside_a_pair(void (*fn)(void), bool pinned, const char *what)
{
	struct corun_coroutine *pair[2];
	uint64_t start, took;

	pool_start(0);
	ping = ints(0);
	pong = ints(0);
	pair[0] = spawn(serve, pinned ? &stop : NULL);
	pair[1] = spawn(return_it, NULL);
	while (atomic_load(&rounds) < 1000)
		usleep(100);
	start = cpu_ms();
	fn();
	took = cpu_ms() - start;
	printf("# %s beside a pair: %lu ms of CPU\n", what, (unsigned long) took);
	atomic_store(&stop, true);
	join(pair[0]);
	join(pair[1]);
	corun_chan_free(ping);
	corun_chan_free(pong);
	pool_stop();
	return took;
}

enum { TICKS = 100 };

static void
tick(void *arg)
{
	(void) arg;
	for (int i = 0; i < TICKS; i++)
		corun_sleep(CORUN_MS);
}

static void
ticker(void)
{
	join(spawn(tick, NULL));
}

START_TEST(timers_beside_a_pair)
{
	ck_assert_uint_lt(beside_a_pair(ticker, false, "100 sleeps of 1 ms"), BOUND(600));
}
END_TEST

START_TEST(timers_beside_a_pinned_pair)
{
	ck_assert_uint_lt(beside_a_pair(ticker, true, "100 sleeps of 1 ms (pinned)"), BOUND(600));
}
END_TEST

static void
nothing(void *arg)
{
	(void) arg;
}

/* From a plain thread: each goes through the global queue. */
static void
newcomers(void)
{
	for (int i = 0; i < TICKS; i++)
		join(spawn(nothing, NULL));
}

START_TEST(global_queue_beside_a_pair)
{
	ck_assert_uint_lt(beside_a_pair(newcomers, false, "100 new coroutines"), BOUND(500));
}
END_TEST

static int pipes[2][2];

static void
echo(void *arg)
{
	char byte;

	(void) arg;
	while (corun_read(pipes[0][0], &byte, 1, FOREVER) == 1)
		want_eq(corun_write(pipes[1][1], &byte, 1, FOREVER), 1);
}

static void
network(void)
{
	struct corun_coroutine *co = spawn(echo, NULL);

	for (int i = 0; i < TICKS; i++) {
		char byte = 'x';

		want_eq(write(pipes[0][1], &byte, 1), 1);
		want_eq(corun_read(pipes[1][0], &byte, 1, FOREVER), 1);
	}
	close(pipes[0][1]);
	join(co);
}

START_TEST(network_beside_a_pair)
{
	for (int i = 0; i < 2; i++)
		want_eq(pipe2(pipes[i], O_NONBLOCK | O_CLOEXEC), 0);
	ck_assert_uint_lt(beside_a_pair(network, false, "100 messages through pipes"), BOUND(500));
}
END_TEST

static void
yield_often(void *arg)
{
	(void) arg;
	for (int i = 0; i < 20; i++)
		corun_yield();
}

static void
spawn_yielder(void *arg)
{
	(void) arg;
	join(spawn(yield_often, NULL));
}

/* Behind the pair in the worker's own ring: its turn comes with the end of the pair's slice. */
static void
ring(void)
{
	join(spawn(spawn_yielder, NULL));
}

START_TEST(ring_beside_a_pair)
{
	ck_assert_uint_lt(beside_a_pair(ring, false, "20 yields"), BOUND(3000));
}
END_TEST

START_TEST(ring_beside_a_pinned_pair)
{
	ck_assert_uint_lt(beside_a_pair(ring, true, "20 yields (pinned)"), BOUND(3000));
}
END_TEST

/* ---- hogs and who wakes ------------------------------------------------------------------------
 */

enum { HOGS = 8 };

static uint64_t
thread_cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

/* So much CPU time of whichever thread this is, with @polite in pieces that let others run. */
static void
burn(uint64_t us, bool polite)
{
	while (us > 0) {
		uint64_t piece_us = polite && us > 100 ? 100 : us;
		uint64_t end_us = thread_cpu_us() + piece_us;

		while (thread_cpu_us() < end_us && !atomic_load(&stop))
			continue;
		us -= piece_us;
		corun_checkpoint();
	}
}

static void
hog(void *arg)
{
	while (!atomic_load(&stop))
		burn(20000, arg != NULL);
}

/* Return: ms of CPU that 100 sleeps of 1 ms take beside hogs on one worker. */
static uint64_t
ticker_beside_hogs(bool polite, const char *what)
{
	struct corun_coroutine *hogs[HOGS];
	uint64_t start, took;

	pool_start(0);
	for (int i = 0; i < HOGS; i++)
		hogs[i] = spawn(hog, polite ? &stop : NULL);
	start = cpu_ms();
	ticker();
	took = cpu_ms() - start;
	printf("# 100 sleeps of 1 ms beside %d hogs %s: %lu ms of CPU\n", HOGS, what,
	       (unsigned long) took);
	atomic_store(&stop, true);
	for (int i = 0; i < HOGS; i++)
		join(hogs[i]);
	pool_stop();
	return took;
}

/* Each hog has a slice of 10 ms: behind all of them every sleep would take 80. */
START_TEST(timers_beside_hogs)
{
	ck_assert_uint_lt(ticker_beside_hogs(true, "with checkpoints"), BOUND(3000));
}
END_TEST

START_TEST(timers_beside_hogs_without_checkpoints)
{
	ck_assert_uint_lt(ticker_beside_hogs(false, "with few"), BOUND(5000));
}
END_TEST

static void
yield_on(void *arg)
{
	(void) arg;
	while (!atomic_load(&stop)) {
		atomic_fetch_add(&rounds, 1);
		corun_yield();
	}
}

static void
burn_100_ms(void *arg)
{
	(void) arg;
	burn(100000, true);
}

/* The ring of the only worker is never empty, and the hog not in it: it has its turns all the same. */
START_TEST(hog_beside_yielders)
{
	struct corun_coroutine *others[4];
	uint64_t start, took;

	pool_start(0);
	for (int i = 0; i < 4; i++)
		others[i] = spawn(yield_on, NULL);
	while (atomic_load(&rounds) < 1000)
		usleep(100);
	start = cpu_ms();
	join(spawn(burn_100_ms, NULL));
	took = cpu_ms() - start;
	printf("# 100 ms of a hog beside 4 that yield: %lu ms of CPU\n", (unsigned long) took);
	ck_assert_uint_lt(took, BOUND(3000));
	atomic_store(&stop, true);
	for (int i = 0; i < 4; i++)
		join(others[i]);
	pool_stop();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fair");
	TCase *tcase = tcase_create("fair");

	tcase_set_timeout(tcase, TEST_TIMEOUT_S);
	tcase_add_test(tcase, timers_beside_a_pair);
	tcase_add_test(tcase, timers_beside_a_pinned_pair);
	tcase_add_test(tcase, global_queue_beside_a_pair);
	tcase_add_test(tcase, network_beside_a_pair);
	tcase_add_test(tcase, ring_beside_a_pair);
	tcase_add_test(tcase, ring_beside_a_pinned_pair);
	tcase_add_test(tcase, timers_beside_hogs);
	tcase_add_test(tcase, timers_beside_hogs_without_checkpoints);
	tcase_add_test(tcase, hog_beside_yielders);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
