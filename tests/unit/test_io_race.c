/* I/O under races: what may come together comes together, and no byte and no wake-up is lost. */

#include <corun/io.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>

#include <corun/context.h>
#include <corun/stats.h>

#include "tests/unit/ways.h"

static void
spend(uint32_t rounds)
{
	for (volatile uint32_t i = 0; i < rounds; i++)
		;
}

/* ---- many connections
 * ---------------------------------------------------------------------------- */

enum { MESSAGES = 20, MESSAGE_MAX = 3000 };

struct echo {
	struct sockaddr_in at;
	int fd;
	int clients;
	_Atomic uint64_t sent, echoed, received;
	_Atomic int ended;
};

static struct echo echo;

static void
serve_one(void *arg)
{
	int fd = (int) (intptr_t) arg;
	char buf[1024];
	ssize_t n;

	while ((n = corun_read(fd, buf, sizeof(buf), LOST)) > 0) {
		want_eq(corun_write_all(fd, buf, (size_t) n, NULL, LOST), 0);
		atomic_fetch_add(&echo.echoed, (uint64_t) n);
	}
	want_eq(n, 0);
	want_eq(corun_close(fd), 0);
	atomic_fetch_add(&echo.ended, 1);
}

static void
serve(void *arg)
{
	(void) arg;
	for (int i = 0; i < echo.clients; i++) {
		int fd = corun_accept(echo.fd, NULL, NULL, LOST);

		want(fd >= 0);
		want_eq(corun_go(serve_one, (void *) (intptr_t) fd), 0);
	}
}

/* @out is not @in: what comes back is what was sent, not what was there before. */
static void
exchange(int fd, uint32_t *seed)
{
	char out[MESSAGE_MAX], in[MESSAGE_MAX];
	size_t n = 1 + random_next(seed) % MESSAGE_MAX;

	for (size_t i = 0; i < n; i++)
		out[i] = (char) random_next(seed);
	want_eq(corun_write_all(fd, out, n, NULL, LOST), 0);
	atomic_fetch_add(&echo.sent, n);
	want_eq(corun_read_full(fd, in, n, NULL, LOST), 0);
	want_eq(memcmp(in, out, n), 0);
	atomic_fetch_add(&echo.received, n);
}

static void
be_client(void *arg)
{
	uint32_t seed = (uint32_t) (intptr_t) arg + 1;
	int fd = corun_socket(AF_INET, SOCK_STREAM, 0);

	want(fd >= 0);
	want_eq(corun_connect(fd, (struct sockaddr *) &echo.at, sizeof(echo.at), LOST), 0);
	for (int i = 0; i < MESSAGES; i++)
		exchange(fd, &seed);
	want_eq(corun_close(fd), 0);
	atomic_fetch_add(&echo.ended, 1);
}

