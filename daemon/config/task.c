/* The configuration of one task: how long it lives, and what differs from another one */

#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/value.h"

static void
task_config_free(struct task_config *task)
{
	config_values_clear("Task", task);
	for (size_t i = 0; i < task->n_options; i++) {
		free(task->options[i].key);
		free(task->options[i].value);
	}
	free(task->options);
	free(task->name);
	free(task->file);
	free(task);
}

struct task_config *
task_config_ref(struct task_config *task)
{
	__atomic_fetch_add(&task->refs, 1, __ATOMIC_RELAXED);
	return task;
}

void
task_config_unref(struct task_config *task)
{
	if (task && __atomic_sub_fetch(&task->refs, 1, __ATOMIC_ACQ_REL) == 0)
		task_config_free(task);
}

static bool
same_module_options(const struct task_config *a, const struct task_config *b)
{
	if (a->n_options != b->n_options)
		return false;
	for (size_t i = 0; i < a->n_options; i++)
		if (strcmp(a->options[i].key, b->options[i].key) != 0 ||
		    strcmp(a->options[i].value, b->options[i].value) != 0)
			return false;
	return true;
}

/* Are all options the same that take at least @reload? */
static bool
same_options(const struct task_config *a, const struct task_config *b, enum config_reload reload)
{
	for (size_t i = 0; i < config_n_options; i++)
		if (strcmp(config_options[i].section, "Task") == 0 &&
		    config_options[i].reload >= reload &&
		    !config_value_same(&config_options[i], a, b))
			return false;
	return same_module_options(a, b);
}

bool
task_config_same(const struct task_config *a, const struct task_config *b)
{
	return same_options(a, b, RELOAD_LIVE);
}

bool
task_config_restart_needed(const struct task_config *a, const struct task_config *b)
{
	return !same_options(a, b, RELOAD_TASK);
}

char *
config_module_file(const char *module, const char *module_dir)
{
	char *file;

	if (strchr(module, '/'))
		return strdup(module);
	return asprintf(&file, "%s/%s.so", module_dir, module) < 0 ? NULL : file;
}
