/* Table - the states of a task; see table.h */

#include "daemon/task/table.h"

#include <signal.h>
#include <string.h>

struct entry {
	enum task_state next;
	enum task_goal goal;
	enum task_action action;
};

#define GO(next, goal, action)                                                                     \
	{                                                                                          \
		TASK_##next, TASK_GOAL_##goal, TASK_DO_##action                                    \
	}
#define STAY(state) GO(state, KEEP, NOTHING)

/* What is the same wherever a task is gone. A start follows Restart= from then on. */
#define GONE                                                                                       \
	[TASK_GONE_DONE] = GO(STOPPED, POLICY, NOTHING),                                           \
	[TASK_GONE_FAILED] = GO(FAILED, POLICY, NOTHING),                                          \
	[TASK_GONE_RETRY] = GO(WAITING, POLICY, DELAY),                                            \
	[TASK_GONE_AGAIN] = GO(STARTING, POLICY, START)

/* Where nothing of it lives, so that none of this can come but late. */
#define NOTHING_LIVES(state)                                                                       \
	[TASK_STARTED] = STAY(state), [TASK_LEFT] = STAY(state), [TASK_LATE] = STAY(state),        \
	[TASK_GIVEN_UP] = STAY(state), [TASK_GONE_DONE] = STAY(state),                             \
	[TASK_GONE_FAILED] = STAY(state), [TASK_GONE_RETRY] = STAY(state),                         \
	[TASK_GONE_AGAIN] = STAY(state)

static const struct entry table[TASK_N_STATES][TASK_N_EVENTS] = {
	[TASK_STOPPED] = {
		[TASK_ASKED_START] = GO(STARTING, POLICY, START),
		[TASK_ASKED_STOP] = STAY(STOPPED),
		[TASK_ASKED_RESTART] = GO(STARTING, POLICY, START),
		[TASK_DUE] = STAY(STOPPED),
		NOTHING_LIVES(STOPPED),
	},
	[TASK_FAILED] = {
		[TASK_ASKED_START] = GO(STARTING, POLICY, START),
		[TASK_ASKED_STOP] = GO(STOPPED, POLICY, NOTHING),
		[TASK_ASKED_RESTART] = GO(STARTING, POLICY, START),
		[TASK_DUE] = STAY(FAILED),
		NOTHING_LIVES(FAILED),
	},
	[TASK_WAITING] = {
		[TASK_ASKED_START] = GO(STARTING, POLICY, START),
		[TASK_ASKED_STOP] = GO(STOPPED, POLICY, NOTHING),
		[TASK_ASKED_RESTART] = GO(STARTING, POLICY, START),
		[TASK_DUE] = GO(STARTING, POLICY, START),
		NOTHING_LIVES(WAITING),
	},
	[TASK_STARTING] = {
		[TASK_ASKED_START] = STAY(STARTING),
		[TASK_ASKED_STOP] = GO(STOPPING, DOWN, TERMINATE),
		[TASK_ASKED_RESTART] = GO(STOPPING, AGAIN, TERMINATE),
		[TASK_STARTED] = GO(RUNNING, POLICY, NOTHING),
		[TASK_LEFT] = GO(STOPPING, POLICY, TERMINATE),
		[TASK_DUE] = STAY(STARTING),
		[TASK_LATE] = GO(KILLING, POLICY, KILL),
		[TASK_GIVEN_UP] = GO(STUCK, KEEP, NOTHING),
		GONE,
	},
	[TASK_RUNNING] = {
		[TASK_ASKED_START] = STAY(RUNNING),
		[TASK_ASKED_STOP] = GO(STOPPING, DOWN, TERMINATE),
		[TASK_ASKED_RESTART] = GO(STOPPING, AGAIN, TERMINATE),
		[TASK_STARTED] = STAY(RUNNING),
		[TASK_LEFT] = GO(STOPPING, POLICY, TERMINATE),
		[TASK_DUE] = STAY(RUNNING),
		[TASK_LATE] = STAY(RUNNING),
		[TASK_GIVEN_UP] = STAY(RUNNING),
		GONE,
	},
	[TASK_STOPPING] = {
		[TASK_ASKED_START] = GO(STOPPING, AGAIN, NOTHING),
		[TASK_ASKED_STOP] = GO(STOPPING, DOWN, NOTHING),
		[TASK_ASKED_RESTART] = GO(STOPPING, AGAIN, NOTHING),
		[TASK_STARTED] = STAY(STOPPING),
		[TASK_LEFT] = STAY(STOPPING),
		[TASK_DUE] = STAY(STOPPING),
		[TASK_LATE] = GO(KILLING, KEEP, KILL),
		[TASK_GIVEN_UP] = GO(STUCK, KEEP, NOTHING),
		GONE,
	},
	[TASK_KILLING] = {
		[TASK_ASKED_START] = GO(KILLING, AGAIN, NOTHING),
		[TASK_ASKED_STOP] = GO(KILLING, DOWN, NOTHING),
		[TASK_ASKED_RESTART] = GO(KILLING, AGAIN, NOTHING),
		[TASK_STARTED] = STAY(KILLING),
		[TASK_LEFT] = STAY(KILLING),
		[TASK_DUE] = STAY(KILLING),
		[TASK_LATE] = STAY(KILLING),
		[TASK_GIVEN_UP] = GO(STUCK, KEEP, NOTHING),
		GONE,
	},
	/* Start and restart are refused, so they leave no wish behind. */
	[TASK_STUCK] = {
		[TASK_ASKED_START] = STAY(STUCK),
		[TASK_ASKED_STOP] = GO(STUCK, DOWN, NOTHING),
		[TASK_ASKED_RESTART] = STAY(STUCK),
		[TASK_STARTED] = STAY(STUCK),
		[TASK_LEFT] = STAY(STUCK),
		[TASK_DUE] = STAY(STUCK),
		[TASK_LATE] = STAY(STUCK),
		[TASK_GIVEN_UP] = STAY(STUCK),
		GONE,
	},
};

