/*
 * Channels: the rules at the edges (closed, NULL, sizes, misuse), and large numbers of coroutines.
 * The numbers are those of the list of scenarios from Go's tests.
 */

#include <corun/chan.h>

#include <errno.h>
#include <stdatomic.h>

#include <corun/context.h>

#include "tests/unit/chan.h"

/* ---- 9: a receive that does not wait sees one instant -------------------------------------- */

static void
close_and_recv(void *arg)
{
	corun_chan_close(arg);
	recv_int(arg);
}

static void
try_recv_sees_value_or_end(void *arg)
{
	(void) arg;
	for (int i = 0; i < ROUNDS(10000); i++) {
		struct corun_chan *ch = ints(1);
		struct corun_coroutine *other;
		int value;

		send_int(ch, 1);
		other = spawn(close_and_recv, ch);
		/* It held a value until it was closed: there is no instant at which it has neither.
		 */
		want(corun_chan_try_recv(ch, &value) >= 0);
		join(other);
		corun_chan_free(ch);
	}
}

START_TEST(chan_09_try_recv_sees_value_or_end)
{
	pool_run(_i, try_recv_sees_value_or_end, NULL);
}
END_TEST

/* ---- 19, 23: elements of all sizes --------------------------------------------------------- */

static void
send_nothings(void *arg)
{
	for (int i = 0; i < 100; i++)
		want_eq(corun_chan_send(arg, NULL, FOREVER), 0);
	corun_chan_close(arg);
}

static void
zero_size(void *arg)
{
	(void) arg;
	for (size_t cap = 0; cap < 5; cap++) {
		struct corun_chan *ch = chan_new(0, cap);
		struct corun_coroutine *co = spawn(send_nothings, ch);
		char untouched = 3;

		for (int i = 0; i < 100; i++)
			want_eq(corun_chan_recv(ch, i % 2 ? &untouched : NULL, FOREVER), 1);
		want_eq(corun_chan_recv(ch, &untouched, FOREVER), 0);
		want_eq(untouched, 3);
		join(co);
		corun_chan_free(ch);
	}
}

START_TEST(chan_19_zero_size)
{
	pool_run(_i, zero_size, NULL);
}
END_TEST

enum { LARGEST = 5000 };

struct sized {
	struct corun_chan *ch;
	size_t bytes;
};

static void
fill(char *value, size_t bytes, int seed)
{
	for (size_t i = 0; i < bytes; i++)
		value[i] = (char) (i * 7 + (size_t) seed);
}

static void
send_sized(void *arg)
{
	struct sized *s = arg;
	char value[LARGEST];

	for (int i = 0; i < 20; i++) {
		fill(value, s->bytes, i);
		want_eq(corun_chan_send(s->ch, value, FOREVER), 0);
		/* The channel has a copy: ours may change. */
		memset(value, 0xee, s->bytes);
	}
}

static void
recv_sized(struct sized *s)
{
	/* What lies around the value stays as it is. */
	char got[LARGEST + 2], expected[LARGEST];

	for (int i = 0; i < 20; i++) {
		memset(got, 0x55, sizeof(got));
		want_eq(corun_chan_recv(s->ch, got + 1, FOREVER), 1);
		fill(expected, s->bytes, i);
		want(memcmp(got + 1, expected, s->bytes) == 0);
		want(got[0] == 0x55 && got[s->bytes + 1] == 0x55);
	}
	want_eq(corun_chan_try_recv(s->ch, got), -EAGAIN);
}

static void
all_sizes(void *arg)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 7, 8, 9, 16, 24, 100, 4096, LARGEST };

	(void) arg;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t cap = 0; cap < 4; cap++) {
			struct sized s = { chan_new(sizes[i], cap), sizes[i] };
			struct corun_coroutine *co = spawn(send_sized, &s);

			recv_sized(&s);
			join(co);
			corun_chan_free(s.ch);
		}
	}
}

START_TEST(chan_23_all_sizes)
{
	pool_run(_i, all_sizes, NULL);
}
END_TEST

