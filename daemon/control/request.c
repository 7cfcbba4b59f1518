#include "daemon/control/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corun/time.h>

#include "daemon/control/stream.h"
#include "daemon/report/text_json.h"

/* Further bytes of a body that is too large are read and thrown away, so that the client, who may
 * not look before it has sent all, gets its answer; but not for ever. */
enum { BODY_SWALLOWED_MAX = 1024 * 1024 };

static struct request *all; /* under way */

struct request *
request_new(struct MHD_Connection *connection, const struct server_hooks *hooks)
{
	struct request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->connection = connection;
	request->hooks = hooks;
	request->next = all;
	if (all != NULL)
		all->previous = request;
	all = request;
	return request;
}

static void
forget_errand(struct request *request)
{
	loop_cancel(&request->timer);
	if (request->errand != NULL)
		request->errand->asker = NULL;
	request->errand = NULL;
}

void
request_free(struct request *request)
{
	forget_errand(request);
	loop_unwatch(request->hang_up);
	if (request->previous != NULL)
		request->previous->next = request->next;
	else
		all = request->next;
	if (request->next != NULL)
		request->next->previous = request->previous;
	stream_free(request->stream);
	free(request->body);
	free(request->answer);
	free(request);
}

int
request_fd(const struct request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info != NULL ? info->connect_fd : -1;
}

bool
request_take_body(struct request *request, const char *data, size_t len)
{
	size_t room = BODY_MAX - request->body_len;
	size_t kept = len < room ? len : room;

	request->body_seen += len;
	if (request->body == NULL)
		request->body = calloc(1, BODY_MAX + 1);
	if (request->body == NULL)
		return false;
	memcpy(request->body + request->body_len, data, kept);
	request->body_len += kept;
	return request->body_seen <= BODY_SWALLOWED_MAX;
}

/* ---- the query ------------------------------------------------------------------------------- */

const char *
request_query(const struct request *request, const char *key)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, key);
}

int
request_query_number(struct request *request, const char *key, uint64_t least, uint64_t most,
		     uint64_t *ret)
{
	const char *text = request_query(request, key);
	unsigned long long n;
	char *end;

	if (text == NULL)
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n < least || n > most) {
		request_fail(request, 400, "%s=%s: want a whole number from %llu to %llu", key,
			     text, (unsigned long long) least, (unsigned long long) most);
		return -EINVAL;
	}
	*ret = n;
	return 0;
}

/* ---- answers --------------------------------------------------------------------------------- */

void
request_answer(struct request *request, int status, const char *type, char *text, size_t len)
{
	free(request->answer);
	request->answered = true;
	request->status = status;
	request->type = type;
	request->answer = text;
	request->answer_len = len;
	request_resume(request);
}

void
request_answer_json(struct request *request, int status, json_t *body)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = body != NULL ? open_memstream(&text, &size) : NULL;
	bool ok = out != NULL && json_dumpf(body, out, JSON_INDENT(2)) == 0;

	if (out != NULL) {
		ok = putc('\n', out) != EOF && ok;
		ok = fclose(out) == 0 && ok;
	}
	json_decref(body);
	if (!ok) {
		free(text);
		text = NULL;
	}
	request_answer(request, status, "application/json", text, size);
}

void
request_fail(struct request *request, int status, const char *format, ...)
{
	char sentence[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	request_answer_json(request, status, json_pack("{s:o}", "error", text_json(sentence)));
}

static struct MHD_Response *
response_of(struct request *request)
{
	static char no_memory[] = "{\"error\": \"no memory\"}\n";
	char *text = request->answer;

	request->answer = NULL;
	if (text != NULL)
		return MHD_create_response_from_buffer(request->answer_len, text,
						       MHD_RESPMEM_MUST_FREE);
	request->status = 500;
	request->type = "application/json";
	return MHD_create_response_from_buffer(strlen(no_memory), no_memory,
					       MHD_RESPMEM_PERSISTENT);
}

enum MHD_Result
request_send(struct request *request)
{
	struct MHD_Response *response = response_of(request);
	enum MHD_Result r;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, request->type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (request->allow != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, request->allow);
	r = MHD_queue_response(request->connection, (unsigned) request->status, response);
	MHD_destroy_response(response);
	return r;
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* libmicrohttpd does not see a client of a suspended connection leave. */
static void
on_hang_up(void *arg, uint32_t events)
{
	struct request *request = arg;

	(void) events;
	forget_errand(request);
	if (request->stream != NULL) {
		stream_end(request->stream);
		request_resume(request);
	} else {
		/* Nobody will read it: the connection is closed on the attempt to write. */
		request_fail(request, 503, "the client has gone");
	}
}

void
request_suspend(struct request *request)
{
	if (request->suspended)
		return;
	request->suspended = true;
	MHD_suspend_connection(request->connection);
	/* Without memory for it the time-out, or the next event, finds out. A hang-up is told unasked. */
	if (loop_watch(request_fd(request), 0, on_hang_up, request, &request->hang_up) < 0)
		request->hang_up = NULL;
}

void
request_resume(struct request *request)
{
	if (!request->suspended)
		return;
	loop_unwatch(request->hang_up);
	request->hang_up = NULL;
	request->suspended = false;
	MHD_resume_connection(request->connection);
	server_resumed();
}

static void
on_timeout(void *arg)
{
	struct request *request = arg;

	forget_errand(request);
	request_fail(request, 504,
		     "no result in time; it may still come: look again, or give a longer timeout=");
}

void
request_wait(struct request *request, struct errand *errand, uint64_t timeout_ns)
{
	errand->asker = request;
	request->errand = errand;
	request->timer.fn = on_timeout;
	request->timer.arg = request;
	loop_at(&request->timer, corun_in(timeout_ns));
}

struct request *
request_of_errand(struct errand *errand)
{
	struct request *request = errand->asker;

	if (request != NULL)
		forget_errand(request);
	return request;
}

void
request_poll(struct request *request, void (*fn)(void *request))
{
	request->timer.fn = fn;
	request->timer.arg = request;
	loop_at(&request->timer, corun_in(1 * CORUN_MS));
}

void
requests_wake_streams(void)
{
	for (struct request *request = all; request != NULL; request = request->next)
		if (request->stream != NULL)
			request_resume(request);
}

void
requests_end(void)
{
	for (struct request *request = all; request != NULL; request = request->next) {
		if (request->stream != NULL)
			stream_end(request->stream);
		else if (request->suspended) {
			forget_errand(request);
			request_fail(request, 503, "the daemon stops");
		}
		request_resume(request);
	}
}
