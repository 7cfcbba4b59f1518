/* The governor: the pool follows files that stand for the kernel's; pins; settling */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/tree.h"
#include "tests/unit/with_runtime.h"

static struct tree tree;

/* What on_look was told; the threads that read it take the lock. */
static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	struct corun_pool_state state; /* the last */
	unsigned times, changes, settling;
	uint64_t throttled; /* of the view's first level */
	bool has_stat;
	char first_path[32];
} told;

static void
on_look(const struct corun_cpu_view *view, const struct corun_pool_state *state, void *arg)
{
	const struct corun_cpu_level *leaf = view->levels;

	ck_assert_ptr_eq(arg, &told);
	ck_assert_uint_ge(view->n_levels, 1);
	pthread_mutex_lock(&told_lock);
	told.changes += told.times > 0 && told.state.workers != state->workers;
	told.times++;
	told.settling += state->settling;
	told.state = *state;
	told.has_stat = leaf->has_stat;
	told.throttled = leaf->nr_throttled;
	snprintf(told.first_path, sizeof(told.first_path), "%s", leaf->path);
	pthread_mutex_unlock(&told_lock);
}

static struct corun_pool_state
told_state(void)
{
	struct corun_pool_state state;

	pthread_mutex_lock(&told_lock);
	state = told.state;
	pthread_mutex_unlock(&told_lock);
	return state;
}

static unsigned
told_number(const unsigned *which)
{
	unsigned n;

	pthread_mutex_lock(&told_lock);
	n = *which;
	pthread_mutex_unlock(&told_lock);
	return n;
}

