/* corunctl reload - have corund read its configuration again, and say what that changed */

#include <stdio.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/escape.h"

enum {
	RELOAD_REFUSED = 422,
	RELOAD_TIMEOUT_S = 120,
};

static void
print_names(const json_t *answer, const char *name)
{
	const json_t *names = json_object_get(answer, name);

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *text = json_string_value(json_array_get(names, i));

		printf("%s ", name);
		escape_line(stdout, text ? text : "?");
		putchar('\n');
	}
}

static int
show(struct client *client, const json_t *answer)
{
	static const char *const lists[] = { "added", "changed", "removed" };
	long long unchanged = field_number(answer, "unchanged");

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!json_is_array(json_object_get(answer, lists[i])))
			return client_misfit(client, "'added', 'changed' or 'removed' is missing");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		print_names(answer, lists[i]);
	printf("unchanged: %lld task%s\n", unchanged, unchanged == 1 ? "" : "s");
	return EXIT_OK;
}

/* "FILE:LINE: TEXT", as compilers say it, so that editors find the place */
static void
print_errors(const json_t *errors)
{
	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *error = json_array_get(errors, i);
		const char *file = field_text(error, "file"), *text = field_text(error, "text");

		if (file) {
			escape_line(stderr, file);
			if (field_number(error, "line") > 0)
				fprintf(stderr, ":%lld", field_number(error, "line"));
			fputs(": ", stderr);
		}
		escape_line(stderr, text ? text : "?");
		putc('\n', stderr);
	}
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
	status = client_open(&options, command, RELOAD_TIMEOUT_S, &client);
	if (status != EXIT_OK)
		return status;
	status = client_ask(client, "POST", "/v1/reload", NULL, 0, &answer);
	if (status == EXIT_OK) {
		status = client_check(client, &answer);
		if (options.json && answer.json &&
		    (status == EXIT_OK || answer.status == RELOAD_REFUSED))
			answer_print(&answer);
		else if (status == EXIT_OK)
			status = show(client, answer.json);
		else
			print_errors(json_object_get(answer.json, "errors"));
		answer_free(&answer);
	}
	client_close(client);
	return status;
}

const struct command command_reload = {
	.name = "reload",
	.usage = "[OPTION...]",
	.summary = "Have corund read its configuration again, and say what that changed.",
	.notes = "Nothing changes if there is an error in it: each is printed as FILE:LINE: TEXT, "
		 "and\n"
		 "the exit code is 1. With --json they are on stdout, in the daemon's words.",
	.shared_options = client_option_rows,
	.run = run,
};
