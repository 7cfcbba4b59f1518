#include "daemon/config/parse.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/config/lines.h"
#include "daemon/config/value.h"
#include "daemon/report/nearest.h"

enum { CONF, TASK };

static const struct section {
	const char *name;
	int file;
	bool free; /* any key */
} sections[] = {
	{ "Corund", CONF, false },
	{ "Task", TASK, false },
	{ "Module", TASK, true },
};

enum { N_SECTIONS = sizeof(sections) / sizeof(sections[0]) };

struct parsing {
	int file;
	void *base; /* struct config or struct task_config */
	struct config_seen *seen;
	const struct section *section; /* NULL: none yet, or an unknown one */
	bool begun;                    /* there was a section, known or not */
	unsigned section_lines[N_SECTIONS];
};

static void
complain_of_section(const struct parsing *parsing, const struct config_place *at, const char *name)
{
	const char *names[N_SECTIONS], *meant;
	size_t n = 0;

	for (size_t i = 0; i < N_SECTIONS; i++)
		if (sections[i].file == parsing->file)
			names[n++] = sections[i].name;
	meant = nearest(name, names, n);
	if (meant)
		config_complain(at, "unknown section [%s]; did you mean [%s]?", name, meant);
	else
		config_complain(at, "unknown section [%s]; %s", name,
				parsing->file == CONF
					? "corund.conf has [Corund]; a task is a file of its own, "
					  "tasks.d/NAME.task"
					: "a task has [Task] and [Module]");
}

static void
take_section(void *user, const struct config_place *at, const char *name)
{
	struct parsing *parsing = user;

	parsing->begun = true;
	parsing->section = NULL;
	for (size_t i = 0; i < N_SECTIONS; i++) {
		if (strcmp(sections[i].name, name) != 0 || sections[i].file != parsing->file)
			continue;
		if (parsing->section_lines[i])
			config_complain(at, "a second section [%s]; the first is in line %u", name,
					parsing->section_lines[i]);
		else
			parsing->section_lines[i] = at->line;
		parsing->section = &sections[i];
		if (sections[i].free)
			parsing->seen->module = parsing->section_lines[i];
	}
	if (!parsing->section)
		complain_of_section(parsing, at, name);
}

static void
complain_of_key(const char *section, const struct config_place *at, const char *key)
{
	const char *names[CONFIG_OPTIONS_MAX], *meant;
	size_t n = 0;

	for (size_t i = 0; i < config_n_options; i++)
		if (strcmp(config_options[i].section, section) == 0)
			names[n++] = config_options[i].key;
	meant = nearest(key, names, n);
	if (meant)
		config_complain(at, "unknown key '%s'; did you mean '%s'?", key, meant);
	else
		config_complain(at, "unknown key '%s' in [%s]", key, section);
}

static void
add_module_option(struct task_config *task, const struct config_place *at, const char *key,
		  const char *value)
{
	struct key_value *options =
		reallocarray(task->options, task->n_options + 1, sizeof(*options));
	struct key_value *option;

	if (!options) {
		config_no_memory(at);
		return;
	}
	task->options = options;
	option = &options[task->n_options];
	option->key = strdup(key);
	option->value = strdup(value);
	option->line = at->line;
	if (!option->key || !option->value) {
		free(option->key);
		free(option->value);
		config_no_memory(at);
		return;
	}
	task->n_options++;
}

static void
take_key(void *user, const struct config_place *at, const char *key, const char *value)
{
	struct parsing *parsing = user;
	const struct config_option *option;
	unsigned *line;

	if (!parsing->section) {
		if (!parsing->begun)
			config_complain(at, "'%s' comes before the first section; begin with [%s]",
					key, parsing->file == CONF ? "Corund" : "Task");
		parsing->begun = true;
		return;
	}
	if (parsing->section->free) {
		add_module_option(parsing->base, at, key, value);
		return;
	}
	option = config_option_find(parsing->section->name, key);
	if (!option) {
		complain_of_key(parsing->section->name, at, key);
		return;
	}
	line = &parsing->seen->options[config_option_index(option)];
	if (*line && *value != '\0' && !config_option_repeats(option)) {
		config_complain(at, "%s= is given already, in line %u", key, *line);
		return;
	}
	if (config_value_set(option, parsing->base, value, at) < 0 && strcmp(key, "Type") == 0)
		parsing->seen->type_unknown = true;
	*line = *value == '\0' ? 0 : at->line;
}

static void
parse(struct parsing *parsing, const char *text, size_t len, const struct config_place *at)
{
	static const struct config_lines calls = { .section = take_section, .key = take_key };

	*parsing->seen = (struct config_seen){ 0 };
	for (size_t i = 0; i < config_n_options; i++)
		if (strcmp(config_options[i].section, parsing->file == CONF ? "Corund" : "Task") ==
		    0)
			config_value_set(&config_options[i], parsing->base, "", at);
	config_lines_parse(text, len, at, &calls, parsing);
}

void
config_parse(const char *text, size_t len, const struct config_place *at, struct config *config,
	     struct config_seen *seen)
{
	struct parsing parsing = { .file = CONF, .base = config, .seen = seen };

	parse(&parsing, text, len, at);
}

void
config_parse_task(const char *text, size_t len, const struct config_place *at,
		  struct task_config *task, struct config_seen *seen)
{
	struct parsing parsing = { .file = TASK, .base = task, .seen = seen };

	parse(&parsing, text, len, at);
}

unsigned
config_seen_line(const struct config_seen *seen, const char *section, const char *key)
{
	return seen->options[config_option_index(config_option_find(section, key))];
}
