/*
 * The table of a task's life: it is total, its drawing in docs/ is the one that it draws, and what
 * must be true of every path through it is.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/task/table.h"
#include "tests/unit/tap.h"

static struct task_step
step(enum task_state state, enum task_goal goal, enum task_event event)
{
	return task_table_step((struct task_life){ .state = state, .goal = goal }, event);
}

/* An entry that was forgotten is zero: "stopped", by policy, nothing to do. */
START_TEST(every_event_has_an_answer_in_every_state)
{
	for (int state = 0; state < TASK_N_STATES; state++)
		for (int event = 0; event < TASK_N_EVENTS; event++)
			for (int goal = 0; goal < TASK_GOAL_KEEP; goal++) {
				struct task_step s = step(state, goal, event);
				bool to_stopped = s.life.state == TASK_STOPPED;
				bool may_stop = event == TASK_ASKED_STOP ||
						event == TASK_GONE_DONE || state == TASK_STOPPED;

				ck_assert_msg(!to_stopped || may_stop, "%s x %s leads to stopped",
					      task_state_name(state), task_event_name(event));
				ck_assert_int_lt(s.life.state, TASK_N_STATES);
				ck_assert_int_lt(s.life.goal, TASK_GOAL_KEEP);
			}
}
END_TEST

START_TEST(what_does_not_exist_changes_nothing)
{
	struct task_step s = step(TASK_RUNNING, TASK_GOAL_POLICY, TASK_N_EVENTS);

	ck_assert_int_eq(s.life.state, TASK_RUNNING);
	ck_assert_int_eq(s.action, TASK_DO_NOTHING);
	s = step((enum task_state) TASK_N_STATES, TASK_GOAL_POLICY, TASK_ASKED_START);
	ck_assert_int_eq(s.life.state, TASK_N_STATES);
	ck_assert_int_eq(s.action, TASK_DO_NOTHING);
}
END_TEST

/* A state and what must be done on the way into it go together. */
START_TEST(states_and_actions_agree)
{
	for (int state = 0; state < TASK_N_STATES; state++)
		for (int event = 0; event < TASK_N_EVENTS; event++) {
			struct task_step s = step(state, TASK_GOAL_POLICY, event);
			enum task_action expected = TASK_DO_NOTHING;

			if ((int) s.life.state != state)
				expected = s.life.state == TASK_STARTING   ? TASK_DO_START
					   : s.life.state == TASK_STOPPING ? TASK_DO_TERMINATE
					   : s.life.state == TASK_KILLING  ? TASK_DO_KILL
					   : s.life.state == TASK_WAITING  ? TASK_DO_DELAY
									   : TASK_DO_NOTHING;
			else if (state == TASK_STARTING && event == TASK_GONE_AGAIN)
				expected = TASK_DO_START;
			ck_assert_msg(s.action == expected, "%s x %s: %s", task_state_name(state),
				      task_event_name(event), task_action_name(s.action));
		}
}
END_TEST

static bool
is_alive(enum task_state state)
{
	return state == TASK_STARTING || state == TASK_RUNNING || state == TASK_STOPPING ||
	       state == TASK_KILLING || state == TASK_STUCK;
}

/* After a stop nobody asks for anything; it ends, is killed, or is given up, in any order. */
static void
check_stops(struct task_life life, int depth)
{
	static const enum task_event may_come[] = { TASK_STARTED, TASK_LEFT, TASK_DUE, TASK_LATE,
						    TASK_GIVEN_UP };
	struct task_end end = { .any = true, .code = 1 };
	enum task_event gone = task_table_gone(life.goal, RESTART_ALWAYS, &end);

	if (life.state == TASK_STOPPED)
		return;
	ck_assert_msg(is_alive(life.state), "a stop leads to %s", task_state_name(life.state));
	ck_assert_int_ne(life.state, TASK_RUNNING);
	ck_assert_int_eq(gone, TASK_GONE_DONE);
	ck_assert_int_eq(task_table_step(life, gone).life.state, TASK_STOPPED);
	for (size_t i = 0; depth > 0 && i < sizeof(may_come) / sizeof(may_come[0]); i++)
		check_stops(task_table_step(life, may_come[i]).life, depth - 1);
	ck_assert_int_eq(task_table_step(life, TASK_GIVEN_UP).life.state, TASK_STUCK);
}

START_TEST(a_stop_leads_to_stopped_or_stuck_from_everywhere)
{
	for (int state = 0; state < TASK_N_STATES; state++)
		for (int goal = 0; goal < TASK_GOAL_KEEP; goal++)
			check_stops(step(state, goal, TASK_ASKED_STOP).life, 4);
}
END_TEST

