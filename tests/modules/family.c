/*
 * run() returns at once; its children and their children end when they are told to (End=told), of
 * themselves (End=soon), or never (End=never).
 */

#include <errno.h>
#include <string.h>

#include <corun/chan.h>
#include <corun/context.h>
#include <corun/coroutine.h>
#include <corun/module.h>
#include <corun/time.h>

enum { CHILDREN = 3 };

static const struct corun_module_option options[] = {
	{ .key = "End", .fallback = "told", .summary = "When they end." },
	{ .key = NULL },
};

static void
grandchild(void *arg)
{
	struct corun_module_task *task = arg;
	const char *end = corun_module_option(task, "End");

	if (strcmp(end, "never") == 0)
		corun_chan_recv(NULL, NULL, CORUN_FOREVER);
	corun_context_wait(corun_module_context(task), CORUN_FOREVER);
	corun_sleep(20 * CORUN_MS);
	corun_module_log(task, CORUN_MODULE_INFO, "grandchild ends");
}

static void
child(void *arg)
{
	corun_go(grandchild, arg);
}

static int
run(struct corun_module_task *task)
{
	for (int i = 0; i < CHILDREN; i++)
		if (corun_go(child, task) < 0)
			return -ENOMEM;
	if (strcmp(corun_module_option(task, "End"), "told") == 0)
		corun_context_wait(corun_module_context(task), CORUN_FOREVER);
	return 0;
}

CORUN_MODULE = {
	CORUN_MODULE_HEADER,
	.name = "family",
	.options = options,
	.run = run,
};
