#include "daemon/config/explain.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/value.h"
#include "daemon/config/words.h"

char *
config_expand(const char *text, const char *task, unsigned workers)
{
	char *expanded = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&expanded, &len);

	if (!out)
		return NULL;
	for (const char *c = text; *c != '\0'; c++) {
		if (*c != '%' || c[1] == '\0') {
			putc(*c, out);
			continue;
		}
		c++;
		if (*c == 'w')
			fprintf(out, "%u", workers);
		else if (*c == 'n')
			fputs(task, out);
		else /* '%'; nothing else passes the checks */
			putc(*c, out);
	}
	if (fclose(out) != 0) {
		free(expanded);
		return NULL;
	}
	return expanded;
}

char **
config_command(const struct task_config *task, char *const *words, unsigned workers)
{
	char **command = NULL;

	for (size_t i = 0; words && words[i]; i++)
		if (config_words_add(&command, config_expand(words[i], task->name, workers)) < 0) {
			config_words_free(command);
			return NULL;
		}
	return command;
}

static int
print_command(const struct task_config *task, char *const *words, unsigned workers, FILE *out)
{
	char **command = config_command(task, words, workers);

	if (!command)
		return -ENOMEM;
	config_words_print(command, out);
	putc('\n', out);
	config_words_free(command);
	return 0;
}

static void
print_signal(int signal, FILE *out)
{
	if (sigabbrev_np(signal))
		fprintf(out, "SIG%s", sigabbrev_np(signal));
	else
		fprintf(out, "signal %d", signal);
}

/* "exec: /usr/bin/x 3", "signal SIGHUP" ... */
static int
print_on_resize(const struct task_config *task, unsigned workers, FILE *out)
{
	fprintf(out, "on resize    %s", resize_action_name(task->on_resize));
	switch (task->on_resize) {
	case RESIZE_SIGNAL:
		putc(' ', out);
		print_signal(task->on_resize_signal, out);
		break;
	case RESIZE_RELOAD:
		fputs(": ", out);
		return print_command(task, task->exec_reload, workers, out);
	case RESIZE_EXEC:
		fputs(": ", out);
		return print_command(task, task->on_resize_exec, workers, out);
	default:
		break;
	}
	putc('\n', out);
	return 0;
}

/* What the task has that the daemon has not, or has otherwise; and what it has not. */
static int
print_environment(const struct task_config *task, unsigned workers, FILE *out)
{
	char **env = config_environment(task, workers, environ);
	const char *label = "environment";

	if (!env)
		return -ENOMEM;
	for (size_t i = 0; env[i]; i++) {
		bool same = false;

		for (size_t j = 0; environ[j] && !same; j++)
			same = strcmp(environ[j], env[i]) == 0;
		if (same)
			continue;
		fprintf(out, "%-12s ", label);
		config_word_print(env[i], out);
		putc('\n', out);
		label = "";
	}
	config_words_free(env);
	return 0;
}

static int
explain_process(const struct task_config *task, unsigned workers, const char *reason, FILE *out)
{
	int r;

	fputs("command      ", out);
	r = print_command(task, task->exec_start, workers, out);
	if (r < 0)
		return r;
	fprintf(out, "workers      %u%s%s\n", workers, reason ? ": " : "", reason ? reason : "");
	r = print_environment(task, workers, out);
	if (r < 0)
		return r;
	fprintf(out, "folder       %s\n", task->working_directory);
	if (task->user)
		fprintf(out, "user         %s\n", task->user);
	if (task->group)
		fprintf(out, "group        %s\n", task->group);
	if (task->cpu_quota.limited)
		fprintf(out, "CPU quota    %g%%\n", (double) task->cpu_quota.quota_us / 1000);
	return print_on_resize(task, workers, out);
}

static void
explain_module(const struct task_config *task, FILE *out)
{
	fprintf(out, "module       %s\n", task->module);
	for (size_t i = 0; i < task->n_options; i++)
		fprintf(out, "%-12s %s=%s\n", i == 0 ? "options" : "", task->options[i].key,
			task->options[i].value);
}

int
config_explain(const struct task_config *task, unsigned workers, const char *reason, FILE *out)
{
	int r = 0;

	fprintf(out, "task         %s, a %s (%s)\n", task->name, task_type_name(task->type),
		task->file);
	if (task->description)
		fprintf(out, "description  %s\n", task->description);
	if (task->type == TASK_PROCESS)
		r = explain_process(task, workers, reason, out);
	else
		explain_module(task, out);
	if (r < 0)
		return r;
	fprintf(out, "restart      %s, after ", restart_policy_name(task->restart));
	config_print_span(task->restart_ns, out);
	fputs(" up to ", out);
	config_print_span(task->restart_max_delay_ns, out);
	fputs("\nstop         ", out);
	if (task->type == TASK_PROCESS) {
		print_signal(task->kill_signal, out);
		fputs(", and SIGKILL after ", out);
	} else {
		fputs("stuck after ", out);
	}
	config_print_span(task->timeout_stop_ns, out);
	putc('\n', out);
	return ferror(out) ? -EIO : 0;
}
