/* Coroutines: start, yield, join, sleep, timers, pin, block; on 1, 2, 4 and 16 workers */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/with_runtime.h"

static _Atomic long sum;

/* ---- starting and joining ----------------------------------------------------------------------
 */

#ifdef __SANITIZE_THREAD__ /* each costs it about a millisecond */
enum { MANY = 200 };
#else
enum { MANY = 2000 };
#endif

static void
add_one(void *arg)
{
	(void) arg;
	for (int i = 0; i < 10; i++) {
		atomic_fetch_add(&sum, 1);
		corun_yield();
	}
}

static void
spawn_and_join_many(void *arg)
{
	static struct corun_coroutine *all[MANY];
	struct corun_stats before, after;

	(void) arg;
	corun_stats(&before);
	for (int i = 0; i < MANY; i++)
		all[i] = spawn(add_one, NULL);
	for (int i = 0; i < MANY; i++)
		join(all[i]);
	corun_stats(&after);
	ck_assert_int_eq(atomic_load(&sum), MANY * 10);
	ck_assert_uint_eq(after.spawned - before.spawned, MANY);
}
ON_WORKERS(sums_are_right, spawn_and_join_many)

static void
sleep_a_second(void *arg)
{
	(void) arg;
	corun_sleep(CORUN_S);
}

static void
join_in_all_ways(void *arg)
{
	uint64_t start = corun_now();
	struct corun_coroutine *co = spawn(sleep_a_second, NULL);

	(void) arg;
	ck_assert_int_eq(corun_join(co, CORUN_NOW), -ETIMEDOUT);
	ck_assert_int_eq(corun_join(co, corun_in(CORUN_MS)), -ETIMEDOUT);
	ck_assert_int_eq(corun_join(co, CORUN_FOREVER), 0);
	ck_assert_uint_ge(corun_now() - start, CORUN_S);
	co = spawn(add_one, NULL);
	corun_detach(co);
	corun_detach(NULL);
}
ON_WORKERS(join_and_its_deadline, join_in_all_ways)

static struct corun_coroutine *self_handle;

static void
join_itself(void *arg)
{
	(void) arg;
	while (self_handle == NULL)
		corun_yield();
	ck_assert_int_eq(corun_join(self_handle, CORUN_FOREVER), -EDEADLK);
}

static void
join_oneself(void *arg)
{
	struct corun_coroutine *co;

	(void) arg;
	co = spawn(join_itself, NULL);
	self_handle = co;
	join(co);
}

START_TEST(joining_oneself_is_an_error)
{
	run_on(1, join_oneself, NULL);
}
END_TEST

START_TEST(from_a_plain_thread)
{
	struct corun_coroutine *co;

	start_workers(2);
	co = spawn(sleep_a_second, NULL);
	ck_assert_int_eq(corun_join(co, corun_in(CORUN_MS)), -ETIMEDOUT);
	join(co);
	ck_assert_uint_eq(corun_id(), 0);
	corun_sleep(CORUN_MS);
	corun_yield();
	corun_checkpoint();
	stop_all();
	ck_assert_int_eq(corun_go(add_one, NULL), -ESRCH);
	ck_assert_int_eq(corun_stop(CORUN_FOREVER), -ESRCH);
}
END_TEST

START_TEST(start_stop_start)
{
	for (int i = 0; i < 20; i++) {
		start_workers(1 + (unsigned) i % 5);
		ck_assert_int_eq(corun_start(NULL), -EALREADY);
		ck_assert_uint_eq(corun_workers(), 1 + (unsigned) i % 5);
		ck_assert_int_eq(corun_run(spawn_and_join_many, NULL), 0);
		atomic_store(&sum, 0);
		stop_all();
		ck_assert_uint_eq(corun_workers(), 0);
	}
}
END_TEST

START_TEST(stop_with_a_deadline)
{
	struct corun_coroutine *co;

	start_workers(2);
	co = spawn(sleep_a_second, NULL);
	ck_assert_int_eq(corun_stop(CORUN_NOW), -ETIMEDOUT);
	join(co);
	stop_all();
}
END_TEST

