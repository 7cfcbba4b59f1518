/*
 * Channels: deadlines, cancellations and closing against the partner that comes at the same time,
 * with coroutines and plain threads on both sides. A value is never lost and never doubled: what a
 * send says was sent is received once, and what it says was not, never.
 */

#include <corun/chan.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <corun/context.h>

#include "tests/unit/chan.h"

/* ---- the same body as a coroutine or as a plain thread ------------------------------------- */

struct body {
	void (*fn)(void *arg);
	void *arg;
	bool plain;
	struct corun_coroutine *co;
	pthread_t pthread;
};

static void *
body_run(void *arg)
{
	struct body *b = arg;

	b->fn(b->arg);
	return NULL;
}

static void
body_start(struct body *b)
{
	if (b->plain)
		want_eq(pthread_create(&b->pthread, NULL, body_run, b), 0);
	else
		b->co = spawn(b->fn, b->arg);
}

static void
body_join(struct body *b)
{
	if (b->plain)
		want_eq(pthread_join(b->pthread, NULL), 0);
	else
		join(b->co);
}

/* ---- the accounts -------------------------------------------------------------------------- */

enum {
	SENDERS = 4,
	RECEIVERS = 4,
	VALUES = ROUNDS(1000), /* of each sender */
};

enum how {
	BY_DEADLINE,
	BY_CONTEXT,
	BY_TRYING,
};

struct market {
	struct corun_chan *ch;
	enum how how;
	_Atomic uint8_t sent[SENDERS][VALUES], got[SENDERS][VALUES];
	_Atomic int failed_sends, failed_recvs;
};

struct party {
	struct market *market;
	int n;
	uint32_t random;
};

static void
cancel_soon(void *arg)
{
	struct corun_context *ctx = arg;

	for (uint32_t i = (uint32_t) corun_id() % 4; i > 0; i--)
		corun_yield();
	corun_context_cancel(ctx, -ESHUTDOWN);
	corun_context_unref(ctx);
}

static struct corun_context *
canceled_soon(void)
{
	struct corun_context *ctx;

	want_eq(corun_context_new(&ctx, NULL, FOREVER), 0);
	want_eq(corun_go(cancel_soon, corun_context_ref(ctx)), 0);
	return ctx;
}

/* From "has passed" to "perhaps later than the partner". */
static uint64_t
deadline_soon(uint32_t *random)
{
	uint32_t r = random_next(random);

	return r % 8 == 0 ? CORUN_NOW : corun_in(r % 128 * CORUN_US);
}

static int
send_once(struct party *p, int value)
{
	struct corun_context *ctx;
	int r;

	switch (p->market->how) {
	case BY_TRYING:
		return corun_chan_try_send(p->market->ch, &value);
	case BY_DEADLINE:
		return corun_chan_send(p->market->ch, &value, deadline_soon(&p->random));
	case BY_CONTEXT:
		break;
	}
	ctx = canceled_soon();
	r = corun_chan_send_ctx(p->market->ch, &value, ctx);
	corun_context_unref(ctx);
	return r;
}

static int
recv_once(struct party *p, int *ret_value)
{
	struct corun_context *ctx;
	int r;

	switch (p->market->how) {
	case BY_TRYING:
		return corun_chan_try_recv(p->market->ch, ret_value);
	case BY_DEADLINE:
		return corun_chan_recv(p->market->ch, ret_value, deadline_soon(&p->random));
	case BY_CONTEXT:
		break;
	}
	ctx = canceled_soon();
	r = corun_chan_recv_ctx(p->market->ch, ret_value, ctx);
	corun_context_unref(ctx);
	return r;
}

static const int failures[] = {
	[BY_DEADLINE] = -ETIMEDOUT,
	[BY_CONTEXT] = -ESHUTDOWN,
	[BY_TRYING] = -EAGAIN,
};

static void
sell(void *arg)
{
	struct party *p = arg;
	struct market *m = p->market;

	for (int i = 0; i < VALUES; i++) {
		int r = send_once(p, p->n * VALUES + i);

		if (r == 0) {
			atomic_fetch_add(&m->sent[p->n][i], 1);
			continue;
		}
		want_eq(r, failures[m->how]);
		atomic_fetch_add(&m->failed_sends, 1);
		if (i % 16 == 0)
			corun_yield();
	}
}

static void
buy(void *arg)
{
	struct party *p = arg;
	struct market *m = p->market;

	for (;;) {
		/* What lies around the value is watched, too. */
		int box[3] = { 11, 22, 33 };
		int r = recv_once(p, &box[1]);

		want(box[0] == 11 && box[2] == 33);
		if (r == 0) {
			want_eq(box[1], 0);
			return;
		}
		if (r == 1) {
			atomic_fetch_add(&m->got[box[1] / VALUES][box[1] % VALUES], 1);
			continue;
		}
		want_eq(r, failures[m->how]);
		want_eq(box[1], 22);
		if (atomic_fetch_add(&m->failed_recvs, 1) % 16 == 0)
			corun_yield();
	}
}

