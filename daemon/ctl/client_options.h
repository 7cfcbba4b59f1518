#pragma once

/* Client options - what all commands take that ask the daemon, and where it is looked for */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/ctl/command.h"

enum { CLIENT_TIMEOUT_MAX_S = 3600 };

struct client_options {
	bool json;
	const char *socket; /* NULL: the places where it is by default */
	unsigned timeout_s; /* 0: the command's own default */
};

/* The rows for struct command, ending with an empty one. The first is --json: + 1 is without. */
extern const struct command_option client_option_rows[];

/**
 * client_options_take() - one option that command_parse() gave
 * Return: 0; EXIT_USAGE after a message.
 */
int client_options_take(struct client_options *options, const struct command *command, int key,
			const char *value);

/** client_take() - a command_take_fn whose context is the client_options; for those with no others */
int client_take(void *context, const struct command *command, int key, const char *value);

/* The places where the daemon's socket is looked for, in this order. */
struct client_sockets {
	size_t n;
	char *path[2];
};

/**
 * client_sockets_find() - --socket, else CORUN_SOCKET, else the default places
 *
 * These are /run/corun/control.sock for root, and for others $XDG_RUNTIME_DIR/corun/control.sock
 * and then /run/corun/control.sock. Nothing is opened.
 *
 * Return: 0 or -ENOMEM; client_sockets_free() frees it in both cases.
 */
int client_sockets_find(const struct client_options *options, struct client_sockets *ret);
void client_sockets_free(struct client_sockets *sockets);
