/* corunctl status - the daemon at a glance, or one task with its last lines */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/escape.h"
#include "daemon/ctl/tail.h"
#include "daemon/ctl/task_text.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/worker_text.h"

enum {
	LINES_DEFAULT = 10,
	KEY_RUNNING = 0x180,
};

static const struct command_option option_rows[] = {
	{ "lines", "N", 'n', "so many of the task's last lines of output (default: 10)" },
	{ "running", NULL, KEY_RUNNING, "fail unless the task runs, for probes" },
	{ NULL, NULL, 0, NULL },
};

struct status_options {
	struct client_options client;
	unsigned lines;
	bool running; /* wanted */
};

static int
take(void *context, const struct command *command, int key, const char *value)
{
	struct status_options *options = context;

	if (key == KEY_RUNNING) {
		options->running = true;
		return 0;
	}
	if (key != 'n')
		return client_options_take(&options->client, command, key, value);
	return tail_take_lines(command, value, &options->lines);
}

/* ---- one task -------------------------------------------------------------------------------- */

static bool
task_is_running(const json_t *task)
{
	const char *state = field_text(task, "state");

	return state && strcmp(state, "running") == 0;
}

static int
show_task(struct client *client, const struct status_options *options, const char *name)
{
	char *path = client_path(client, name, "");
	struct answer answer;
	const char *fault;
	int status = client_get(client, path, &answer);

	free(path);
	if (status != EXIT_OK)
		return status;
	fault = task_fault(answer.json);
	if (options->client.json) {
		answer_print(&answer);
	} else if (fault) {
		status = client_misfit(client, fault);
	} else {
		task_print(stdout, answer.json);
		status = tail_print(client, name, options->lines ? options->lines : LINES_DEFAULT,
				    "\n");
	}
	if (status == EXIT_OK && options->running && !task_is_running(answer.json))
		status = client_say(client, "the task does not run");
	answer_free(&answer);
	return status;
}

/* ---- the daemon ------------------------------------------------------------------------------ */

static const char *
status_fault(const json_t *daemon)
{
	if (!field_text(daemon, "state"))
		return "the state of the daemon is missing";
	return workers_fault(json_object_get(daemon, "workers"));
}

static void
print_line(const char *title, const char *text)
{
	printf("%-8s ", title);
	escape_line(stdout, text);
	putchar('\n');
}

static void
print_head(const json_t *daemon)
{
	const char *version = field_text(daemon, "version");
	const json_t *uptime = json_object_get(daemon, "uptime_s");
	char text[WHEN_SIZE];

	fputs("corund ", stdout);
	escape_line(stdout, version ? version : "?");
	fputs(" is ", stdout);
	escape_line(stdout, field_text(daemon, "state"));
	if (field_has_number(daemon, "pid"))
		printf(", process %lld", field_number(daemon, "pid"));
	if (field_text(daemon, "started")) {
		fputs(", since ", stdout);
		escape_line(stdout, when_text(field_text(daemon, "started"), text));
	}
	if (json_is_number(uptime))
		printf(" (%s)", when_duration(json_number_value(uptime), text));
	putchar('\n');
}

static void
print_workers_line(const json_t *workers)
{
	fputs("workers  ", stdout);
	workers_print(stdout, workers);
	putchar('\n');
	if (field_number(workers, "retiring") > 0)
		printf("         %lld retiring\n", field_number(workers, "retiring"));
}

static void
print_daemon(const json_t *daemon)
{
	const json_t *tasks = json_object_get(daemon, "tasks");
	const char *config = field_text(daemon, "config");

	print_head(daemon);
	print_line("config", config ? config : "none");
	if (field_text(daemon, "socket"))
		print_line("socket", field_text(daemon, "socket"));
	print_workers_line(json_object_get(daemon, "workers"));
	if (json_is_object(tasks))
		printf("tasks    %lld: %lld running, %lld failed\n", field_number(tasks, "all"),
		       field_number(tasks, "running"), field_number(tasks, "failed"));
	if (field_number(daemon, "log_dropped") > 0)
		printf("log      %lld lines were lost: nobody took them in time\n",
		       field_number(daemon, "log_dropped"));
}

static int
show_daemon(struct client *client, const struct status_options *options)
{
	struct answer daemon, tasks;
	const char *fault;
	int status = client_get(client, "/v1/status", &daemon);

	if (status != EXIT_OK)
		return status;
	if (options->client.json) {
		answer_print(&daemon);
		answer_free(&daemon);
		return EXIT_OK;
	}
	fault = status_fault(daemon.json);
	if (fault)
		status = client_misfit(client, fault);
	else
		print_daemon(daemon.json);
	answer_free(&daemon);
	if (status != EXIT_OK)
		return status;

	status = client_get(client, "/v1/tasks", &tasks);
	if (status != EXIT_OK)
		return status;
	fault = tasks_fault(tasks.json);
	if (fault) {
		status = client_misfit(client, fault);
	} else if (json_array_size(json_object_get(tasks.json, "tasks")) > 0) {
		putchar('\n');
		if (tasks_print(tasks.json) < 0)
			status = client_say(client, "out of memory");
	}
	answer_free(&tasks);
	return status;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct status_options options = { .lines = 0 };
	struct client *client;
	int status = command_parse(command, argc, argv, take, &options);

	if (status != COMMAND_GO)
		return status;
	if (options.lines && optind == argc)
		return command_usage_error(command, "--lines goes with the name of a task");
	if (options.running && optind == argc)
		return command_usage_error(command, "--running goes with the name of a task");
	status = client_open(&options.client, command, CLIENT_TIMEOUT_S, &client);
	if (status != EXIT_OK)
		return status;
	status = optind < argc ? show_task(client, &options, argv[optind])
			       : show_daemon(client, &options);
	client_close(client);
	return status;
}

const struct command command_status = {
	.name = "status",
	.usage = "[NAME] [OPTION...]",
	.summary = "Show corund, its workers and its tasks; or one task and its last output.",
	.words = "the name of a task",
	.words_max = 1,
	.options = option_rows,
	.shared_options = client_option_rows,
	.run = run,
};