static void
market_check(struct market *m)
{
	for (int s = 0; s < SENDERS; s++) {
		for (int i = 0; i < VALUES; i++)
			want_eq(atomic_load(&m->got[s][i]), atomic_load(&m->sent[s][i]));
	}
	want_eq(corun_chan_len(m->ch), 0);
}

/* @plain_mask: which of the parties, senders first, are plain threads. */
static void
market_hold(enum how how, size_t cap, unsigned plain_mask)
{
	struct market *m = calloc(1, sizeof(*m));
	struct party parties[SENDERS + RECEIVERS];
	struct body bodies[SENDERS + RECEIVERS];

	m->ch = ints(cap);
	m->how = how;
	for (int i = 0; i < SENDERS + RECEIVERS; i++) {
		parties[i] = (struct party){ m, i, (uint32_t) i * 7919 + 12345 };
		bodies[i] = (struct body){ .fn = i < SENDERS ? sell : buy,
					   .arg = &parties[i],
					   .plain = plain_mask >> i & 1 };
		body_start(&bodies[i]);
	}
	for (int i = 0; i < SENDERS; i++)
		body_join(&bodies[i]);
	corun_chan_close(m->ch);
	for (int i = SENDERS; i < SENDERS + RECEIVERS; i++)
		body_join(&bodies[i]);
	market_check(m);
	corun_chan_free(m->ch);
	free(m);
}

static const size_t caps[] = { 0, 1, 3 };

static void
markets(int pool, enum how how, unsigned plain_mask)
{
	pool_start(pool);
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		market_hold(how, caps[i], plain_mask);
	pool_stop();
}

enum {
	NO_PLAIN = 0,
	HALF_PLAIN = 0x55,
	SENDERS_PLAIN = 0x0f,
	ALL_PLAIN = 0xff,
};

START_TEST(race_deadline)
{
	markets(_i, BY_DEADLINE, NO_PLAIN);
}
END_TEST

START_TEST(race_deadline_plain_threads)
{
	markets(_i, BY_DEADLINE, HALF_PLAIN);
}
END_TEST

START_TEST(race_cancel)
{
	markets(_i, BY_CONTEXT, NO_PLAIN);
}
END_TEST

START_TEST(race_cancel_plain_threads)
{
	markets(_i, BY_CONTEXT, HALF_PLAIN);
}
END_TEST

START_TEST(race_try)
{
	markets(_i, BY_TRYING, NO_PLAIN);
}
END_TEST

START_TEST(race_try_plain_senders)
{
	markets(_i, BY_TRYING, SENDERS_PLAIN);
}
END_TEST

START_TEST(race_deadline_without_runtime)
{
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		market_hold(BY_DEADLINE, caps[i], ALL_PLAIN);
}
END_TEST

/* ---- what is left behind by a wait that has ended ------------------------------------------ */

static void
deadline_leaves_nothing(void *arg)
{
	(void) arg;
	for (int i = 0; i < 20; i++) {
		struct corun_chan *ch = ints(0);
		uint64_t until = corun_in(CORUN_MS);
		int value = 5;

		want_eq(corun_chan_recv(ch, &value, until), -ETIMEDOUT);
		want(corun_now() >= until);
		/* Were the receiver still queued, this would go to it. */
		want_eq(corun_chan_try_send(ch, &(int){ 6 }), -EAGAIN);
		want_eq(value, 5);

		until = corun_in(CORUN_MS);
		want_eq(corun_chan_send(ch, &value, until), -ETIMEDOUT);
		want(corun_now() >= until);
		want_eq(corun_chan_try_recv(ch, &value), -EAGAIN);
		corun_chan_free(ch);
	}
}

START_TEST(deadline_leaves_nothing_behind)
{
	pool_run(_i, deadline_leaves_nothing, NULL);
}
END_TEST

struct second {
	struct corun_chan *ch;
	struct corun_context *ctx;
};

static void
send_second(void *arg)
{
	struct second *s = arg;

	want_eq(corun_chan_send(s->ch, &(int){ 2 }, FOREVER), 0);
}

static void
send_canceled(void *arg)
{
	struct second *s = arg;

	want_eq(corun_chan_send_ctx(s->ch, &(int){ 1 }, s->ctx), -ECANCELED);
}

