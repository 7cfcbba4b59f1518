/* Mutex: exclusion, order, deadlines, misuse. The numbers are those of Go's scenarios. */

#include <corun/sync.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include <corun/context.h>

#include "tests/unit/pool.h"

enum {
	HAMMERS = 10,
	BLOWS = ROUNDS(1000),
	PLAIN = 2,
};

enum how {
	PLAINLY,
	TRYING,
	BY_DEADLINE,
	BY_CONTEXT,
	HOWS,
};

struct anvil {
	struct corun_mutex mutex;
	/* Under the mutex. Not atomic: TSan then sees whether it orders memory. */
	long count, twin;
	_Atomic long locked, given_up;
};

static void
cancel_soon(void *arg)
{
	corun_yield();
	corun_context_cancel(arg, 0);
	corun_context_unref(arg);
}

static int
lock_ctx(struct corun_mutex *m)
{
	struct corun_context *ctx;
	int r;

	want_eq(corun_context_new(&ctx, NULL, CORUN_FOREVER), 0);
	want_eq(corun_go(cancel_soon, corun_context_ref(ctx)), 0);
	r = corun_mutex_lock_ctx(m, ctx);
	corun_context_unref(ctx);
	want(r == 0 || r == -ECANCELED);
	return r;
}

static bool
lock_somehow(struct corun_mutex *m, uint32_t random)
{
	int r;

	switch (random % HOWS) {
	case TRYING:
		return corun_mutex_try_lock(m);
	case BY_DEADLINE:
		r = corun_mutex_lock_until(m, corun_in(random / HOWS % 64 * CORUN_US));
		want(r == 0 || r == -ETIMEDOUT);
		return r == 0;
	case BY_CONTEXT:
		return lock_ctx(m) == 0;
	default:
		corun_mutex_lock(m);
		return true;
	}
}

static void
hammer(void *arg)
{
	struct anvil *a = arg;
	uint32_t random = (uint32_t) (uintptr_t) &random | 1;

	for (int i = 0; i < BLOWS; i++) {
		if (!lock_somehow(&a->mutex, random_next(&random))) {
			atomic_fetch_add(&a->given_up, 1);
			continue;
		}
		want_eq(a->count, a->twin);
		a->count++;
		/* Held over a park now and then. */
		if (random % 64 == 0)
			corun_yield();
		want_eq(a->count, a->twin + 1);
		a->twin++;
		corun_mutex_unlock(&a->mutex);
		atomic_fetch_add(&a->locked, 1);
	}
}

static void *
hammer_plain(void *arg)
{
	hammer(arg);
	return NULL;
}

static void
anvil_check(struct anvil *a, long blows)
{
	struct corun_mutex unlocked = { 0 };

	want_eq(a->count, atomic_load(&a->locked));
	want_eq(a->count + atomic_load(&a->given_up), blows);
	/* Nobody waits, nobody holds it: it looks as at the beginning. */
	want(memcmp(&a->mutex, &unlocked, sizeof(unlocked)) == 0);
}

START_TEST(mutex_80_hammer)
{
	struct corun_coroutine *all[HAMMERS];
	struct anvil a = { .count = 0 };

	pool_start(_i);
	for (int i = 0; i < HAMMERS; i++)
		all[i] = spawn(hammer, &a);
	for (int i = 0; i < HAMMERS; i++)
		join(all[i]);
	anvil_check(&a, HAMMERS * BLOWS);
	pool_stop();
}
END_TEST

START_TEST(mutex_80_hammer_with_plain_threads)
{
	struct corun_coroutine *all[HAMMERS];
	pthread_t threads[PLAIN];
	struct anvil a = { .count = 0 };

	pool_start(_i);
	for (int i = 0; i < HAMMERS; i++)
		all[i] = spawn(hammer, &a);
	for (int i = 0; i < PLAIN; i++)
		want_eq(pthread_create(&threads[i], NULL, hammer_plain, &a), 0);
	for (int i = 0; i < HAMMERS; i++)
		join(all[i]);
	for (int i = 0; i < PLAIN; i++)
		want_eq(pthread_join(threads[i], NULL), 0);
	anvil_check(&a, (HAMMERS + PLAIN) * BLOWS);
	pool_stop();
}
END_TEST

