/* Checks of what belongs together; a key that stands wrong alone was found while parsing. */

#include <string.h>

#include "daemon/config/parse.h"
#include "daemon/config/words.h"

static struct config_place
place_of(const struct config_place *at, const struct config_seen *seen, const char *section,
	 const char *key)
{
	struct config_place there = *at;

	there.line = config_seen_line(seen, section, key);
	return there;
}

/* @section's WorkersMin= and WorkersMax=, if both were given. */
static void
check_bounds(const struct workers_config *workers, const char *section,
	     const struct config_seen *seen, const struct config_place *at)
{
	struct config_place min = place_of(at, seen, section, "WorkersMin");
	struct config_place max = place_of(at, seen, section, "WorkersMax");

	if (min.line && max.line && workers->policy.workers_min > workers->policy.workers_max)
		config_complain(&min, "WorkersMin=%u is more than WorkersMax=%u in line %u",
				workers->policy.workers_min, workers->policy.workers_max, max.line);
}

void
config_check(const struct config *config, const struct config_seen *seen,
	     const struct config_place *at)
{
	check_bounds(&config->workers, "Corund", seen, at);
}

/* Keys of the other type, and those that the type needs. */
static void
check_type(const struct task_config *task, const struct config_seen *seen,
	   const struct config_place *at)
{
	const char *type = task_type_name(task->type);
	struct config_place there = place_of(at, seen, "Task", "Type");
	const char *why = there.line ? "" : ", the default";

	for (size_t i = 0; i < config_n_options; i++) {
		const struct config_option *option = &config_options[i];

		there.line = seen->options[i];
		if (there.line && option->fits && !(option->fits & 1U << task->type))
			config_complain(&there, "%s= is not for Type=%s%s", option->key, type, why);
	}
	there.line = seen->module;
	if (seen->module && task->type != TASK_MODULE)
		config_complain(&there, "section [Module] is not for Type=%s%s", type, why);
	if (task->type == TASK_PROCESS && !config_seen_line(seen, "Task", "ExecStart"))
		config_complain(at, "ExecStart= is missing from [Task]: what is to be started?");
	if (task->type == TASK_MODULE && !config_seen_line(seen, "Task", "Module"))
		config_complain(at, "Module= is missing from [Task]: which one is to be loaded?");
}

static void
check_exports(const struct task_config *task, const struct config_seen *seen,
	      const struct config_place *at)
{
	struct config_place there = place_of(at, seen, "Task", "ExportWorkersAs");

	for (size_t i = 0; i < config_words_count(task->export_workers_as); i++) {
		const char *name = task->export_workers_as[i];

		for (size_t j = 0; j < config_words_count(task->environment); j++)
			if (strncmp(task->environment[j], name, strlen(name)) == 0 &&
			    task->environment[j][strlen(name)] == '=')
				config_complain(&there,
						"ExportWorkersAs=: %s is set by Environment=, too",
						name);
	}
}

void
config_check_task(struct task_config *task, const struct config_seen *seen,
		  const struct config_place *at)
{
	struct config_place there;

	if (!seen->type_unknown)
		check_type(task, seen, at);
	check_bounds(&task->workers, "Task", seen, at);
	check_exports(task, seen, at);

	there = place_of(at, seen, "Task", "OnResize");
	if (task->on_resize == RESIZE_RELOAD && !config_seen_line(seen, "Task", "ExecReload"))
		config_complain(&there, "OnResize=reload needs ExecReload=, and there is none");

	there = place_of(at, seen, "Task", "Group");
	if (task->group && !task->user)
		config_complain(&there, "Group= needs User=, and there is none");

	there = place_of(at, seen, "Task", "RestartMaxDelaySec");
	if (task->restart_ns <= task->restart_max_delay_ns)
		return;
	if (there.line)
		config_complain(&there, "RestartMaxDelaySec= is less than RestartSec=");
	else
		task->restart_max_delay_ns = task->restart_ns;
}
