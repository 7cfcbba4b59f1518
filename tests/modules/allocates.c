/* Allocates - a module whose coroutines do nothing but allocate, and never end */

#include <stdlib.h>

#include <corun/coroutine.h>
#include <corun/module.h>

enum { COROUTINES = 40, BLOCKS = 64 };

static void
allocate(void *arg)
{
	volatile int *on = arg;
	void *volatile blocks[BLOCKS];

	while (*on) {
		for (size_t i = 0; i < BLOCKS; i++)
			blocks[i] = malloc(2000 + i * 512);
		for (size_t i = 0; i < BLOCKS; i++)
			free(blocks[i]);
	}
}

static int
run(struct corun_module_task *task)
{
	static int on = 1;

	corun_module_log(task, CORUN_MODULE_INFO, "allocating");
	for (int i = 0; i < COROUTINES; i++)
		if (corun_go(allocate, &on) < 0)
			return 1;
	allocate(&on);
	return 0;
}

CORUN_MODULE = {
	CORUN_MODULE_HEADER,    .name = "allocates", .version = "1",
	.summary = "allocates", .run = run,
};
