/* Reaper: nobody's end is lost, whoever is faster. */

#include "daemon/process/reaper.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "tests/unit/child.h"

/* ---- the control thread ---------------------------------------------------------------------- */

static struct {
	pthread_t thread;
	int signal_fd;
	int stop_fd;
} control;

static void *
control_main(void *arg)
{
	struct pollfd p[2] = {
		{ .fd = control.signal_fd, .events = POLLIN },
		{ .fd = control.stop_fd, .events = POLLIN },
	};

	(void) arg;
	while (!(p[1].revents & POLLIN)) {
		struct signalfd_siginfo info;

		while (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents & POLLIN) {
			ck_assert_int_eq(read(control.signal_fd, &info, sizeof(info)),
					 sizeof(info));
			reaper_run();
		}
	}
	return NULL;
}

static void
control_start(void)
{
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &chld, NULL), 0);
	control.signal_fd = signalfd(-1, &chld, SFD_CLOEXEC);
	control.stop_fd = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_eq(reaper_open(), 0);
	ck_assert_int_eq(pthread_create(&control.thread, NULL, control_main, NULL), 0);
}

static void
control_stop(void)
{
	ck_assert_int_eq(eventfd_write(control.stop_fd, 1), 0);
	ck_assert_int_eq(pthread_join(control.thread, NULL), 0);
	close(control.stop_fd);
	close(control.signal_fd);
}

/* ---- who starts ------------------------------------------------------------------------------ */

struct end {
	_Atomic bool ended;
	int status;
};

static void
ended(void *arg, int status)
{
	struct end *end = arg;

	ck_assert_msg(!atomic_load(&end->ended), "an end was told twice");
	end->status = status;
	atomic_store(&end->ended, true);
}

static int
status_of(struct end *end)
{
	uint64_t until_ns = corun_in(PATIENCE);

	while (!atomic_load(&end->ended)) {
		ck_assert_msg(corun_now() < until_ns, "an end was lost");
		corun_sleep(CORUN_MS);
	}
	return end->status;
}

static void
wait_for_orphans(uint64_t n)
{
	uint64_t until_ns = corun_in(PATIENCE);

	while (reaper_orphans() < n) {
		ck_assert_msg(corun_now() < until_ns, "an orphan was left");
		corun_sleep(CORUN_MS);
	}
	ck_assert_uint_eq(reaper_orphans(), n);
}

/* A child that is in all likelihood over before anybody claims it. */
static void
start(const char *script, struct spawn_result *child)
{
	struct spawn_plan plan = plan_of(SHELL(script));

	ck_assert_int_eq(spawn(&plan, child), 0);
	close(child->pidfd);
}

