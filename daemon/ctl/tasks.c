/* corunctl tasks - the table of them */

#include "daemon/ctl/task_text.h"

#include "daemon/ctl/client.h"

static int
show(struct client *client, const json_t *json)
{
	const char *fault = tasks_fault(json);

	if (fault)
		return client_misfit(client, fault);
	if (json_array_size(json_object_get(json, "tasks")) == 0)
		puts("There are no tasks.");
	else if (tasks_print(json) < 0)
		return client_say(client, "out of memory");
	return EXIT_OK;
}

static int
run(const struct command *command, int argc, char **argv)
{
	return client_show(command, argc, argv, "/v1/tasks", show);
}

const struct command command_tasks = {
	.name = "tasks",
	.usage = "[OPTION...]",
	.summary = "List the tasks of corund.",
	.shared_options = client_option_rows,
	.run = run,
};
