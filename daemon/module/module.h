#pragma once

/*
 * Module - loads a shared object, checks it, and runs it as a task
 *
 * All coroutines of a run are one group (corun/group.h). A module is loaded once and never unloaded
 * while a coroutine of it may live.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/config.h"
#include "daemon/process/output.h"
#include "daemon/task/task.h"

struct module_run;

/* What a run is made from. All is borrowed until module_run_free(). */
struct module_start {
	const struct task_config *config;
	const char *dir; /* where modules are looked up that are not given as a path */
	struct output *output;
	unsigned (*workers)(void *arg); /* the task's count now; any thread */
	/* Once, from a coroutine: run() has returned and the last coroutine has ended. */
	void (*ended)(void *arg, int result);
	void *arg;
};

/**
 * module_run() - load it and start it
 * @fault: a sentence on failure: no such file, not a shared object, another ABI version, an unknown
 *         key with the nearest known one, a required key that is missing
 * Context: coroutine; loads within corun_block_enter() and _exit().
 */
int module_run(const struct module_start *start, struct module_run **ret, char *fault,
	       size_t fault_size);

/** module_cancel() - tell it to end: its context is cancelled. Any thread or coroutine. */
void module_cancel(struct module_run *run);

/** module_fault() - what it said by corun_module_fail(), or "" */
const char *module_fault(struct module_run *run);

/** module_alive() - how many coroutines live, and the first @n of them. Any thread. */
size_t module_alive(struct module_run *run, struct task_coroutine *ret, size_t n);

/** module_run_free() - after ended() only; a stuck run is kept for ever */
void module_run_free(struct module_run *run);

/**
 * module_check() - what module_run() would say of the file and the keys, for --check-config
 * Adds to @errors. Context: plain thread.
 */
void module_check(const struct task_config *config, const char *dir, struct config_errors *errors);