START_TEST(mutex_80_try_lock)
{
	struct corun_mutex m = { 0 };

	/* No runtime is started. */
	want(corun_mutex_try_lock(&m));
	want(!corun_mutex_try_lock(&m));
	want_eq(corun_mutex_lock_until(&m, CORUN_NOW), -ETIMEDOUT);
	want_eq(corun_mutex_lock_until(&m, corun_in(CORUN_MS)), -ETIMEDOUT);
	corun_mutex_unlock(&m);
	want_eq(corun_mutex_lock_until(&m, CORUN_NOW), 0);
	want(!corun_mutex_try_lock(&m));
	corun_mutex_unlock(&m);
	corun_mutex_lock(&m);
	corun_mutex_unlock(&m);
	want(corun_mutex_try_lock(&m));
}
END_TEST

/* ---- 81: nobody waits for ever beside one that takes it again and again -------------------- */

struct rivals {
	struct corun_mutex mutex;
	_Atomic bool stop;
	_Atomic long held;
};

static void
spin_us(uint64_t us)
{
	uint64_t until = corun_now() + us * CORUN_US;

	while (corun_now() < until)
		;
}

static void
hog(void *arg)
{
	struct rivals *r = arg;

	while (!atomic_load(&r->stop)) {
		corun_mutex_lock(&r->mutex);
		spin_us(100);
		corun_mutex_unlock(&r->mutex);
		atomic_fetch_add(&r->held, 1);
		corun_checkpoint();
	}
}

static void
meek(void *arg)
{
	struct rivals *r = arg;

	for (int i = 0; i < 10; i++) {
		corun_sleep(100 * CORUN_US);
		corun_mutex_lock(&r->mutex);
		corun_mutex_unlock(&r->mutex);
	}
}

START_TEST(mutex_81_no_starving)
{
	struct rivals r = { .mutex = { 0 } };
	struct corun_coroutine *a, *b;
	int result;

	pool_start(_i);
	a = spawn(hog, &r);
	b = spawn(meek, &r);
	result = corun_join(b, corun_in(10 * CORUN_S));
	ck_assert_msg(result == 0, "10 locks took over 10 s beside %ld of the hog",
		      atomic_load(&r.held));
	atomic_store(&r.stop, true);
	join(a);
	pool_stop();
}
END_TEST

/* Who waits is served in the order of coming, once it is handed over. */
struct turn {
	struct corun_mutex *mutex;
	int n;
	int *order, *served;
};

static void
take_turn(void *arg)
{
	struct turn *t = arg;

	corun_mutex_lock(t->mutex);
	t->order[(*t->served)++] = t->n;
	corun_mutex_unlock(t->mutex);
}

static void
in_order(void *arg)
{
	enum { TURNS = 8 };
	struct corun_mutex mutex = { 0 };
	struct corun_coroutine *all[TURNS];
	struct turn turns[TURNS];
	int order[TURNS], served = 0;

	(void) arg;
	corun_mutex_lock(&mutex);
	for (int i = 0; i < TURNS; i++) {
		turns[i] = (struct turn){ &mutex, i, order, &served };
		all[i] = spawn(take_turn, &turns[i]);
		/* Long enough to be queued, and to be starving when it is unlocked. */
		corun_sleep(3 * CORUN_MS);
	}
	corun_mutex_unlock(&mutex);
	for (int i = 0; i < TURNS; i++)
		join(all[i]);
	want_eq(served, TURNS);
	for (int i = 0; i < TURNS; i++)
		want_eq(order[i], i);
}

START_TEST(mutex_81_handed_over_in_order)
{
	pool_run(_i, in_order, NULL);
}
END_TEST

/* ---- giving up ----------------------------------------------------------------------------- */

struct gone {
	struct corun_mutex mutex;
	struct corun_context *ctx;
	_Atomic int done;
};

static void
lock_until_canceled(void *arg)
{
	struct gone *g = arg;

	want_eq(corun_mutex_lock_ctx(&g->mutex, g->ctx), -ENOLINK);
	atomic_fetch_add(&g->done, 1);
}

static void
lock_patiently(void *arg)
{
	struct gone *g = arg;

	corun_mutex_lock(&g->mutex);
	corun_mutex_unlock(&g->mutex);
	atomic_fetch_add(&g->done, 1);
}

