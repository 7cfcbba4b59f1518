/* Contexts: causes, trees, deadlines, lifetimes, and what they wake. */

#include <corun/context.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include <corun/sync.h>

#include "tests/unit/chan.h"

static struct corun_context *
context_new(struct corun_context *parent)
{
	struct corun_context *ctx;

	want_eq(corun_context_new(&ctx, parent, FOREVER), 0);
	return ctx;
}

static struct corun_context *
context_until(struct corun_context *parent, uint64_t deadline_ns)
{
	struct corun_context *ctx;

	want_eq(corun_context_new(&ctx, parent, deadline_ns), 0);
	return ctx;
}

/* ---- without a runtime --------------------------------------------------------------------- */

START_TEST(context_cause)
{
	struct corun_context *ctx = context_new(NULL);

	want_eq(corun_context_error(ctx), 0);
	want_eq(corun_context_wait(ctx, CORUN_NOW), 0);
	want_eq(corun_context_wait(ctx, corun_in(CORUN_MS)), 0);
	corun_context_cancel(ctx, 0);
	want_eq(corun_context_error(ctx), -ECANCELED);
	want_eq(corun_context_wait(ctx, FOREVER), -ECANCELED);
	/* The first counts. */
	corun_context_cancel(ctx, -EIO);
	want_eq(corun_context_error(ctx), -ECANCELED);
	corun_context_unref(ctx);

	ctx = context_new(NULL);
	corun_context_cancel(ctx, -EIO);
	want_eq(corun_context_error(ctx), -EIO);
	want_eq(corun_context_wait(ctx, CORUN_NOW), -EIO);
	corun_context_unref(ctx);
	corun_context_unref(NULL);
}
END_TEST

START_TEST(context_tree)
{
	struct corun_context *root = context_new(NULL);
	struct corun_context *a = context_new(root), *b = context_new(root);
	struct corun_context *aa = context_new(a), *ab = context_new(a);
	struct corun_context *late;

	corun_context_cancel(a, -EIO);
	want_eq(corun_context_error(root), 0);
	want_eq(corun_context_error(b), 0);
	want_eq(corun_context_error(a), -EIO);
	want_eq(corun_context_error(aa), -EIO);
	want_eq(corun_context_error(ab), -EIO);
	corun_context_cancel(root, -EPIPE);
	want_eq(corun_context_error(root), -EPIPE);
	want_eq(corun_context_error(b), -EPIPE);
	want_eq(corun_context_error(aa), -EIO);
	/* A child of what has ended has ended, and for the same reason. */
	late = context_until(aa, FOREVER);
	want_eq(corun_context_error(late), -EIO);
	corun_context_unref(late);
	corun_context_unref(root);
	corun_context_unref(aa);
	corun_context_unref(a);
	corun_context_unref(b);
	corun_context_unref(ab);
}
END_TEST

/* A child keeps its parent: the parent can be cancelled only while somebody has it, though. */
START_TEST(context_child_keeps_parent)
{
	struct corun_context *parent = context_new(NULL);
	struct corun_context *child = context_new(parent);
	struct corun_context *also = corun_context_ref(parent);

	corun_context_unref(parent);
	corun_context_cancel(also, -EIO);
	want_eq(corun_context_error(child), -EIO);
	corun_context_unref(also);
	want_eq(corun_context_error(child), -EIO);
	corun_context_unref(child);
}
END_TEST

enum { CHAIN = ROUNDS(100000) };

START_TEST(context_long_chain)
{
	struct corun_context **chain = calloc(CHAIN, sizeof(struct corun_context *));

	for (int i = 0; i < CHAIN; i++)
		chain[i] = context_new(i > 0 ? chain[i - 1] : NULL);
	corun_context_cancel(chain[0], -EIO);
	for (int i = 0; i < CHAIN; i++)
		want_eq(corun_context_error(chain[i]), -EIO);
	/* Each is kept by the next one: the last unref frees them all. */
	for (int i = 0; i < CHAIN; i++)
		corun_context_unref(chain[i]);
	free(chain);
}
END_TEST

START_TEST(context_many_children)
{
	struct corun_context *parent = context_new(NULL);
	struct corun_context **all = calloc(CHAIN, sizeof(struct corun_context *));

	for (int i = 0; i < CHAIN; i++)
		all[i] = context_new(parent);
	for (int i = 0; i < CHAIN; i += 2)
		corun_context_unref(all[i]);
	corun_context_cancel(parent, -EIO);
	for (int i = 1; i < CHAIN; i += 2) {
		want_eq(corun_context_error(all[i]), -EIO);
		corun_context_unref(all[i]);
	}
	corun_context_unref(parent);
	free(all);
}
END_TEST

