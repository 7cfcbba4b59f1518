/*
 * Channels: the scenarios of Go's tests that carry over to one channel, named for them; on 1, 2, 4 and
 * 16 workers. (Those of select wait for select.)
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <corun/chan.h>
#include <corun/context.h>

#include "tests/unit/with_runtime.h"

static struct corun_chan *
make(size_t cap)
{
	struct corun_chan *ch;

	ck_assert_int_eq(corun_chan_new(&ch, sizeof(int), cap), 0);
	return ch;
}

static void
send(struct corun_chan *ch, int v)
{
	ck_assert_int_eq(corun_chan_send(ch, &v, corun_in(20 * CORUN_S)), 0);
}

static int
recv(struct corun_chan *ch)
{
	int v = -1;

	ck_assert_int_eq(corun_chan_recv(ch, &v, corun_in(20 * CORUN_S)), 1);
	return v;
}

/* ---- 1 to 8: TestChan -------------------------------------------------------------------------- */

struct one {
	struct corun_chan *ch;
	_Atomic bool done;
	int got, value;
};

static void
receive_one(void *arg)
{
	struct one *one = arg;

	one->got = corun_chan_recv(one->ch, &one->value, CORUN_FOREVER);
	atomic_store(&one->done, true);
}

static void
send_one(void *arg)
{
	struct one *one = arg;

	send(one->ch, one->value);
	atomic_store(&one->done, true);
}

static void
recv_blocks_on_empty(size_t cap)
{
	struct one a = { .ch = make(cap) }, b = { .ch = a.ch };
	struct corun_coroutine *ca = spawn(receive_one, &a), *cb = spawn(receive_one, &b);
	int v;

	ck_assert_int_eq(corun_chan_try_recv(a.ch, &v), -EAGAIN);
	corun_sleep(CORUN_MS);
	ck_assert(!atomic_load(&a.done) && !atomic_load(&b.done));
	send(a.ch, 1);
	send(a.ch, 2);
	join(ca);
	join(cb);
	ck_assert_int_eq(a.value + b.value, 3);
	corun_chan_free(a.ch);
}

static void
send_blocks_on_full(size_t cap)
{
	struct one last = { .ch = make(cap), .value = (int) cap };
	struct corun_coroutine *co;
	int v = 0;

	for (size_t i = 0; i < cap; i++)
		send(last.ch, (int) i);
	ck_assert_int_eq(corun_chan_try_send(last.ch, &v), -EAGAIN);
	ck_assert_uint_eq(corun_chan_len(last.ch), cap);
	ck_assert_uint_eq(corun_chan_cap(last.ch), cap);
	co = spawn(send_one, &last);
	corun_sleep(CORUN_MS);
	ck_assert(!atomic_load(&last.done));
	for (size_t i = 0; i <= cap; i++)
		ck_assert_int_eq(recv(last.ch), (int) i);
	join(co);
	corun_chan_free(last.ch);
}

static void
close_drains(size_t cap)
{
	struct corun_chan *ch = make(cap);
	int v = 7;

	for (size_t i = 0; i < cap; i++)
		send(ch, (int) i);
	corun_chan_close(ch);
	for (size_t i = 0; i < cap; i++)
		ck_assert_int_eq(recv(ch), (int) i);
	for (int i = 0; i < 10; i++) {
		v = 7;
		ck_assert_int_eq(corun_chan_recv(ch, &v, CORUN_FOREVER), 0);
		ck_assert_int_eq(v, 0);
		v = 7;
		ck_assert_int_eq(corun_chan_try_recv(ch, &v), 0);
		ck_assert_int_eq(v, 0);
	}
	corun_chan_free(ch);
}

static void
close_wakes_receiver(size_t cap)
{
	struct one one = { .ch = make(cap), .value = 7 };
	struct corun_coroutine *co = spawn(receive_one, &one);

	corun_sleep(100 * CORUN_US);
	corun_chan_close(one.ch);
	join(co);
	ck_assert_int_eq(one.got, 0);
	ck_assert_int_eq(one.value, 0);
	corun_chan_free(one.ch);
}

static void
test_chan(void *arg)
{
	(void) arg;
	for (size_t cap = 0; cap < 20; cap++) {
		recv_blocks_on_empty(cap);
		send_blocks_on_full(cap);
		close_drains(cap);
		close_wakes_receiver(cap);
	}
}
ON_WORKERS(chan_every_capacity, test_chan)

static void
send_100(void *arg)
{
	for (int i = 0; i < 100; i++)
		send(arg, i);
}

