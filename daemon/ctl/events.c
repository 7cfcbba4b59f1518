/* corunctl events - what happens, as it happens */

#include <stdio.h>
#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/event_text.h"
#include "daemon/ctl/output.h"

enum {
	OPTION_SINCE = 0x400,
	OPTION_NO_FOLLOW,
};

static const struct command_option option_rows[] = {
	{ "since", "N", OPTION_SINCE,
	  "first those after number N that corund has kept;\n"
	  "0: all of them (default: only new ones)" },
	{ "no-follow", NULL, OPTION_NO_FOLLOW,
	  "end after those that are there (default then:\n"
	  "--since 0)" },
	{ NULL, NULL, 0, NULL },
};

struct events_options {
	struct client_options client;
	const char *since; /* digits, or NULL */
	bool no_follow;
};

/* The stream, as far as it has come. */
struct events {
	struct client *client;
	bool json;
	bool stopping; /* the daemon said that it ends */
	bool misfit;   /* a line was none of the protocol */
};

static int
take_option(void *context, const struct command *command, int key, const char *value)
{
	struct events_options *options = context;

	switch (key) {
	case OPTION_SINCE:
		/* 18 digits are less than what a JSON library can hold. */
		if (!*value || strspn(value, "0123456789") != strlen(value) || strlen(value) > 18)
			return command_usage_error(
				command, "--since '%s': want the number of an event, or 0", value);
		options->since = value;
		return 0;
	case OPTION_NO_FOLLOW:
		options->no_follow = true;
		return 0;
	default:
		return client_options_take(&options->client, command, key, value);
	}
}

static bool
take_line(void *arg, char *line, size_t len)
{
	struct events *events = arg;
	json_t *event;
	const char *state;

	if (len == 0)
		return true;
	event = json_loadb(line, len, 0, NULL);
	if (!json_is_object(event)) {
		json_decref(event);
		events->misfit = true;
		return false;
	}
	state = field_text(event, "state");
	if (field_text(event, "event") && strcmp(field_text(event, "event"), "daemon") == 0)
		events->stopping = state && strcmp(state, "stopping") == 0;
	if (events->json) {
		fwrite(line, 1, len, stdout);
		putchar('\n');
	} else {
		event_print(stdout, event);
	}
	json_decref(event);
	return output_flush() == 0; /* main() says why */
}

static int
follow(struct client *client, const struct events_options *options)
{
	struct events events = { .client = client, .json = options->client.json };
	const char *since = options->since ? options->since : options->no_follow ? "0" : NULL;
	char path[80];
	int status = EXIT_OK;
	enum client_stream_end end;

	snprintf(path, sizeof(path), "/v1/events%s%s%s", since ? "?since=" : "", since ? since : "",
		 options->no_follow ? "&follow=0" : "");
	end = client_stream(client, path, !options->no_follow, take_line, &events, &status);
	if (events.misfit)
		return client_misfit(client, "a line is no JSON object");
	if (end == CLIENT_STREAM_FAILED)
		return status;
	if (end == CLIENT_STREAM_BROKEN && !events.stopping)
		return client_say(client, "the connection broke off: corund may have died");
	return EXIT_OK;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct events_options options = { .since = NULL };
	struct client *client;
	int status = command_parse(command, argc, argv, take_option, &options);

	if (status != COMMAND_GO)
		return status;
	status = client_open(&options.client, command, CLIENT_TIMEOUT_S, &client);
	if (status != EXIT_OK)
		return status;
	status = follow(client, &options);
	client_close(client);
	return status;
}

const struct command command_events = {
	.name = "events",
	.usage = "[OPTION...]",
	.summary = "Print what happens, a line for each event, until Ctrl-C or corund ends.",
	.options = option_rows,
	.shared_options = client_option_rows,
	.run = run,
};