static void
send_once(void *arg)
{
	send_int(arg, 123);
}

static void
recv_once(void *arg)
{
	want_eq(recv_int(arg), 123);
}

/* A try succeeds within a bounded number of yields, once the partner has parked. */
static void
try_meets_parked(void *arg)
{
	enum { TRIES = 100000 };
	struct corun_chan *ch = ints(0);
	struct corun_coroutine *co;
	int value = 123;
	int tries = 0;

	(void) arg;
	want_eq(corun_chan_try_recv(ch, &value), -EAGAIN);
	want_eq(corun_chan_try_send(ch, &value), -EAGAIN);
	co = spawn(send_once, ch);
	while (corun_chan_try_recv(ch, &value) == -EAGAIN && tries++ < TRIES)
		corun_yield();
	want(tries < TRIES);
	want_eq(value, 123);
	join(co);
	co = spawn(recv_once, ch);
	tries = 0;
	while (corun_chan_try_send(ch, &value) == -EAGAIN && tries++ < TRIES)
		corun_yield();
	want(tries < TRIES);
	join(co);
	corun_chan_free(ch);

	ch = ints(1);
	want_eq(corun_chan_try_send(ch, &value), 0);
	want_eq(corun_chan_try_send(ch, &value), -EAGAIN);
	want_eq(corun_chan_try_recv(ch, &value), 1);
	want_eq(corun_chan_try_recv(ch, &value), -EAGAIN);
	corun_chan_free(ch);
}

START_TEST(chan_23_try_meets_parked)
{
	pool_run(_i, try_meets_parked, NULL);
}
END_TEST

/* ---- 24, 25: many coroutines --------------------------------------------------------------- */

struct pipe {
	struct corun_chan *in, *out;
};

static void
pass_one(void *arg)
{
	struct pipe *p = arg;

	send_int(p->out, recv_int(p->in) + 1);
}

static void
long_chain(void *arg)
{
	enum { LINKS = ROUNDS(10000) };
	struct pipe *pipes = calloc(LINKS, sizeof(*pipes));
	struct corun_chan *first = ints(0), *last = first;

	for (int i = 0; i < LINKS; i++) {
		pipes[i] = (struct pipe){ last, ints(0) };
		last = pipes[i].out;
		want_eq(corun_go(pass_one, &pipes[i]), 0);
	}
	send_int(first, 1);
	want_eq(recv_int(last), LINKS + 1);
	/* Somebody may be on its way out of its send yet: the channels are freed after the stop. */
	*(struct pipe **) arg = pipes;
}

START_TEST(chan_24_long_chain)
{
	struct pipe *pipes = NULL;

	pool_run(_i, long_chain, &pipes);
	corun_chan_free(pipes[0].in);
	for (int i = 0; i < ROUNDS(10000); i++)
		corun_chan_free(pipes[i].out);
	free(pipes);
}
END_TEST

enum { PRIMES = ROUNDS(300) };

/* Reachable for leak checkers: who uses them never ends. */
static struct corun_chan *sieve_chans[PRIMES + 1];
static struct {
	struct pipe pipe;
	int prime;
} sieve_filters[PRIMES];

static void
generate(void *arg)
{
	for (int i = 2;; i++)
		send_int(arg, i);
}

static void
filter(void *arg)
{
	size_t i = (size_t) (uintptr_t) arg;

	for (;;) {
		int value = recv_int(sieve_filters[i].pipe.in);

		if (value % sieve_filters[i].prime != 0)
			send_int(sieve_filters[i].pipe.out, value);
	}
}

static bool
is_prime(int n)
{
	for (int d = 2; d * d <= n; d++) {
		if (n % d == 0)
			return false;
	}
	return true;
}