/* ---- deciding ---------------------------------------------------------------------------------- */

struct task_step
task_table_step(struct task_life life, enum task_event event)
{
	const struct entry *entry;

	if ((unsigned) life.state >= TASK_N_STATES || (unsigned) event >= TASK_N_EVENTS)
		return (struct task_step){ .life = life, .action = TASK_DO_NOTHING };
	entry = &table[life.state][event];
	return (struct task_step){
		.life = { .state = entry->next,
			  .goal = entry->goal == TASK_GOAL_KEEP ? life.goal : entry->goal },
		.action = entry->action,
	};
}

bool
task_end_clean(const struct task_end *end)
{
	if (!end->any)
		return false;
	if (end->signal == 0)
		return end->code == 0;
	/* as systemd.service(5), "Restart=" */
	return end->signal == SIGHUP || end->signal == SIGINT || end->signal == SIGTERM ||
	       end->signal == SIGPIPE;
}

static bool
is_wanted_again(enum restart_policy policy, const struct task_end *end)
{
	switch (policy) {
	case RESTART_ALWAYS:
		return true;
	case RESTART_ON_SUCCESS:
		return task_end_clean(end);
	case RESTART_ON_FAILURE:
		return !task_end_clean(end);
	case RESTART_ON_ABNORMAL:
		return end->any && end->signal != 0 && !task_end_clean(end);
	case RESTART_NO:
		break;
	}
	return false;
}

enum task_event
task_table_gone(enum task_goal goal, enum restart_policy policy, const struct task_end *end)
{
	if (goal == TASK_GOAL_DOWN)
		return TASK_GONE_DONE;
	if (goal == TASK_GOAL_AGAIN)
		return TASK_GONE_AGAIN;
	if (is_wanted_again(policy, end))
		return TASK_GONE_RETRY;
	return task_end_clean(end) ? TASK_GONE_DONE : TASK_GONE_FAILED;
}

/* ---- names ------------------------------------------------------------------------------------- */

const char *
task_state_name(enum task_state state)
{
	static const char *const names[TASK_N_STATES] = {
		[TASK_STOPPED] = "stopped",   [TASK_STARTING] = "starting",
		[TASK_RUNNING] = "running",   [TASK_WAITING] = "waiting",
		[TASK_STOPPING] = "stopping", [TASK_KILLING] = "killing",
		[TASK_FAILED] = "failed",     [TASK_STUCK] = "stuck",
	};

	return (unsigned) state < TASK_N_STATES ? names[state] : "unknown";
}