static void
echo_listen(int clients)
{
	socklen_t len = sizeof(echo.at);

	echo.clients = clients;
	echo.at = (struct sockaddr_in){ .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	echo.fd = corun_socket(AF_INET, SOCK_STREAM, 0);
	want(echo.fd >= 0);
	want_eq(bind(echo.fd, (struct sockaddr *) &echo.at, sizeof(echo.at)), 0);
	want_eq(getsockname(echo.fd, (struct sockaddr *) &echo.at, &len), 0);
	want_eq(listen(echo.fd, 128), 0);
}

/* @beside is called again and again while they talk. */
static void
echo_run(int clients, void (*beside)(uint32_t *seed))
{
	uint64_t lost_ns = corun_in(60 * CORUN_S);
	struct corun_coroutine *server;
	uint32_t seed = 17;

	echo_listen(clients);
	server = spawn(serve, NULL);
	for (int i = 0; i < clients; i++)
		want_eq(corun_go(be_client, (void *) (intptr_t) i), 0);
	while (atomic_load(&echo.ended) < 2 * clients) {
		ck_assert_msg(corun_now() < lost_ns, "after 60 s %d of %d have ended",
			      atomic_load(&echo.ended), 2 * clients);
		if (beside != NULL)
			beside(&seed);
		corun_sleep(CORUN_MS);
	}
	join(server);
	want_eq(corun_close(echo.fd), 0);
	want_eq(atomic_load(&echo.sent), atomic_load(&echo.received));
	want_eq(atomic_load(&echo.sent), atomic_load(&echo.echoed));
	want(atomic_load(&echo.sent) > (uint64_t) (clients * MESSAGES));
}

static void
more_descriptors(rlim_t n)
{
	struct rlimit limit;

	want_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < n)
		limit.rlim_cur = limit.rlim_max < n ? limit.rlim_max : n;
	want_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(echo_500_clients)
{
	struct corun_stats stats;

	more_descriptors(4096);
	pool_start(_i);
	echo_run(500, NULL);
	pool_stop();
	corun_stats(&stats);
	want(stats.netpoll_ready > 0);
}
END_TEST

static void
resize(uint32_t *seed)
{
	want(corun_set_workers(1 + random_next(seed) % 16) > 0);
}

START_TEST(echo_while_the_pool_changes)
{
	more_descriptors(4096);
	pool_start(2);
	echo_run(ROUNDS(300), resize);
	pool_stop();
}
END_TEST

/* ---- the deadline and the data together
 * ----------------------------------------------------------- */

enum { NUMBERS = 3000 };

static void
write_numbers(void *arg)
{
	uint32_t seed = 5;

	for (uint32_t i = 0; i < ROUNDS(NUMBERS); i++) {
		uint32_t pause_ns = random_next(&seed) % 200000;

		if (pause_ns > 20000)
			corun_sleep(pause_ns);
		want_eq(corun_write_all(*(int *) arg, &i, sizeof(i), NULL, LOST), 0);
	}
}

static void
read_numbers(void *arg)
{
	uint64_t lost_ns = corun_in(60 * CORUN_S);
	struct party writer;
	unsigned late = 0;
	uint32_t seed = 9;
	int fds[2];

	(void) arg;
	pair_new(SOCK_STREAM, fds);
	party_start(&writer, write_numbers, &fds[1]);
	for (uint32_t i = 0; i < ROUNDS(NUMBERS);) {
		uint32_t n = UINT32_MAX;
		ssize_t r =
			corun_read(fds[0], &n, sizeof(n), corun_in(random_next(&seed) % 200000));

		want(corun_now() < lost_ns);
		if (r == -ETIMEDOUT) {
			late++;
			continue;
		}
		want_eq(r, sizeof(n));
		want_eq(n, i);
		i++;
	}
	want(late > 0);
	party_join(&writer);
	pipe_close(fds);
}

START_TEST(a_deadline_beside_the_data)
{
	way_run(_i, read_numbers, NULL);
}
END_TEST

/* ---- a close beside all else
 * ------------------------------------------------------------------------ */

struct round {
	int fd, other;
	struct corun_context *ctx;
	_Atomic int started;
	uint32_t seed;
};

/* It is closed at some time; until then it may be cancelled, late, or have data. */
static void
read_to_the_end(void *arg)
{
	struct round *round = arg;
	char byte;
	ssize_t r;

	atomic_fetch_add(&round->started, 1);
	do {
		r = corun_read_ctx(round->fd, &byte, 1, round->ctx);
	} while (r == 1);
	if (r == -ESTALE)
		r = corun_read(round->fd, &byte, 1, LOST);
	if (r == 1)
		r = corun_read(round->fd, &byte, 1, LOST);
	want_eq(r, -EBADF);
}

static void
write_to_the_end(void *arg)
{
	static const char buf[8192];
	struct round *round = arg;
	ssize_t r;

	atomic_fetch_add(&round->started, 1);
	do {
		r = corun_send(round->fd, buf, sizeof(buf), 0, LOST);
	} while (r > 0);
	want_eq(r, -EBADF);
}

static void
cancel_or_write(void *arg)
{
	struct round *round = arg;

	spend(round->seed % 3000);
	if (round->seed % 3 == 0)
		corun_context_cancel(round->ctx, -ESTALE);
	else if (round->seed % 3 == 1 && corun_send(round->other, "x", 1, 0, LOST) != 1)
		want_eq(corun_send(round->other, "x", 1, 0, LOST), -EPIPE); /* closed already */
}

/* The same numbers again and again, so that each round is the next file of the last one's. */
static void
close_rounds(void *arg)
{
	uint32_t seed = 31;

	(void) arg;
	for (int i = 0; i < ROUNDS(2000); i++) {
		struct party reader, writer, third;
		struct round round = { .seed = random_next(&seed) };
		int fds[2];

		pair_new(SOCK_STREAM, fds);
		round.fd = move_up(fds[0]);
		round.other = fds[1];
		want_eq(round.fd, 500);
		want_eq(corun_context_new(&round.ctx, NULL, CORUN_FOREVER), 0);
		party_start(&reader, read_to_the_end, &round);
		party_start(&writer, write_to_the_end, &round);
		party_start(&third, cancel_or_write, &round);
		/* Before that they would be users of a closed number, which may be anybody's. */
		while (atomic_load(&round.started) < 2)
			corun_yield();
		spend(random_next(&seed) % 5000);
		want_eq(corun_close(round.fd), 0);
		party_join(&reader);
		party_join(&writer);
		party_join(&third);
		want_eq(corun_close(round.other), 0);
		corun_context_unref(round.ctx);
	}
}

START_TEST(a_close_beside_all_else)
{
	way_run(_i, close_rounds, NULL);
}
END_TEST

/* ---- plain threads and coroutines
 * --------------------------------------------------------------------- */

enum { THROWS = 2000 };

static int ball[2];

/* Odd numbers one way, even ones back. */
static void *
throw_from_thread(void *arg)
{
	uint32_t n = 0;

	(void) arg;
	for (uint32_t i = 0; i < ROUNDS(THROWS); i++) {
		want_eq(corun_write(ball[0], &i, sizeof(i), LOST), sizeof(i));
		want_eq(corun_read(ball[0], &n, sizeof(n), LOST), sizeof(n));
		want_eq(n, i + 1);
	}
	return NULL;
}

static void
throw_back(void *arg)
{
	uint32_t n;

	(void) arg;
	for (uint32_t i = 0; i < ROUNDS(THROWS); i++) {
		want_eq(corun_read(ball[1], &n, sizeof(n), LOST), sizeof(n));
		n++;
		want_eq(corun_write(ball[1], &n, sizeof(n), LOST), sizeof(n));
	}
}

START_TEST(a_thread_and_a_coroutine_talk)
{
	struct corun_coroutine *co;
	pthread_t thread;

	pool_start(_i);
	pair_new(SOCK_STREAM, ball);
	co = spawn(throw_back, NULL);
	want_eq(pthread_create(&thread, NULL, throw_from_thread, NULL), 0);
	join(co);
	want_eq(pthread_join(thread, NULL), 0);
	pipe_close(ball);
	pool_stop();
}
END_TEST

static _Atomic bool hog_stop;

static void
hog(void *arg)
{
	(void) arg;
	while (!atomic_load_explicit(&hog_stop, memory_order_relaxed))
		;
}

static void *
cancel_soon(void *arg)
{
	corun_sleep(CORUN_MS);
	corun_context_cancel(arg, -ESTALE);
	return NULL;
}

static void *
close_soon(void *arg)
{
	corun_sleep(CORUN_MS);
	want_eq(corun_close(*(int *) arg), 0);
	return NULL;
}

/* Every worker is stuck in code that never calls: a plain thread needs none of them. */
START_TEST(a_plain_thread_needs_no_worker)
{
	struct corun_context *ctx;
	struct corun_coroutine *hogs[2];
	pthread_t other;
	char byte;

	pool_start(1);
	for (int i = 0; i < 2; i++)
		hogs[i] = spawn(hog, NULL);
	pair_new(SOCK_STREAM, ball);
	want_eq(corun_context_new(&ctx, NULL, CORUN_FOREVER), 0);
	want_eq(corun_read(ball[0], &byte, 1, corun_in(CORUN_MS)), -ETIMEDOUT);
	for (int i = 0; i < 100; i++) {
		want_eq(corun_write(ball[1], "h", 1, LOST), 1);
		want_eq(corun_read_ctx(ball[0], &byte, 1, ctx), 1);
	}
	want_eq(pthread_create(&other, NULL, cancel_soon, ctx), 0);
	want_eq(corun_read_ctx(ball[0], &byte, 1, ctx), -ESTALE);
	want_eq(pthread_join(other, NULL), 0);
	want_eq(pthread_create(&other, NULL, close_soon, &ball[0]), 0);
	want_eq(corun_read(ball[0], &byte, 1, LOST), -EBADF);
	want_eq(pthread_join(other, NULL), 0);
	want_eq(corun_close(ball[1]), 0);
	atomic_store(&hog_stop, true);
	for (int i = 0; i < 2; i++)
		join(hogs[i]);
	corun_context_unref(ctx);
	pool_stop();
}
END_TEST

/* ---- giving way
 * ----------------------------------------------------------------------------------- */

static void
read_zeros(void *arg)
{
	int fd = open("/dev/zero", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char buf[512];

	(void) arg;
	want(fd >= 0);
	while (!atomic_load(&hog_stop))
		want_eq(corun_read(fd, buf, sizeof(buf), LOST), sizeof(buf));
	want_eq(corun_close(fd), 0);
}

static void
stop_it(void *arg)
{
	(void) arg;
	atomic_store(&hog_stop, true);
}

/* One worker, and a coroutine that always finds data: another one has its turn. */
START_TEST(who_always_finds_data_gives_way)
{
	struct corun_coroutine *greedy;
	struct corun_stats stats;

	pool_start(0);
	greedy = spawn(read_zeros, NULL);
	corun_sleep(2 * CORUN_MS);
	want_eq(corun_go(stop_it, NULL), 0);
	join(greedy);
	corun_stats(&stats);
	want(stats.preempted_flag > 0);
	want_eq(stats.handoffs, 0);
	pool_stop();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("io");
	TCase *tc = tcase_create("races");

	tcase_set_timeout(tc, 180);
	tcase_add_loop_test(tc, echo_500_clients, 0, POOLS);
	tcase_add_test(tc, echo_while_the_pool_changes);
	tcase_add_loop_test(tc, a_deadline_beside_the_data, 0, WAYS);
	tcase_add_loop_test(tc, a_close_beside_all_else, 0, WAYS);
	tcase_add_loop_test(tc, a_thread_and_a_coroutine_talk, 0, POOLS);
	tcase_add_test(tc, a_plain_thread_needs_no_worker);
	tcase_add_test(tc, who_always_finds_data_gives_way);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
