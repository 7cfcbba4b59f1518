/* Returns a number; with Wait=yes, once it is told to end. EDITION: which of two that differ. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corun/context.h>
#include <corun/module.h>
#include <corun/time.h>

static int
check_answer(const char *value, char *why, size_t size)
{
	char *end;

	strtol(value, &end, 10);
	if (end != value && *end == '\0')
		return 0;
	snprintf(why, size, "is no number; 42 would be right");
	return -1;
}

static const struct corun_module_option options[] = {
	{ .key = "Answer",
	  .required = 1,
	  .summary = "The number to return.",
	  .check = check_answer },
	{ .key = "Wait", .fallback = "no", .summary = "Wait to be told to end." },
	{ .key = "Sentence", .summary = "Why it fails." },
	{ .key = NULL },
};

static int
run(struct corun_module_task *task)
{
	const char *sentence = corun_module_option(task, "Sentence");

	corun_module_log(task, CORUN_MODULE_INFO, "%s has %u workers,\nversion %d",
			 corun_module_name(task), corun_module_workers(task), EDITION);
	if (strcmp(corun_module_option(task, "Wait"), "yes") == 0)
		corun_context_wait(corun_module_context(task), CORUN_FOREVER);
	if (sentence != NULL) {
		corun_module_fail(task, "%s", sentence);
		corun_module_fail(task, "a second sentence does not count");
	}
	if (corun_module_option(task, "Unknown") != NULL)
		return 99;
	return atoi(corun_module_option(task, "Answer"));
}

CORUN_MODULE = {
	CORUN_MODULE_HEADER,           .name = "answer",   .version = "1",
	.summary = "returns a number", .options = options, .run = run,
};
