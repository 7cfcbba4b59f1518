/*
 * Channels: what Go's own tests hold theirs to. The numbers are those of the list of scenarios of
 * which each test is one.
 */

#include <corun/chan.h>

#include <errno.h>
#include <stdatomic.h>

#include "tests/unit/chan.h"

/* ---- 1, 2, 3: who waits, and who does not -------------------------------------------------- */

struct meet {
	struct corun_chan *ch;
	_Atomic int done;
};

static void
recv_and_tell(void *arg)
{
	struct meet *m = arg;

	want_eq(recv_int(m->ch), 5);
	atomic_fetch_add(&m->done, 1);
}

static void
send_and_tell(void *arg)
{
	struct meet *m = arg;

	send_int(m->ch, 5);
	atomic_fetch_add(&m->done, 1);
}

static void
recv_waits_on_empty(void *arg)
{
	(void) arg;
	for (size_t cap = 0; cap < 20; cap++) {
		struct meet m = { .ch = ints(cap) };
		struct corun_coroutine *a = spawn(recv_and_tell, &m);
		struct corun_coroutine *b = spawn(recv_and_tell, &m);

		corun_sleep(CORUN_MS);
		want_eq(atomic_load(&m.done), 0);
		send_int(m.ch, 5);
		send_int(m.ch, 5);
		join(a);
		join(b);
		corun_chan_free(m.ch);
	}
}

START_TEST(chan_01_recv_waits_on_empty)
{
	pool_run(_i, recv_waits_on_empty, NULL);
}
END_TEST

static void
try_recv_on_empty(void *arg)
{
	(void) arg;
	for (size_t cap = 0; cap < 4; cap++) {
		struct corun_chan *ch = ints(cap);
		int value = 9;

		want_eq(corun_chan_try_recv(ch, &value), -EAGAIN);
		want_eq(corun_chan_recv(ch, &value, CORUN_NOW), -ETIMEDOUT);
		want_eq(corun_chan_try_recv(ch, NULL), -EAGAIN);
		want_eq(value, 9);
		corun_chan_free(ch);
	}
}

START_TEST(chan_02_try_recv_on_empty)
{
	pool_run(_i, try_recv_on_empty, NULL);
}
END_TEST

static void
send_waits_on_full(void *arg)
{
	(void) arg;
	for (size_t cap = 0; cap < 20; cap++) {
		struct meet m = { .ch = ints(cap) };
		struct corun_coroutine *sender;
		int more = 6;

		for (size_t i = 0; i < cap; i++)
			want_eq(corun_chan_try_send(m.ch, &(int){ 5 }), 0);
		sender = spawn(send_and_tell, &m);
		corun_sleep(CORUN_MS);
		want_eq(atomic_load(&m.done), 0);
		want_eq(corun_chan_try_send(m.ch, &more), -EAGAIN);
		want_eq(corun_chan_send(m.ch, &more, CORUN_NOW), -ETIMEDOUT);
		want_eq(recv_int(m.ch), 5);
		join(sender);
		want_eq(corun_chan_len(m.ch), cap);
		corun_chan_free(m.ch);
	}
}

START_TEST(chan_03_send_waits_on_full)
{
	pool_run(_i, send_waits_on_full, NULL);
}
END_TEST

/* ---- 4, 5, 32: closing --------------------------------------------------------------------- */

static void
drain_after_close(void *arg)
{
	(void) arg;
	for (int cap = 0; cap < 20; cap++) {
		struct corun_chan *ch = ints((size_t) cap);

		for (int i = 0; i < cap; i++)
			send_int(ch, i);
		corun_chan_close(ch);
		for (int i = 0; i < cap; i++)
			want_eq(recv_int(ch), i);
		for (int i = 0; i < 3; i++) {
			int value = 4;

			want_eq(recv_int(ch), -1);
			want_eq(corun_chan_try_recv(ch, &value), 0);
			want_eq(value, 0);
		}
		corun_chan_free(ch);
	}
}

START_TEST(chan_04_drain_after_close)
{
	pool_run(_i, drain_after_close, NULL);
}
END_TEST

static void
recv_end(void *arg)
{
	struct meet *m = arg;

	want_eq(recv_int(m->ch), -1);
	atomic_fetch_add(&m->done, 1);
}

