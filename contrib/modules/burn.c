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
	if (strcmp(value, "checkpoint") == 0 || strcmp(value, "slice") == 0 ||
	    strcmp(value, "forever") == 0)
		return 0;
	snprintf(why, size, "is none of checkpoint, slice, forever");
	return -1;
}

static const struct corun_module_option options[] = {
	{ .key = "Coroutines",
	  .check = check_coroutines,
	  .summary = "How many spin at a time. Without it: as many as the task has workers." },
	{ .key = "Spin",
	  .fallback = "checkpoint",
	  .check = check_spin,
	  .summary =
		  "checkpoint: they yield when their time is over, as good code does. slice: they "
		  "call the runtime once in SliceSec=. forever: never, not even to end: the task "
		  "will be stuck." },
	{ .key = "SliceSec",
	  .fallback = "1s",
	  .check = value_check_span,
	  .summary = "For Spin=slice." },
	{ .key = NULL },
};

struct burn {
	struct corun_context *ctx;
	uint64_t slice_ns;
	char spin; /* the first letter of Spin= */
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

	for (volatile unsigned forever = 0; burn->spin == 'f';)
		forever++;
	while (corun_context_error(burn->ctx) == 0) {
		spin_for(burn->spin == 's' ? burn->slice_ns : 10000);
		corun_checkpoint();
	}
}

static int
run(struct corun_module_task *task)
{
	const char *coroutines = corun_module_option(task, "Coroutines");
	struct burn all = { .ctx = corun_module_context(task),
			    .spin = corun_module_option(task, "Spin")[0] };
	struct corun_coroutine *others[COROUTINES_MAX];
	unsigned n = corun_module_workers(task), started = 1;

	if (coroutines != NULL)
		value_count(coroutines, &n);
	if (n > COROUTINES_MAX)
		n = COROUTINES_MAX;
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
