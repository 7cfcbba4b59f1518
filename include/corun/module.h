#pragma once

/*
 * Module - a shared object whose run() is a coroutine in corund
 *
 * A module exports one object:
 *
 *   CORUN_MODULE = {
 *       CORUN_MODULE_HEADER,
 *       .name = "proxy", .version = "1", .summary = "passes TCP connections on",
 *       .options = options, .run = run,
 *   };
 *
 * It runs in the daemon's process: what it breaks, breaks the daemon, and its crash is the daemon's
 * crash. It may use all of libcorun (the shared one; a libcorun of its own is refused). It must not
 * call wait(2), fork(2), signal(2), exit(3), nor change the working directory or the environment,
 * and starts processes only through corun_module_process(), since one reaper owns all exits.
 *
 * Coroutines that the module starts belong to its task, and so do those of its timers. Stop cancels
 * corun_module_context(); everything the module waits for should take that context. The same
 * happens when run() returns. The task has ended when run() has returned and no coroutine of it
 * lives; one that does not within TimeoutStopSec= is "stuck", and cannot be started again. A timer
 * that is armed is no coroutine: stop it before run() returns.
 *
 * Several tasks may run one module at a time: it has its static data only once. It stays loaded when
 * no task runs it, with the values its static data had last.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <corun/context.h>
#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when a field or a call changes its meaning; new ones are appended, and seen by the sizes. */
#define CORUN_MODULE_ABI 1

/* A key of section [Module] of the task file. A key that is not in the table is an error there. */
struct corun_module_option {
	const char *key; /* NULL ends the list */
	const char
		*fallback; /* what corun_module_option() returns if it was not given; may be NULL */
	int required;      /* not 0: it is an error not to give it */
	const char *summary; /* one sentence */
	/*
	 * Is @value right? Called for what was given, before any run, also by corund --check-config;
	 * from any thread; it has no task. NULL: all are.
	 * Return: 0; else @why has been set to what is wrong and what would be right, as in "is no
	 * number; 1 to 65535 are right", for a message that begins with the key and the value.
	 */
	int (*check)(const char *value, char *why, size_t why_size);
};

enum corun_module_level { /* the numbers of syslog(3) */
			  CORUN_MODULE_ERR = 3,
			  CORUN_MODULE_WARNING = 4,
			  CORUN_MODULE_NOTICE = 5,
			  CORUN_MODULE_INFO = 6,
			  CORUN_MODULE_DEBUG = 7,
};

/* A process to start. Words are as given; no shell. Borrowed during the call. */
struct corun_module_process {
	const char *const *argv; /* ends with NULL; [0] is a path or looked up in PATH */
	const char *const *envp; /* additions, NAME=VALUE; ends with NULL; NULL: none */
	const char *dir;         /* NULL: WorkingDirectory= of the task, or else "/" */
};

struct corun_module_task;

/* What the daemon offers; called through the functions below. */
struct corun_module_host {
	uint32_t size; /* of this struct, as the daemon knows it */
	const char *(*name)(struct corun_module_task *task);
	const char *(*option)(struct corun_module_task *task, const char *key);
	struct corun_context *(*context)(struct corun_module_task *task);
	unsigned (*workers)(struct corun_module_task *task);
	void (*log)(struct corun_module_task *task, int level, const char *format, va_list args);
	void (*fail)(struct corun_module_task *task, const char *format, va_list args);
	int (*process)(struct corun_module_task *task, const struct corun_module_process *process,
		       struct corun_context *ctx, int *ret_status);
};

struct corun_module_task {                    /* one run of a module */
	const struct corun_module_host *host; /* the rest is the daemon's */
};

/* What a module exports, as the symbol corun_module. */
struct corun_module {
	uint32_t abi; /* CORUN_MODULE_HEADER sets these two */
	uint32_t size;
	const char *name, *version, *summary;      /* for people; the name must be given */
	const struct corun_module_option *options; /* NULL: takes none */
	/*
	 * Runs as a coroutine, in each start of a task. Return: 0: done (exit code 0); a negative
	 * errno or a number from 1 to 255: it failed; Restart= decides what follows.
	 */
	int (*run)(struct corun_module_task *task);
};

#define CORUN_MODULE_HEADER .abi = CORUN_MODULE_ABI, .size = sizeof(struct corun_module)
#define CORUN_MODULE        const struct corun_module corun_module

extern CORUN_EXPORT CORUN_MODULE;

/*
 * ---- calls: from any coroutine of the task, as long as it lives ----------------------------------
 */

/** corun_module_name() - the task's name */
static inline const char *
corun_module_name(struct corun_module_task *task)
{
	return task->host->name(task);
}

/**
 * corun_module_option() - the value of a key of the option table, or its fallback
 * Return: valid during the run; "" for "Key="; NULL: not given and without a fallback, or no key of
 *         the table.
 */
static inline const char *
corun_module_option(struct corun_module_task *task, const char *key)
{
	return task->host->option(task, key);
}

/** corun_module_context() - cancelled when the task is to stop; borrowed */
static inline struct corun_context *
corun_module_context(struct corun_module_task *task)
{
	return task->host->context(task);
}

/** corun_module_workers() - the task's worker count now (its Workers= rules); at least 1 */
static inline unsigned
corun_module_workers(struct corun_module_task *task)
{
	return task->host->workers(task);
}

/**
 * corun_module_log() - a line into the task's output, as printf(3); never waits
 * A line of more than about 1,000 bytes is cut, and ends in "..." then.
 */
__attribute__((format(printf, 3, 4))) static inline void
corun_module_log(struct corun_module_task *task, enum corun_module_level level, const char *format,
		 ...)
{
	va_list args;

	va_start(args, format);
	task->host->log(task, (int) level, format, args);
	va_end(args);
}

/**
 * corun_module_fail() - the sentence that `corunctl status` shows for why run() is about to fail
 * The first one of a run counts: it is the nearest to the cause.
 */
__attribute__((format(printf, 2, 3))) static inline void
corun_module_fail(struct corun_module_task *task, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	task->host->fail(task, format, args);
	va_end(args);
}

/**
 * corun_module_process() - start a process, wait for its end
 * @ctx:        when it is cancelled the process group gets SIGTERM, after 5 s SIGKILL; NULL: the task's
 * @ret_status: as wait(2) gives it; may be NULL
 *
 * It has the daemon's environment, with Environment= and ExportWorkersAs= of the task and then @process->envp added
 * to it, and leads a process group and a session of its own. Its output goes where the task's goes;
 * it reads from /dev/null. What is left of its group when it has ended is killed.
 *
 * Return: 0: it has ended, by itself or not; a negative errno: it could not be started (the reason
 *         is logged), or @ctx was cancelled before.
 */
static inline int
corun_module_process(struct corun_module_task *task, const struct corun_module_process *process,
		     struct corun_context *ctx, int *ret_status)
{
	return task->host->process(task, process, ctx, ret_status);
}

#ifdef __cplusplus
}
#endif
