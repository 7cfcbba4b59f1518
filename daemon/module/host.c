/* Host - what a module may ask the daemon for */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/module/keys.h"
#include "daemon/module/run.h"

enum { LINE_BYTES = 1024 };

static const char *
host_name(struct corun_module_task *task)
{
	return module_run_of(task)->start.config->name;
}

static const char *
host_option(struct corun_module_task *task, const char *key)
{
	struct module_run *run = module_run_of(task);

	return module_keys_value(module_object_table(run->object), run->start.config, key);
}

static struct corun_context *
host_context(struct corun_module_task *task)
{
	return module_run_of(task)->ctx;
}

static unsigned
host_workers(struct corun_module_task *task)
{
	struct module_run *run = module_run_of(task);
	unsigned n = run->start.workers(run->start.arg);

	return n > 0 ? n : 1;
}

/* A newline would make two lines of it, the second one without a name. */
__attribute__((format(printf, 3, 0))) static void
host_log(struct corun_module_task *task, int level, const char *format, va_list args)
{
	char line[LINE_BYTES];
	int len = vsnprintf(line, sizeof(line), format, args);

	if (len < 0)
		return;
	if (len >= LINE_BYTES) {
		memcpy(line + LINE_BYTES - sizeof("..."), "...", sizeof("..."));
		len = LINE_BYTES - 1;
	}
	for (int i = 0; i < len; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	if (level < LOG_LEVEL_ERR || level > LOG_LEVEL_DEBUG)
		level = level < LOG_LEVEL_ERR ? LOG_LEVEL_ERR : LOG_LEVEL_DEBUG;
	output_line(module_run_of(task)->start.output, (enum log_level) level, line, (size_t) len);
}

__attribute__((format(printf, 2, 0))) static void
host_fail(struct corun_module_task *task, const char *format, va_list args)
{
	module_run_vfail(module_run_of(task), format, args);
}

const struct corun_module_host module_host = {
	.size = sizeof(module_host),
	.name = host_name,
	.option = host_option,
	.context = host_context,
	.workers = host_workers,
	.log = host_log,
	.fail = host_fail,
	.process = module_process,
};