/* Whatever comes, in any order: two starts without an end between them would be two processes. */
START_TEST(it_never_runs_twice)
{
	struct task_life life = { .state = TASK_STOPPED };
	bool lives = false;
	unsigned random = 1;

	for (int i = 0; i < 200000; i++) {
		enum task_event event;
		struct task_step s;

		random = random * 1103515245 + 12345;
		event = (random >> 16) % TASK_N_EVENTS;
		/* The driver tells of an end only where there is something to end. */
		if (!lives && event >= TASK_GONE_DONE)
			continue;
		if (event >= TASK_GONE_DONE)
			lives = false;
		s = task_table_step(life, event);
		if (s.action == TASK_DO_START) {
			ck_assert_msg(!lives, "%s x %s starts it twice",
				      task_state_name(life.state), task_event_name(event));
			lives = true;
		}
		life = s.life;
		ck_assert_int_eq(is_alive(life.state), lives);
	}
}
END_TEST

static const struct {
	enum restart_policy policy;
	int code, signal;
	enum task_event event;
} ends[] = {
	{ RESTART_NO, 0, 0, TASK_GONE_DONE },
	{ RESTART_NO, 1, 0, TASK_GONE_FAILED },
	{ RESTART_NO, -1, SIGTERM, TASK_GONE_DONE },
	{ RESTART_NO, -1, SIGKILL, TASK_GONE_FAILED },
	{ RESTART_ON_SUCCESS, 0, 0, TASK_GONE_RETRY },
	{ RESTART_ON_SUCCESS, -1, SIGPIPE, TASK_GONE_RETRY },
	{ RESTART_ON_SUCCESS, 3, 0, TASK_GONE_FAILED },
	{ RESTART_ON_FAILURE, 0, 0, TASK_GONE_DONE },
	{ RESTART_ON_FAILURE, -1, SIGHUP, TASK_GONE_DONE },
	{ RESTART_ON_FAILURE, 3, 0, TASK_GONE_RETRY },
	{ RESTART_ON_FAILURE, -1, SIGSEGV, TASK_GONE_RETRY },
	{ RESTART_ON_ABNORMAL, 3, 0, TASK_GONE_FAILED },
	{ RESTART_ON_ABNORMAL, -1, SIGINT, TASK_GONE_DONE },
	{ RESTART_ON_ABNORMAL, -1, SIGABRT, TASK_GONE_RETRY },
	{ RESTART_ALWAYS, 0, 0, TASK_GONE_RETRY },
	{ RESTART_ALWAYS, -1, SIGTERM, TASK_GONE_RETRY },
};

START_TEST(restart_means_what_systemd_says)
{
	struct task_end end = { .any = true, .code = ends[_i].code, .signal = ends[_i].signal };

	ck_assert_int_eq(task_table_gone(TASK_GOAL_POLICY, ends[_i].policy, &end), ends[_i].event);
	ck_assert_int_eq(task_table_gone(TASK_GOAL_DOWN, ends[_i].policy, &end), TASK_GONE_DONE);
	ck_assert_int_eq(task_table_gone(TASK_GOAL_AGAIN, ends[_i].policy, &end), TASK_GONE_AGAIN);
}
END_TEST

START_TEST(what_cannot_start_has_failed)
{
	struct task_end none = { 0 };

	ck_assert_int_eq(task_table_gone(TASK_GOAL_POLICY, RESTART_ON_FAILURE, &none),
			 TASK_GONE_RETRY);
	ck_assert_int_eq(task_table_gone(TASK_GOAL_POLICY, RESTART_NO, &none), TASK_GONE_FAILED);
	ck_assert_int_eq(task_table_gone(TASK_GOAL_POLICY, RESTART_ON_ABNORMAL, &none),
			 TASK_GONE_FAILED);
}
END_TEST

START_TEST(the_drawing_is_that_of_the_table)
{
	char *drawing, *page, path[4096];
	size_t len, n;
	FILE *out = open_memstream(&drawing, &len), *file;

	task_table_draw(out);
	fclose(out);
	snprintf(path, sizeof(path), "%s/docs/task-states.md", getenv("CORUN_TOP_SRCDIR"));
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	page = calloc(1, 65536);
	n = fread(page, 1, 65535, file);
	fclose(file);
	ck_assert_uint_gt(n, 0);
	ck_assert_msg(
		strstr(page, drawing) != NULL,
		"docs/task-states.md does not hold the table; `test_task_table --draw` prints:\n%s",
		drawing);
	free(page);
	free(drawing);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("task_table");
	TCase *tcase = tcase_create("table");

	if (argc > 1 && strcmp(argv[1], "--draw") == 0) {
		task_table_draw(stdout);
		return 0;
	}
	tcase_add_test(tcase, every_event_has_an_answer_in_every_state);
	tcase_add_test(tcase, what_does_not_exist_changes_nothing);
	tcase_add_test(tcase, states_and_actions_agree);
	tcase_add_test(tcase, a_stop_leads_to_stopped_or_stuck_from_everywhere);
	tcase_add_test(tcase, it_never_runs_twice);
	tcase_add_loop_test(tcase, restart_means_what_systemd_says, 0,
			    sizeof(ends) / sizeof(ends[0]));
	tcase_add_test(tcase, what_cannot_start_has_failed);
	tcase_add_test(tcase, the_drawing_is_that_of_the_table);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
