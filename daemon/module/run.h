#pragma once

/* Run - one start of a module: what module.c, host.c and process.c share */

#include <corun/context.h>
#include <corun/group.h>
#include <corun/module.h>

#include "daemon/module/load.h"
#include "daemon/module/module.h"

struct module_run {
	struct corun_module_task task; /* first: what the module has in hand */
	struct module_start start;
	struct module_object *object;
	struct corun_context *ctx;
	struct corun_group *group; /* all coroutines of the run */
	int result;
	_Atomic(char *) fault; /* set once */
};

extern const struct corun_module_host module_host;

static inline struct module_run *
module_run_of(struct corun_module_task *task)
{
	return (struct module_run *) task;
}

/** module_run_fail() - keep the sentence, unless there is one already */
void module_run_fail(struct module_run *run, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void module_run_vfail(struct module_run *run, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/** module_process() - as corun_module_process() */
int module_process(struct corun_module_task *task, const struct corun_module_process *process,
		   struct corun_context *ctx, int *ret_status);
