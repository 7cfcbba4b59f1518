/*
 * The client: one request at a time, and every way in which that fails as a sentence.
 *
 * A request that finds nobody at the first socket goes to the next one; it was not sent before, so
 * nothing is asked for twice. Once somebody has answered, it stays with that socket.
 */

#include "daemon/ctl/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/ctl/client_private.h"
#include "daemon/ctl/escape.h"

enum {
	ANSWER_MAX = 64 << 20,
	VERSION_TIMEOUT_S = 2, /* for a question that only makes a message better */
};

int
client_say(const struct client *client, const char *format, ...)
{
	va_list args;
	char *text = NULL;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	fprintf(stderr, "corunctl %s: ", client->command->name);
	escape_line(stderr, r < 0 ? "out of memory" : text);
	putc('\n', stderr);
	if (r >= 0)
		free(text);
	return EXIT_FAILED;
}

/* ---- open and close -------------------------------------------------------------------------- */

int
client_open(const struct client_options *options, const struct command *command, unsigned timeout_s,
	    struct client **ret)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client) {
		client->options = options;
		client->command = command;
		client->timeout_s = options->timeout_s ? options->timeout_s : timeout_s;
		client->curl = curl_easy_init();
	}
	if (!client || !client->curl || client_sockets_find(options, &client->sockets) < 0) {
		fprintf(stderr, "corunctl %s: out of memory\n", command->name);
		client_close(client);
		return EXIT_FAILED;
	}
	client->chosen = client->sockets.n;
	*ret = client;
	return EXIT_OK;
}

void
client_close(struct client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	curl_slist_free_all(client->headers);
	client_sockets_free(&client->sockets);
	free(client);
}

unsigned
client_timeout_s(const struct client *client)
{
	return client->timeout_s;
}

char *
client_path(struct client *client, const char *task, const char *rest)
{
	char *escaped = curl_easy_escape(client->curl, task, 0);
	char *path = NULL;

	if (!escaped || asprintf(&path, "/v1/tasks/%s%s", escaped, rest) < 0)
		path = NULL;
	curl_free(escaped);
	return path;
}

/* ---- a request ------------------------------------------------------------------------------- */

static CURLcode
set_up(struct client *client, const char *method, const char *path, const char *body,
       curl_write_callback write, void *write_arg)
{
	CURL *curl = client->curl;
	char *url;
	bool sends = strcmp(method, "GET") != 0;
	/* A request without a body has no type either. */
	struct curl_slist *headers =
		curl_slist_append(NULL, body ? "Content-Type: application/json" : "Content-Type:");

	curl_slist_free_all(client->headers);
	client->headers = headers;
	if (!headers || !path || asprintf(&url, "http://localhost%s", path) < 0)
		return CURLE_OUT_OF_MEMORY;
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	free(url); /* curl has a copy */
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "corunctl/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (sends) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, body ? (long) strlen(body) : 0L);
		curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body ? body : "");
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	}
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, write_arg);
	return CURLE_OK;
}

CURLcode
client_request(struct client *client, const char *method, const char *path, const char *body,
	       curl_write_callback write, void *write_arg, client_perform_fn *perform,
	       void *perform_arg)
{
	CURLcode code = set_up(client, method, path, body, write, write_arg);

	if (code != CURLE_OK)
		return code;
	for (size_t i = 0; i < client->sockets.n; i++) {
		struct sockaddr_un address;
		long reason = ENAMETOOLONG;

		if (client->chosen != i && client->chosen != client->sockets.n)
			continue;
		client->error[0] = '\0';
		if (strlen(client->sockets.path[i]) < sizeof(address.sun_path)) {
			curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH,
					 client->sockets.path[i]);
			code = perform(client, perform_arg);
			if (code != CURLE_COULDNT_CONNECT) {
				client->chosen = i;
				return code;
			}
			reason = 0;
			curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &reason);
		}
		client->reasons[i] = (int) reason;
	}
	return CURLE_COULDNT_CONNECT;
}

static CURLcode
perform_easy(struct client *client, void *arg)
{
	const unsigned *seconds = arg;

	curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, (long) *seconds);
	return curl_easy_perform(client->curl);
}

/* ---- why it failed --------------------------------------------------------------------------- */

static int
nobody_answers(const struct client *client)
{
	bool denied = false;

	client_say(client, "corund cannot be reached:");
	for (size_t i = 0; i < client->sockets.n; i++) {
		int reason = client->reasons[i];

		if (client->chosen != i && client->chosen != client->sockets.n)
			continue;
		fputs("  ", stderr);
		escape_line(stderr, client->sockets.path[i]);
		if (reason == ECONNREFUSED)
			fputs(": the socket is there, but nobody listens any more\n", stderr);
		else
			fprintf(stderr, ": %s\n", reason ? strerror(reason) : client->error);
		denied = denied || reason == EACCES || reason == EPERM;
	}
	if (denied)
		fputs("You may not use that socket: try it as root, or as the user that corund "
		      "runs as.\n",
		      stderr);
	else
		fputs("Is it running? Start it, or say where its socket is with --socket PATH or\n"
		      "CORUN_SOCKET.\n",
		      stderr);
	return EXIT_NO_DAEMON;
}

