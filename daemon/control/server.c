/*
 * Server - libmicrohttpd in the control thread
 *
 * It has no thread of its own: its epoll descriptor is watched by our loop, and MHD_run() does what
 * is to be done and never blocks. Its next time-out is a timer of the loop.
 *
 * Invariants:
 * 1. All of libmicrohttpd is called in the control thread.
 * 2. A connection is suspended only if its request has an errand, a poll or a stream that goes on;
 *    whoever ends that resumes it. A time-out ends errands: libmicrohttpd has none for suspended
 *    connections.
 * 3. What was handed on holds a struct errand, never the request: that may be gone by then.
 */

#include "daemon/control/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <corun/time.h>

#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/control/events.h"
#include "daemon/control/listen.h"
#include "daemon/control/peer.h"
#include "daemon/control/request.h"
#include "daemon/control/routes.h"
#include "daemon/control/stream.h"
#include "daemon/report/text_json.h"

enum {
	CONNECTIONS_MAX = 64,
	SILENCE_S = 10,
	MEMORY_BYTES = 16 * 1024, /* of a connection: bounds the head of a request, too */
	ROUNDS_AT_END = 4,
};

static struct {
	struct MHD_Daemon *mhd;
	const struct server_hooks *hooks;
	struct listener listener;
	struct loop_watch *watch;
	struct loop_timer timer;
	bool again; /* there is more to do, though no descriptor or time-out says so */
	uint64_t started_us, started_ns;
} server = { .listener = { .fd = -1, .lock_fd = -1 } };

/* ---- one request ----------------------------------------------------------------------------- */

/* Return: does the query hold only what the route takes? */
static enum MHD_Result
check_argument(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct request *request = arg;
	const char *query = request->route->query;
	const char *at = query != NULL ? strstr(query, key) : NULL;
	size_t len = strlen(key);

	(void) kind;
	(void) value;
	if (at != NULL && len > 0 && (at == query || at[-1] == ' ') &&
	    (at[len] == '\0' || at[len] == ' '))
		return MHD_YES;
	if (query != NULL)
		request_fail(request, 400, "unknown argument '%s' in the query; there is: %s", key,
			     query);
	else
		request_fail(request, 400, "unknown argument '%s' in the query; this takes none",
			     key);
	return MHD_NO;
}

static void
refuse_path(struct request *request, const char *method, const char *path, const char *allow)
{
	const char *near = routes_nearest(path);

	if (allow != NULL) {
		request->allow = allow;
		request_fail(request, 405, "%s is not for %s; there is: %s", method, path, allow);
	} else if (near != NULL) {
		request_fail(request, 404, "no such path '%s'; did you mean '%s'?", path, near);
	} else {
		request_fail(request, 404, "no such path '%s'; corund-api(7) lists them", path);
	}
}

/* May this be asked, here and by this user? Else it is answered. */
static void
check(struct request *request, const char *method, const char *path)
{
	const char *allow;
	uid_t uid;

	request->route = routes_find(method, path, request->name, &allow);
	if (request->route == NULL) {
		refuse_path(request, method, path, allow);
		return;
	}
	if (request->route->changes && !peer_may_change(request_fd(request), &uid)) {
		request_fail(
			request, 403,
			"only root and the daemon's own user (uid %u) may change things; uid %u "
			"may read",
			(unsigned) geteuid(), (unsigned) uid);
		return;
	}
	MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, check_argument,
				  request);
}

static void
refuse_size(struct request *request)
{
	request_fail(request, 413, "the body is larger than %d bytes", BODY_MAX);
}

/* Has the client said that it will send too much? Then it need not. */
static bool
announces_too_much(struct MHD_Connection *connection)
{
	const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_CONTENT_LENGTH);

	return text != NULL && strtoull(text, NULL, 10) > BODY_MAX;
}

static void
handle(struct request *request)
{
	bool stopping = strcmp(request->hooks->state(), "stopping") == 0;

	if (request->body_seen > BODY_MAX)
		refuse_size(request);
	else if (request->body_seen > 0 && !request->route->takes_body)
		request_fail(request, 400, "%s %s takes no body", request->route->method,
			     request->route->path);
	else if (request->route->changes && stopping)
		request_fail(request, 503, "the daemon is stopping");
	else
		request->route->handle(request);
}

/* The head has come. */
static enum MHD_Result
begin(struct MHD_Connection *connection, const char *url, const char *method, void **ret)
{
	struct request *request = request_new(connection, server.hooks);

	if (request == NULL)
		return MHD_NO;
	*ret = request;
	check(request, method, url);
	if (!request->answered && announces_too_much(connection)) {
		refuse_size(request);
		return request_send(request);
	}
	return MHD_YES;
}

