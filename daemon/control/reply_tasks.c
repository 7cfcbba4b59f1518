/* What is answered about tasks */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corun/time.h>

#include "daemon/control/routes.h"
#include "daemon/report/nearest.h"
#include "daemon/task/tasks.h"

enum {
	VERB_TIMEOUT_S = 120,
	VERB_TIMEOUT_MAX_S = 3600,
};

/* ---- to read --------------------------------------------------------------------------------- */

static json_t *
task_json(struct task *task)
{
	const struct task_status *status = task_status(task);

	return status != NULL ? task_status_json(status) : NULL;
}

/* Answer that there is no such task; with the name that was probably meant. */
static void
refuse_name(struct request *request)
{
	struct task *task;
	size_t n = 0, i;
	const char **names, *near;

	while (tasks_nth(n) != NULL)
		n++;
	names = calloc(n + 1, sizeof(*names));
	for (i = 0; names != NULL && (task = tasks_nth(i)) != NULL; i++)
		names[i] = task_config(task)->name;
	near = names != NULL ? nearest(request->name, names, n) : NULL;
	if (near != NULL)
		request_fail(request, 404, "no task '%s'; did you mean '%s'?", request->name, near);
	else
		request_fail(request, 404, "no task '%s'; GET /v1/tasks lists them", request->name);
	free(names);
}

/* Return: NULL: answered. */
static struct task *
find(struct request *request)
{
	struct task *task = tasks_find(request->name);

	if (task == NULL)
		refuse_name(request);
	return task;
}

void
reply_tasks(struct request *request)
{
	json_t *list = json_array();
	struct task *task;

	for (size_t i = 0; (task = tasks_nth(i)) != NULL; i++)
		json_array_append_new(list, task_json(task));
	request_answer_json(request, 200, json_pack("{s:o}", "tasks", list));
}

void
reply_task(struct request *request)
{
	struct task *task = find(request);

	if (task != NULL)
		request_answer_json(request, 200, task_json(task));
}

void
reply_task_output(struct request *request)
{
	struct task *task = find(request);
	char *text = NULL;
	long len;

	if (task == NULL)
		return;
	len = task_output_tail(task, &text);
	if (len < 0)
		request_fail(request, 500, "the output cannot be read: %s", strerror((int) -len));
	else
		request_answer(request, 200, "text/plain; charset=utf-8", text, (size_t) len);
}

/* ---- to change ------------------------------------------------------------------------------- */

struct task_errand {
	struct task_request task; /* first: it comes back as a call */
	struct errand errand;
};

static int
http_status(int result)
{
	switch (result) {
	case -EBUSY:
	case -ECANCELED:
	case -ESHUTDOWN:
		return 409;
	case -EAGAIN:
		return 503;
	default:
		return 500;
	}
}

static void
task_done(struct call *call)
{
	struct task_errand *errand = (struct task_errand *) call;
	struct request *request = request_of_errand(&errand->errand);

	if (request != NULL && errand->task.result >= 0)
		reply_task(request);
	else if (request != NULL)
		request_fail(request, http_status(errand->task.result), "%s",
			     errand->task.text[0] != '\0' ? errand->task.text
							  : strerror(-errand->task.result));
	free(errand);
}

static void
ask(struct request *request, enum task_verb verb)
{
	struct task *task = find(request);
	uint64_t timeout_s = VERB_TIMEOUT_S;
	struct task_errand *errand;

	if (task == NULL ||
	    request_query_number(request, "timeout", 1, VERB_TIMEOUT_MAX_S, &timeout_s) < 0)
		return;
	errand = calloc(1, sizeof(*errand));
	if (errand == NULL) {
		request_fail(request, 500, "no memory");
		return;
	}
	errand->task.done.run = task_done;
	errand->task.verb = verb;
	request_wait(request, &errand->errand, timeout_s * CORUN_S);
	task_ask(task, &errand->task);
}

void
reply_task_start(struct request *request)
{
	ask(request, TASK_START);
}

void
reply_task_stop(struct request *request)
{
	ask(request, TASK_STOP);
}

void
reply_task_restart(struct request *request)
{
	ask(request, TASK_RESTART);
}
