/* Ground - a module that never ends, and stands on what its destructor takes away */

#include <stdlib.h>

#include <corun/module.h>

static int *volatile ground;

static void __attribute__((constructor)) begin(void)
{
	ground = calloc(1, sizeof(*ground));
}

static void __attribute__((destructor)) end(void)
{
	free(ground);
	ground = NULL;
	/* Long enough for who still stands there to fall. */
	for (volatile long i = 0; i < 200000000; i++)
		continue;
}

static int
run(struct corun_module_task *task)
{
	corun_module_log(task, CORUN_MODULE_INFO, "standing");
	while (*ground >= 0)
		*ground ^= 1;
	return 0;
}

CORUN_MODULE = {
	CORUN_MODULE_HEADER, .name = "ground", .version = "1", .summary = "never ends", .run = run,
};