/* libmicrohttpd calls this for the head, for each part of the body, for the end, and after a resume. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
	   const char *version, const char *data, size_t *data_len, void **state)
{
	struct request *request = *state;

	(void) arg;
	(void) version;
	if (request == NULL)
		return begin(connection, url, method, state);
	if (*data_len > 0) {
		size_t len = *data_len;

		*data_len = 0;
		return request_take_body(request, data, len) ? MHD_YES : MHD_NO;
	}
	if (!request->answered && request->stream == NULL)
		handle(request);
	if (request->answered)
		return request_send(request);
	if (request->stream != NULL)
		return stream_send(request);
	request_suspend(request);
	return MHD_YES;
}

static void
on_completed(void *arg, struct MHD_Connection *connection, void **state,
	     enum MHD_RequestTerminationCode why)
{
	(void) arg;
	(void) connection;
	(void) why;
	if (*state != NULL)
		request_free(*state);
	*state = NULL;
}

/* At the limit it stops accepting; that there is room again it sees in the MHD_run() after only. */
static void
on_connection(void *arg, struct MHD_Connection *connection, void **state,
	      enum MHD_ConnectionNotificationCode code)
{
	(void) arg;
	(void) connection;
	(void) state;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED)
		server.again = true;
}

static void __attribute__((format(printf, 2, 0)))
on_error(void *arg, const char *format, va_list args)
{
	(void) arg;
	log_vline(LOG_LEVEL_DEBUG, NULL, format, args);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void
run(void *arg)
{
	MHD_UNSIGNED_LONG_LONG ms;

	(void) arg;
	server.again = false;
	MHD_run(server.mhd);
	if (server.again)
		loop_at(&server.timer, corun_now());
	else if (MHD_get_timeout(server.mhd, &ms) == MHD_YES)
		loop_at(&server.timer, corun_in(ms * CORUN_MS));
	else
		loop_cancel(&server.timer);
}

void
server_resumed(void)
{
	server.again = true;
	loop_at(&server.timer, corun_now());
}

static void
on_ready(void *arg, uint32_t events)
{
	(void) events;
	run(arg);
}

static int
watch_mhd(void)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server.mhd, MHD_DAEMON_INFO_EPOLL_FD);

	if (info == NULL)
		return -ENOSYS;
	server.timer.fn = run;
	return loop_watch(info->epoll_fd, EPOLLIN, on_ready, NULL, &server.watch);
}

/* ---- open and close -------------------------------------------------------------------------- */

static struct MHD_Daemon *
start_mhd(int fd, unsigned silence_s)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
				NULL, NULL, on_request, NULL,
				/* First: what follows may have something to say. */
				MHD_OPTION_EXTERNAL_LOGGER, on_error, NULL, /**/
				MHD_OPTION_LISTEN_SOCKET, fd,               /**/
				MHD_OPTION_CONNECTION_LIMIT, (unsigned) CONNECTIONS_MAX,
				MHD_OPTION_CONNECTION_TIMEOUT, silence_s, /**/
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) MEMORY_BYTES,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,   /**/
				MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL, /**/
				MHD_OPTION_END);
}

int
server_open(const char *path, int fd, const struct server_hooks *hooks, char *fault,
	    size_t fault_size)
{
	int r = fd >= 0 ? listen_take(&server.listener, fd, fault, fault_size)
			: listen_open(&server.listener, path, fault, fault_size);

	if (r < 0)
		return r;
	server.hooks = hooks;
	server.mhd = start_mhd(server.listener.fd, hooks->silence_s ? hooks->silence_s : SILENCE_S);
	if (server.mhd == NULL) {
		close(server.listener.fd);
		listen_close(&server.listener);
		snprintf(fault, fault_size, "libmicrohttpd does not start");
		return -ENOMEM;
	}
	r = watch_mhd();
	if (r < 0) {
		snprintf(fault, fault_size, "libmicrohttpd cannot be watched: %s", strerror(-r));
		server_close();
		return r;
	}
	events_watch(requests_wake_streams);
	server.started_us = realtime_us();
	server.started_ns = corun_now();
	return 0;
}

const char *
server_path(void)
{
	return server.mhd != NULL ? server.listener.path : NULL;
}

uint64_t
server_started_us(void)
{
	return server.started_us;
}

uint64_t
server_started_ns(void)
{
	return server.started_ns;
}

void
server_close(void)
{
	if (server.mhd == NULL)
		return;
	events_watch(NULL);
	requests_end();
	/* The last words: answers, and the ends of streams. Who does not read them goes without. */
	for (int i = 0; i < ROUNDS_AT_END; i++)
		MHD_run(server.mhd);
	requests_end();
	loop_unwatch(server.watch);
	loop_cancel(&server.timer);
	server.watch = NULL;
	MHD_stop_daemon(server.mhd);
	server.mhd = NULL;
	listen_close(&server.listener);
}
