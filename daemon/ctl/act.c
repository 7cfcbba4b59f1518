/* corunctl start, stop, restart - and wait until it is so */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/escape.h"
#include "daemon/ctl/task_text.h"

enum {
	ACT_TIMEOUT_S = 120,
	ACT_GRACE_S = 5, /* the daemon's own time-out comes first: it says what it waited for */
	NAMES_MAX = 1000000,
};

static void
print_task(const json_t *task)
{
	escape_line(stdout, field_text(task, "name"));
	fputs(": ", stdout);
	escape_line(stdout, field_text(task, "state"));
	if (field_has_number(task, "pid"))
		printf(", process %lld", field_number(task, "pid"));
	putchar('\n');
}

static int
act(struct client *client, const struct client_options *options, const struct command *command,
    const char *task)
{
	struct answer answer;
	const char *fault;
	char rest[64], *path;
	int status;

	snprintf(rest, sizeof(rest), "/%s?timeout=%u", command->name, client_timeout_s(client));
	path = client_path(client, task, rest);
	status = client_ask(client, "POST", path, NULL, ACT_GRACE_S, &answer);
	free(path);
	if (status != EXIT_OK)
		return status;
	status = client_check(client, &answer);
	fault = task_fault(answer.json);
	if (status == EXIT_OK && options->json)
		answer_print(&answer);
	else if (status == EXIT_OK && fault)
		status = client_misfit(client, fault);
	else if (status == EXIT_OK)
		print_task(answer.json);
	answer_free(&answer);
	return status;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct client_options options = { .timeout_s = 0 };
	struct client *client;
	int all, status = command_parse(command, argc, argv, client_take, &options);

	if (status != COMMAND_GO)
		return status;
	all = client_open(&options, command, ACT_TIMEOUT_S, &client);
	if (all != EXIT_OK)
		return all;
	for (int i = optind; i < argc && status != EXIT_NO_DAEMON; i++) {
		status = act(client, &options, command, argv[i]);
		fflush(stdout); /* one after the other may take long */
		/* Several that failed in different ways: the general code. */
		if (status != EXIT_OK)
			all = all == EXIT_OK || all == status ? status : EXIT_FAILED;
	}
	client_close(client);
	return all;
}

#define ACT_NOTES                                                                                  \
	"Several are done one after the other; one that fails does not keep the rest from\n"       \
	"being tried."

const struct command command_start = {
	.name = "start",
	.usage = "NAME... [OPTION...]",
	.summary = "Start tasks, and wait until they run.",
	.notes = ACT_NOTES,
	.words = "the name of a task",
	.words_min = 1,
	.words_max = NAMES_MAX,
	.shared_options = client_option_rows,
	.run = run,
};

const struct command command_stop = {
	.name = "stop",
	.usage = "NAME... [OPTION...]",
	.summary = "Stop tasks, and wait until the last of their processes has ended.",
	.notes = ACT_NOTES,
	.words = "the name of a task",
	.words_min = 1,
	.words_max = NAMES_MAX,
	.shared_options = client_option_rows,
	.run = run,
};

const struct command command_restart = {
	.name = "restart",
	.usage = "NAME... [OPTION...]",
	.summary = "Stop tasks and start them again, and wait until they run.",
	.notes = ACT_NOTES,
	.words = "the name of a task",
	.words_min = 1,
	.words_max = NAMES_MAX,
	.shared_options = client_option_rows,
	.run = run,
};