static void
close_wakes_receivers(void *arg)
{
	(void) arg;
	for (size_t cap = 0; cap < 20; cap++) {
		struct meet m = { .ch = ints(cap) };
		struct corun_coroutine *all[10];

		for (int i = 0; i < 10; i++)
			all[i] = spawn(recv_end, &m);
		corun_sleep(CORUN_MS);
		want_eq(atomic_load(&m.done), 0);
		corun_chan_close(m.ch);
		for (int i = 0; i < 10; i++)
			join(all[i]);
		corun_chan_free(m.ch);
	}
}

START_TEST(chan_05_close_wakes_receivers)
{
	pool_run(_i, close_wakes_receivers, NULL);
}
END_TEST

static void
send_and_close(void *arg)
{
	send_int(arg, 1);
	send_int(arg, 2);
	corun_chan_close(arg);
}

static void
values_come_before_the_end(void *arg)
{
	(void) arg;
	for (int i = 0; i < ROUNDS(2000); i++) {
		struct corun_chan *ch = ints((size_t) i % 4);
		struct corun_coroutine *co = spawn(send_and_close, ch);

		want_eq(recv_int(ch), 1);
		want_eq(recv_int(ch), 2);
		want_eq(recv_int(ch), -1);
		join(co);
		corun_chan_free(ch);
	}
}

START_TEST(chan_32_values_come_before_the_end)
{
	pool_run(_i, values_come_before_the_end, NULL);
}
END_TEST

/* ---- 6, 7, 15, 21: order, and nothing lost ------------------------------------------------- */

static void
send_100(void *arg)
{
	for (int i = 0; i < 100; i++)
		send_int(arg, i);
}

static void
one_to_one_is_in_order(void *arg)
{
	(void) arg;
	for (size_t cap = 0; cap < 20; cap++) {
		struct corun_chan *ch = ints(cap);
		struct corun_coroutine *co = spawn(send_100, ch);

		for (int i = 0; i < 100; i++)
			want_eq(recv_int(ch), i);
		join(co);
		corun_chan_free(ch);
	}
}

START_TEST(chan_06_one_to_one_is_in_order)
{
	pool_run(_i, one_to_one_is_in_order, NULL);
}
END_TEST

enum { MANY = 4, EACH = 1000 };

struct many {
	struct corun_chan *ch;
	_Atomic int seen[EACH];
};

static void
send_each(void *arg)
{
	struct many *m = arg;

	for (int i = 0; i < EACH; i++)
		send_int(m->ch, i);
}

static void
recv_each(void *arg)
{
	struct many *m = arg;

	for (int i = 0; i < EACH; i++)
		atomic_fetch_add(&m->seen[recv_int(m->ch)], 1);
}

static void
many_to_many(void *arg)
{
	(void) arg;
	for (size_t cap = 0; cap < 20; cap += 3) {
		struct many m = { .ch = ints(cap) };
		struct corun_coroutine *all[2 * MANY];

		for (int i = 0; i < 2 * MANY; i++)
			all[i] = spawn(i % 2 ? recv_each : send_each, &m);
		for (int i = 0; i < 2 * MANY; i++)
			join(all[i]);
		for (int i = 0; i < EACH; i++)
			want_eq(atomic_load(&m.seen[i]), MANY);
		want_eq(corun_chan_len(m.ch), 0);
		corun_chan_free(m.ch);
	}
}

START_TEST(chan_07_many_to_many)
{
	pool_run(_i, many_to_many, NULL);
}
END_TEST

START_TEST(chan_08_len_and_cap)
{
	for (size_t cap = 0; cap < 20; cap++) {
		struct corun_chan *ch = ints(cap);

		want_eq(corun_chan_len(ch), 0);
		want_eq(corun_chan_cap(ch), cap);
		for (size_t i = 0; i < cap; i++)
			send_int(ch, 1);
		want_eq(corun_chan_len(ch), cap);
		want_eq(corun_chan_cap(ch), cap);
		corun_chan_free(ch);
	}
}
END_TEST

enum { WORK_COROUTINES = 23, WORK_CAP = 69, WORK_ITEMS = 27182 };

struct work {
	struct corun_chan *queue, *results;
	struct corun_coroutine *all[WORK_COROUTINES];
};

