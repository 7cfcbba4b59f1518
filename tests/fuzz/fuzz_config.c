/* A corund.conf and a task file, up to what one can say without looking at the system */

#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "daemon/config/explain.h"
#include "daemon/config/parse.h"
#include "daemon/config/value.h"
#include "daemon/config/words.h"

/* Whoever reads the messages gets one line each, of a file's line that is there. */
static void
check_errors(const struct config_errors *errors, const uint8_t *data, size_t size)
{
	unsigned n_lines = 1;

	for (size_t i = 0; i < size; i++)
		n_lines += data[i] == '\n';
	PROMISE(!errors->no_memory);
	PROMISE(errors->n_notes <= errors->n);
	for (size_t i = 0; i < errors->n; i++) {
		PROMISE(errors->list[i].line <= n_lines);
		PROMISE(errors->list[i].text[0] != '\0');
		for (const char *c = errors->list[i].text; *c != '\0'; c++)
			PROMISE((unsigned char) *c >= ' ' && *c != '\x7f');
	}
}

/* Printed and read again, a command is the same. */
static void
check_words(char *const *words)
{
	struct config_errors errors = { 0 };
	struct config_place at = { .errors = &errors, .file = "x" };
	char *text = NULL, **again = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	PROMISE(out);
	config_words_print(words, out);
	PROMISE(fclose(out) == 0);
	PROMISE(config_words_split(text, "Key", &at, &again) == 0);
	PROMISE(config_words_same(words, again));
	config_words_free(again);
	free(text);
}

/* What passed all checks can be used. */
static void
check_task(const struct task_config *task)
{
	char **command;

	PROMISE(task_config_same(task, task) && !task_config_restart_needed(task, task));
	PROMISE(task->restart_ns <= task->restart_max_delay_ns);
	if (task->type == TASK_MODULE) {
		PROMISE(task->module);
		return;
	}
	PROMISE(task->exec_start && task->exec_start[0][0] != '\0');
	PROMISE(task->on_resize != RESIZE_RELOAD || task->exec_reload);
	PROMISE(task->on_resize != RESIZE_EXEC || task->on_resize_exec);
	PROMISE(task->kill_signal > 0);
	command = config_command(task, task->exec_start, 3);
	PROMISE(config_words_count(command) == config_words_count(task->exec_start));
	config_words_free(command);
	check_words(task->exec_start);
	check_words(task->environment);
}

static void
try_task(const uint8_t *data, size_t size)
{
	struct config_errors errors = { 0 };
	struct config_place at = { .errors = &errors, .file = "x.task" };
	struct task_config *task = calloc(1, sizeof(*task));
	struct config_seen seen;

	PROMISE(task);
	task->refs = 1;
	task->name = strdup("x");
	config_parse_task((const char *) data, size, &at, task, &seen);
	config_check_task(task, &seen, &at);
	check_errors(&errors, data, size);
	if (errors.n == errors.n_notes)
		check_task(task);
	task_config_unref(task);
	config_errors_free(&errors);
}

static void
try_conf(const uint8_t *data, size_t size)
{
	struct config_errors errors = { 0 };
	struct config_place at = { .errors = &errors, .file = "corund.conf" };
	struct config config = { 0 };
	struct config_seen seen;

	config_parse((const char *) data, size, &at, &config, &seen);
	config_check(&config, &seen, &at);
	check_errors(&errors, data, size);
	config_values_clear("Corund", &config);
	config_errors_free(&errors);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_task(data, size);
	try_conf(data, size);
	return 0;
}
