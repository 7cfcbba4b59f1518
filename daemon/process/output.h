#pragma once

/*
 * Output - what a task writes: its pipes, and the last 64 KiB of it
 *
 * One per task, for all its processes one after the other: the pipes stay open while the task is
 * restarted, so nothing is lost. A coroutine for each pipe reads it for as long as the output is
 * open, gives each line to the log, and keeps the last bytes. Neither the child nor the daemon ever
 * waits for the log (log.h drops and counts).
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/log.h"

struct output;

enum { OUTPUT_KEPT_BYTES = 64 * 1024 };

/**
 * output_open() - make the pipes and start reading
 * @task: its name, copied
 * Context: coroutine or plain thread, with the runtime started.
 * Return:  0; -EMFILE, -ENOMEM ...
 */
int output_open(const char *task, struct output **ret);

/** output_stdout(), output_stderr() - the end to write to, for a child; stays the output's */
int output_stdout(const struct output *output);
int output_stderr(const struct output *output);

/**
 * output_own() - make the pipes a user's, who can open them by name then: "echo >/dev/stderr"
 * Without the right to they stay as they are; what a child inherits it can write to in any case.
 * Any thread; never waits.
 */
void output_own(const struct output *output, uid_t uid, gid_t gid);

/**
 * output_tail() - the last bytes, oldest first, beginning with a whole line where possible
 * @ret: allocated with malloc(); the caller frees it
 * Context: any thread; waits for a copy of 64 KiB under a lock, a second at most.
 * Return:  how many bytes; -ENOMEM; -ETIMEDOUT: a coroutine was preempted with the lock in hand and
 *          has not run since.
 */
long output_tail(struct output *output, char **ret);

/** output_line() - add a line that is not from a pipe (a module's), as the daemon's log shows it */
void output_line(struct output *output, enum log_level level, const char *line, size_t len);

/** output_lines() - complete lines so far; one in pieces (over 16 KiB) counts once. Any thread. */
uint64_t output_lines(const struct output *output);

/**
 * output_close() - close our ends of the pipes; read what is still in them; free it
 * Processes that the task left behind may hold the other end: they are not waited for longer than
 * a second. Context: coroutine.
 */
void output_close(struct output *output);