static void *
ask_for_the_default(void *arg)
{
	(void) arg;
	while (corun_set_default_workers() > 0)
		;
	return NULL;
}

/* Who asks for a look just when the runtime stops gets no look, and an answer. */
START_TEST(stop_beside_a_look)
{
	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		start_workers(2);
		ck_assert_int_eq(pthread_create(&thread, NULL, ask_for_the_default, NULL), 0);
		usleep(100 * (unsigned) (i % 10));
		stop_all();
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
	}
}
END_TEST

/* ---- yielding ----------------------------------------------------------------------------------
 */

static _Atomic bool stop_spinning;

static void
yield_until_stopped(void *arg)
{
	(void) arg;
	while (!atomic_load(&stop_spinning))
		corun_yield();
}

static void
say_stop(void *arg)
{
	(void) arg;
	atomic_store(&stop_spinning, true);
}

/* Conformance 51: a spinner that yields lets another coroutine's message through. */
static void
yield_progress(void *arg)
{
	struct corun_coroutine *spinner = spawn(yield_until_stopped, NULL);
	struct corun_coroutine *other = spawn(say_stop, NULL);

	(void) arg;
	join(spinner);
	join(other);
}
ON_WORKERS(yield_makes_progress, yield_progress)

/* Conformance 57: two that yield for ever on one worker do not starve a sleeper. */
static void
sleeper_beside_yielders(void *arg)
{
	struct corun_coroutine *a = spawn(yield_until_stopped, NULL);
	struct corun_coroutine *b = spawn(yield_until_stopped, NULL);
	uint64_t start = corun_now();

	(void) arg;
	corun_sleep(10 * CORUN_MS);
	atomic_store(&stop_spinning, true);
	printf("# a sleep of 10 ms beside yielders took %lu ms\n", (unsigned long) ms_since(start));
	ck_assert_uint_lt(ms_since(start), 5000);
	join(a);
	join(b);
}
ON_WORKERS(sleeper_is_not_starved, sleeper_beside_yielders)

/* ---- sleeping and timers -----------------------------------------------------------------------
 */

static void
sleeps(void *arg)
{
	(void) arg;
	for (uint64_t ms = 1; ms <= 20; ms++) {
		uint64_t start = corun_now();

		corun_sleep(ms * CORUN_MS);
		ck_assert_uint_ge(corun_now() - start, ms * CORUN_MS);
	}
	corun_sleep(0);
	corun_sleep_until(1);
	ck_assert_uint_eq(corun_in(CORUN_FOREVER), CORUN_FOREVER);
}
ON_WORKERS(sleep_is_never_early, sleeps)

enum { SLOTS = 13 };
static int order[SLOTS];
static _Atomic int n_order;

static void
note_slot(void *arg)
{
	order[atomic_fetch_add(&n_order, 1)] = (int) (intptr_t) arg;
}

/* Conformance 73. One worker: the order in which they start is that in which they fire. */
static void
in_due_order(void *arg)
{
	static const int due[SLOTS] = { 5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0 };
	uint64_t start = corun_in(10 * CORUN_MS);

	(void) arg;
	for (int i = 0; i < SLOTS; i++)
		ck_assert_int_eq(corun_timer_start(NULL, start + (uint64_t) due[i] * 60 * CORUN_MS,
						   note_slot, (void *) (intptr_t) due[i]),
				 0);
	while (atomic_load(&n_order) < SLOTS)
		corun_sleep(CORUN_MS);
	for (int i = 1; i < SLOTS; i++)
		ck_assert_int_le(order[i - 1], order[i]);
}

START_TEST(timers_fire_in_due_order)
{
	run_on(1, in_due_order, NULL);
}
END_TEST

static _Atomic int fired;

static void
fire(void *arg)
{
	(void) arg;
	atomic_fetch_add(&fired, 1);
}

