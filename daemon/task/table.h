#pragma once

/*
 * Table - a task's life: state x event -> next state, and what to do
 *
 * Pure and total: every event has an entry in every state, so nothing that happens to a task, in
 * whatever order, has no answer. The supervisor (task.c) turns what happens into events and carries
 * out the actions; it decides nothing of this itself. docs/task-states.md is drawn from here.
 *
 * Adding to it: a new event is a column, which the compiler asks for in each state; a readiness
 * protocol needs no more than to send TASK_STARTED later, and a oneshot to send TASK_GONE_DONE.
 */

#include <stdbool.h>
#include <stdio.h>

#include "daemon/config/config.h"
#include "daemon/task/task.h"

enum { TASK_N_STATES = TASK_STUCK + 1 };

enum task_event {
	/* what somebody asks for */
	TASK_ASKED_START,
	TASK_ASKED_STOP,
	TASK_ASKED_RESTART,
	/* what happened */
	TASK_STARTED,  /* exec has succeeded; a module runs */
	TASK_LEFT,     /* its process has ended by itself and has left others behind */
	TASK_DUE,      /* the delay before the restart is over */
	TASK_LATE,     /* it has not ended within TimeoutStopSec=, and can be killed */
	TASK_GIVEN_UP, /* it does not end, whatever is done */
	/* nothing of it lives, or it could not be started: which one is task_table_gone()'s to say */
	TASK_GONE_DONE,   /* and that is all right */
	TASK_GONE_FAILED, /* badly, and it is not to be restarted */
	TASK_GONE_RETRY,  /* Restart= wants it again, after a delay */
	TASK_GONE_AGAIN,  /* somebody wants it again, at once */
	TASK_N_EVENTS,
};

/* What is to follow once it is gone. */
enum task_goal {
	TASK_GOAL_POLICY, /* what Restart= says */
	TASK_GOAL_DOWN,   /* nothing: it was told to stop */
	TASK_GOAL_AGAIN,  /* another start */
	TASK_GOAL_KEEP,   /* in the table only: what it was */
};

enum task_action {
	TASK_DO_NOTHING,
	TASK_DO_START,     /* spawn it, load it */
	TASK_DO_TERMINATE, /* ask all of it to end; TimeoutStopSec= begins */
	TASK_DO_KILL,      /* kill all of it; the last wait begins */
	TASK_DO_DELAY,     /* the delay before the restart begins */
};

struct task_life {
	enum task_state state;
	enum task_goal goal;
};

struct task_step {
	struct task_life life; /* what it is now */
	enum task_action action;
};

/** task_table_step() - what follows; numbers out of range change nothing */
struct task_step task_table_step(struct task_life life, enum task_event event);

/**
 * task_table_gone() - which of the four TASK_GONE_... it is
 * @end: how it ended; !any: it could not be started, which counts as a failure
 */
enum task_event task_table_gone(enum task_goal goal, enum restart_policy policy,
				const struct task_end *end);

/** task_end_clean() - exit code 0, or one of the signals that systemd calls clean */
bool task_end_clean(const struct task_end *end);

/** task_event_name() and the like - a word, as in the drawing; static storage */
const char *task_event_name(enum task_event event);
const char *task_action_name(enum task_action action);
const char *task_goal_name(enum task_goal goal);

/** task_table_draw() - the table as docs/task-states.md shows it */
void task_table_draw(FILE *out);
