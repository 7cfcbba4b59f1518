#include "daemon/ctl/client_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/look_options.h"

#define SYSTEM_SOCKET "/run/corun/control.sock"

enum {
	CLIENT_OPTION_JSON = 0x300,
	CLIENT_OPTION_SOCKET,
	CLIENT_OPTION_TIMEOUT,
};

const struct command_option client_option_rows[] = {
	{ "json", NULL, CLIENT_OPTION_JSON, "print the daemon's JSON as it is" },
	{ "socket", "PATH", CLIENT_OPTION_SOCKET,
	  "of the daemon (default: $CORUN_SOCKET, else\n"
	  "$XDG_RUNTIME_DIR/corun/control.sock unless root,\n"
	  "else " SYSTEM_SOCKET ")" },
	{ "timeout", "SECONDS", CLIENT_OPTION_TIMEOUT,
	  "how long to wait for an answer (default: 10; of\n"
	  "start, stop, restart, reload: 120)" },
	{ NULL, NULL, 0, NULL },
};

int
client_options_take(struct client_options *options, const struct command *command, int key,
		    const char *value)
{
	switch (key) {
	case CLIENT_OPTION_JSON:
		options->json = true;
		return 0;
	case CLIENT_OPTION_SOCKET:
		if (!*value)
			return command_usage_error(command,
						   "--socket '': want the path of a socket");
		options->socket = value;
		return 0;
	default: /* CLIENT_OPTION_TIMEOUT */
		options->timeout_s = look_options_number(value, CLIENT_TIMEOUT_MAX_S);
		if (options->timeout_s == 0)
			return command_usage_error(
				command,
				"--timeout '%s': want a whole number of seconds from 1 to %d",
				value, CLIENT_TIMEOUT_MAX_S);
		return 0;
	}
}

int
client_take(void *context, const struct command *command, int key, const char *value)
{
	return client_options_take(context, command, key, value);
}

/* ---- where the daemon is --------------------------------------------------------------------- */

static int
add(struct client_sockets *sockets, const char *folder, const char *name)
{
	char *path;

	if (asprintf(&path, "%s%s", folder, name) < 0)
		return -ENOMEM;
	sockets->path[sockets->n++] = path;
	return 0;
}

int
client_sockets_find(const struct client_options *options, struct client_sockets *ret)
{
	const char *given = options->socket ? options->socket : getenv("CORUN_SOCKET");
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	int r = 0;

	ret->n = 0;
	if (given && *given)
		return add(ret, "", given);
	if (geteuid() != 0 && runtime_dir && *runtime_dir)
		r = add(ret, runtime_dir, "/corun/control.sock");
	if (r == 0)
		r = add(ret, "", SYSTEM_SOCKET);
	return r;
}

void
client_sockets_free(struct client_sockets *sockets)
{
	while (sockets->n > 0)
		free(sockets->path[--sockets->n]);
}
