/* Groups: who starts whom belongs to whom; waiting for the last; who lives, and what it does */

#include <corun/group.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <corun/chan.h>
#include <corun/sync.h>

#include "tests/unit/pool.h"

static struct corun_group *group;
static _Atomic unsigned ran;
static _Atomic bool go_on;

static void
new_group(void)
{
	want_eq(corun_group_new(&group), 0);
	want_eq(corun_group_size(group), 0);
	want_eq(corun_group_list(group, NULL, 0), 0);
}

static void
go_in_group(void (*fn)(void *arg), void *arg)
{
	want_eq(corun_group_go(group, NULL, fn, arg), 0);
}

static void
await_group(void)
{
	want_eq(corun_group_wait(group, corun_in(PATIENCE)), 0);
}

/* Sleeping, not spinning, so that it works on one worker and in plain threads. */
#define await(cond)                                                                                \
	do {                                                                                       \
		uint64_t end_ns_ = corun_in(PATIENCE);                                             \
		while (!(cond) && corun_now() < end_ns_)                                           \
			corun_sleep(CORUN_MS);                                                     \
		want(cond);                                                                        \
	} while (0)

/* Lives until go_on. */
static void
stay(void *arg)
{
	(void) arg;
	atomic_fetch_add(&ran, 1);
	while (!atomic_load(&go_on))
		corun_sleep(CORUN_MS);
}

/* ---- who belongs to it --------------------------------------------------------------------- */

static void
start_by_go(void *arg)
{
	want_eq(corun_go(stay, arg), 0);
}

static void
start_by_spawn(void *arg)
{
	struct corun_attr attr = { .name = "spawned" };
	struct corun_coroutine *co;

	want_eq(corun_spawn(&co, &attr, start_by_go, arg), 0);
	join(co);
	start_by_go(arg);
}

static void
start_by_timer(void *arg)
{
	want_eq(corun_timer_start(NULL, corun_in(CORUN_MS), start_by_spawn, arg), 0);
}

/* The coroutine that a timer starts starts one, which starts one and is one's parent itself. */
static void
inherit(void *arg)
{
	struct corun_coroutine *alien = spawn(stay, NULL);

	(void) arg;
	new_group();
	go_in_group(start_by_timer, NULL);
	await(atomic_load(&ran) == 3);
	await(corun_group_size(group) == 2);
	want_eq(corun_group_wait(group, CORUN_NOW), -ETIMEDOUT);
	want_eq(corun_group_wait(group, corun_in(10 * CORUN_MS)), -ETIMEDOUT);
	atomic_store(&go_on, true);
	await_group();
	want_eq(corun_group_size(group), 0);
	want_eq(corun_group_wait(group, CORUN_NOW), 0);
	join(alien);
	corun_group_unref(group);
}

START_TEST(members_start_members)
{
	pool_run(_i, inherit, NULL);
}
END_TEST

/* A timer of a member fires into the group whoever resets it, and keeps it alive. */
static struct corun_timer *timer;

static void
start_timer(void *arg)
{
	(void) arg;
	want_eq(corun_timer_start(&timer, CORUN_FOREVER, stay, NULL), 0);
	/* nobody's: gone with the runtime, or at once */
	want_eq(corun_timer_start(NULL, corun_in(3600 * CORUN_S), stay, NULL), 0);
	want_eq(corun_timer_start(NULL, CORUN_FOREVER, stay, NULL), 0);
}

START_TEST(timers_belong_to_who_started_them)
{
	pool_start(_i);
	new_group();
	go_in_group(start_timer, NULL);
	await_group();
	for (unsigned i = 1; i <= 2; i++) {
		atomic_store(&go_on, false);
		want(!corun_timer_reset(timer, corun_in(CORUN_MS)));
		await(atomic_load(&ran) == i);
		want_eq(corun_group_size(group), 1);
		atomic_store(&go_on, true);
		await_group();
	}
	/* the last user but for the timers goes */
	corun_group_unref(group);
	want(!corun_timer_reset(timer, CORUN_NOW));
	await(atomic_load(&ran) == 3);
	corun_timer_free(timer);
	pool_stop();
}
END_TEST

static struct corun_group *other_group;

static void
start_elsewhere(void *arg)
{
	want_eq(corun_group_go(other_group, NULL, stay, NULL), 0);
	stay(arg);
}

START_TEST(a_named_group_beats_the_own)
{
	pool_start(_i);
	new_group();
	want_eq(corun_group_new(&other_group), 0);
	go_in_group(start_elsewhere, NULL);
	await(atomic_load(&ran) == 2);
	want_eq(corun_group_size(group), 1);
	want_eq(corun_group_size(other_group), 1);
	atomic_store(&go_on, true);
	await_group();
	want_eq(corun_group_wait(other_group, corun_in(PATIENCE)), 0);
	corun_group_unref(group);
	corun_group_unref(other_group);
	pool_stop();
}
END_TEST

