#pragma once

/*
 * Client - asks the daemon: HTTP over its Unix socket, by libcurl
 *
 * What goes wrong is said on stderr here, once; the commands only pass on the exit code.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/ctl/client_options.h"

enum {
	CLIENT_API = 1,        /* the version of the protocol */
	CLIENT_TIMEOUT_S = 10, /* of a question that the daemon answers at once */
};

struct client;

struct answer {
	long status; /* of HTTP */
	char *body;  /* ends with a NUL that does not count; NULL: nothing came */
	size_t size;
	json_t *json; /* of the body; NULL: it is none */
};

/**
 * client_open() - get ready; connects to nothing yet
 * @options, @command: must outlive the client
 * @timeout_s: for each request, if --timeout was not given
 * Return: EXIT_OK and a client to be closed; else an exit code after a message.
 */
int client_open(const struct client_options *options, const struct command *command,
		unsigned timeout_s, struct client **ret);
void client_close(struct client *client);

/** client_timeout_s() - how long it waits */
unsigned client_timeout_s(const struct client *client);

/** client_path() - the path of a task: /v1/tasks/NAME + @rest. Allocated; NULL: no memory. */
char *client_path(struct client *client, const char *task, const char *rest);

/**
 * client_ask() - one request and its answer, whatever its status
 * @path:    NULL: no memory for it
 * @body:    JSON, or NULL
 * @extra_s: wait so much longer than --timeout
 * Return: EXIT_OK and an answer to be freed; else an exit code after a message.
 */
int client_ask(struct client *client, const char *method, const char *path, const char *body,
	       unsigned extra_s, struct answer *ret);

/** client_get() - client_ask() with GET; an answer that is an error or no JSON is a failure, too */
int client_get(struct client *client, const char *path, struct answer *ret);

/**
 * client_show() - a whole command: GET @path, and print what came, as JSON or by @show
 * @show: returns an exit code, after a message if it is none of success
 */
int client_show(const struct command *command, int argc, char **argv, const char *path,
		int (*show)(struct client *client, const json_t *json));

/** answer_free() - what it holds; it is empty then. After a failure it is empty already. */
void answer_free(struct answer *answer);

/** answer_print() - the body to stdout as it is, with a newline at its end */
void answer_print(const struct answer *answer);

/**
 * client_check() - is it a success, and with JSON?
 * Return: EXIT_OK; else an exit code, after the daemon's sentence or one of ours.
 */
int client_check(struct client *client, const struct answer *answer);

/**
 * client_misfit() - the answer is not what the protocol says
 * @what: what is wrong: "'tasks' is missing"
 * Asks which version of the protocol is spoken and says that as well, if it is not ours.
 * Return: EXIT_FAILED
 */
int client_misfit(struct client *client, const char *what);

/** client_say() - a line on stderr, with the command's name. Return: EXIT_FAILED */
int client_say(const struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One line of a stream, without its newline, ending with a NUL. Return: false: no more. */
typedef bool client_line_fn(void *arg, char *line, size_t len);

enum client_stream_end {
	CLIENT_STREAM_ENDED,   /* by the server, as HTTP wants it */
	CLIENT_STREAM_STOPPED, /* by SIGINT, SIGTERM, @take, or since nobody reads stdout any more */
	CLIENT_STREAM_BROKEN,  /* in the middle; nothing was said of it yet */
	CLIENT_STREAM_FAILED,  /* a message was printed; *ret_status is the exit code */
};

/**
 * client_stream() - GET an answer that comes line by line, without end
 * @follow: no time-out once it has begun
 * SIGINT and SIGTERM are blocked from then on.
 */
enum client_stream_end client_stream(struct client *client, const char *path, bool follow,
				     client_line_fn *take, void *arg, int *ret_status);

/* ---- fields of a JSON object --------------------------------------------------------------- */

/** field_text() - a string; NULL: there is none, or null */
const char *field_text(const json_t *object, const char *name);

/** field_number() - a whole number; 0: there is none */
long long field_number(const json_t *object, const char *name);

/** field_has_number() - is there one? */
bool field_has_number(const json_t *object, const char *name);