static void
pass_on(void *arg)
{
	static const int primes[] = { 2, 7, 5, 11, 13 };
	struct work *w = arg;
	uint32_t random = (uint32_t) (corun_id() * 2654435761u) | 1;
	int value;

	while ((value = recv_int(w->queue)) >= 0) {
		if (random_next(&random) % 32 == 0)
			corun_yield();
		if (value % primes[random % 5] == 0)
			corun_yield();
		send_int(w->results, value);
	}
}

static void
feed(void *arg)
{
	struct work *w = arg;

	for (int i = 0; i < ROUNDS(WORK_ITEMS); i++)
		send_int(w->queue, i);
	corun_chan_close(w->queue);
	for (int i = 0; i < WORK_COROUTINES; i++)
		join(w->all[i]);
	corun_chan_close(w->results);
}

static void
multi_consumer(void *arg)
{
	struct work w = { .queue = ints(WORK_CAP), .results = ints(WORK_CAP) };
	struct corun_coroutine *feeder;
	long long sum = 0, n = 0;
	int value;

	(void) arg;
	for (int i = 0; i < WORK_COROUTINES; i++)
		w.all[i] = spawn(pass_on, &w);
	feeder = spawn(feed, &w);
	while ((value = recv_int(w.results)) >= 0) {
		n++;
		sum += value;
	}
	join(feeder);
	want_eq(n, ROUNDS(WORK_ITEMS));
	want_eq(sum, n * (n - 1) / 2);
	corun_chan_free(w.queue);
	corun_chan_free(w.results);
}

START_TEST(chan_15_multi_consumer)
{
	pool_run(_i, multi_consumer, NULL);
}
END_TEST

/* One link of a chain: takes its turn when the one before has had it. */
struct link {
	struct corun_chan *in, *out;
	int value;
	int *last;
};

static void
take_turn(void *arg)
{
	struct link *l = arg;

	want_eq(recv_int(l->in), 1);
	want_eq(*l->last, l->value - 1);
	*l->last = l->value;
	send_int(l->out, 1);
}

static void
chain_is_in_order(void *arg)
{
	enum { LINKS = 10 };
	struct corun_chan *chans[LINKS + 1];
	struct corun_coroutine *all[LINKS];
	struct link links[LINKS];
	int last = -1;

	(void) arg;
	chans[0] = ints(0);
	for (int i = 0; i < LINKS; i++) {
		chans[i + 1] = ints(0);
		links[i] = (struct link){ chans[i], chans[i + 1], i, &last };
		all[i] = spawn(take_turn, &links[i]);
	}
	send_int(chans[0], 1);
	want_eq(recv_int(chans[LINKS]), 1);
	want_eq(last, LINKS - 1);
	for (int i = 0; i < LINKS; i++)
		join(all[i]);
	for (int i = 0; i <= LINKS; i++)
		corun_chan_free(chans[i]);
}

START_TEST(chan_21_chain_is_in_order)
{
	pool_run(_i, chain_is_in_order, NULL);
}
END_TEST

/* Round and round the buffer: order holds over its end. */
START_TEST(chan_21_buffer_is_in_order)
{
	struct corun_chan *ch = ints(10);

	for (int start = 0; start < 100; start += 7) {
		for (int i = 0; i < 7; i++)
			send_int(ch, start + i);
		for (int i = 0; i < 7; i++)
			want_eq(recv_int(ch), start + i);
	}
	corun_chan_free(ch);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chan");
	TCase *tc = tcase_create("go");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_loop_test(tc, chan_01_recv_waits_on_empty, 0, POOLS);
	tcase_add_loop_test(tc, chan_02_try_recv_on_empty, 0, POOLS);
	tcase_add_loop_test(tc, chan_03_send_waits_on_full, 0, POOLS);
	tcase_add_loop_test(tc, chan_04_drain_after_close, 0, POOLS);
	tcase_add_loop_test(tc, chan_05_close_wakes_receivers, 0, POOLS);
	tcase_add_loop_test(tc, chan_06_one_to_one_is_in_order, 0, POOLS);
	tcase_add_loop_test(tc, chan_07_many_to_many, 0, POOLS);
	tcase_add_test(tc, chan_08_len_and_cap);
	tcase_add_loop_test(tc, chan_15_multi_consumer, 0, POOLS);
	tcase_add_loop_test(tc, chan_21_chain_is_in_order, 0, POOLS);
	tcase_add_test(tc, chan_21_buffer_is_in_order);
	tcase_add_loop_test(tc, chan_32_values_come_before_the_end, 0, POOLS);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
