#pragma once

/* Tasks - all of them; owned by the control thread, in which everything here is called */

#include <stdbool.h>
#include <stddef.h>

#include <corun/runtime.h>

#include "daemon/task/task.h"

/* What a reload did or would do; lists of names, allocated, each ending with NULL. */
struct tasks_change {
	char **added, **removed, **changed;
	size_t n_unchanged;
};

/**
 * tasks_start() - make all tasks of @config and start them; writes the daemon's workers file
 * Return: 0; -ENOMEM and the like: a task is missing, and the log says which. (A task that cannot
 *         be started is none of these: its status says why.)
 */
int tasks_start(const struct config *config, const struct corun_pool_state *pool);

/**
 * tasks_reload() - start what is new, stop what is gone, restart what changed, leave the rest alone
 * A task that was stopped by hand stays stopped. One that is stuck, or becomes so, stays until it has
 * ended, and one of its name that comes back waits for that. The change is decided when this returns, and carried out after.
 * Return: 0; -ENOMEM: something is missing, and the log says what.
 */
int tasks_reload(const struct config *config, struct tasks_change *ret);
void tasks_change_free(struct tasks_change *change);

/** tasks_find() - by name, also one that is being removed; NULL: no such task */
struct task *tasks_find(const char *name);

/** tasks_nth() - the tasks in order of their names, from 0; NULL after the last */
struct task *tasks_nth(size_t i);

/** tasks_pool_changed() - tell each of them; writes the daemon's workers file if the count changed */
void tasks_pool_changed(const struct corun_pool_state *pool);

/**
 * tasks_stop() - stop all, then @gone is called, in the control thread
 *
 * Those that are stuck are left behind; the log says which. After it corun_stop() waits for the
 * supervisors, which close the output of their tasks, and loop_close() frees the last of them.
 */
void tasks_stop(void (*gone)(void));

/** tasks_hurry() - while they stop: kill now */
void tasks_hurry(void);

/** tasks_counts() - how many there are, run, and failed (TASK_FAILED, TASK_STUCK) */
void tasks_counts(size_t *ret_all, size_t *ret_running, size_t *ret_failed);
