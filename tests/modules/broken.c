/* What is wrong with it is said by the compiler's -D. */

#include <stddef.h>

#include <corun/coroutine.h>
#include <corun/module.h>

__attribute__((unused)) static int
run(struct corun_module_task *task)
{
	(void) task;
	corun_yield();
	return 0;
}

#ifndef ABI
#define ABI CORUN_MODULE_ABI
#endif
#ifndef SIZE
#define SIZE sizeof(struct corun_module)
#endif
#ifndef RUN
#define RUN run
#endif
#ifndef NAME
#define NAME "broken"
#endif

#ifdef MISSING
int missing_function(void);
int call_missing_function(void);

int
call_missing_function(void)
{
	return missing_function();
}
#endif

#ifdef NO_TABLE
CORUN_EXPORT int (*const not_a_module)(struct corun_module_task *task) = run;
#else
CORUN_MODULE = {
	.abi = ABI,
	.size = SIZE,
	.name = NAME,
	.run = RUN,
};
#endif