static void
fifo(void *arg)
{
	(void) arg;
	for (size_t cap = 0; cap < 20; cap++) {
		struct corun_chan *ch = make(cap);
		struct corun_coroutine *co = spawn(send_100, ch);

		for (int i = 0; i < 100; i++)
			ck_assert_int_eq(recv(ch), i);
		join(co);
		corun_chan_free(ch);
	}
}
ON_WORKERS(chan_fifo, fifo)

enum { P = 4, L = 1000 };
static _Atomic int counts[L];

static void
send_l(void *arg)
{
	for (int i = 0; i < L; i++)
		send(arg, i);
}

static void
recv_l(void *arg)
{
	for (int i = 0; i < L; i++)
		atomic_fetch_add(&counts[recv(arg)], 1);
}

static void
many_to_many(void *arg)
{
	(void) arg;
	for (size_t cap = 0; cap < 12; cap += 4) {
		struct corun_chan *ch = make(cap);
		struct corun_coroutine *all[2 * P];

		memset(counts, 0, sizeof(counts));
		for (int i = 0; i < P; i++) {
			all[i] = spawn(send_l, ch);
			all[P + i] = spawn(recv_l, ch);
		}
		for (int i = 0; i < 2 * P; i++)
			join(all[i]);
		for (int i = 0; i < L; i++)
			ck_assert_int_eq(atomic_load(&counts[i]), P);
		corun_chan_free(ch);
	}
}
ON_WORKERS(chan_each_value_once_per_sender, many_to_many)

/* ---- 9: TestNonblockRecvRace ------------------------------------------------------------------- */

static void
try_recv_takes_something(void *arg)
{
	int v;

	ck_assert_int_ne(corun_chan_try_recv(arg, &v), -EAGAIN);
}

static void
nonblock_recv_race(void *arg)
{
	(void) arg;
	for (int i = 0; i < 2000; i++) {
		struct corun_chan *ch = make(1);
		struct corun_coroutine *co;
		int v;

		send(ch, 1);
		co = spawn(try_recv_takes_something, ch);
		corun_chan_close(ch);
		corun_chan_recv(ch, &v, CORUN_FOREVER);
		join(co);
		corun_chan_free(ch);
	}
}
ON_WORKERS(nonblock_recv_never_finds_nothing, nonblock_recv_race)

/* ---- 15: TestMultiConsumer --------------------------------------------------------------------- */

enum { CONSUMERS = 23, QUEUE = 69, ITEMS = 27182 };
static struct corun_chan *q, *r;

static void
consume(void *arg)
{
	static const int primes[] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31 };
	int v;

	(void) arg;
	while (corun_chan_recv(q, &v, CORUN_FOREVER) == 1) {
		if (primes[(size_t) v % 11] == v)
			corun_yield();
		send(r, v);
	}
}

static void
produce(void *arg)
{
	(void) arg;
	for (int i = 0; i < ITEMS; i++)
		send(q, i * 7 % 1009);
	corun_chan_close(q);
}

static void
close_results(void *arg)
{
	struct corun_coroutine **all = arg;

	for (int i = 0; i < CONSUMERS; i++)
		join(all[i]);
	corun_chan_close(r);
}

static void
multi_consumer(void *arg)
{
	struct corun_coroutine *all[CONSUMERS], *producer, *closer;
	long expect = 0, sum = 0, n = 0;
	int v;

	(void) arg;
	q = make(QUEUE);
	r = make(QUEUE);
	for (int i = 0; i < CONSUMERS; i++)
		all[i] = spawn(consume, NULL);
	producer = spawn(produce, NULL);
	closer = spawn(close_results, all);
	for (int i = 0; i < ITEMS; i++)
		expect += i * 7 % 1009;
	while (corun_chan_recv(r, &v, CORUN_FOREVER) == 1) {
		n++;
		sum += v;
	}
	join(producer);
	join(closer);
	ck_assert_int_eq(n, ITEMS);
	ck_assert_int_eq(sum, expect);
	corun_chan_free(q);
	corun_chan_free(r);
}
ON_WORKERS(multi_consumer_count_and_sum, multi_consumer)

/* ---- 19, 29, 30, 31, 32 ------------------------------------------------------------------------- */

static void
send_failing(void *arg)
{
	int v = 5;

	ck_assert_int_eq(corun_chan_send_checked(arg, &v, CORUN_FOREVER, NULL), -EPIPE);
}