/* Conformance 71 and 72. */
static void
stop_and_reset(void *arg)
{
	struct corun_timer *timer;

	(void) arg;
	ck_assert_int_eq(corun_timer_start(&timer, corun_in(50 * CORUN_MS), fire, NULL), 0);
	ck_assert(corun_timer_stop(timer));
	ck_assert(!corun_timer_stop(timer));
	corun_sleep(60 * CORUN_MS);
	ck_assert_int_eq(atomic_load(&fired), 0);
	ck_assert(!corun_timer_reset(timer, corun_in(CORUN_MS)));
	while (atomic_load(&fired) == 0)
		corun_sleep(CORUN_MS);
	ck_assert(!corun_timer_stop(timer));
	ck_assert(!corun_timer_reset(timer, corun_in(CORUN_S)));
	ck_assert(corun_timer_reset(timer, CORUN_NOW));
	while (atomic_load(&fired) == 1)
		corun_yield();
	ck_assert(!corun_timer_reset(timer, CORUN_FOREVER));
	corun_timer_free(timer);
	ck_assert_int_eq(atomic_load(&fired), 2);
}
ON_WORKERS(timer_stop_and_reset, stop_and_reset)

/* Conformance 78: many timers, armed, reset and stopped by many coroutines. */
static void
juggle_timers(void *arg)
{
	unsigned r = (unsigned) (uintptr_t) arg;

	for (int i = 0; i < 500; i++) {
		struct corun_timer *timer;

		r = r * 1664525 + 1013904223;
		ck_assert_int_eq(corun_timer_start(&timer, corun_in(r % 2000000), fire, NULL), 0);
		if (r >> 30 == 0)
			corun_sleep(r % 1000000);
		if (corun_timer_stop(timer))
			atomic_fetch_add(&fired, 1); /* each counts once, stopped or fired */
		corun_timer_free(timer);
	}
}

static void
timers_accounted_for(void *arg)
{
	enum { N = 50 };
	struct corun_coroutine *all[N];
	uint64_t start;

	(void) arg;
	atomic_store(&fired, 0);
	for (int i = 0; i < N; i++)
		all[i] = spawn(juggle_timers, (void *) (uintptr_t) (i + 1));
	for (int i = 0; i < N; i++)
		join(all[i]);
	start = corun_now();
	while (atomic_load(&fired) < N * 500 && ms_since(start) < 5000)
		corun_sleep(CORUN_MS);
	ck_assert_int_eq(atomic_load(&fired), N * 500);
}
ON_WORKERS(no_timer_lost_or_twice, timers_accounted_for)

static _Atomic int begun, done;

static void
begin_and_sleep(void *arg)
{
	(void) arg;
	atomic_fetch_add(&begun, 1);
	corun_sleep(50 * CORUN_US);
	atomic_fetch_add(&done, 1);
}

/* A timer may start a coroutine just when the last one has ended: the stop waits for it, too. */
START_TEST(stop_waits_for_what_timers_start)
{
	for (int i = 0; i < 200; i++) {
		start_workers(1 + (unsigned) i % 3);
		for (unsigned j = 0; j < 40; j++)
			ck_assert_int_eq(corun_timer_start(NULL, corun_in(j * 150 * CORUN_US),
							   begin_and_sleep, NULL),
					 0);
		corun_sleep((uint64_t) i * 10 * CORUN_US);
		stop_all();
		ck_assert_int_eq(atomic_load(&begun), atomic_load(&done));
	}
}
END_TEST

/* ---- pinning, identity, errno ------------------------------------------------------------------
 */

static void
stay(void *arg)
{
	pid_t tid;

	(void) arg;
	corun_pin();
	corun_pin();
	tid = gettid();
	for (int i = 0; i < 200; i++) {
		if (i % 20 == 0)
			corun_sleep(CORUN_MS);
		else
			corun_yield();
		ck_assert_int_eq(gettid(), tid);
		if (i == 100)
			corun_unpin();
	}
	corun_unpin();
}

static void
pinned_stay(void *arg)
{
	struct corun_coroutine *all[20];

	(void) arg;
	for (int i = 0; i < 20; i++)
		all[i] = spawn(i % 2 ? stay : add_one, NULL);
	for (int i = 0; i < 20; i++)
		join(all[i]);
}
ON_WORKERS(pinned_coroutines_stay, pinned_stay)