static void
sieve(void *arg)
{
	size_t cap = *(size_t *) arg;
	int before = 1;

	sieve_chans[0] = ints(cap);
	want_eq(corun_go(generate, sieve_chans[0]), 0);
	for (size_t i = 0; i < PRIMES; i++) {
		int prime = recv_int(sieve_chans[i]);

		want(prime > before && is_prime(prime));
		for (int n = before + 1; n < prime; n++)
			want(!is_prime(n));
		before = prime;
		sieve_chans[i + 1] = ints(cap);
		sieve_filters[i].prime = prime;
		sieve_filters[i].pipe = (struct pipe){ sieve_chans[i], sieve_chans[i + 1] };
		want_eq(corun_go(filter, (void *) (uintptr_t) i), 0);
	}
}

/* The process ends with all the filters parked. */
START_TEST(chan_25_sieve_unbuffered)
{
	size_t cap = 0;

	pool_start(_i);
	want_eq(corun_run(sieve, &cap), 0);
	want_eq(corun_stop(CORUN_NOW), -ETIMEDOUT);
}
END_TEST

START_TEST(chan_25_sieve_buffered)
{
	size_t cap = 10;

	pool_start(_i);
	want_eq(corun_run(sieve, &cap), 0);
	want_eq(corun_stop(CORUN_NOW), -ETIMEDOUT);
}
END_TEST

/* ---- 29, 30, 31: sizes that cannot be, NULL, misuse ---------------------------------------- */

START_TEST(chan_29_sizes_that_cannot_be)
{
	struct corun_chan *none = (struct corun_chan *) &none;
	struct corun_chan *ch = none;

	want_eq(corun_chan_new(&ch, 8, SIZE_MAX / 4), -EINVAL);
	want_eq(corun_chan_new(&ch, SIZE_MAX, 2), -EINVAL);
	want_eq(corun_chan_new(&ch, 1, SIZE_MAX), -EINVAL);
	want_eq(corun_chan_new(&ch, 1, SIZE_MAX - 8), -EINVAL);
	want_eq(corun_chan_new(&ch, 1, (size_t) -1), -EINVAL);
	want(ch == none);
	/* Without a buffer the size of an element does not count, without a size the capacity. */
	want_eq(corun_chan_new(&ch, (size_t) 1 << 40, 0), 0);
	corun_chan_free(ch);
	want_eq(corun_chan_new(&ch, 0, SIZE_MAX), 0);
	want_eq(corun_chan_cap(ch), SIZE_MAX);
	want_eq(corun_chan_try_send(ch, NULL), 0);
	want_eq(corun_chan_len(ch), 1);
	corun_chan_free(ch);
	corun_chan_free(NULL);
}
END_TEST

static void
nil_waits(void *arg)
{
	uint64_t begin = corun_now();
	struct corun_context *ctx;
	int value = 1;

	(void) arg;
	want_eq(corun_chan_len(NULL), 0);
	want_eq(corun_chan_cap(NULL), 0);
	want_eq(corun_chan_try_send(NULL, &value), -EAGAIN);
	want_eq(corun_chan_try_recv(NULL, &value), -EAGAIN);
	want_eq(corun_chan_send(NULL, &value, CORUN_NOW), -ETIMEDOUT);
	want_eq(corun_chan_recv(NULL, &value, CORUN_NOW), -ETIMEDOUT);
	want_eq(corun_chan_send(NULL, &value, begin + 10 * CORUN_MS), -ETIMEDOUT);
	want(corun_now() >= begin + 10 * CORUN_MS);
	want_eq(corun_chan_recv(NULL, &value, begin + 20 * CORUN_MS), -ETIMEDOUT);
	want(corun_now() >= begin + 20 * CORUN_MS);
	want_eq(corun_context_new(&ctx, NULL, corun_in(5 * CORUN_MS)), 0);
	want_eq(corun_chan_recv_ctx(NULL, &value, ctx), -ETIMEDOUT);
	want_eq(corun_chan_send_ctx(NULL, &value, ctx), -ETIMEDOUT);
	corun_context_unref(ctx);
	want_eq(corun_chan_close_checked(NULL), -EINVAL);
	want_eq(value, 1);
}

START_TEST(chan_30_nil_waits)
{
	pool_run(_i, nil_waits, NULL);
}
END_TEST