/* It has ended and nobody has waited for it. */
static void
wait_for_zombie(pid_t pid)
{
	siginfo_t info;

	ck_assert_int_eq(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
}

static void
tells(void *arg)
{
	struct end end = { 0 };
	struct spawn_result child;

	(void) arg;
	reaper_begin();
	start("kill -9 $$", &child);
	ck_assert_int_eq(reaper_claim(child.pid, ended, &end), 0);
	ck_assert_int_eq(status_of(&end), SIGKILL);
	ck_assert_uint_eq(reaper_orphans(), 0);
}

START_TEST(test_tells)
{
	control_start();
	run_from(_i, tells, NULL);
	control_stop();
}
END_TEST

/* The control thread sees its end long before the claim, and must wait for that. */
static void
keeps_until_claimed(void *arg)
{
	struct end end = { 0 }, other = { 0 };
	struct spawn_result child, second;

	(void) arg;
	reaper_begin();
	start("exit 5", &child);
	wait_for_zombie(child.pid);
	/* Somebody else's end is told in the meantime, behind the one that waits. */
	reaper_begin();
	start("exit 6", &second);
	wait_for_zombie(second.pid);
	ck_assert_int_eq(reaper_claim(second.pid, ended, &other), 0);
	ck_assert_int_eq(status_of(&other), 6 << 8);
	wait_for_zombie(child.pid);
	ck_assert_int_eq(reaper_claim(child.pid, ended, &end), 0);
	ck_assert_int_eq(status_of(&end), 5 << 8);
	ck_assert_uint_eq(reaper_orphans(), 0);
}

START_TEST(test_keeps_until_claimed)
{
	control_start();
	run_from(_i, keeps_until_claimed, NULL);
	control_stop();
}
END_TEST

/* A start that fails waits for its child by itself, under the reaper's eyes. */
static void
leaves_failed_starts_alone(void *arg)
{
	struct spawn_plan plan = plan_of(ARGV("/no/such/file"));
	struct spawn_result child;

	(void) arg;
	for (int i = 0; i < 50; i++) {
		reaper_begin();
		ck_assert_int_eq(spawn(&plan, &child), -ENOENT);
		reaper_give_up();
	}
	ck_assert_uint_eq(reaper_orphans(), 0);
}

START_TEST(test_leaves_failed_starts_alone)
{
	control_start();
	run_from(_i, leaves_failed_starts_alone, NULL);
	control_stop();
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

/* Grandchildren whose parents ended come to us, also while somebody starts. */
static void
reaps_orphans(void *arg)
{
	struct spawn_plan plan = plan_of(SHELL("for i in 1 2 3; do sleep 0.01 & done; exit 0"));
	struct spawn_result child;
	struct end end = { 0 };
	int ends[2];
	char byte;

	(void) arg;
	/* Each of them holds the pipe until it has ended. */
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	plan.fd_stdout = ends[1];
	reaper_begin();
	ck_assert_int_eq(spawn(&plan, &child), 0);
	close(child.pidfd);
	close(ends[1]);
	ck_assert_int_eq(reaper_claim(child.pid, ended, &end), 0);
	ck_assert_int_eq(status_of(&end), 0);

	reaper_begin();
	ck_assert_int_eq(read(ends[0], &byte, 1), 0);
	reaper_give_up();
	close(ends[0]);
	wait_for_orphans(3);
}

START_TEST(test_reaps_orphans)
{
	control_start();
	run_from(_i, reaps_orphans, NULL);
	control_stop();
}
END_TEST

enum { STARTERS = 8, STARTS = 25 };

static void
start_many(void *arg)
{
	struct spawn_plan bad = plan_of(ARGV("/no/such/file"));
	struct end ends[STARTS] = { 0 };
	struct spawn_result child;

	(void) arg;
	for (int i = 0; i < STARTS; i++) {
		/* Every one leaves an orphan behind, too. */
		reaper_begin();
		start("(exit 1) & exit 2", &child);
		ck_assert_int_eq(reaper_claim(child.pid, ended, &ends[i]), 0);
		reaper_begin();
		ck_assert_int_eq(spawn(&bad, &child), -ENOENT);
		reaper_give_up();
	}
	for (int i = 0; i < STARTS; i++)
		ck_assert_int_eq(status_of(&ends[i]), 2 << 8);
}

static void
start_very_many(void *arg)
{
	struct corun_coroutine *co[STARTERS];

	(void) arg;
	for (int i = 0; i < STARTERS; i++)
		ck_assert_int_eq(corun_spawn(&co[i], NULL, start_many, NULL), 0);
	for (int i = 0; i < STARTERS; i++)
		ck_assert_int_eq(corun_join(co[i], corun_in(PATIENCE)), 0);
	/* One that ended before its parent is a zombie until then, and an orphan after it. */
	wait_for_orphans(STARTERS * STARTS);
}

START_TEST(test_many_at_once)
{
	control_start();
	run_from(FROM_COROUTINE, start_very_many, NULL);
	control_stop();
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

/* As some start their services: then the kernel would keep no statuses. */
START_TEST(test_sigchld_was_ignored)
{
	signal(SIGCHLD, SIG_IGN);
	control_start();
	run_from(FROM_COROUTINE, tells, NULL);
	control_stop();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("reaper");
	TCase *tc = tcase_create("reaper");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_loop_test(tc, test_tells, 0, FROMS);
	tcase_add_loop_test(tc, test_keeps_until_claimed, 0, FROMS);
	tcase_add_loop_test(tc, test_leaves_failed_starts_alone, 0, FROMS);
	tcase_add_loop_test(tc, test_reaps_orphans, 0, FROMS);
	tcase_add_test(tc, test_many_at_once);
	tcase_add_test(tc, test_sigchld_was_ignored);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
