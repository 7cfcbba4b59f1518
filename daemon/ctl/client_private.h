#pragma once

/* Client, private: what client.c and client_stream.c share */

#include <curl/curl.h>

#include "daemon/ctl/client.h"

struct client {
	const struct client_options *options;
	const struct command *command;
	unsigned timeout_s;
	CURL *curl;
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	struct client_sockets sockets;
	size_t chosen;  /* which socket answered; sockets.n: not known yet */
	int reasons[2]; /* why the others did not: errno */
};

/* Bytes that come in parts; data[size] is a NUL. */
struct client_buffer {
	char *data;
	size_t size, room;
};

/** client_buffer_add() - append @n bytes. Return: 0, -ENOMEM, -EFBIG: there would be more than @max */
int client_buffer_add(struct client_buffer *buffer, const char *data, size_t n, size_t max);

/** client_perform_fn - run the transfer that is set up in client->curl */
typedef CURLcode client_perform_fn(struct client *client, void *arg);

/**
 * client_request() - set up a request and perform it, at the first socket where somebody answers
 * @write: called with the body of the answer, as CURLOPT_WRITEFUNCTION
 */
CURLcode client_request(struct client *client, const char *method, const char *path,
			const char *body, curl_write_callback write, void *write_arg,
			client_perform_fn *perform, void *perform_arg);

/** client_failed() - say why a request had no answer. Return: the exit code */
int client_failed(const struct client *client, CURLcode code);