static void
odd_cases(void *arg)
{
	struct corun_chan *ch;
	struct corun_coroutine *a, *b;
	int v = 1;

	(void) arg;
	/* 19: elements without size */
	ck_assert_int_eq(corun_chan_new(&ch, 0, 3), 0);
	ck_assert_int_eq(corun_chan_send(ch, NULL, CORUN_FOREVER), 0);
	ck_assert_uint_eq(corun_chan_len(ch), 1);
	ck_assert_int_eq(corun_chan_recv(ch, NULL, CORUN_FOREVER), 1);
	corun_chan_free(ch);
	/* 29: sizes that do not fit */
	ck_assert_int_eq(corun_chan_new(&ch, SIZE_MAX / 2, 3), -EINVAL);
	ck_assert_int_eq(corun_chan_new(&ch, 1, SIZE_MAX), -EINVAL);
	/* 30: nil */
	ck_assert_uint_eq(corun_chan_len(NULL), 0);
	ck_assert_uint_eq(corun_chan_cap(NULL), 0);
	ck_assert_int_eq(corun_chan_recv(NULL, &v, corun_in(CORUN_MS)), -ETIMEDOUT);
	ck_assert_int_eq(corun_chan_send(NULL, &v, corun_in(CORUN_MS)), -ETIMEDOUT);
	ck_assert_int_eq(corun_chan_try_recv(NULL, &v), -EAGAIN);
	ck_assert_int_eq(corun_chan_close_checked(NULL), -EINVAL);
	/* 31: parked senders fail at the close, their values are not delivered */
	ch = make(0);
	a = spawn(send_failing, ch);
	b = spawn(send_failing, ch);
	corun_sleep(CORUN_MS);
	corun_chan_close(ch);
	join(a);
	join(b);
	ck_assert_int_eq(corun_chan_recv(ch, &v, CORUN_FOREVER), 0);
	ck_assert_int_eq(corun_chan_close_checked(ch), -EPIPE);
	ck_assert_int_eq(corun_chan_send_checked(ch, &v, CORUN_FOREVER, NULL), -EPIPE);
	corun_chan_free(ch);
}
ON_WORKERS(chan_odd_cases, odd_cases)

START_TEST(send_on_closed_ends_the_program)
{
	struct corun_chan *ch = make(1);
	int v = 1;

	corun_chan_close(ch);
	corun_chan_send(ch, &v, CORUN_FOREVER);
}
END_TEST

START_TEST(close_of_closed_ends_the_program)
{
	struct corun_chan *ch = make(1);

	corun_chan_close(ch);
	corun_chan_close(ch);
}
END_TEST

START_TEST(close_of_nil_ends_the_program)
{
	corun_chan_close(NULL);
}
END_TEST

/* ---- 24, 25: chains and the sieve -------------------------------------------------------------- */

struct link {
	struct corun_chan *left, *right;
};

static void
pass_on(void *arg)
{
	struct link *link = arg;

	send(link->left, recv(link->right) + 1);
}

static void
chain(void *arg)
{
	enum { N = 10000 };
	struct link *links = calloc(N, sizeof(*links));
	struct corun_chan *leftmost = make(0);

	(void) arg;
	for (int i = 0; i < N; i++) {
		links[i].left = i == 0 ? leftmost : links[i - 1].right;
		links[i].right = make(0);
		ck_assert_int_eq(corun_go(pass_on, &links[i]), 0);
	}
	send(links[N - 1].right, 0);
	ck_assert_int_eq(recv(leftmost), N);
	for (int i = 0; i < N; i++)
		corun_chan_free(links[i].right);
	corun_chan_free(leftmost);
	free(links);
}
ON_WORKERS(chain_of_10000, chain)

static void
generate(void *arg)
{
	for (int i = 2; corun_chan_send_checked(arg, &i, CORUN_FOREVER, NULL) == 0; i++)
		;
}

struct filter {
	struct corun_chan *in, *out;
	int prime;
};

static void
filter(void *arg)
{
	struct filter *f = arg;
	int v;

	while (corun_chan_recv(f->in, &v, CORUN_FOREVER) == 1) {
		if (v % f->prime != 0 &&
		    corun_chan_send_checked(f->out, &v, CORUN_FOREVER, NULL) < 0)
			break;
	}
}

static void
sieve(void *arg)
{
	enum { N = 60 };
	static struct filter filters[N];
	struct corun_coroutine *all[N + 1];
	struct corun_chan *ch = make(0), *first = ch;
	int prime = 0;

	(void) arg;
	all[N] = spawn(generate, ch);
	for (int i = 0; i < N; i++) {
		prime = recv(ch);
		filters[i] = (struct filter){ .in = ch, .out = make(i % 2), .prime = prime };
		all[i] = spawn(filter, &filters[i]);
		ch = filters[i].out;
	}
	ck_assert_int_eq(prime, 281);
	corun_chan_close(first);
	for (int i = 0; i < N; i++)
		corun_chan_close(filters[i].out);
	for (int i = 0; i <= N; i++)
		join(all[i]);
	corun_chan_free(first);
	for (int i = 0; i < N; i++)
		corun_chan_free(filters[i].out);
}
ON_WORKERS(sieve_finds_primes, sieve)

