/* Starts Command= with a shell, and returns what it exited with, or 200 plus the signal. */

#include <stddef.h>
#include <sys/wait.h>

#include <corun/module.h>

static const struct corun_module_option options[] = {
	{ .key = "Command", .required = 1, .summary = "For sh -c." },
	{ .key = "Shell", .fallback = "sh", .summary = "The program that takes it." },
	{ .key = NULL },
};

static int
run(struct corun_module_task *task)
{
	const char *argv[] = { corun_module_option(task, "Shell"), "-c",
			       corun_module_option(task, "Command"), NULL };
	const char *envp[] = { "ADDED=by the module", NULL };
	struct corun_module_process process = { .argv = argv, .envp = envp };
	int status;
	int r = corun_module_process(task, &process, NULL, &status);

	if (r < 0)
		return r;
	return WIFSIGNALED(status) ? 200 + WTERMSIG(status) : WEXITSTATUS(status);
}

CORUN_MODULE = {
	CORUN_MODULE_HEADER,
	.name = "starts",
	.options = options,
	.run = run,
};
