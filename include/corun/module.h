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
 * crash. It may use all of libcorun; coroutines and timers that it starts belong to its task. It
 * must not call wait(2), fork(2), signal(2), exit(3), nor change the working directory, and starts
 * processes only through corun_module_process(), since one reaper owns all exits.
 *
 * Stop cancels corun_module_context(); everything the module waits for should take that context.
 * The task has ended when run() has returned and no coroutine of it lives; one that does not within
 * TimeoutStopSec= is "stuck", and cannot be started again.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <corun/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when a field or a call changes its meaning; new ones are appended, and seen by the sizes. */
#define CORUN_MODULE_ABI 1

struct corun_module_task; /* one run of a module */

/* A key of section [Module] of the task file. */
struct corun_module_option {
	const char *key;      /* NULL ends the list */
	const char *fallback; /* the default; NULL with required: must be given; else NULL */
	int required;
	const char *summary; /* one sentence */
};

enum corun_module_level { /* the numbers of syslog(3) */
			  CORUN_MODULE_ERR = 3,
			  CORUN_MODULE_WARNING = 4,
			  CORUN_MODULE_NOTICE = 5,
			  CORUN_MODULE_INFO = 6,
			  CORUN_MODULE_DEBUG = 7,
};

/* A process to start. Words are as given; no shell. */
struct corun_module_process {
	const char *const *argv; /* ends with NULL; [0] is a path or looked up in PATH */
	const char *const *envp; /* additions, NAME=VALUE; ends with NULL; NULL: none */
	const char *dir;         /* working directory; NULL: that of the task file, or "/" */
};

/* What the daemon offers; called through the functions below. */
struct corun_module_host {
	uint32_t size; /* of this struct, as the daemon knows it */
	const char *(*name)(struct corun_module_task *task);
	const char *(*option)(struct corun_module_task *task, const char *key);
	struct corun_context *(*context)(struct corun_module_task *task);
	unsigned (*workers)(struct corun_module_task *task);
	void (*log)(struct corun_module_task *task, int level, const char *text);
	void (*fail)(struct corun_module_task *task, const char *text);
	int (*process)(struct corun_module_task *task, const struct corun_module_process *process,
		       struct corun_context *ctx, int *ret_status);
};

struct corun_module_task {
	const struct corun_module_host *host; /* the rest is the daemon's */
};

/* What a module exports, as the symbol corun_module. */
struct corun_module {
	uint32_t abi; /* CORUN_MODULE_HEADER sets these two */
	uint32_t size;
	const char *name, *version, *summary;
	const struct corun_module_option *options; /* NULL: takes none */
	/*
	 * Runs as a coroutine, in each start of a task. Return: 0: done (exit code 0); a negative
	 * errno or a number from 1 to 255: it failed; Restart= decides what follows.
	 */
	int (*run)(struct corun_module_task *task);
};

#define CORUN_MODULE_HEADER .abi = CORUN_MODULE_ABI, .size = sizeof(struct corun_module)
#define CORUN_MODULE        __attribute__((visibility("default"))) const struct corun_module corun_module

/* ---- calls; from any coroutine of the task --------------------------------------------------- */

/** corun_module_name() - the task's name */
static inline const char *
corun_module_name(struct corun_module_task *task)
{
	return task->host->name(task);
}

/** corun_module_option() - the value of a key of the option table; NULL if it has none. Valid during the run. */
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

/** corun_module_log() - a line into the task's output. See corun_module_logf() of the source. */
static inline void
corun_module_log(struct corun_module_task *task, enum corun_module_level level, const char *text)
{
	task->host->log(task, level, text);
}

/** corun_module_fail() - the sentence that `corunctl status` shows for why run() is about to fail */
static inline void
corun_module_fail(struct corun_module_task *task, const char *text)
{
	task->host->fail(task, text);
}

/**
 * corun_module_process() - start a process, wait for its end
 * @ctx:        when it is cancelled the process group gets SIGTERM, after 5 s SIGKILL; NULL: the task's
 * @ret_status: as wait(2) gives it
 *
 * Its output goes where the task's goes. Return: 0: it has ended; a negative errno: it could not be
 * started (the reason is logged).
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
