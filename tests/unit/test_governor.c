/* The governor: the pool follows files that stand for the kernel's; pins; settling */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/tree.h"
#include "tests/unit/with_runtime.h"

static struct tree tree;
static _Atomic unsigned told_before, told_now, told_times;
static _Atomic int told_reason;

static void
on_resize(unsigned before, unsigned now, enum corun_cpu_reason reason, void *arg)
{
	(void) arg;
	atomic_store(&told_before, before);
	atomic_store(&told_now, now);
	atomic_store(&told_reason, (int) reason);
	atomic_fetch_add(&told_times, 1);
}

static struct corun_options
options(void)
{
	return (struct corun_options){
		.root = tree.root,
		.cpus = 8,
		.on_resize = on_resize,
	};
}

static void
quota(const char *text)
{
	tree_replace(&tree, "sys/fs/cgroup/a/cpu.max", text);
}

static void
setup(void)
{
	unsetenv("CORUN_WORKERS");
	tree_make(&tree);
	tree_write(&tree, "proc/self/cgroup", "0::/a\n");
	tree_write(&tree, "proc/self/mountinfo",
		   "30 22 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	tree_write(&tree, "sys/fs/cgroup/a/cpu.max", "230000 100000\n");
}

static void
teardown(void)
{
	tree_remove(&tree);
}

static void
await_workers(unsigned n)
{
	uint64_t start = corun_now();

	while (corun_workers() != n && ms_since(start) < 20000)
		usleep(10000);
	printf("# %u workers after %lu ms\n", corun_workers(), (unsigned long) ms_since(start));
	ck_assert_uint_eq(corun_workers(), n);
}

static void
await_told(unsigned times)
{
	uint64_t start = corun_now();

	while (atomic_load(&told_times) < times && ms_since(start) < 20000)
		usleep(10000);
	ck_assert_uint_eq(atomic_load(&told_times), times);
}

START_TEST(follows_the_quota)
{
	struct corun_options o = options();

	ck_assert_int_eq(corun_start(&o), 0);
	ck_assert_uint_eq(corun_workers(), 3);
	ck_assert_uint_eq(corun_num_cpu(), 8);
	quota("410000 100000\n");
	await_workers(5);
	await_told(1);
	ck_assert_uint_eq(atomic_load(&told_before), 3);
	ck_assert_uint_eq(atomic_load(&told_now), 5);
	ck_assert_int_eq(atomic_load(&told_reason), CORUN_BY_QUOTA);
	quota("max 100000\n");
	await_workers(8);
	quota("50000 100000\n");
	await_workers(2);
	/* malformed: the last good value counts */
	quota("rubbish");
	usleep(2500000);
	ck_assert_uint_eq(corun_workers(), 2);
	quota("300000 100000\n");
	await_workers(3);
	stop_all();
}
END_TEST

/* Two writes of one change, 50 ms apart: the value in between is never acted upon. */
START_TEST(two_writes_are_one_change)
{
	struct corun_options o = options();
	uint64_t start;

	ck_assert_int_eq(corun_start(&o), 0);
	for (int i = 0; i < 3; i++) {
		unsigned before = atomic_load(&told_times);

		start = corun_now();
		while (ms_since(start) < 1500) {
			quota("700000 100000\n");
			usleep(50000);
			quota("230000 100000\n");
			usleep(50000);
		}
		ck_assert_uint_le(atomic_load(&told_times) - before, 2);
	}
	quota("410000 100000\n");
	await_workers(5);
	stop_all();
}
END_TEST

START_TEST(a_pin_stops_updates_until_auto)
{
	struct corun_options o = options();

	ck_assert_int_eq(corun_start(&o), 0);
	ck_assert_int_eq(corun_set_workers(6), 3);
	await_told(1);
	ck_assert_int_eq(atomic_load(&told_reason), CORUN_BY_PIN);
	quota("410000 100000\n");
	usleep(2500000);
	ck_assert_uint_eq(corun_workers(), 6);
	ck_assert_int_eq(corun_set_default_workers(), 5);
	quota("100000 100000\n");
	await_workers(2);
	stop_all();
}
END_TEST

static void
set_default(void *arg)
{
	*(int *) arg = corun_set_default_workers();
}

START_TEST(environment_pins)
{
	struct corun_options o = options();
	int got = 0;

	setenv("CORUN_WORKERS", "7", 1);
	ck_assert_int_eq(corun_start(&o), 0);
	ck_assert_uint_eq(corun_workers(), 7);
	/* Go's SetDefaultGOMAXPROCS forgets the environment; here from a coroutine */
	ck_assert_int_eq(corun_run(set_default, &got), 0);
	ck_assert_int_eq(got, 3);
	stop_all();
	setenv("CORUN_WORKERS", "many", 1);
	ck_assert_int_eq(corun_start(&o), 0);
	ck_assert_uint_eq(corun_workers(), 3);
	stop_all();
}
END_TEST

START_TEST(settings)
{
	struct corun_options o = options();

	o.follow_affinity = true;
	ck_assert_int_eq(corun_start(&o), 0);
	ck_assert_uint_eq(corun_workers(), 8);
	stop_all();
	o = options();
	o.no_update = true;
	ck_assert_int_eq(corun_start(&o), 0);
	quota("100000 100000\n");
	usleep(2000000);
	ck_assert_uint_eq(corun_workers(), 3);
	stop_all();
	o = options();
	o.policy.workers_max = 2;
	quota("300000 100000\n");
	ck_assert_int_eq(corun_start(&o), 0);
	ck_assert_uint_eq(corun_workers(), 2);
	stop_all();
	o.policy.pin = 4000;
	ck_assert_int_eq(corun_start(&o), -22);
	o = options();
	o.root = "/nonexistent";
	ck_assert_int_eq(corun_start(&o), -2);
	o = options();
	o.stack_bytes = (size_t) 4 << 30;
	ck_assert_int_eq(corun_start(&o), -22);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("governor");
	TCase *tcase = tcase_create("governor");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, follows_the_quota);
	tcase_add_test(tcase, two_writes_are_one_change);
	tcase_add_test(tcase, a_pin_stops_updates_until_auto);
	tcase_add_test(tcase, environment_pins);
	tcase_add_test(tcase, settings);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