/* ---- waiting ------------------------------------------------------------------------------- */

static void
wait_for_own(void *arg)
{
	(void) arg;
	want_eq(corun_group_wait(group, CORUN_NOW), -EDEADLK);
	want_eq(corun_group_wait(group, CORUN_FOREVER), -EDEADLK);
	atomic_fetch_add(&ran, 1);
}

START_TEST(errors)
{
	struct corun_attr huge = { .stack_bytes = (size_t) 4 << 30 };

	new_group();
	want_eq(corun_group_go(group, NULL, stay, NULL), -ESRCH);
	want_eq(corun_group_wait(group, CORUN_FOREVER), 0);
	pool_start(0);
	want_eq(corun_group_go(group, &huge, stay, NULL), -EINVAL);
	want_eq(corun_group_size(group), 0);
	go_in_group(wait_for_own, NULL);
	await_group();
	want_eq(atomic_load(&ran), 1);
	corun_group_unref(group);
	corun_group_unref(NULL);
	pool_stop();
}
END_TEST

static void
wait_in_coroutine(void *arg)
{
	(void) arg;
	await_group();
	atomic_fetch_add(&ran, 1);
}

static void *
wait_in_thread(void *arg)
{
	wait_in_coroutine(arg);
	return NULL;
}

/* Threads and coroutines, some of whom give up before the end. */
START_TEST(many_wait_for_one)
{
	enum { WAITERS = 8 };
	struct corun_coroutine *cos[WAITERS];
	pthread_t threads[WAITERS];

	pool_start(_i);
	new_group();
	go_in_group(stay, NULL);
	await(atomic_load(&ran) == 1);
	for (int i = 0; i < WAITERS; i++) {
		want_eq(pthread_create(&threads[i], NULL, wait_in_thread, NULL), 0);
		cos[i] = spawn(wait_in_coroutine, NULL);
		want_eq(corun_group_wait(group, corun_in(CORUN_MS)), -ETIMEDOUT);
	}
	want_eq(atomic_load(&ran), 1);
	atomic_store(&go_on, true);
	for (int i = 0; i < WAITERS; i++) {
		want_eq(pthread_join(threads[i], NULL), 0);
		join(cos[i]);
	}
	want_eq(atomic_load(&ran), 1 + 2 * WAITERS);
	corun_group_unref(group);
	pool_stop();
}
END_TEST

static struct corun_coroutine *last;

static void
start_last(void *arg)
{
	want_eq(corun_spawn(&last, NULL, stay, arg), 0);
}

static void
join_last_and_go_on(void *arg)
{
	(void) arg;
	join(last);
	atomic_store(&go_on, false);
	go_in_group(stay, NULL);
}

/*
 * The last member's end wakes who waits, and then who joins it; on one worker the latter runs
 * first, and starts a member. None lived in between all the same.
 */
START_TEST(a_new_member_does_not_undo_the_end)
{
	struct corun_coroutine *joiner, *waiter;

	pool_start(_i);
	new_group();
	go_in_group(start_last, NULL);
	await(atomic_load(&ran) == 1);
	joiner = spawn(join_last_and_go_on, NULL);
	waiter = spawn(wait_in_coroutine, NULL);
	want_eq(corun_group_wait(group, corun_in(10 * CORUN_MS)), -ETIMEDOUT);
	atomic_store(&go_on, true);
	join(joiner);
	join(waiter);
	atomic_store(&go_on, true);
	await_group();
	want_eq(atomic_load(&ran), 3);
	corun_group_unref(group);
	pool_stop();
}
END_TEST

static void
end_soon(void *arg)
{
	uint32_t n = *(uint32_t *) arg % 64;

	for (uint32_t i = 0; i < n; i++)
		corun_checkpoint();
	if (n % 3 == 0)
		corun_yield();
}

/* The end of the last member and the wait meet in every order; then the group is gone. */
static void
ends_and_waits(void *arg)
{
	uint32_t random = 1 + (uint32_t) (uintptr_t) arg;

	for (int i = 0; i < COROUTINES(20000); i++) {
		struct corun_group *g;
		uint32_t n = random_next(&random);
		uint64_t deadline_ns = n % 5 == 0 ? corun_in(n % 4096) : corun_in(PATIENCE);
		int r;

		want_eq(corun_group_new(&g), 0);
		for (uint32_t m = n % 3; m < 3; m++)
			want_eq(corun_group_go(g, NULL, end_soon, &n), 0);
		r = corun_group_wait(g, deadline_ns);
		want(r == 0 || (r == -ETIMEDOUT && n % 5 == 0));
		if (r != 0)
			want_eq(corun_group_wait(g, corun_in(PATIENCE)), 0);
		want_eq(corun_group_size(g), 0);
		corun_group_unref(g);
	}
}

