/* corunctl tasks - the table of them */

#include "daemon/ctl/task_text.h"

#include "daemon/ctl/client.h"

static int
show(struct client *client, const struct client_options *options, const struct answer *answer)
{
	const char *fault = tasks_fault(answer->json);

	if (options->json) {
		answer_print(answer);
		return EXIT_OK;
	}
	if (fault)
		return client_misfit(client, fault);
	if (json_array_size(json_object_get(answer->json, "tasks")) == 0)
		puts("There are no tasks.");
	else if (tasks_print(answer->json) < 0)
		return client_say(client, "out of memory");
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
	status = client_open(&options, command, CLIENT_TIMEOUT_S, &client);
	if (status != EXIT_OK)
		return status;
	status = client_get(client, "/v1/tasks", &answer);
	if (status == EXIT_OK) {
		status = show(client, &options, &answer);
		answer_free(&answer);
	}
	client_close(client);
	return status;
}

const struct command command_tasks = {
	.name = "tasks",
	.usage = "[OPTION...]",
	.summary = "List the tasks of corund.",
	.shared_options = client_option_rows,
	.run = run,
};