/* The first in the queue gives up: the second has its turn, and order is kept. */
static void
canceled_is_skipped(void *arg)
{
	struct second s = { .ch = ints(0) };
	struct corun_coroutine *first, *second;

	(void) arg;
	want_eq(corun_context_new(&s.ctx, NULL, FOREVER), 0);
	first = spawn(send_canceled, &s);
	corun_sleep(CORUN_MS);
	second = spawn(send_second, &s);
	corun_sleep(CORUN_MS);
	corun_context_cancel(s.ctx, 0);
	want_eq(recv_int(s.ch), 2);
	join(first);
	join(second);
	/* With a context that has ended nothing waits, but what needs no waiting is done. */
	want_eq(corun_chan_send_ctx(s.ch, &(int){ 1 }, s.ctx), -ECANCELED);
	corun_chan_free(s.ch);
	s.ch = ints(1);
	want_eq(corun_chan_send_ctx(s.ch, &(int){ 4 }, s.ctx), 0);
	want_eq(corun_chan_send_ctx(s.ch, &(int){ 5 }, s.ctx), -ECANCELED);
	want_eq(recv_int(s.ch), 4);
	corun_context_unref(s.ctx);
	corun_chan_free(s.ch);
}

START_TEST(canceled_sender_is_skipped)
{
	pool_run(_i, canceled_is_skipped, NULL);
}
END_TEST

static void
send_last(void *arg)
{
	want_eq(corun_chan_send(arg, &(int){ 7 }, FOREVER), 0);
}

START_TEST(freed_by_who_receives_the_last)
{
	pool_start(_i);
	for (int round = 0; round < ROUNDS(2000); round++) {
		struct corun_chan *ch = ints((size_t) round % 2);
		struct body sender = { .fn = send_last, .arg = ch, .plain = round % 16 == 0 };

		body_start(&sender);
		if (round % 3 == 0)
			sched_yield();
		want_eq(recv_int(ch), 7);
		/* The sender may still be on its way out of its call. */
		corun_chan_free(ch);
		body_join(&sender);
	}
	pool_stop();
}
END_TEST

/* ---- plain threads and a pool that changes ------------------------------------------------- */

struct rally {
	struct corun_chan *there, *back;
};

static void
return_balls(void *arg)
{
	struct rally *r = arg;
	int value;

	while ((value = recv_int(r->there)) >= 0)
		send_int(r->back, value + 1);
}

static void
rally_play(bool plain)
{
	struct rally r = { ints(0), ints(0) };
	struct body other = { .fn = return_balls, .arg = &r, .plain = plain };

	body_start(&other);
	for (int i = 0; i < ROUNDS(2000); i++) {
		send_int(r.there, i);
		want_eq(recv_int(r.back), i + 1);
	}
	corun_chan_close(r.there);
	body_join(&other);
	corun_chan_free(r.there);
	corun_chan_free(r.back);
}

START_TEST(plain_thread_with_coroutine)
{
	pool_start(_i);
	rally_play(false);
	pool_stop();
}
END_TEST

START_TEST(plain_threads_without_runtime)
{
	rally_play(true);
}
END_TEST

struct resizer {
	_Atomic bool stop;
};

static void
resize(void *arg)
{
	struct resizer *resizer = arg;
	uint32_t random = 4711;

	while (!atomic_load(&resizer->stop)) {
		want(corun_set_workers(1 + random_next(&random) % 16) > 0);
		corun_sleep(CORUN_MS);
	}
}

START_TEST(race_deadline_while_resized)
{
	struct resizer resizer = { .stop = false };
	struct corun_coroutine *co;

	pool_start(_i);
	co = spawn(resize, &resizer);
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		market_hold(BY_DEADLINE, caps[i], HALF_PLAIN);
	atomic_store(&resizer.stop, true);
	join(co);
	pool_stop();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chan_race");
	TCase *tc = tcase_create("race");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_loop_test(tc, race_deadline, 0, POOLS);
	tcase_add_loop_test(tc, race_deadline_plain_threads, 0, POOLS);
	tcase_add_loop_test(tc, race_cancel, 0, POOLS);
	tcase_add_loop_test(tc, race_cancel_plain_threads, 0, POOLS);
	tcase_add_loop_test(tc, race_try, 0, POOLS);
	tcase_add_loop_test(tc, race_try_plain_senders, 0, POOLS);
	tcase_add_test(tc, race_deadline_without_runtime);
	tcase_add_loop_test(tc, deadline_leaves_nothing_behind, 0, POOLS);
	tcase_add_loop_test(tc, canceled_sender_is_skipped, 0, POOLS);
	tcase_add_loop_test(tc, freed_by_who_receives_the_last, 0, POOLS);
	tcase_add_loop_test(tc, plain_thread_with_coroutine, 0, POOLS);
	tcase_add_test(tc, plain_threads_without_runtime);
	tcase_add_loop_test(tc, race_deadline_while_resized, 0, POOLS);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