static void *
ends_and_waits_in_thread(void *arg)
{
	ends_and_waits(arg);
	return NULL;
}

START_TEST(ends_and_waits_race)
{
	struct corun_coroutine *co;
	pthread_t thread;

	pool_start(_i);
	want_eq(pthread_create(&thread, NULL, ends_and_waits_in_thread, (void *) 7), 0);
	co = spawn(ends_and_waits, (void *) 8);
	join(co);
	want_eq(pthread_join(thread, NULL), 0);
	pool_stop();
}
END_TEST

/* Nobody has a handle of the group any more; its members start members. */
static void
descend(void *arg)
{
	uintptr_t left = (uintptr_t) arg;

	atomic_fetch_add(&ran, 1);
	if (left > 0)
		want_eq(corun_go(descend, (void *) (left - 1)), 0);
}

START_TEST(members_keep_it_alive)
{
	pool_start(_i);
	for (int i = 0; i < 100; i++) {
		new_group();
		go_in_group(descend, (void *) 9);
		corun_group_unref(group);
	}
	pool_stop();
	want_eq(atomic_load(&ran), 1000);
}
END_TEST

/* ---- who lives ----------------------------------------------------------------------------- */

static struct corun_chan *chan;
static struct corun_mutex mutex;

static void
wait_in_chan(void *arg)
{
	char byte;

	(void) arg;
	corun_chan_recv(chan, &byte, CORUN_FOREVER);
}

static void
wait_in_mutex(void *arg)
{
	(void) arg;
	corun_mutex_lock(&mutex);
	corun_mutex_unlock(&mutex);
}

static void
wait_in_group(void *arg)
{
	corun_group_wait(arg, CORUN_FOREVER);
}

static void
spin(void *arg)
{
	(void) arg;
	atomic_fetch_add(&ran, 1);
	while (!atomic_load(&go_on))
		;
}

static bool
is_in_state(const char *name, const char *state)
{
	struct corun_member members[8];
	size_t n = corun_group_list(group, members, 8);

	for (size_t i = 0; i < n && i < 8; i++) {
		if (strcmp(members[i].name, name) == 0)
			return strcmp(members[i].state, state) == 0;
	}
	return false;
}

static void
go_named(const char *name, void (*fn)(void *arg), void *arg)
{
	struct corun_attr attr = { .name = name };

	want_eq(corun_group_go(group, &attr, fn, arg), 0);
}

/* One worker: one spins on it, the rest wait, the last has not had it yet. */
START_TEST(list_says_what_each_does)
{
	struct corun_member members[8];

	want_eq(corun_chan_new(&chan, 1, 0), 0);
	corun_mutex_lock(&mutex);
	pool_start(0);
	new_group();
	want_eq(corun_group_new(&other_group), 0);
	want_eq(corun_group_go(other_group, NULL, stay, NULL), 0);
	go_named("receiver", wait_in_chan, NULL);
	go_named("locker", wait_in_mutex, NULL);
	go_named("a name that is longer than there is room for", wait_in_group, other_group);
	await(is_in_state("receiver", "waiting: chan receive"));
	await(is_in_state("locker", "waiting: sync.Mutex.Lock"));
	await(is_in_state("a name that is longer than ther", "waiting: group"));
	go_in_group(spin, NULL);
	await(atomic_load(&ran) == 2);
	/* The worker is stuck, but for what the monitor does about it. */
	want_eq(corun_group_list(group, members, 2), 4);
	want(strcmp(members[0].name, "receiver") == 0 && strcmp(members[1].name, "locker") == 0);
	want(members[0].id != 0 && members[0].id != members[1].id);
	want_eq(corun_group_list(group, members, 8), 4);
	want(strcmp(members[3].name, "") == 0 && strcmp(members[3].state, "running") == 0);
	atomic_store(&go_on, true);
	corun_mutex_unlock(&mutex);
	want_eq(corun_chan_send(chan, "x", CORUN_FOREVER), 0);
	await_group();
	want_eq(corun_group_list(group, members, 8), 0);
	corun_group_unref(group);
	corun_group_unref(other_group);
	corun_chan_free(chan);
	pool_stop();
}
END_TEST

static uint32_t zero;

/* Started from one that does not let go: the others are runnable until it does. */
static void
start_and_look(void *arg)
{
	(void) arg;
	go_named("not yet", end_soon, &zero);
	want(is_in_state("not yet", "runnable"));
	want(is_in_state("first", "running"));
}

static void
yield_once(void *arg)
{
	(void) arg;
	corun_yield();
}

