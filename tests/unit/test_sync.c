/* Mutex and contexts, on 1, 2, 4 and 16 workers */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <corun/context.h>
#include <corun/sync.h>

#include "tests/unit/with_runtime.h"

/* ---- mutex ------------------------------------------------------------------------------------- */

static struct corun_mutex mutex;
static long counter; /* under mutex */

static void
hammer(void *arg)
{
	(void) arg;
	for (int i = 0; i < 1000; i++) {
		if (i % 3 == 0) {
			if (!corun_mutex_try_lock(&mutex))
				continue;
		} else {
			corun_mutex_lock(&mutex);
		}
		counter++;
		if (i % 100 == 0)
			corun_yield();
		corun_mutex_unlock(&mutex);
	}
}

static void *
hammer_plain(void *arg)
{
	for (int i = 0; i < 10000; i++) {
		corun_mutex_lock(&mutex);
		counter++;
		corun_mutex_unlock(&mutex);
	}
	return arg;
}

/* Conformance 80: exclusion, with plain threads among the coroutines. */
static void
hammer_mutex(void *arg)
{
	struct corun_coroutine *all[10];
	pthread_t plain[2];
	long before;

	(void) arg;
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&plain[i], NULL, hammer_plain, NULL), 0);
	for (int i = 0; i < 10; i++)
		all[i] = spawn(hammer, NULL);
	for (int i = 0; i < 10; i++)
		join(all[i]);
	corun_block_enter();
	for (int i = 0; i < 2; i++)
		pthread_join(plain[i], NULL);
	corun_block_exit();
	corun_mutex_lock(&mutex);
	before = counter;
	ck_assert(!corun_mutex_try_lock(&mutex));
	corun_mutex_unlock(&mutex);
	ck_assert(corun_mutex_try_lock(&mutex));
	corun_mutex_unlock(&mutex);
	ck_assert_int_ge(before, 20000 + 10 * 666);
	ck_assert_int_le(before, 20000 + 10 * 1000);
}
ON_WORKERS(mutex_excludes, hammer_mutex)

static _Atomic bool fair_done;

static void
hold_for_100_us(void *arg)
{
	(void) arg;
	while (!atomic_load(&fair_done)) {
		corun_mutex_lock(&mutex);
		corun_sleep(100 * CORUN_US);
		corun_mutex_unlock(&mutex);
	}
}

/* Conformance 81: who sleeps before it locks still gets the mutex: it is handed over after 1 ms. */
static void
mutex_fairness(void *arg)
{
	struct corun_coroutine *hog = spawn(hold_for_100_us, NULL);
	uint64_t start = corun_now();

	(void) arg;
	for (int i = 0; i < 10; i++) {
		corun_sleep(100 * CORUN_US);
		corun_mutex_lock(&mutex);
		corun_mutex_unlock(&mutex);
	}
	printf("# 10 locks beside a hog took %lu ms\n", (unsigned long) ms_since(start));
	ck_assert_uint_lt(ms_since(start), 10000);
	atomic_store(&fair_done, true);
	join(hog);
}
ON_WORKERS(mutex_is_fair, mutex_fairness)

static _Atomic long impatient_locked;

static void
impatient(void *arg)
{
	(void) arg;
	for (int i = 0; i < 300; i++) {
		if (corun_mutex_lock_until(&mutex, corun_in((uint64_t) (i % 5) * 10 * CORUN_US)) <
		    0)
			continue;
		atomic_fetch_add(&impatient_locked, 1);
		counter++;
		if (i % 10 == 0)
			corun_sleep(50 * CORUN_US);
		corun_mutex_unlock(&mutex);
	}
}

static void
mutex_deadlines(void *arg)
{
	struct corun_coroutine *all[8];
	long before = counter;

	(void) arg;
	for (int i = 0; i < 8; i++)
		all[i] = spawn(impatient, NULL);
	for (int i = 0; i < 8; i++)
		join(all[i]);
	ck_assert_int_eq(counter - before, atomic_load(&impatient_locked));
	ck_assert(corun_mutex_try_lock(&mutex));
	ck_assert_int_eq(corun_mutex_lock_until(&mutex, corun_in(CORUN_MS)), -ETIMEDOUT);
	corun_mutex_unlock(&mutex);
}
ON_WORKERS(mutex_with_deadlines, mutex_deadlines)

