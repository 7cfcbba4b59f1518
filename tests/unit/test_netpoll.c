/* Netpoll: breaking a poll, and what the rest of the runtime leans on there. */

#include "runtime/netpoll.h"

#include <stdatomic.h>

#include "tests/unit/ways.h"

/* A poll that takes longer has missed its break; the polls themselves would wait for 20 s. */
#define PROMPT (5 * CORUN_S)

static void
poll_promptly(void)
{
	uint64_t start_ns = corun_now();

	want(netpoll_poll(LOST) == NULL);
	ck_assert_msg(corun_now() - start_ns < PROMPT, "a poll of 20 s took %llu ms, not none",
		      (unsigned long long) ((corun_now() - start_ns) / CORUN_MS));
}

START_TEST(a_break_ends_a_poll)
{
	want_eq(netpoll_start(), 0);
	for (int i = 0; i < 3; i++) {
		netpoll_break();
		poll_promptly();
	}
	for (int i = 0; i < 1000; i++)
		netpoll_break();
	poll_promptly();
	netpoll_stop();
}
END_TEST

START_TEST(breaks_are_not_saved_up)
{
	uint64_t until;

	want_eq(netpoll_start(), 0);
	for (int i = 0; i < 1000; i++)
		netpoll_break();
	poll_promptly();
	until = corun_in(20 * CORUN_MS);
	want(netpoll_poll(until) == NULL);
	want(corun_now() >= until);
	netpoll_stop();
}
END_TEST

/* It is for who waits, or is about to. */
START_TEST(a_look_does_not_take_the_break)
{
	want_eq(netpoll_start(), 0);
	netpoll_break();
	for (int i = 0; i < 3; i++)
		want(netpoll_poll(CORUN_NOW) == NULL);
	poll_promptly();
	netpoll_stop();
}
END_TEST

START_TEST(a_break_works_after_a_restart)
{
	for (int i = 0; i < 3; i++) {
		want_eq(netpoll_start(), 0);
		netpoll_break();
		if (i != 1)
			poll_promptly();
		netpoll_stop();
	}
}
END_TEST

static _Atomic bool stop;

static void *
break_often(void *arg)
{
	(void) arg;
	while (!atomic_load(&stop))
		netpoll_break();
	return NULL;
}

static void *
look_often(void *arg)
{
	(void) arg;
	while (!atomic_load(&stop))
		want(netpoll_poll(CORUN_NOW) == NULL);
	return NULL;
}

START_TEST(many_breaks_beside_many_looks)
{
	pthread_t breakers[2], looker;

	want_eq(netpoll_start(), 0);
	for (int i = 0; i < 2; i++)
		want_eq(pthread_create(&breakers[i], NULL, break_often, NULL), 0);
	want_eq(pthread_create(&looker, NULL, look_often, NULL), 0);
	for (int i = 0; i < ROUNDS(10000); i++)
		poll_promptly();
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(breakers[i], NULL);
	pthread_join(looker, NULL);
	netpoll_stop();
}
END_TEST

/* ---- by way of the scheduler
 * --------------------------------------------------------------------- */

static int fds[2];
static _Atomic int received;

static void
wait_for_pipe(void *arg)
{
	char byte;

	(void) arg;
	for (int i = 0; i < ROUNDS(200); i++) {
		want_eq(corun_read(fds[0], &byte, 1, LOST), 1);
		atomic_fetch_add(&received, 1);
	}
}

static void
write_to_pipe(void *arg)
{
	(void) arg;
	want_eq(corun_write(fds[1], "t", 1, LOST), 1);
}

/*
 * While all sleep, one thread of them in epoll and without an end, a plain thread arms a timer: it
 * comes when it is due. After a restart of the runtime likewise.
 */
START_TEST(a_timer_from_elsewhere_comes_in_time)
{
	for (int start = 0; start < 3; start++) {
		struct corun_coroutine *reader;

		pool_start(_i);
		pipe_new(fds);
		atomic_store(&received, 0);
		reader = spawn(wait_for_pipe, NULL);
		for (int i = 0; i < ROUNDS(200); i++) {
			uint64_t due_ns = corun_in(300 * CORUN_US);

			want_eq(corun_timer_start(NULL, due_ns, write_to_pipe, NULL), 0);
			while (atomic_load(&received) <= i)
				ck_assert_msg(corun_now() < due_ns + PROMPT,
					      "start %d, timer %d is %llu ms late", start, i,
					      (unsigned long long) (PROMPT / CORUN_MS));
			want(corun_now() >= due_ns);
		}
		join(reader);
		pipe_close(fds);
		pool_stop();
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("netpoll");
	TCase *tc = tcase_create("break");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_break_ends_a_poll);
	tcase_add_test(tc, breaks_are_not_saved_up);
	tcase_add_test(tc, a_look_does_not_take_the_break);
	tcase_add_test(tc, a_break_works_after_a_restart);
	tcase_add_test(tc, many_breaks_beside_many_looks);
	tcase_add_loop_test(tc, a_timer_from_elsewhere_comes_in_time, 0, POOLS);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
