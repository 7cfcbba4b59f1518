/* corunctl version - of both sides */

#include <stdio.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/escape.h"

static int
show(struct client *client, const json_t *version)
{
	const char *name = field_text(version, "name"), *release = field_text(version, "version");

	if (!name || !release || !field_has_number(version, "api"))
		return client_misfit(client, "'name', 'version' or 'api' is missing");
	escape_line(stdout, name);
	putchar(' ');
	escape_line(stdout, release);
	if (field_has_number(version, "pid"))
		printf(", process %lld", field_number(version, "pid"));
	printf(", protocol %lld\n", field_number(version, "api"));
	if (field_number(version, "api") != CLIENT_API)
		return client_say(client,
				  "this corunctl speaks version %d of the protocol: use the "
				  "one that came with the daemon",
				  CLIENT_API);
	return EXIT_OK;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct client_options options = { .timeout_s = 0 };
	struct client *client;
	struct answer answer;
	int status = command_parse(command, argc, argv, client_take, &options);

	if (status != COMMAND_GO)
		return status;
	if (!options.json) {
		puts("corunctl " PACKAGE_VERSION);
		fflush(stdout);
	}
	status = client_open(&options, command, CLIENT_TIMEOUT_S, &client);
	if (status != EXIT_OK)
		return status;
	status = client_get(client, "/v1/version", &answer);
	if (status == EXIT_OK && options.json)
		answer_print(&answer);
	else if (status == EXIT_OK)
		status = show(client, answer.json);
	answer_free(&answer);
	client_close(client);
	return status;
}

const struct command command_version = {
	.name = "version",
	.usage = "[OPTION...]",
	.summary = "Print the versions of corunctl and of the corund that runs.",
	.shared_options = client_option_rows,
	.run = run,
};