static struct corun_options
options(void)
{
	return (struct corun_options){
		.root = tree.root,
		.cpus = 8,
		.on_look = on_look,
		.on_look_arg = &told,
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
	memset(&told, 0, sizeof(told));
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

/* Until on_look was called @n more times. */
static void
await_told(unsigned n)
{
	uint64_t start = corun_now();
	unsigned before = told_number(&told.times);

	while (told_number(&told.times) - before < n && ms_since(start) < 20000)
		usleep(10000);
	ck_assert_uint_ge(told_number(&told.times) - before, n);
}

static void
await_told_workers(unsigned n)
{
	uint64_t start = corun_now();

	while (told_state().workers != n && ms_since(start) < 20000)
		usleep(10000);
	ck_assert_uint_eq(told_state().workers, n);
}

static void
is_told(unsigned workers, enum corun_cpu_reason reason, bool pinned)
{
	struct corun_pool_state state = told_state();

	ck_assert_uint_eq(state.workers, workers);
	ck_assert_str_eq(corun_cpu_reason_name(state.reason), corun_cpu_reason_name(reason));
	ck_assert_int_eq(state.pinned, pinned);
}

START_TEST(follows_the_quota)
{
	struct corun_options o = options();

	ck_assert_int_eq(corun_start(&o), 0);
	ck_assert_uint_eq(corun_workers(), 3);
	ck_assert_uint_eq(corun_num_cpu(), 8);
	quota("410000 100000\n");
	await_workers(5);
	await_told_workers(5);
	is_told(5, CORUN_BY_QUOTA, false);
	ck_assert_uint_eq(told_number(&told.changes), 1);
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
		unsigned before = told_number(&told.changes);

		start = corun_now();
		while (ms_since(start) < 1500) {
			quota("700000 100000\n");
			usleep(50000);
			quota("230000 100000\n");
			usleep(50000);
		}
		ck_assert_uint_le(told_number(&told.changes) - before, 2);
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
	await_told_workers(6);
	is_told(6, CORUN_BY_PIN, true);
	ck_assert_uint_eq(told_state().limit.quota_us, 230000);
	quota("410000 100000\n");
	await_told(4);
	ck_assert_uint_eq(corun_workers(), 6);
	/* what would be acted upon goes on, and so does the telling */
	is_told(6, CORUN_BY_PIN, true);
	ck_assert_uint_eq(told_state().limit.quota_us, 410000);
	ck_assert_int_eq(corun_set_default_workers(), 5);
	is_told(5, CORUN_BY_QUOTA, false);
	quota("100000 100000\n");
	await_workers(2);
	stop_all();
}
END_TEST

/* A pin to the size that it has is no change of the size, but of who decides. */
START_TEST(a_pin_to_the_same_size_is_told)
{
	struct corun_options o = options();
	uint64_t start;

	o.no_update = true;
	ck_assert_int_eq(corun_start(&o), 0);
	is_told(3, CORUN_BY_QUOTA, false);
	ck_assert_int_eq(corun_set_workers(3), 3);
	start = corun_now();
	while (!told_state().pinned && ms_since(start) < 20000)
		usleep(10000);
	is_told(3, CORUN_BY_PIN, true);
	stop_all();
}
END_TEST

/* Told at the start, before anything else; at each look; not after the stop. */
START_TEST(tells_what_it_sees)
{
	struct corun_options o = options();
	unsigned times;

	tree_write(&tree, "sys/fs/cgroup/a/cpu.stat",
		   "usage_usec 5\nnr_periods 40\nnr_throttled 7\nthrottled_usec 900\n");
	ck_assert_int_eq(corun_start(&o), 0);
	ck_assert_uint_eq(told_number(&told.times), 1);
	is_told(3, CORUN_BY_QUOTA, false);
	ck_assert_uint_eq(told_state().cpus, 8);
	ck_assert(told_state().limit.limited);
	ck_assert_uint_eq(told_state().limit.quota_us, 230000);
	ck_assert_uint_eq(told_state().limit.period_us, 100000);
	ck_assert_str_eq(told.first_path, "/a");
	ck_assert(told.has_stat);
	ck_assert_uint_eq(told.throttled, 7);
	await_told(2);
	is_told(3, CORUN_BY_QUOTA, false);
	ck_assert_uint_eq(told_number(&told.settling), 0);
	stop_all();
	times = told_number(&told.times);
	usleep(1500000);
	ck_assert_uint_eq(told_number(&told.times), times);
}
END_TEST

/* While a value settles, the view has the new one and the state the one acted upon. */
static _Atomic unsigned settling_right, settling_wrong;

static void
watch_settling(const struct corun_cpu_view *view, const struct corun_pool_state *state, void *arg)
{
	bool differs = view->limit.quota_us != state->limit.quota_us;

	(void) arg;
	if (state->settling != differs ||
	    state->workers != (state->limit.quota_us + 99999) / 100000)
		atomic_fetch_add(&settling_wrong, 1);
	else if (state->settling)
		atomic_fetch_add(&settling_right, 1);
}

START_TEST(says_when_it_settles)
{
	struct corun_options o = options();

	o.on_look = watch_settling;
	ck_assert_int_eq(corun_start(&o), 0);
	ck_assert_uint_eq(atomic_load(&settling_right), 0);
	quota("410000 100000\n");
	await_workers(5);
	ck_assert_uint_ge(atomic_load(&settling_right), 1);
	stop_all();
	ck_assert_uint_eq(atomic_load(&settling_wrong), 0);
}
END_TEST

static void
set_policy(void *arg)
{
	ck_assert_int_eq(corun_set_policy(arg), 0);
}

START_TEST(policy_is_replaced)
{
	struct corun_cpu_policy p = { .round = CORUN_ROUND_DOWN };
	struct corun_options o = options();

	ck_assert_int_eq(corun_set_policy(&p), -3);
	o.no_update = true; /* nothing but these calls changes anything */
	ck_assert_int_eq(corun_start(&o), 0);
	ck_assert_uint_eq(corun_workers(), 3);
	ck_assert_int_eq(corun_set_policy(&p), 0);
	is_told(2, CORUN_BY_QUOTA, false);
	ck_assert_uint_eq(corun_workers(), 2);
	p = (struct corun_cpu_policy){ .workers_min = 6 };
	ck_assert_int_eq(corun_run(set_policy, &p), 0); /* from a coroutine */
	is_told(6, CORUN_BY_MIN, false);
	p = (struct corun_cpu_policy){ .workers_max = 1 };
	ck_assert_int_eq(corun_set_policy(&p), 0);
	is_told(1, CORUN_BY_MAX, false);
	p = (struct corun_cpu_policy){ .pin = 11 };
	ck_assert_int_eq(corun_set_policy(&p), 0);
	is_told(11, CORUN_BY_PIN, true);
	/* the quota is looked at again, too, and not waited for */
	quota("410000 100000\n");
	ck_assert_int_eq(corun_set_policy(NULL), 0);
	is_told(5, CORUN_BY_QUOTA, false);
	p.pin = CORUN_WORKERS_MAX + 1;
	ck_assert_int_eq(corun_set_policy(&p), -22);
	p = (struct corun_cpu_policy){ .workers_max = CORUN_WORKERS_MAX + 1 };
	ck_assert_int_eq(corun_set_policy(&p), -22);
	is_told(5, CORUN_BY_QUOTA, false);
	stop_all();
}
END_TEST

START_TEST(stronger_pins_survive_a_new_policy)
{
	struct corun_cpu_policy p = { .pin = 4 };
	struct corun_options o = options();

	ck_assert_int_eq(corun_start(&o), 0);
	ck_assert_int_eq(corun_set_workers(6), 3);
	ck_assert_int_eq(corun_set_policy(&p), 0);
	is_told(6, CORUN_BY_PIN, true);
	/* back to the rules: the configuration's pin is undone as well, until the next one */
	ck_assert_int_eq(corun_set_default_workers(), 3);
	is_told(3, CORUN_BY_QUOTA, false);
	ck_assert_int_eq(corun_set_policy(&p), 0);
	is_told(4, CORUN_BY_PIN, true);
	stop_all();

	setenv("CORUN_WORKERS", "7", 1);
	ck_assert_int_eq(corun_start(&o), 0);
	is_told(7, CORUN_BY_PIN, true);
	ck_assert_int_eq(corun_set_policy(&p), 0);
	is_told(7, CORUN_BY_PIN, true);
	p.pin = 0;
	ck_assert_int_eq(corun_set_policy(&p), 0);
	is_told(7, CORUN_BY_PIN, true);
	ck_assert_int_eq(corun_set_default_workers(), 3);
	p.pin = 4;
	ck_assert_int_eq(corun_set_policy(&p), 0);
	is_told(4, CORUN_BY_PIN, true);
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
	tcase_add_test(tcase, a_pin_to_the_same_size_is_told);
	tcase_add_test(tcase, tells_what_it_sees);
	tcase_add_test(tcase, says_when_it_settles);
	tcase_add_test(tcase, policy_is_replaced);
	tcase_add_test(tcase, stronger_pins_survive_a_new_policy);
	tcase_add_test(tcase, environment_pins);
	tcase_add_test(tcase, settings);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