static void
send_closed(void)
{
	struct corun_chan *ch = ints(1);

	corun_chan_close(ch);
	send_int(ch, 1);
}

static void
try_send_closed(void)
{
	struct corun_chan *ch = ints(1);
	int value = 1;

	corun_chan_close(ch);
	corun_chan_try_send(ch, &value);
}

static void
close_twice(void)
{
	struct corun_chan *ch = ints(1);

	corun_chan_close(ch);
	corun_chan_close(ch);
}

static void
close_nil(void)
{
	corun_chan_close(NULL);
}

static void
close_later(void *arg)
{
	corun_sleep(CORUN_MS);
	corun_chan_close(arg);
}

static void
send_parked_then_closed(void)
{
	struct corun_chan *ch = ints(0);

	pool_start(0);
	want_eq(corun_go(close_later, ch), 0);
	send_int(ch, 1);
}

START_TEST(chan_31_misuse_ends_the_program)
{
	dies_saying(send_closed, "send on closed channel");
	dies_saying(try_send_closed, "send on closed channel");
	dies_saying(send_parked_then_closed, "send on closed channel");
	dies_saying(close_twice, "close of closed channel");
	dies_saying(close_nil, "close of nil channel");
}
END_TEST

struct doomed {
	struct corun_chan *ch;
	_Atomic int failed;
};

static void
send_doomed(void *arg)
{
	struct doomed *d = arg;
	int value = 666;

	if (corun_chan_send_checked(d->ch, &value, FOREVER, NULL) == -EPIPE)
		atomic_fetch_add(&d->failed, 1);
}

static void
close_fails_senders(void *arg)
{
	(void) arg;
	for (size_t cap = 0; cap < 4; cap++) {
		struct doomed d = { .ch = ints(cap) };
		struct corun_coroutine *all[8];
		int value = 1;

		for (size_t i = 0; i < cap; i++)
			send_int(d.ch, 1);
		for (int i = 0; i < 8; i++)
			all[i] = spawn(send_doomed, &d);
		corun_sleep(CORUN_MS);
		want_eq(corun_chan_close_checked(d.ch), 0);
		for (int i = 0; i < 8; i++)
			join(all[i]);
		want_eq(atomic_load(&d.failed), 8);
		/* With room or without, now or before: nothing of theirs arrives. */
		want_eq(corun_chan_send_checked(d.ch, &value, CORUN_NOW, NULL), -EPIPE);
		for (size_t i = 0; i < cap; i++)
			want_eq(recv_int(d.ch), 1);
		want_eq(recv_int(d.ch), -1);
		want_eq(corun_chan_send_checked(d.ch, &value, FOREVER, NULL), -EPIPE);
		want_eq(corun_chan_try_send_checked(d.ch, &value), -EPIPE);
		want_eq(corun_chan_close_checked(d.ch), -EPIPE);
		corun_chan_free(d.ch);
	}
}

START_TEST(chan_31_close_fails_senders)
{
	pool_run(_i, close_fails_senders, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chan_rules");
	TCase *tc = tcase_create("go");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_loop_test(tc, chan_09_try_recv_sees_value_or_end, 0, POOLS);
	tcase_add_loop_test(tc, chan_19_zero_size, 0, POOLS);
	tcase_add_loop_test(tc, chan_23_all_sizes, 0, POOLS);
	tcase_add_loop_test(tc, chan_23_try_meets_parked, 0, POOLS);
	tcase_add_loop_test(tc, chan_24_long_chain, 0, POOLS);
	tcase_add_loop_test(tc, chan_25_sieve_unbuffered, 0, POOLS);
	tcase_add_loop_test(tc, chan_25_sieve_buffered, 0, POOLS);
	tcase_add_test(tc, chan_29_sizes_that_cannot_be);
	tcase_add_loop_test(tc, chan_30_nil_waits, 0, POOLS);
	tcase_add_test(tc, chan_31_misuse_ends_the_program);
	tcase_add_loop_test(tc, chan_31_close_fails_senders, 0, POOLS);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
