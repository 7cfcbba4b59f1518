#pragma once

/*
 * Three tasks for the tests of the server: "nginx" does what it is asked, "slow" answers when the
 * test lets it, "hung" is stuck.
 */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/task/tasks.h"

struct task {
	struct task_config config;
	struct task_status status;
	struct task_request *asked;
};

static struct task standin[3];

static inline void
standin_open(void)
{
	static char names[3][8] = { "hung", "nginx", "slow" };
	static char file[] = "/etc/corun/tasks.d/x.task";

	memset(standin, 0, sizeof(standin));
	for (int i = 0; i < 3; i++) {
		standin[i].config.name = names[i];
		standin[i].config.file = file;
		strcpy(standin[i].status.name, names[i]);
	}
	standin[0].status.state = TASK_STUCK;
}

struct task *
tasks_nth(size_t i)
{
	return i < 3 ? &standin[i] : NULL;
}

struct task *
tasks_find(const char *name)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(standin[i].config.name, name) == 0)
			return &standin[i];
	return NULL;
}

void
tasks_counts(size_t *ret_all, size_t *ret_running, size_t *ret_failed)
{
	*ret_all = 3;
	*ret_running = 1;
	*ret_failed = 1;
}

const struct task_config *
task_config(const struct task *task)
{
	return &task->config;
}

const struct task_status *
task_status(struct task *task)
{
	return &task->status;
}

long
task_output_tail(struct task *task, char **ret)
{
	(void) task;
	*ret = strdup("one\ntwo\n");
	return 8;
}

const char *
task_state_name(enum task_state state)
{
	return state == TASK_RUNNING ? "running" : state == TASK_STUCK ? "stuck" : "stopped";
}

json_t *
task_status_json(const struct task_status *status)
{
	return json_pack("{s:s, s:s}", "name", status->name, "state",
			 task_state_name(status->state));
}

void
task_ask(struct task *task, struct task_request *request)
{
	if (task->status.state == TASK_STUCK) {
		request->result = -16; /* EBUSY */
		strcpy(request->text, "it is stuck");
	} else if (strcmp(task->config.name, "slow") == 0) {
		task->asked = request;
		return;
	} else {
		task->status.state = request->verb == TASK_STOP ? TASK_STOPPED : TASK_RUNNING;
	}
	loop_post(&request->done);
}

/* Let "slow" answer what it was asked. */
static inline void
standin_answer(void)
{
	if (standin[2].asked != NULL)
		loop_post(&standin[2].asked->done);
	standin[2].asked = NULL;
}