int
client_failed(const struct client *client, CURLcode code)
{
	const char *socket =
		client->chosen < client->sockets.n ? client->sockets.path[client->chosen] : "";

	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return nobody_answers(client);
	case CURLE_OPERATION_TIMEDOUT:
		client_say(client, "%s: no answer within %u second%s; --timeout waits longer",
			   socket, client->timeout_s, client->timeout_s == 1 ? "" : "s");
		return EXIT_TIMED_OUT;
	case CURLE_OUT_OF_MEMORY:
		return client_say(client, "out of memory");
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return client_say(client,
				  "%s: what answers there is not corund: it does not speak HTTP",
				  socket);
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		return client_say(client, "%s: the connection was closed in the middle (%s)",
				  socket,
				  client->error[0] ? client->error : curl_easy_strerror(code));
	case CURLE_WRITE_ERROR:
		return client_say(client,
				  "%s: the answer has more than %d MiB, which no corund sends",
				  socket, ANSWER_MAX >> 20);
	default:
		return client_say(client, "%s: %s", socket,
				  client->error[0] ? client->error : curl_easy_strerror(code));
	}
}

/* ---- an answer ------------------------------------------------------------------------------- */

int
client_buffer_add(struct client_buffer *buffer, const char *data, size_t n, size_t max)
{
	if (n > max - buffer->size)
		return -EFBIG;
	if (buffer->size + n + 1 > buffer->room) {
		size_t room = 2 * (buffer->size + n + 1);
		char *more = realloc(buffer->data, room);

		if (!more)
			return -ENOMEM;
		buffer->data = more;
		buffer->room = room;
	}
	memcpy(buffer->data + buffer->size, data, n);
	buffer->size += n;
	buffer->data[buffer->size] = '\0';
	return 0;
}

static size_t
collect(char *data, size_t size, size_t n, void *arg)
{
	return client_buffer_add(arg, data, size * n, ANSWER_MAX) < 0 ? 0 : size * n;
}

/* One request and the body of its answer. Return: of curl; on failure nothing is left to free. */
static CURLcode
exchange(struct client *client, const char *method, const char *path, const char *body,
	 unsigned seconds, struct answer *ret)
{
	struct client_buffer buffer = { 0 };
	CURLcode code = client_request(client, method, path, body, collect, &buffer, perform_easy,
				       &seconds);

	*ret = (struct answer){ 0 };
	if (code != CURLE_OK) {
		free(buffer.data);
		return code;
	}
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &ret->status);
	ret->body = buffer.data;
	ret->size = buffer.size;
	if (ret->body)
		ret->json = json_loadb(ret->body, ret->size, JSON_DECODE_ANY, NULL);
	return CURLE_OK;
}

int
client_ask(struct client *client, const char *method, const char *path, const char *body,
	   unsigned extra_s, struct answer *ret)
{
	CURLcode code = exchange(client, method, path, body, client->timeout_s + extra_s, ret);

	return code == CURLE_OK ? EXIT_OK : client_failed(client, code);
}

int
client_get(struct client *client, const char *path, struct answer *ret)
{
	int status = client_ask(client, "GET", path, NULL, 0, ret);

	if (status != EXIT_OK)
		return status;
	status = client_check(client, ret);
	if (status != EXIT_OK)
		answer_free(ret);
	return status;
}

void
answer_free(struct answer *answer)
{
	free(answer->body);
	json_decref(answer->json);
	*answer = (struct answer){ 0 };
}

void
answer_print(const struct answer *answer)
{
	fwrite(answer->body, 1, answer->size, stdout);
	if (answer->size == 0 || answer->body[answer->size - 1] != '\n')
		putchar('\n');
}

int
client_check(struct client *client, const struct answer *answer)
{
	const char *sentence = field_text(answer->json, "error");
	char what[80];

	if (answer->status >= 200 && answer->status < 300 && answer->json)
		return EXIT_OK;
	if (answer->status >= 200 && answer->status < 300)
		return client_misfit(client, "it is no JSON");
	if (!sentence) {
		snprintf(what, sizeof(what), "its status is %ld, without a sentence that says why",
			 answer->status);
		return client_misfit(client, what);
	}
	client_say(client, "%s", sentence);
	return answer->status == 504 ? EXIT_TIMED_OUT : EXIT_FAILED;
}

int
client_misfit(struct client *client, const char *what)
{
	struct answer version;
	const char *name, *release;

	client_say(client, "%s: the answer is not what corund says: %s",
		   client->sockets.path[client->chosen], what);
	exchange(client, "GET", "/v1/version", NULL, VERSION_TIMEOUT_S, &version);
	name = field_text(version.json, "name");
	release = field_text(version.json, "version");
	if (name && field_has_number(version.json, "api") &&
	    field_number(version.json, "api") != CLIENT_API)
		client_say(
			client,
			"it is %s %s, which speaks version %lld of the protocol; this is corunctl "
			"%s, which speaks version %d: use the corunctl that came with it",
			name, release ? release : "?", field_number(version.json, "api"),
			PACKAGE_VERSION, CLIENT_API);
	answer_free(&version);
	return EXIT_FAILED;
}

/* ---- a command that only shows ------------------------------------------------------------------ */

int
client_show(const struct command *command, int argc, char **argv, const char *path,
	    int (*show)(struct client *client, const json_t *json))
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
	status = client_get(client, path, &answer);
	if (status == EXIT_OK && options.json)
		answer_print(&answer);
	else if (status == EXIT_OK)
		status = show(client, answer.json);
	answer_free(&answer);
	client_close(client);
	return status;
}

/* ---- fields ---------------------------------------------------------------------------------- */

const char *
field_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

long long
field_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

bool
field_has_number(const json_t *object, const char *name)
{
	return json_is_integer(json_object_get(object, name));
}
