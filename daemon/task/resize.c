/*
 * Resize - tells what runs that the worker count is another
 *
 * Invariants:
 *  1. An action is made for a change of the count, not of the limit: when what the task was told last
 *     (task.told) differs from what it is to be told (task.count).
 *  2. Actions of one task never overlap: none begins while a hook lives or a restart is under way.
 *     Changes that come meanwhile are seen at the end of it, all together.
 *  3. task.told is set when an action begins, whether it succeeds or not: a failure is logged and
 *     counted, and what failed is not tried again until the count changes.
 *
 * The file NAME.workers and a module's corun_module_workers() follow in any case.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon/base/event.h"
#include "daemon/base/log.h"
#include "daemon/task/procgroup.h"
#include "daemon/task/supervisor.h"
#include "daemon/task/workers_file.h"

#define HOOK_NS (60 * CORUN_S)

/* ---- the count --------------------------------------------------------------------------------- */

static void
write_file(struct task *task)
{
	int r;

	if (task->told_leave)
		return; /* its name may be another's by now */
	corun_block_enter();
	r = workers_file_write(task->config->name, task->count.workers);
	corun_block_exit();
	if (r < 0 && r != task->workers_file_error)
		log_line(LOG_LEVEL_WARNING, task->config->name,
			 "its worker count cannot be written to a file: %s", strerrordesc_np(-r));
	task->workers_file_error = r;
	task->workers_file_written = r == 0;
}

void
task_recount(struct task *task)
{
	struct corun_cpu_decision count =
		task_count(&task->pool, &task->config->workers, &task->quota);
	bool changed = count.workers != task->count.workers;

	if (changed || count.reason != task->count.reason) {
		task->count = count;
		atomic_store(&task->workers, count.workers);
		task_publish(task);
	}
	if (changed || !task->workers_file_written)
		write_file(task);
}

/* ---- actions ----------------------------------------------------------------------------------- */

static void
done(struct task *task, const char *error)
{
	const char *name = task->config->name;
	char action[64];

	task_action_text(task->config, action, sizeof(action));
	if (error == NULL) {
		task->resizes_done++;
		log_line(LOG_LEVEL_INFO, name, "told of %u workers: OnResize=%s",
			 task->resize_workers, action);
	} else {
		task->resizes_failed++;
		log_line(LOG_LEVEL_ERR, name, "could not be told of %u workers: OnResize=%s: %s",
			 task->resize_workers, action, error);
	}
	task_publish(task);
	event_emit("resize-action", json_pack("{s:s, s:s, s:i, s:b, s:o}", "task", name, "action",
					      action, "workers", (int) task->resize_workers, "ok",
					      error == NULL, "error", task_text_json(error)));
}

static void
by_signal(struct task *task)
{
	const struct task_child *leader = &task->run.leader;
	int r = procgroup_signal_leader(leader->pidfd, leader->pid, task->config->on_resize_signal);

	done(task, r < 0 ? strerrordesc_np(-r) : NULL);
}

static void
by_command(struct task *task, char *const *words)
{
	char fault[400] = "";

	if (words == NULL) {
		done(task, "there is no command for it: give ExecReload=");
		return;
	}
	task->hook_late = false;
	if (process_hook(task, words, fault, sizeof(fault)) < 0)
		done(task, fault);
	else
		task->hook_deadline_ns = corun_in(HOOK_NS);
}

static bool
is_to_be_told(const struct task *task)
{
	enum resize_action action = task->config->on_resize;

	if (task->life.state != TASK_RUNNING || task->run.ended || action == RESIZE_NONE)
		return false;
	/* A module asks for itself; but it may want to be started anew. */
	return task->run.config->type == TASK_PROCESS || action == RESIZE_RESTART;
}

void
task_resize(struct task *task)
{
	if (task->count.workers == task->told || task->hook.lives || task->resize_restart)
		return;
	if (!is_to_be_told(task)) {
		if (task->life.state != TASK_RUNNING || task->run.ended)
			return; /* a start will */
		/* The file and the module's call have said it. */
		task->told = task->count.workers;
		task_publish(task);
		return;
	}
	task->told = task->resize_workers = task->count.workers;
	switch (task->config->on_resize) {
	case RESIZE_SIGNAL:
		by_signal(task);
		break;
	case RESIZE_RELOAD:
		by_command(task, task->config->exec_reload);
		break;
	case RESIZE_EXEC:
		by_command(task, task->config->on_resize_exec);
		break;
	case RESIZE_RESTART:
		task->resize_restart = true;
		task_feed(task, TASK_ASKED_RESTART);
		break;
	case RESIZE_NONE:
		break;
	}
}

void
task_resize_settle(struct task *task)
{
	if (!task->resize_restart)
		return;
	switch (task->life.state) {
	case TASK_STARTING:
	case TASK_STOPPING:
	case TASK_KILLING:
		return;
	case TASK_RUNNING:
		task->resize_restart = false;
		task->resize_workers = task->told; /* a start takes the newest */
		done(task, NULL);
		return;
	case TASK_STOPPED:
	case TASK_WAITING:
	case TASK_FAILED:
	case TASK_STUCK:
		task->resize_restart = false;
		done(task, task->fault[0] != '\0' ? task->fault : "it was stopped meanwhile");
		return;
	}
}

/* ---- hooks ------------------------------------------------------------------------------------- */

void
task_hook_ended(struct task *task)
{
	const char *error = NULL;
	char text[80];

	if (!task->hook.lives)
		return;
	if (task->hook.status != 0) {
		process_end(task->hook.status, text, sizeof(text));
		error = text;
	}
	if (task->hook_late)
		error = "it took too long and was killed";
	task->hook_deadline_ns = CORUN_FOREVER;
	process_forget(&task->hook);
	done(task, error);
}

static void
kill_hook(struct task *task)
{
	task->hook_deadline_ns = CORUN_FOREVER;
	corun_block_enter();
	procgroup_signal(task->hook.pidfd, task->hook.pid, SIGKILL);
	corun_block_exit();
}

void
task_hook_late(struct task *task)
{
	task->hook_late = true;
	kill_hook(task);
}

void
task_hook_abort(struct task *task)
{
	if (task->hook.lives)
		kill_hook(task);
}
