/*
 * Burn - a module that uses all the CPU time it is given
 *
 * To see a quota at work, and what becomes of the others beside such a task.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <corun/context.h>
#include <corun/coroutine.h>
#include <corun/module.h>

#include "contrib/modules/values.h"

enum { COROUTINES_MAX = 1024 };

static int
check_coroutines(const char *value, char *why, size_t size)
{
	unsigned n;

	if (value_count(value, &n) && n <= COROUTINES_MAX)
		return 0;
	snprintf(why, size, "is no number from 1 to %d", COROUTINES_MAX);
	return -1;
}

static int
check_spin(const char *value, char *why, size_t size)
{
	if (strcmp(value, "until-told") == 0 || strcmp(value, "forever") == 0)
		return 0;
	snprintf(why, size, "is neither until-told nor forever");
	return -1;
}

/* clang-format off */
static const struct corun_module_option options[] = {
	{ .key = "Coroutines", .check = check_coroutines,
	  .summary = "How many spin at a time. Without it: as many as the task has workers." },
	{ .key = "Checkpoint", .fallback = "yes", .check = value_check_yes,
	  .summary = "yes: they yield when their time is over, as good code does. no: they call the "
		     "runtime only once in SliceSec=, to see whether they are to end." },
	{ .key = "SliceSec", .fallback = "1s", .check = value_check_span,
	  .summary = "For Checkpoint=no." },
	{ .key = "Spin", .fallback = "until-told", .check = check_spin,
	  .summary = "forever: they call nothing, not even to end: the task will be stuck." },
	{ .key = NULL },
};
/* clang-format on */

enum { CHECKPOINT_NS = 10000 };

struct burn {
	struct corun_context *ctx;
	uint64_t slice_ns; /* between two calls of the runtime */
	bool forever;
};

/* Not by the runtime's clock: nothing of it is called. */
static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t) now.tv_sec * UINT64_C(1000000000) + (uint64_t) now.tv_nsec;
}

static void
spin_for(uint64_t ns)
{
	uint64_t start_ns = now_ns();

	while (now_ns() - start_ns < ns)
		continue;
}

static void
burn(void *arg)
{
	const struct burn *burn = arg;

	for (volatile unsigned n = 0; burn->forever;)
		n++;
	while (corun_context_error(burn->ctx) == 0) {
		spin_for(burn->slice_ns);
		corun_checkpoint();
	}
}

static int
run(struct corun_module_task *task)
{
	const char *coroutines = corun_module_option(task, "Coroutines");
	struct burn all = {
		.ctx = corun_module_context(task),
		.slice_ns = CHECKPOINT_NS,
		.forever = strcmp(corun_module_option(task, "Spin"), "forever") == 0,
	};
	struct corun_coroutine *others[COROUTINES_MAX];
	unsigned n = corun_module_workers(task), started = 1;

	if (coroutines != NULL)
		value_count(coroutines, &n);
	if (n > COROUTINES_MAX)
		n = COROUTINES_MAX;
	if (!value_yes(corun_module_option(task, "Checkpoint")))
		value_span(corun_module_option(task, "SliceSec"), &all.slice_ns);
	corun_module_log(task, CORUN_MODULE_INFO, "%u coroutines burn CPU time", n);
	while (started < n && corun_spawn(&others[started], NULL, burn, &all) == 0)
		started++;
	if (started < n)
		corun_module_fail(task, "no memory for more than %u coroutines", started);
	burn(&all);
	for (unsigned i = 1; i < started; i++)
		corun_join(others[i], UINT64_MAX);
	return started == n ? 0 : -ENOMEM;
}

CORUN_MODULE = {
	CORUN_MODULE_HEADER,        .name = "burn",
	.version = PACKAGE_VERSION, .summary = "uses all the CPU time it is given",
	.options = options,         .run = run,
};
