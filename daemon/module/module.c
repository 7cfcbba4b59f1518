/*
 * Module - a run from its start to its end
 *
 *   supervise()   a coroutine outside of the group: begins it, waits for it, says that it has ended
 *      └─ first_member()   in the group: calls run(), cancels the context when it has returned
 *            └─ ...        whatever run() has started, in the group, too
 */

#include "daemon/module/module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corun/coroutine.h>
#include <corun/time.h>

#include "daemon/base/log.h"
#include "daemon/config/complain.h"
#include "daemon/module/keys.h"
#include "daemon/module/run.h"

enum { CODE_MAX = 255, ERRNO_MAX = 4095, LIST_MAX = 32 };

/* ---- a run ----------------------------------------------------------------------------------- */

static void
first_member(void *arg)
{
	struct module_run *run = arg;
	int r = module_object_table(run->object)->run(&run->task);

	if (r > CODE_MAX || r < -ERRNO_MAX) {
		module_run_fail(
			run, "run() returned %d; it must be 0, 1 to 255, or a negative errno", r);
		r = CODE_MAX;
	}
	run->result = r;
	corun_context_cancel(run->ctx, -ECANCELED);
}

static void
supervise(void *arg)
{
	struct module_run *run = arg;
	struct corun_attr attr = { .name = run->start.config->name };
	int r = corun_group_go(run->group, &attr, first_member, run);

	if (r == 0) {
		corun_group_wait(run->group, CORUN_FOREVER);
	} else {
		module_run_fail(run, "no memory for a coroutine");
		run->result = r;
	}
	module_object_put(run->object);
	run->start.ended(run->start.arg, run->result);
}

static void
run_free(struct module_run *run)
{
	corun_group_unref(run->group);
	corun_context_unref(run->ctx);
	free(run->fault);
	free(run);
}

static int
run_begin(const struct module_start *start, struct module_object *object, struct module_run **ret)
{
	struct module_run *run = calloc(1, sizeof(*run));
	struct corun_coroutine *co;
	int r = run == NULL ? -ENOMEM : 0;

	if (r < 0)
		return r;
	run->task.host = &module_host;
	run->start = *start;
	run->object = object;
	r = corun_context_new(&run->ctx, NULL, CORUN_FOREVER);
	if (r == 0)
		r = corun_group_new(&run->group);
	if (r < 0) {
		run_free(run);
		return r;
	}
	/* It may have ended before corun_spawn() returns. */
	*ret = run;
	r = corun_spawn(&co, &(struct corun_attr){ .name = "module" }, supervise, run);
	if (r == 0) {
		corun_detach(co);
	} else {
		*ret = NULL;
		run_free(run);
	}
	return r;
}

/* ---- start ----------------------------------------------------------------------------------- */

/* The first of @errors as a sentence. */
static void
first_error(const struct config_errors *errors, struct module_fault *fault)
{
	const struct config_error *first = errors->n > 0 ? &errors->list[0] : NULL;
	char more[48] = "";

	if (errors->n > 1)
		snprintf(more, sizeof(more), " (and %zu more)", errors->n - 1);
	if (first == NULL)
		module_fault_set(fault, 0, "no memory");
	else if (first->line > 0)
		module_fault_set(fault, 0, "%s:%u: %s%s", first->file, first->line, first->text,
				 more);
	else
		module_fault_set(fault, 0, "%s: %s%s", first->file, first->text, more);
}

static int
get_checked(const struct task_config *config, const char *dir, struct module_object **ret,
	    struct module_fault *fault)
{
	struct config_errors errors = { 0 };
	bool stale;
	int r = module_object_get(config->module, dir, ret, &stale, fault);

	if (r < 0)
		return r;
	r = module_keys_check(module_object_table(*ret), config, &errors);
	if (r < 0) {
		first_error(&errors, fault);
		module_object_put(*ret);
	} else if (stale) {
		log_line(LOG_LEVEL_NOTICE, config->name,
			 "%s has changed since it was loaded; what was loaded is run, since "
			 "another run of it still lives: stop all tasks with this module to load "
			 "the new one",
			 module_object_path(*ret));
	}
	config_errors_free(&errors);
	return r;
}

int
module_run(const struct module_start *start, struct module_run **ret, char *fault,
	   size_t fault_size)
{
	struct module_object *object;
	struct module_fault why;
	int r = get_checked(start->config, start->dir, &object, &why);

	if (r == 0) {
		r = run_begin(start, object, ret);
		if (r < 0) {
			module_fault_set(&why, r, "no memory to run it");
			module_object_put(object);
		}
	}
	if (r < 0)
		snprintf(fault, fault_size, "%s", why.text);
	return r;
}

void
module_check(const struct task_config *config, const char *dir, struct config_errors *errors)
{
	struct config_place at = { .errors = errors, .file = config->file };
	struct module_object *object;
	struct module_fault why;
	bool stale;

	if (module_object_get(config->module, dir, &object, &stale, &why) < 0) {
		config_complain(&at, "%s", why.text);
		return;
	}
	module_keys_check(module_object_table(object), config, errors);
	module_object_put(object);
}

/* ---- while it lives, and after ---------------------------------------------------------------- */

void
module_cancel(struct module_run *run)
{
	corun_context_cancel(run->ctx, -ECANCELED);
}

void
module_run_vfail(struct module_run *run, const char *format, va_list args)
{
	char *text, *none = NULL;

	if (vasprintf(&text, format, args) < 0)
		return;
	if (!atomic_compare_exchange_strong(&run->fault, &none, text))
		free(text);
}

void
module_run_fail(struct module_run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	module_run_vfail(run, format, args);
	va_end(args);
}

const char *
module_fault(struct module_run *run)
{
	const char *text = atomic_load(&run->fault);

	return text != NULL ? text : "";
}

size_t
module_alive(struct module_run *run, struct task_coroutine *ret, size_t n)
{
	struct corun_member members[LIST_MAX];
	size_t alive;

	if (n > LIST_MAX)
		n = LIST_MAX;
	alive = corun_group_list(run->group, members, n);
	for (size_t i = 0; i < n && i < alive; i++) {
		ret[i].id = members[i].id;
		snprintf(ret[i].name, sizeof(ret[i].name), "%s", members[i].name);
		snprintf(ret[i].state, sizeof(ret[i].state), "%s", members[i].state);
	}
	return alive;
}

void
module_run_free(struct module_run *run)
{
	if (run != NULL)
		run_free(run);
}
