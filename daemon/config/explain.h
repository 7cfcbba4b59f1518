#pragma once

/* Explain - what a task gets: its command, its environment; and the same for people to read */

#include <stdio.h>

#include "daemon/config/config.h"

/**
 * config_command() - a command with its specifiers replaced
 * @words: exec_start, exec_reload or on_resize_exec of @task
 * Return: the caller frees it with config_words_free() of words.h; NULL: no memory.
 */
char **config_command(const struct task_config *task, char *const *words, unsigned workers);

/**
 * config_environment() - the environment of a process of @task
 * @daemon_env: the daemon's own, environ
 *
 * The daemon's without what was meant for the daemon alone (NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*,
 * JOURNAL_STREAM); with User=, then USER, LOGNAME, HOME and SHELL of that user; then
 * Environment=, then @workers under the names of ExportWorkersAs=. PATH is always there.
 *
 * Context: with User= it may block for long (NSS): a plain thread, or between corun_block_enter()
 *          and _exit().
 * Return:  as above.
 */
char **config_environment(const struct task_config *task, unsigned workers,
			  char *const *daemon_env);

/** config_environment_get() - the value of @name in @env, or NULL */
const char *config_environment_get(char *const *env, const char *name);

/**
 * config_explain() - what would be started, and how, as text
 * @reason: why it is @workers, a sentence; or NULL
 * Return:  0; -ENOMEM; -EIO: @out took not all of it.
 */
int config_explain(const struct task_config *task, unsigned workers, const char *reason, FILE *out);