const char *
task_event_name(enum task_event event)
{
	static const char *const names[TASK_N_EVENTS] = {
		[TASK_ASKED_START] = "start",
		[TASK_ASKED_STOP] = "stop",
		[TASK_ASKED_RESTART] = "restart",
		[TASK_STARTED] = "started",
		[TASK_LEFT] = "left",
		[TASK_DUE] = "due",
		[TASK_LATE] = "late",
		[TASK_GIVEN_UP] = "given up",
		[TASK_GONE_DONE] = "done",
		[TASK_GONE_FAILED] = "ended badly",
		[TASK_GONE_RETRY] = "retry",
		[TASK_GONE_AGAIN] = "again",
	};

	return (unsigned) event < TASK_N_EVENTS ? names[event] : "unknown";
}

const char *
task_action_name(enum task_action action)
{
	switch (action) {
	case TASK_DO_NOTHING:
		return "";
	case TASK_DO_START:
		return "start it";
	case TASK_DO_TERMINATE:
		return "ask it to end";
	case TASK_DO_KILL:
		return "kill it";
	case TASK_DO_DELAY:
		return "wait";
	}
	return "unknown";
}

const char *
task_goal_name(enum task_goal goal)
{
	switch (goal) {
	case TASK_GOAL_POLICY:
		return "as Restart= says";
	case TASK_GOAL_DOWN:
		return "stay down";
	case TASK_GOAL_AGAIN:
		return "start again";
	case TASK_GOAL_KEEP:
		return "";
	}
	return "unknown";
}

/* ---- the drawing ------------------------------------------------------------------------------- */

static bool
is_nothing(enum task_state state, const struct entry *entry)
{
	return entry->next == state && entry->goal == TASK_GOAL_KEEP &&
	       entry->action == TASK_DO_NOTHING;
}

/* One arrow for all events that lead from one state to another. */
static void
draw_arrow(FILE *out, enum task_state from, enum task_state to)
{
	const char *separator = ": ";
	bool any = false;

	for (int event = 0; event < TASK_N_EVENTS; event++) {
		if (table[from][event].next != to || from == to)
			continue;
		if (!any)
			fprintf(out, "    %s --> %s", task_state_name(from), task_state_name(to));
		fprintf(out, "%s%s", separator, task_event_name(event));
		separator = ", ";
		any = true;
	}
	if (any)
		fprintf(out, "\n");
}

static void
draw_entry(FILE *out, enum task_state state, const struct entry *entry)
{
	const char *action = task_action_name(entry->action);
	const char *goal = task_goal_name(entry->goal);

	if (is_nothing(state, entry)) {
		fprintf(out, " |");
		return;
	}
	fprintf(out, " %s%s%s", entry->next == state ? "(stays)" : task_state_name(entry->next),
		*action ? "; " : "", action);
	/* What else it could be: the rest of the states has no use for a goal. */
	if (*goal && (entry->next == TASK_STOPPING || entry->next == TASK_KILLING ||
		      entry->next == TASK_STUCK))
		fprintf(out, "; then %s", goal);
	fprintf(out, " |");
}

void
task_table_draw(FILE *out)
{
	fprintf(out, "```mermaid\nstateDiagram-v2\n    [*] --> stopped\n");
	for (int from = 0; from < TASK_N_STATES; from++)
		for (int to = 0; to < TASK_N_STATES; to++)
			draw_arrow(out, from, to);
	fprintf(out, "```\n\n| event |");
	for (int state = 0; state < TASK_N_STATES; state++)
		fprintf(out, " %s |", task_state_name(state));
	fprintf(out, "\n|---|");
	for (int state = 0; state < TASK_N_STATES; state++)
		fprintf(out, "---|");
	fprintf(out, "\n");
	for (int event = 0; event < TASK_N_EVENTS; event++) {
		fprintf(out, "| %s |", task_event_name(event));
		for (int state = 0; state < TASK_N_STATES; state++)
			draw_entry(out, state, &table[state][event]);
		fprintf(out, "\n");
	}
}
