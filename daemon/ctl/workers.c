/* corunctl workers - how many there are, or are to be */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <corun/cpu.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/look_options.h"
#include "daemon/ctl/worker_text.h"

/* The body that sets them. Return: 0; EXIT_USAGE after a message. */
static int
body_of(const struct command *command, const char *word, char *ret, size_t size)
{
	unsigned n = look_options_number(word, CORUN_WORKERS_MAX);

	if (n > 0)
		snprintf(ret, size, "{\"workers\":%u}", n);
	else if (strcmp(word, "auto") == 0)
		snprintf(ret, size, "{\"workers\":\"auto\"}");
	else
		return command_usage_error(command,
					   "'%s': want a whole number from 1 to %d, or auto", word,
					   CORUN_WORKERS_MAX);
	return 0;
}

static int
show(struct client *client, const struct client_options *options, const struct answer *answer)
{
	const char *fault = workers_fault(answer->json);

	if (options->json) {
		answer_print(answer);
		return EXIT_OK;
	}
	if (fault)
		return client_misfit(client, fault);
	workers_print(stdout, answer->json);
	putchar('\n');
	return EXIT_OK;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct client_options options = { .timeout_s = 0 };
	struct client *client;
	struct answer answer;
	char body[40];
	int status = command_parse(command, argc, argv, client_take, &options);

	if (status != COMMAND_GO)
		return status;
	if (optind < argc) {
		status = body_of(command, argv[optind], body, sizeof(body));
		if (status != 0)
			return status;
	}
	status = client_open(&options, command, CLIENT_TIMEOUT_S, &client);
	if (status != EXIT_OK)
		return status;
	status = optind < argc ? client_ask(client, "PUT", "/v1/workers", body, 0, &answer)
			       : client_ask(client, "GET", "/v1/workers", NULL, 0, &answer);
	if (status == EXIT_OK) {
		status = client_check(client, &answer);
		if (status == EXIT_OK)
			status = show(client, &options, &answer);
		answer_free(&answer);
	}
	client_close(client);
	return status;
}

const struct command command_workers = {
	.name = "workers",
	.usage = "[N|auto] [OPTION...]",
	.summary = "Show the number of workers, pin it to N, or go back to the rules.",
	.words = "a number of workers or auto",
	.words_max = 1,
	.shared_options = client_option_rows,
	.run = run,
};
