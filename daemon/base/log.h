#pragma once

/*
 * Log - lines of the daemon and of its tasks, to stderr
 *
 * A line is handed to a thread of its own, which alone writes: nobody else waits for a slow disk, a
 * full pipe or a stopped terminal. What does not fit into the buffer is dropped, counted, and said
 * in a line as soon as there is room; there is still room for the daemon's own lines when tasks have
 * filled their part of it. Under systemd (JOURNAL_STREAM) each line begins with <N>, its
 * priority, as the journal reads it.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers of syslog(3). */
enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/** log_open() - begin; until then lines are written at once. Return: 0 or -errno. */
int log_open(void);

/** log_close() - write what is there, for 2 seconds at most, and end the thread */
void log_close(void);

/** log_set_level() - lines above it are left out. Any thread. */
void log_set_level(enum log_level level);

/**
 * log_line() - a line of the daemon's own
 * @task: what it is about: "corund: TASK: ..."; NULL: the daemon as a whole, "corund: ..."
 * Context: any thread or coroutine; allocates, never waits. A newline in the text becomes a space.
 */
void log_line(enum log_level level, const char *task, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void log_vline(enum log_level level, const char *task, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/**
 * log_output() - a line that a task wrote, "TASK: ..."; as it is, without its newline
 * @level: info for stdout, notice for stderr, what it says for a module. Only debug lines are left
 *         out, unless they are wanted (log_set_level()).
 */
void log_output(const char *task, enum log_level level, const char *line, size_t len);

/** log_dropped() - lines that were lost so far. Any thread. */
uint64_t log_dropped(void);