static void
look_after_yield(void *arg)
{
	(void) arg;
	go_named("yielder", yield_once, NULL);
	corun_yield(); /* the other runs, and yields in turn */
	want(is_in_state("yielder", "runnable"));
}

START_TEST(list_says_who_has_to_wait_for_a_worker)
{
	struct corun_options options = { .policy = { .pin = 1 }, .ignore_env = true };

	want_eq(corun_start(&options), 0);
	new_group();
	go_named("first", start_and_look, NULL);
	await_group();
	go_named("second", look_after_yield, NULL);
	await_group();
	corun_group_unref(group);
	pool_stop();
}
END_TEST

/* Names are on the heap, and freed as soon as join says that who had them has ended. */
static void
names_come_and_go(void *arg)
{
	(void) arg;
	for (int i = 0; i < COROUTINES(5000); i++) {
		char *name = strdup("borrowed for a while");
		struct corun_attr attr = { .name = name };
		struct corun_coroutine *co;

		want(name != NULL);
		want_eq(corun_spawn(&co, &attr, yield_once, NULL), 0);
		join(co);
		memset(name, 'x', strlen(name));
		free(name);
	}
}

START_TEST(list_reads_names_while_they_are_lent)
{
	struct corun_member members[16];

	pool_start(_i);
	new_group();
	for (int i = 0; i < 4; i++)
		go_in_group(names_come_and_go, NULL);
	while (corun_group_size(group) > 0) {
		size_t n = corun_group_list(group, members, 16);

		for (size_t i = 0; i < n && i < 16; i++) {
			want(members[i].name[0] == '\0' ||
			     strcmp(members[i].name, "borrowed for a while") == 0);
			want(strcmp(members[i].state, "running") == 0 ||
			     strcmp(members[i].state, "runnable") == 0 ||
			     strncmp(members[i].state, "waiting: ", 9) == 0);
		}
	}
	await_group();
	corun_group_unref(group);
	pool_stop();
}
END_TEST

/* ---- many ---------------------------------------------------------------------------------- */

enum { MANY = COROUTINES(10000) };

static void
start_many(void *arg)
{
	for (int i = 0; i < MANY / 10; i++)
		want_eq(corun_go(stay, arg), 0);
}

START_TEST(thousands_while_the_pool_changes)
{
	static struct corun_member members[MANY + 1];
	size_t waiting = 0;

	pool_start(2); /* 4 workers */
	new_group();
	for (int i = 0; i < 10; i++)
		go_in_group(start_many, NULL);
	for (int i = 0; atomic_load(&ran) < MANY && i < 10000; i++) {
		want(corun_set_workers(1 + (unsigned) i % 8) > 0);
		want(corun_group_list(group, members, MANY + 1) <= MANY + 10);
		corun_sleep(CORUN_MS);
	}
	await(corun_group_size(group) == MANY);
	want_eq(corun_group_list(group, members, MANY + 1), MANY);
	for (int i = 0; i < MANY; i++)
		waiting += strcmp(members[i].state, "waiting: sleep") == 0;
	printf("# %zu of %d wait\n", waiting, (int) MANY);
	want_eq(corun_group_wait(group, corun_in(CORUN_MS)), -ETIMEDOUT);
	atomic_store(&go_on, true);
	for (int i = 0; corun_group_size(group) > 0 && i < 10000; i++) {
		want(corun_set_workers(1 + (unsigned) i % 8) > 0);
		corun_sleep(CORUN_MS);
	}
	await_group();
	corun_group_unref(group);
	pool_stop();
	want_eq(atomic_load(&ran), MANY);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("group");
	TCase *tcase = tcase_create("group");

	tcase_set_timeout(tcase, TEST_TIMEOUT_S);
	tcase_add_loop_test(tcase, members_start_members, 0, POOLS);
	tcase_add_loop_test(tcase, timers_belong_to_who_started_them, 0, POOLS);
	tcase_add_loop_test(tcase, a_named_group_beats_the_own, 0, POOLS);
	tcase_add_test(tcase, errors);
	tcase_add_loop_test(tcase, many_wait_for_one, 0, POOLS);
	tcase_add_loop_test(tcase, a_new_member_does_not_undo_the_end, 0, 1);
	tcase_add_loop_test(tcase, ends_and_waits_race, 0, POOLS);
	tcase_add_loop_test(tcase, members_keep_it_alive, 0, POOLS);
	tcase_add_test(tcase, list_says_what_each_does);
	tcase_add_test(tcase, list_says_who_has_to_wait_for_a_worker);
	tcase_add_loop_test(tcase, list_reads_names_while_they_are_lent, 0, POOLS);
	tcase_add_test(tcase, thousands_while_the_pool_changes);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
