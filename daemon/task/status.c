/* Status - what a task tells of itself: published, logged, as events and as JSON */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/event.h"
#include "daemon/base/log.h"
#include "daemon/module/module.h"
#include "daemon/task/supervisor.h"

uint64_t
task_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* ---- publishing -------------------------------------------------------------------------------- */

void
task_free_status(void *value)
{
	struct task_status *status = value;

	task_config_unref(status->config);
	free(status);
}

static bool
is_alive(enum task_state state)
{
	return state == TASK_RUNNING || state == TASK_STOPPING || state == TASK_KILLING ||
	       state == TASK_STUCK;
}

void
task_publish(struct task *task)
{
	struct task_status *status = calloc(1, sizeof(*status));

	/* Without memory the last one stays, until the next change. */
	if (status == NULL)
		return;
	status->config = task_config_ref(task->config);
	snprintf(status->name, sizeof(status->name), "%s", task->config->name);
	status->type = task->config->type;
	status->state = task->life.state;
	status->since_realtime_us = task->since_us;
	status->pid = task->run.lives && !task->run.ended ? task->run.leader.pid : 0;
	status->starts = task->starts;
	status->restarts = task->restarts;
	status->workers =
		is_alive(task->life.state) && task->told != 0 ? task->told : task->count.workers;
	status->reason = task->count.reason;
	status->end = task->end;
	status->next_start_realtime_us = task->life.state == TASK_WAITING ? task->next_start_us : 0;
	snprintf(status->fault, sizeof(status->fault), "%s",
		 task->fault[0] != '\0' ? task->fault : task->quota_fault);
	if (task->group != NULL)
		snprintf(status->cgroup, sizeof(status->cgroup), "%s", taskgroup_path(task->group));
	status->on_resize = task->config->on_resize;
	status->resizes_done = task->resizes_done;
	status->resizes_failed = task->resizes_failed;
	if (task->life.state == TASK_STUCK && task->run.module != NULL)
		status->n_stuck = module_alive(task->run.module, status->stuck,
					       sizeof(status->stuck) / sizeof(status->stuck[0]));
	publish(&task->status, status);
}

/* ---- telling of a change ----------------------------------------------------------------------- */

static void
end_text(const struct task *task, char *text, size_t size)
{
	const char *name;

	if (!task->end.any)
		snprintf(text, size, "%s", task->fault);
	else if (task->fault[0] != '\0')
		snprintf(text, size, "%s", task->fault);
	else if (task->end.signal == 0)
		snprintf(text, size, "exited with code %d", task->end.code);
	else if ((name = sigabbrev_np(task->end.signal)) != NULL)
		snprintf(text, size, "was ended by SIG%s", name);
	else
		snprintf(text, size, "was ended by signal %d", task->end.signal);
}

static void
log_change(const struct task *task)
{
	const char *name = task->config->name;
	char why[sizeof(task->fault)] = "";

	end_text(task, why, sizeof(why));
	switch (task->life.state) {
	case TASK_RUNNING:
		if (task->run.leader.pid != 0)
			log_line(LOG_LEVEL_INFO, name, "running: pid %d, %u workers (%s)",
				 (int) task->run.leader.pid, task->told,
				 corun_cpu_reason_name(task->count.reason));
		else
			log_line(LOG_LEVEL_INFO, name, "running: %u workers (%s)", task->told,
				 corun_cpu_reason_name(task->count.reason));
		return;
	case TASK_WAITING:
		log_line(LOG_LEVEL_WARNING, name, "waiting: %s; to be started again in %.1f s", why,
			 (double) (task->next_start_us - task->since_us) / 1e6);
		return;
	case TASK_STOPPED:
		log_line(LOG_LEVEL_INFO, name, "stopped: %s", why[0] ? why : "it did not run");
		return;
	case TASK_STOPPING:
		log_line(LOG_LEVEL_INFO, name, "stopping: %s",
			 task->run.ended ? "it has ended, and left processes behind"
			 : task->life.goal == TASK_GOAL_AGAIN ? "to be started again"
							      : "asked to");
		return;
	case TASK_FAILED:
	case TASK_STUCK:
		log_line(LOG_LEVEL_ERR, name, "%s: %s", task_state_name(task->life.state), why);
		return;
	case TASK_STARTING:
	case TASK_KILLING:
		log_line(LOG_LEVEL_DEBUG, name, "%s", task_state_name(task->life.state));
		return;
	}
}