START_TEST(unlock_of_unlocked_ends_the_program)
{
	corun_mutex_unlock(&mutex);
}
END_TEST

/* ---- contexts ---------------------------------------------------------------------------------- */

static void
tree(void *arg)
{
	struct corun_context *root, *child, *grandchild, *other;
	uint64_t start;

	(void) arg;
	ck_assert_int_eq(corun_context_new(&root, NULL, CORUN_FOREVER), 0);
	ck_assert_int_eq(corun_context_new(&child, root, CORUN_FOREVER), 0);
	ck_assert_int_eq(corun_context_new(&grandchild, child, CORUN_FOREVER), 0);
	ck_assert_int_eq(corun_context_new(&other, root, CORUN_FOREVER), 0);
	ck_assert_int_eq(corun_context_error(grandchild), 0);
	ck_assert_int_eq(corun_context_wait(grandchild, corun_in(CORUN_MS)), 0);
	corun_context_cancel(child, -ECONNRESET);
	corun_context_cancel(child, -EIO); /* the first one counts */
	ck_assert_int_eq(corun_context_error(child), -ECONNRESET);
	ck_assert_int_eq(corun_context_wait(grandchild, CORUN_FOREVER), -ECONNRESET);
	ck_assert_int_eq(corun_context_error(other), 0);
	ck_assert_int_eq(corun_context_error(root), 0);
	corun_context_unref(child);
	corun_context_unref(grandchild);
	/* a child of a cancelled one is born so */
	corun_context_cancel(root, 0);
	ck_assert_int_eq(corun_context_new(&child, root, CORUN_FOREVER), 0);
	ck_assert_int_eq(corun_context_error(child), -ECANCELED);
	ck_assert_int_eq(corun_context_error(other), -ECANCELED);
	corun_context_unref(root);
	corun_context_unref(child);
	corun_context_unref(other);
	corun_context_unref(NULL);
	/* deadlines; one that is freed before it comes */
	ck_assert_int_eq(corun_context_new(&root, NULL, corun_in(5 * CORUN_MS)), 0);
	ck_assert_int_eq(corun_context_new(&child, root, corun_in(10 * CORUN_S)), 0);
	start = corun_now();
	ck_assert_int_eq(corun_context_wait(child, CORUN_FOREVER), -ETIMEDOUT);
	ck_assert_uint_lt(ms_since(start), 5000);
	corun_context_unref(child);
	corun_context_unref(root);
}
ON_WORKERS(context_tree, tree)

static void
wait_for_end(void *arg)
{
	ck_assert_int_lt(corun_context_wait(arg, CORUN_FOREVER), 0);
	corun_context_unref(arg);
}

/* Children come, wait and go while the parent's deadline passes or it is cancelled. */
static void
races(void *arg)
{
	(void) arg;
	for (int i = 0; i < 200; i++) {
		struct corun_context *root;
		struct corun_coroutine *all[5];

		ck_assert_int_eq(
			corun_context_new(&root, NULL, corun_in((uint64_t) i * 3 * CORUN_US)), 0);
		for (int k = 0; k < 5; k++) {
			struct corun_context *child;

			ck_assert_int_eq(corun_context_new(&child, root,
							   corun_in((uint64_t) (i + k) * CORUN_US)),
					 0);
			all[k] = spawn(wait_for_end, child);
		}
		if (i % 2)
			corun_context_cancel(root, 0);
		for (int k = 0; k < 5; k++)
			join(all[k]);
		corun_context_unref(root);
	}
}
ON_WORKERS(context_races, races)

int
main(void)
{
	Suite *suite = suite_create("sync");
	TCase *tcase = tcase_create("sync");

	tcase_set_timeout(tcase, 60);
	add_on_workers(tcase, mutex_excludes);
	add_on_workers(tcase, mutex_is_fair);
	add_on_workers(tcase, mutex_with_deadlines);
	tcase_add_test_raise_signal(tcase, unlock_of_unlocked_ends_the_program, SIGABRT);
	add_on_workers(tcase, context_tree);
	add_on_workers(tcase, context_races);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
