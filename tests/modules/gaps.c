/* Gaps - a module that counts milliseconds, and says the longest gap between two of them at its end */

#include <inttypes.h>

#include <corun/context.h>
#include <corun/module.h>
#include <corun/time.h>

static int
run(struct corun_module_task *task)
{
	struct corun_context *ctx = corun_module_context(task);
	uint64_t longest_ns = 0, n = 0, last_ns;

	corun_module_log(task, CORUN_MODULE_INFO, "counting");
	last_ns = corun_now();
	while (corun_context_error(ctx) == 0) {
		uint64_t now_ns;

		corun_sleep(CORUN_MS);
		now_ns = corun_now();
		if (now_ns - last_ns > longest_ns)
			longest_ns = now_ns - last_ns;
		last_ns = now_ns;
		n++;
	}
	corun_module_log(task, CORUN_MODULE_INFO, "longest gap %" PRIu64 " us, %" PRIu64 " steps",
			 longest_ns / CORUN_US, n);
	return 0;
}

CORUN_MODULE = {
	CORUN_MODULE_HEADER, .name = "gaps",
	.version = "1",      .summary = "counts milliseconds, and says the longest gap",
	.run = run,
};