static json_t *
time_json(uint64_t realtime_us)
{
	time_t seconds = (time_t) (realtime_us / 1000000);
	char date[32], text[48];
	struct tm tm;

	if (realtime_us == 0)
		return json_null();
	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", date, (unsigned) (realtime_us / 1000 % 1000));
	return json_string(text);
}

static void
signal_text(int signal, char *text, size_t size)
{
	const char *name = sigabbrev_np(signal);

	if (name != NULL)
		snprintf(text, size, "SIG%s", name);
	else if (signal >= SIGRTMIN && signal <= SIGRTMAX)
		snprintf(text, size, "SIGRTMIN+%d", signal - SIGRTMIN);
	else
		snprintf(text, size, "signal %d", signal);
}

static json_t *
end_json(const struct task_end *end)
{
	char text[32];

	if (!end->any)
		return json_null();
	if (end->signal == 0)
		return json_pack("{s:i, s:n, s:o}", "code", end->code, "signal", "time",
				 time_json(end->realtime_us));
	signal_text(end->signal, text, sizeof(text));
	return json_pack("{s:n, s:s, s:o}", "code", "signal", text, "time",
			 time_json(end->realtime_us));
}

static json_t *
pid_json(pid_t pid)
{
	return pid != 0 ? json_integer(pid) : json_null();
}

/* Names of files need not be UTF-8, and jansson takes nothing else. */
json_t *
task_text_json(const char *text)
{
	char plain[sizeof(((struct task_status *) NULL)->fault)];
	json_t *json;

	if (text == NULL || text[0] == '\0')
		return json_null();
	json = json_string(text);
	if (json != NULL)
		return json;
	snprintf(plain, sizeof(plain), "%s", text);
	for (char *c = plain; *c != '\0'; c++)
		if ((unsigned char) *c >= 0x80)
			*c = '?';
	return json_string(plain);
}

void
task_tell(struct task *task, enum task_state before)
{
	bool lives = task->run.lives && !task->run.ended;

	log_change(task);
	event_emit("task",
		   json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "task", task->config->name, "state",
			     task_state_name(task->life.state), "before", task_state_name(before),
			     "pid", pid_json(lives ? task->run.leader.pid : 0), "last_end",
			     end_json(&task->end), "error", task_text_json(task->fault)));
}

/* ---- the object of the control protocol -------------------------------------------------------- */

void
task_action_text(const struct task_config *config, char *text, size_t size)
{
	char signal[32];

	if (config->on_resize == RESIZE_SIGNAL) {
		signal_text(config->on_resize_signal, signal, sizeof(signal));
		snprintf(text, size, "signal:%s", signal);
	} else {
		snprintf(text, size, "%s", resize_action_name(config->on_resize));
	}
}

static json_t *
stuck_json(const struct task_status *status)
{
	size_t n = sizeof(status->stuck) / sizeof(status->stuck[0]);
	json_t *list = json_array();

	if (status->n_stuck < n)
		n = status->n_stuck;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:I, s:o, s:s}", "id",
						      (json_int_t) status->stuck[i].id, "name",
						      task_text_json(status->stuck[i].name),
						      "state", status->stuck[i].state));
	return list;
}

json_t *
task_status_json(const struct task_status *status)
{
	char action[64];

	task_action_text(status->config, action, sizeof(action));
	return json_pack(
		"{s:s, s:s, s:o, s:s, s:o, s:o, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:o, s:o, s:o, "
		"s:o, "
		"s:I, s:o, s:I, s:o}",
		"name", status->name, "type", task_type_name(status->type), "description",
		task_text_json(status->config->description), "state",
		task_state_name(status->state), "since", time_json(status->since_realtime_us),
		"pid", pid_json(status->pid), "starts", (json_int_t) status->starts, "restarts",
		(json_int_t) status->restarts, "workers", (json_int_t) status->workers,
		"workers_reason", corun_cpu_reason_name(status->reason), "on_resize", action,
		"resizes_done", (json_int_t) status->resizes_done, "resizes_failed",
		(json_int_t) status->resizes_failed, "last_end", end_json(&status->end),
		"next_start", time_json(status->next_start_realtime_us), "error",
		task_text_json(status->fault), "cgroup", task_text_json(status->cgroup), "lines",
		(json_int_t) status->lines, "stuck", stuck_json(status), "stuck_count",
		(json_int_t) status->n_stuck, "file", task_text_json(status->config->file));
}