/* ---- deadlines and cancellation: nothing lost, nothing twice ------------------------------------- */

static _Atomic long sent_sum, received_sum, timeouts;
static struct corun_context *ctx;

static void
impatient_sender(void *arg)
{
	for (int i = 1; i <= 2000; i++) {
		int e = corun_chan_send(arg, &i, corun_in((uint64_t) (i % 7) * 3 * CORUN_US));

		if (e == 0)
			atomic_fetch_add(&sent_sum, i);
		else
			atomic_fetch_add(&timeouts, 1);
	}
}

static void
impatient_receiver(void *arg)
{
	int v;

	for (;;) {
		int e = corun_chan_recv(arg, &v, corun_in(20 * CORUN_US));

		if (e == 1)
			atomic_fetch_add(&received_sum, v);
		else if (e == 0)
			return;
		else
			atomic_fetch_add(&timeouts, 1);
	}
}

static void *
plain_receiver(void *arg)
{
	impatient_receiver(arg);
	return NULL;
}

static void
impatience(size_t cap)
{
	struct corun_chan *ch = make(cap);
	struct corun_coroutine *all[8];
	pthread_t plain;

	atomic_store(&sent_sum, 0);
	atomic_store(&received_sum, 0);
	ck_assert_int_eq(pthread_create(&plain, NULL, plain_receiver, ch), 0);
	for (int i = 0; i < 4; i++) {
		all[i] = spawn(impatient_sender, ch);
		all[4 + i] = spawn(impatient_receiver, ch);
	}
	for (int i = 0; i < 4; i++)
		join(all[i]);
	corun_chan_close(ch);
	for (int i = 4; i < 8; i++)
		join(all[i]);
	corun_block_enter();
	pthread_join(plain, NULL);
	corun_block_exit();
	ck_assert_int_eq(atomic_load(&sent_sum), atomic_load(&received_sum));
	corun_chan_free(ch);
}

static void
deadline_races(void *arg)
{
	(void) arg;
	impatience(0);
	impatience(3);
	printf("# deadlines that passed: %ld\n", atomic_load(&timeouts));
	ck_assert_int_gt(atomic_load(&timeouts), 0);
}
ON_WORKERS(deadlines_lose_nothing, deadline_races)

static void
wait_cancelled(void *arg)
{
	int v = 3;

	ck_assert_int_eq(corun_chan_recv_ctx(arg, &v, ctx), -ECANCELED);
	ck_assert_int_eq(v, 3);
}

static void
cancellation(void *arg)
{
	struct corun_chan *ch = make(0);
	struct corun_coroutine *all[10];
	int v = 1;

	(void) arg;
	ck_assert_int_eq(corun_context_new(&ctx, NULL, CORUN_FOREVER), 0);
	for (int i = 0; i < 10; i++)
		all[i] = spawn(wait_cancelled, ch);
	corun_sleep(CORUN_MS);
	corun_context_cancel(ctx, 0);
	for (int i = 0; i < 10; i++)
		join(all[i]);
	ck_assert_int_eq(corun_chan_send_ctx(ch, &v, ctx), -ECANCELED);
	ck_assert_int_eq(corun_chan_try_send(ch, &v), -EAGAIN); /* no ghost receives */
	corun_context_unref(ctx);
	corun_chan_free(ch);
}
ON_WORKERS(cancelled_receivers_take_nothing, cancellation)

int
main(void)
{
	Suite *suite = suite_create("chan");
	TCase *tcase = tcase_create("chan");

	tcase_set_timeout(tcase, 60);
	add_on_workers(tcase, chan_every_capacity);
	add_on_workers(tcase, chan_fifo);
	add_on_workers(tcase, chan_each_value_once_per_sender);
	add_on_workers(tcase, nonblock_recv_never_finds_nothing);
	add_on_workers(tcase, multi_consumer_count_and_sum);
	add_on_workers(tcase, chan_odd_cases);
	tcase_add_test_raise_signal(tcase, send_on_closed_ends_the_program, SIGABRT);
	tcase_add_test_raise_signal(tcase, close_of_closed_ends_the_program, SIGABRT);
	tcase_add_test_raise_signal(tcase, close_of_nil_ends_the_program, SIGABRT);
	add_on_workers(tcase, chain_of_10000);
	add_on_workers(tcase, sieve_finds_primes);
	add_on_workers(tcase, deadlines_lose_nothing);
	add_on_workers(tcase, cancelled_receivers_take_nothing);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