START_TEST(context_deadline_without_runtime)
{
	struct corun_context *ctx = NULL;

	want_eq(corun_context_new(&ctx, NULL, corun_in(CORUN_S)), -ESRCH);
	want(ctx == NULL);
	/* One that has passed needs nobody. */
	ctx = context_until(NULL, CORUN_NOW);
	want_eq(corun_context_error(ctx), -ETIMEDOUT);
	corun_context_unref(ctx);
}
END_TEST

static void *
cancel_from_thread(void *arg)
{
	corun_context_cancel(arg, -EIO);
	return NULL;
}

START_TEST(context_wait_in_plain_thread_without_runtime)
{
	for (int i = 0; i < ROUNDS(200); i++) {
		struct corun_context *ctx = context_new(NULL);
		pthread_t thread;

		want_eq(pthread_create(&thread, NULL, cancel_from_thread, ctx), 0);
		want_eq(corun_context_wait(ctx, FOREVER), -EIO);
		want_eq(pthread_join(thread, NULL), 0);
		corun_context_unref(ctx);
	}
}
END_TEST

/* ---- deadlines ----------------------------------------------------------------------------- */

static void
deadlines(void *arg)
{
	uint64_t until = corun_in(50 * CORUN_MS);
	struct corun_context *ctx = context_until(NULL, until);
	struct corun_context *child = context_new(ctx);
	struct corun_context *sooner = context_until(ctx, until - 20 * CORUN_MS);
	struct corun_context *later = context_until(ctx, until + 20 * CORUN_S);
	struct corun_context *passed = context_until(ctx, 1);

	(void) arg;
	want_eq(corun_context_error(passed), -ETIMEDOUT);
	want(corun_context_error(ctx) == 0 || corun_now() >= until);
	want_eq(corun_context_wait(sooner, FOREVER), -ETIMEDOUT);
	want(corun_now() >= until - 20 * CORUN_MS);
	want_eq(corun_context_wait(ctx, FOREVER), -ETIMEDOUT);
	want(corun_now() >= until);
	/* Its children end with it, also those with more time of their own. */
	want_eq(corun_context_wait(child, FOREVER), -ETIMEDOUT);
	want_eq(corun_context_wait(later, FOREVER), -ETIMEDOUT);
	want(corun_now() < until + 10 * CORUN_S);
	corun_context_unref(ctx);
	corun_context_unref(child);
	corun_context_unref(sooner);
	corun_context_unref(later);
	corun_context_unref(passed);

	/* Cancelled before: the deadline changes nothing any more. */
	ctx = context_until(NULL, corun_in(2 * CORUN_MS));
	corun_context_cancel(ctx, -EIO);
	corun_sleep(4 * CORUN_MS);
	want_eq(corun_context_error(ctx), -EIO);
	corun_context_unref(ctx);
}

START_TEST(context_deadlines)
{
	pool_run(_i, deadlines, NULL);
}
END_TEST

/* Freed, cancelled or left alone around the time when the deadline comes. */
static void
deadline_races(void *arg)
{
	uint32_t random = 99;

	(void) arg;
	for (int i = 0; i < ROUNDS(2000); i++) {
		struct corun_context *ctx =
			context_until(NULL, corun_in(random_next(&random) % 100 * CORUN_US));
		struct corun_context *child = random % 3 ? context_new(ctx) : NULL;
		uint64_t until = corun_in(random_next(&random) % 100 * CORUN_US);

		while (corun_now() < until)
			corun_yield();
		switch (random % 4) {
		case 0:
			corun_context_cancel(ctx, -EIO);
			break;
		case 1:
			want_eq(corun_context_wait(ctx, FOREVER), -ETIMEDOUT);
			if (child != NULL)
				want_eq(corun_context_wait(child, FOREVER), -ETIMEDOUT);
			break;
		default:
			break;
		}
		if (random % 2)
			corun_context_unref(child);
		corun_context_unref(ctx);
		if (random % 2 == 0)
			corun_context_unref(child);
	}
}

START_TEST(context_deadline_races)
{
	struct corun_coroutine *all[4];

	pool_start(_i);
	for (int i = 0; i < 4; i++)
		all[i] = spawn(deadline_races, NULL);
	deadline_races(NULL); /* and this plain thread */
	for (int i = 0; i < 4; i++)
		join(all[i]);
	pool_stop();
}
END_TEST

/* ---- what a context wakes ------------------------------------------------------------------ */

struct sleepers {
	struct corun_context *ctx;
	struct corun_chan *empty, *full;
	struct corun_mutex held;
	_Atomic int waiting, woken;
};

static void
wait_recv(void *arg)
{
	struct sleepers *s = arg;
	int value = 8;

	atomic_fetch_add(&s->waiting, 1);
	want_eq(corun_chan_recv_ctx(s->empty, &value, s->ctx), -ENOLINK);
	want_eq(value, 8);
	atomic_fetch_add(&s->woken, 1);
}

