/*
 * Answer - what becomes of a request for a task
 *
 * A request waits until the task has come to a state that answers it: a start until it runs or cannot,
 * a stop until nothing of it lives. Whoever asked may be long gone; the control thread knows.
 */

#include <errno.h>
#include <stdio.h>

#include "daemon/task/supervisor.h"

/* Failed, with a sentence; @why may be NULL. */
static void
answer(struct task *task, struct task_request *request, int result, const char *what,
       const char *why)
{
	request->result = result;
	if (result < 0)
		snprintf(request->text, sizeof(request->text), "task '%.200s' %s%s%s",
			 task->config->name, what, why != NULL ? ": " : "", why != NULL ? why : "");
	loop_post(&request->done);
}

/* Return: whether it was answered. */
static bool
try_answer(struct task *task, struct task_request *request)
{
	bool is_stop = request->verb == TASK_STOP;

	switch (task->life.state) {
	case TASK_STARTING:
	case TASK_STOPPING:
	case TASK_KILLING:
		return false;
	case TASK_STUCK:
		answer(task, request, -EBUSY, "is stuck", task->fault);
		return true;
	case TASK_RUNNING:
		if (is_stop)
			answer(task, request, -ECANCELED, "was started meanwhile", NULL);
		else
			answer(task, request, 0, NULL, NULL);
		return true;
	case TASK_STOPPED:
		if (is_stop)
			answer(task, request, 0, NULL, NULL);
		else if (task->leaving)
			answer(task, request, -ESHUTDOWN, "is being removed", NULL);
		else
			answer(task, request, -ECANCELED, "was stopped meanwhile", NULL);
		return true;
	case TASK_WAITING:
	case TASK_FAILED:
		answer(task, request, is_stop ? 0 : -ECHILD, "does not run",
		       task->fault[0] != '\0' ? task->fault : "it has ended at once");
		return true;
	}
	return false;
}

void
task_answer(struct task *task)
{
	struct letter **at = &task->waiters;

	while (*at != NULL) {
		struct letter *letter = *at;
		struct letter *next = letter->next; /* an answer takes the letter away */

		if (try_answer(task, (struct task_request *) letter))
			*at = next;
		else
			at = &letter->next;
	}
}
