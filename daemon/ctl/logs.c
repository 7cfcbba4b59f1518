/* corunctl logs - what a task has written last */

#include <unistd.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/tail.h"

static const struct command_option option_rows[] = {
	{ "lines", "N", 'n', "only the last N lines" },
	{ NULL, NULL, 0, NULL },
};

struct logs_options {
	struct client_options client;
	unsigned lines;
};

static int
take(void *context, const struct command *command, int key, const char *value)
{
	struct logs_options *options = context;

	if (key != 'n')
		return client_options_take(&options->client, command, key, value);
	return tail_take_lines(command, value, &options->lines);
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct logs_options options = { .lines = TAIL_ALL };
	struct client *client;
	int status = command_parse(command, argc, argv, take, &options);

	if (status != COMMAND_GO)
		return status;
	status = client_open(&options.client, command, CLIENT_TIMEOUT_S, &client);
	if (status != EXIT_OK)
		return status;
	status = tail_print(client, argv[optind], options.lines, "");
	client_close(client);
	return status;
}

const struct command command_logs = {
	.name = "logs",
	.usage = "NAME [OPTION...]",
	.summary = "Print what a task has written last, as far as corund keeps it: 64 KiB.",
	.words = "the name of a task",
	.words_min = 1,
	.words_max = 1,
	.options = option_rows,
	.shared_options = client_option_rows + 1, /* it is text, never JSON */
	.run = run,
};