static void
wait_send(void *arg)
{
	struct sleepers *s = arg;

	atomic_fetch_add(&s->waiting, 1);
	want_eq(corun_chan_send_ctx(s->full, &(int){ 1 }, s->ctx), -ENOLINK);
	atomic_fetch_add(&s->woken, 1);
}

static void
wait_lock(void *arg)
{
	struct sleepers *s = arg;

	atomic_fetch_add(&s->waiting, 1);
	want_eq(corun_mutex_lock_ctx(&s->held, s->ctx), -ENOLINK);
	atomic_fetch_add(&s->woken, 1);
}

static void
wait_context(void *arg)
{
	struct sleepers *s = arg;

	atomic_fetch_add(&s->waiting, 1);
	want_eq(corun_context_wait(s->ctx, FOREVER), -ENOLINK);
	atomic_fetch_add(&s->woken, 1);
}

static void *
wait_recv_plain(void *arg)
{
	wait_recv(arg);
	return NULL;
}

START_TEST(context_wakes_every_wait)
{
	static void (*const waits[])(void *) = { wait_recv, wait_send, wait_lock, wait_context };
	enum { OF_EACH = 5, ALL = 4 * OF_EACH };
	struct corun_context *parent = context_new(NULL);
	struct sleepers s = { .ctx = context_new(parent), .empty = ints(0), .full = ints(1) };
	struct corun_coroutine *all[ALL];
	pthread_t thread;

	pool_start(_i);
	send_int(s.full, 3);
	corun_mutex_lock(&s.held);
	for (int i = 0; i < ALL; i++)
		all[i] = spawn(waits[i % 4], &s);
	want_eq(pthread_create(&thread, NULL, wait_recv_plain, &s), 0);
	while (atomic_load(&s.waiting) < ALL + 1)
		corun_yield();
	corun_sleep(2 * CORUN_MS);
	want_eq(atomic_load(&s.woken), 0);
	corun_context_cancel(parent, -ENOLINK);
	for (int i = 0; i < ALL; i++)
		join(all[i]);
	want_eq(pthread_join(thread, NULL), 0);
	want_eq(atomic_load(&s.woken), ALL + 1);
	corun_mutex_unlock(&s.held);
	want_eq(recv_int(s.full), 3);
	want_eq(corun_chan_try_send(s.empty, &(int){ 1 }), -EAGAIN);
	pool_stop();
	corun_chan_free(s.empty);
	corun_chan_free(s.full);
	corun_context_unref(s.ctx);
	corun_context_unref(parent);
}
END_TEST

/* ---- a tree that grows, shrinks and is cancelled all at once ------------------------------- */

static void
grow_and_shrink(void *arg)
{
	struct corun_context *root = arg;

	/* Until the root has been cancelled and a child shows it. */
	for (;;) {
		struct corun_context *a = context_new(root), *b = context_new(a);
		int error;

		error = corun_context_wait(b, corun_in(corun_id() % 3 * 20 * CORUN_US));
		want(error == 0 || error == -EIO);
		error = corun_context_error(a);
		corun_context_unref(a);
		corun_context_unref(b);
		if (error == -EIO)
			break;
		want_eq(error, 0);
	}
	corun_context_unref(root);
}

START_TEST(context_tree_races)
{
	enum { GROWERS = 8 };

	pool_start(_i);
	for (int round = 0; round < ROUNDS(50); round++) {
		struct corun_context *root = context_new(NULL);
		struct corun_coroutine *all[GROWERS];

		for (int i = 0; i < GROWERS; i++)
			all[i] = spawn(grow_and_shrink, corun_context_ref(root));
		corun_sleep((uint64_t) round % 4 * 100 * CORUN_US);
		corun_context_cancel(root, -EIO);
		corun_context_unref(root);
		for (int i = 0; i < GROWERS; i++)
			join(all[i]);
	}
	pool_stop();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("context");
	TCase *tc = tcase_create("context");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_test(tc, context_cause);
	tcase_add_test(tc, context_tree);
	tcase_add_test(tc, context_child_keeps_parent);
	tcase_add_test(tc, context_long_chain);
	tcase_add_test(tc, context_many_children);
	tcase_add_test(tc, context_deadline_without_runtime);
	tcase_add_test(tc, context_wait_in_plain_thread_without_runtime);
	tcase_add_loop_test(tc, context_deadlines, 0, POOLS);
	tcase_add_loop_test(tc, context_deadline_races, 0, POOLS);
	tcase_add_loop_test(tc, context_wakes_every_wait, 0, POOLS);
	tcase_add_loop_test(tc, context_tree_races, 0, POOLS);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