static void
giving_up(void *arg)
{
	struct corun_mutex unlocked = { 0 };
	struct gone g = { .mutex = { 0 } };
	struct corun_coroutine *a, *b;

	(void) arg;
	want_eq(corun_context_new(&g.ctx, NULL, CORUN_FOREVER), 0);
	corun_mutex_lock(&g.mutex);
	a = spawn(lock_until_canceled, &g);
	corun_sleep(CORUN_MS);
	b = spawn(lock_patiently, &g);
	corun_sleep(CORUN_MS);
	want_eq(atomic_load(&g.done), 0);
	corun_context_cancel(g.ctx, -ENOLINK);
	join(a);
	want_eq(atomic_load(&g.done), 1);
	corun_mutex_unlock(&g.mutex);
	join(b);
	/* What needs no waiting is done even so. */
	want_eq(corun_mutex_lock_ctx(&g.mutex, g.ctx), 0);
	want_eq(corun_mutex_lock_ctx(&g.mutex, g.ctx), -ENOLINK);
	corun_mutex_unlock(&g.mutex);
	want(memcmp(&g.mutex, &unlocked, sizeof(unlocked)) == 0);
	corun_context_unref(g.ctx);
}

START_TEST(mutex_giving_up)
{
	pool_run(_i, giving_up, NULL);
}
END_TEST

/* ---- the last user frees it ---------------------------------------------------------------- */

struct counted {
	struct corun_mutex mutex;
	int users;
};

static void
use_and_drop(void *arg)
{
	struct counted *c = arg;
	bool last;

	for (int i = 0; i < 3; i++) {
		corun_mutex_lock(&c->mutex);
		if (i == 1)
			corun_yield();
		corun_mutex_unlock(&c->mutex);
	}
	corun_mutex_lock(&c->mutex);
	last = --c->users == 0;
	corun_mutex_unlock(&c->mutex);
	if (!last)
		return;
	memset(c, 0xff, sizeof(*c));
	free(c);
}

static void *
use_and_drop_plain(void *arg)
{
	use_and_drop(arg);
	return NULL;
}

START_TEST(mutex_is_freed_by_its_last_user)
{
	enum { USERS = 4 };

	pool_start(_i);
	for (int round = 0; round < ROUNDS(1000); round++) {
		struct counted *c = calloc(1, sizeof(*c));
		struct corun_coroutine *all[USERS];
		pthread_t thread;

		c->users = USERS + 1;
		for (int i = 0; i < USERS; i++)
			all[i] = spawn(use_and_drop, c);
		want_eq(pthread_create(&thread, NULL, use_and_drop_plain, c), 0);
		for (int i = 0; i < USERS; i++)
			join(all[i]);
		want_eq(pthread_join(thread, NULL), 0);
	}
	pool_stop();
}
END_TEST

/* ---- 82: misuse, and what is none ---------------------------------------------------------- */

static void
unlock_unlocked(void)
{
	struct corun_mutex m = { 0 };

	corun_mutex_unlock(&m);
}

static void
unlock_twice(void)
{
	struct corun_mutex m = { 0 };

	corun_mutex_lock(&m);
	corun_mutex_unlock(&m);
	corun_mutex_unlock(&m);
}

START_TEST(mutex_82_misuse_ends_the_program)
{
	dies_saying(unlock_unlocked, "sync: unlock of unlocked mutex");
	dies_saying(unlock_twice, "sync: unlock of unlocked mutex");
}
END_TEST

static void
unlock_for_another(void *arg)
{
	corun_sleep(CORUN_MS);
	corun_mutex_unlock(arg);
}

static void
not_bound(void *arg)
{
	struct corun_mutex m = { 0 };
	struct corun_coroutine *co;

	(void) arg;
	corun_mutex_lock(&m);
	co = spawn(unlock_for_another, &m);
	corun_mutex_lock(&m);
	join(co);
	corun_mutex_unlock(&m);
}

START_TEST(mutex_is_not_bound_to_its_locker)
{
	pool_run(_i, not_bound, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mutex");
	TCase *tc = tcase_create("mutex");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_loop_test(tc, mutex_80_hammer, 0, POOLS);
	tcase_add_loop_test(tc, mutex_80_hammer_with_plain_threads, 0, POOLS);
	tcase_add_test(tc, mutex_80_try_lock);
	tcase_add_loop_test(tc, mutex_81_no_starving, 0, POOLS);
	tcase_add_loop_test(tc, mutex_81_handed_over_in_order, 0, POOLS);
	tcase_add_loop_test(tc, mutex_giving_up, 0, POOLS);
	tcase_add_loop_test(tc, mutex_is_freed_by_its_last_user, 0, POOLS);
	tcase_add_test(tc, mutex_82_misuse_ends_the_program);
	tcase_add_loop_test(tc, mutex_is_not_bound_to_its_locker, 0, POOLS);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