static __attribute__((noinline)) int
errno_now(void)
{
	__asm__ volatile("");
	return errno;
}

/* Its address differs per thread and compilers keep it (see coroutine.h): so by a call each time.
 */
static __attribute__((noinline)) void
set_errno(int value)
{
	__asm__ volatile("");
	errno = value;
}

static void
keep_errno(void *arg)
{
	int mine = (int) (intptr_t) arg;

	for (int i = 0; i < 300; i++) {
		set_errno(mine);
		if (i % 50 == 0)
			corun_sleep(100 * CORUN_US);
		else
			corun_yield();
		ck_assert_int_eq(errno_now(), mine);
	}
}

static void
errno_is_kept(void *arg)
{
	struct corun_coroutine *all[50];

	(void) arg;
	for (int i = 0; i < 50; i++)
		all[i] = spawn(keep_errno, (void *) (intptr_t) (i + 1));
	for (int i = 0; i < 50; i++)
		join(all[i]);
}
ON_WORKERS(errno_is_each_coroutines_own, errno_is_kept)

static void
big_frames(void *arg)
{
	char block[200 * 1024];

	(void) arg;
	memset(block, 1, sizeof(block));
	__asm__ volatile("" ::"r"(block) : "memory");
	corun_yield();
	ck_assert_int_eq(block[0], 1);
	ck_assert_int_eq(block[sizeof(block) - 1], 1);
}

static void
stack_sizes(void *arg)
{
	struct corun_attr attr = { .name = "big", .stack_bytes = 1 << 20 };
	struct corun_coroutine *co;

	(void) arg;
	join(spawn(big_frames, NULL));
	ck_assert_int_eq(corun_spawn(&co, &attr, big_frames, NULL), 0);
	join(co);
	attr.stack_bytes = (size_t) 2 << 30;
	ck_assert_int_eq(corun_spawn(&co, &attr, big_frames, NULL), -EINVAL);
}
ON_WORKERS(stacks_hold_what_they_promise, stack_sizes)

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they catch it themselves */
#define HAS_OVERFLOW 1

/* Deeper and deeper, until the guard; 77 is never there. */
static int
descend(const volatile char *above)
{
	volatile char block[8192];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = *above;
	return *above == 77 ? 0 : descend(block) + block[17];
}

static void
overflow(void *arg)
{
	volatile char start = 1;

	(void) arg;
	descend(&start);
}

static void
run_overflow(void *arg)
{
	(void) arg;
	join(spawn(overflow, NULL));
}

START_TEST(overflow_hits_the_guard)
{
	start_workers(1);
	corun_run(run_overflow, NULL);
}
END_TEST
#endif

/* ---- the end -----------------------------------------------------------------------------------
 */

int
main(void)
{
	Suite *suite = suite_create("sched");
	TCase *tcase = tcase_create("sched");

	tcase_set_timeout(tcase, 60);
	add_on_workers(tcase, sums_are_right);
	add_on_workers(tcase, join_and_its_deadline);
	tcase_add_test(tcase, joining_oneself_is_an_error);
	tcase_add_test(tcase, from_a_plain_thread);
	tcase_add_test(tcase, start_stop_start);
	tcase_add_test(tcase, stop_with_a_deadline);
	tcase_add_test(tcase, stop_beside_a_look);
	add_on_workers(tcase, yield_makes_progress);
	add_on_workers(tcase, sleeper_is_not_starved);
	add_on_workers(tcase, sleep_is_never_early);
	tcase_add_test(tcase, timers_fire_in_due_order);
	add_on_workers(tcase, timer_stop_and_reset);
	add_on_workers(tcase, no_timer_lost_or_twice);
	tcase_add_test(tcase, stop_waits_for_what_timers_start);
	add_on_workers(tcase, pinned_coroutines_stay);
	add_on_workers(tcase, errno_is_each_coroutines_own);
	add_on_workers(tcase, stacks_hold_what_they_promise);
#ifdef HAS_OVERFLOW
	tcase_add_test_raise_signal(tcase, overflow_hits_the_guard, SIGSEGV);
#endif
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
