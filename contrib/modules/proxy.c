/*
 * Proxy - a module that passes TCP connections (and those of Unix sockets) on
 *
 *   run()         listens; takes a slot, accepts, starts a coroutine for the connection
 *     ├─ serve()     connects to the other side, passes bytes on; gives the slot back
 *     │    └─ back()    the same in the other direction
 *     └─ tidy()      closes the idle ones; once a minute says what has happened
 *
 * The slots are a channel that holds MaxConnections= elements of no size at first. When all are taken
 * nobody is accepted, and clients wait in the kernel's queue: they are late, but not refused. At the
 * end run() takes all slots: it gets the last one when the last connection has ended.
 *
 * Each direction ends on its own: the end of one side's data is passed on (shutdown(2)), and the
 * other direction goes on.
 *
 * Contexts: `listen` is the task's, and ends the listening. `cut` ends all connections, DrainSec=
 * after that. Each connection has one below `cut`, which is cancelled by whatever ends both
 * directions at once: an error, or idleness.
 */

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <corun/chan.h>
#include <corun/context.h>
#include <corun/coroutine.h>
#include <corun/io.h>
#include <corun/module.h>
#include <corun/sync.h>
#include <corun/time.h>

#include "contrib/modules/address.h"
#include "contrib/modules/values.h"

enum { BUFFER_BYTES = 16 * 1024, REPORT_S = 60, LATE_MAX = 1024 };

static const struct corun_module_option options[] = {
	{ .key = "Listen",
	  .required = 1,
	  .check = address_check,
	  .summary = "Where to listen: HOST:PORT, :PORT for all addresses, unix:/PATH." },
	{ .key = "Connect",
	  .required = 1,
	  .check = address_check,
	  .summary = "Where to pass connections on to, in the same words." },
	{ .key = "MaxConnections",
	  .fallback = "1000",
	  .check = value_check_count,
	  .summary = "As many at a time; who comes then waits." },
	{ .key = "ConnectTimeoutSec",
	  .fallback = "10s",
	  .check = value_check_span,
	  .summary = "How long to wait for the other side to take a connection." },
	{ .key = "IdleTimeoutSec",
	  .fallback = "infinity",
	  .check = value_check_span,
	  .summary = "A connection on which nothing was passed on for so long is closed." },
	{ .key = "DrainSec",
	  .fallback = "5s",
	  .check = value_check_span,
	  .summary = "How long connections may go on when the task is stopped. Less than "
		     "TimeoutStopSec= of the task." },
	{ .key = NULL },
};

struct proxy {
	struct corun_module_task *task;
	const char *connect;
	uint64_t connect_ns, idle_ns;
	struct corun_context *cut;
	struct corun_chan *slots; /* the free ones */
	unsigned n_slots;

	_Atomic uint64_t bytes[2]; /* passed on: there and back */
	_Atomic uint64_t accepted, ended, failed;
	_Atomic uint64_t told_failed; /* what was reported; the rest is tidy()'s */
	uint64_t told_bytes[2], told_accepted;

	struct corun_mutex lock; /* of the list */
	struct connection *first;
};

struct connection {
	struct proxy *proxy;
	struct corun_context *ctx;
	int fds[2];               /* the client's, the server's */
	_Atomic uint64_t last_ns; /* when something was passed on */
	struct connection *next, **at;
};

/* ---- bytes ----------------------------------------------------------------------------------- */

/* From one side to the other, up to the end of its data. */
static void
pass_on(struct connection *c, int from)
{
	_Atomic uint64_t *bytes = &c->proxy->bytes[from];
	char *buf = malloc(BUFFER_BYTES);
	ssize_t n = buf != NULL ? 1 : -ENOMEM;
	size_t written = 0;

	while (n > 0) {
		n = corun_read_ctx(c->fds[from], buf, BUFFER_BYTES, c->ctx);
		if (n > 0) {
			int r = corun_write_all_ctx(c->fds[!from], buf, (size_t) n, &written,
						    c->ctx);

			atomic_fetch_add_explicit(bytes, written, memory_order_relaxed);
			atomic_store_explicit(&c->last_ns, corun_now(), memory_order_relaxed);
			n = r < 0 ? r : n;
		}
	}
	free(buf);
	if (n == 0)
		shutdown(c->fds[!from], SHUT_WR);
	else
		corun_context_cancel(c->ctx, (int) n);
}

static void
back(void *arg)
{
	pass_on(arg, 1);
}

static void
set_up(int fd)
{
	int on = 1;

	/* No harm where it does not apply: a Unix socket. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static int
connect_to_server(struct connection *c)
{
	struct corun_context *ctx;
	int r = corun_context_new(&ctx, c->ctx, corun_in(c->proxy->connect_ns));

	if (r < 0)
		return r;
	r = address_connect(c->proxy->connect, ctx);
	corun_context_unref(ctx);
	return r;
}

/* ---- a connection ---------------------------------------------------------------------------- */

static void
enlist(struct connection *c)
{
	struct proxy *proxy = c->proxy;

	corun_mutex_lock(&proxy->lock);
	c->next = proxy->first;
	c->at = &proxy->first;
	if (c->next != NULL)
		c->next->at = &c->next;
	proxy->first = c;
	corun_mutex_unlock(&proxy->lock);
}

static void
delist(struct connection *c)
{
	corun_mutex_lock(&c->proxy->lock);
	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
	corun_mutex_unlock(&c->proxy->lock);
}

/* Only the first failure of a minute has a line of its own; tidy() counts the others. */
static void
say_failed(struct proxy *proxy, const char *what, int error)
{
	if (error == -ECANCELED)
		return;
	if (atomic_fetch_add(&proxy->failed, 1) == atomic_load(&proxy->told_failed))
		corun_module_log(proxy->task, CORUN_MODULE_ERR, "cannot %s: %s", what,
				 error == -EADDRNOTAVAIL ? "no such host" : strerror(-error));
}

/* The last thing that is done with @proxy: run() may end then. */
static void
give_slot_back(struct proxy *proxy)
{
	atomic_fetch_add(&proxy->ended, 1);
	corun_chan_send(proxy->slots, NULL, CORUN_FOREVER);
}

static void
serve(void *arg)
{
	struct connection *c = arg;
	struct proxy *proxy = c->proxy;
	struct corun_coroutine *other = NULL;
	char what[ADDRESS_TEXT_BYTES + 16];
	int r = connect_to_server(c);

	c->fds[1] = r;
	if (r >= 0) {
		set_up(c->fds[0]);
		set_up(c->fds[1]);
		r = corun_spawn(&other, NULL, back, c);
	}
	if (r >= 0) {
		pass_on(c, 0);
		corun_join(other, CORUN_FOREVER);
	} else {
		snprintf(what, sizeof(what), "pass on to %s", proxy->connect);
		say_failed(proxy, what, r);
	}
	delist(c);
	corun_close(c->fds[0]);
	if (c->fds[1] >= 0)
		corun_close(c->fds[1]);
	corun_context_unref(c->ctx);
	free(c);
	give_slot_back(proxy);
}

/* Takes over @fd and a slot. */
static int
serve_connection(struct proxy *proxy, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (c != NULL) {
		c->proxy = proxy;
		c->fds[0] = fd;
		c->last_ns = corun_now();
		r = corun_context_new(&c->ctx, proxy->cut, CORUN_FOREVER);
	}
	if (r == 0) {
		enlist(c);
		r = corun_go(serve, c);
		if (r < 0)
			delist(c);
	}
	if (r < 0) {
		if (c != NULL)
			corun_context_unref(c->ctx);
		free(c);
		corun_close(fd);
		give_slot_back(proxy);
	}
	return r;
}

/*
 * Until the task is to stop, or listening fails. Then those who have been waiting for long are still
 * taken (both calls try first, then look at the context); but not more and more who come late.
 * Return: 0, or why it fails.
 */
static int
accept_all(struct proxy *proxy, int listener)
{
	struct corun_context *ctx = corun_module_context(proxy->task);
	unsigned late = 0;

	while (late < LATE_MAX && corun_chan_recv_ctx(proxy->slots, NULL, ctx) == 1) {
		int fd = corun_accept_ctx(listener, NULL, NULL, ctx);

		if (fd >= 0) {
			atomic_fetch_add(&proxy->accepted, 1);
			fd = serve_connection(proxy, fd);
		} else {
			corun_chan_send(proxy->slots, NULL, CORUN_FOREVER);
		}
		late += corun_context_error(ctx) < 0;
		if (fd >= 0)
			continue;
		if (late > 0)
			break;
		say_failed(proxy, "take a connection", fd);
		/* Out of something? The others wait in the queue meanwhile. */
		if (fd != -EMFILE && fd != -ENFILE && fd != -ENOMEM && fd != -ENOBUFS)
			return fd;
		corun_context_wait(ctx, corun_in(100 * CORUN_MS));
	}
	return 0;
}

/* ---- once in a while ------------------------------------------------------------------------- */

static void
close_idle(struct proxy *proxy)
{
	uint64_t now_ns = corun_now();

	corun_mutex_lock(&proxy->lock);
	for (struct connection *c = proxy->first; c != NULL; c = c->next) {
		uint64_t last_ns = atomic_load_explicit(&c->last_ns, memory_order_relaxed);

		if (now_ns > last_ns && now_ns - last_ns >= proxy->idle_ns)
			corun_context_cancel(c->ctx, -ETIMEDOUT);
	}
	corun_mutex_unlock(&proxy->lock);
}

/* A line, if there was traffic since the last one. */
static void
report(struct proxy *proxy)
{
	uint64_t ended = atomic_load(&proxy->ended), accepted = atomic_load(&proxy->accepted);
	uint64_t failed = atomic_load(&proxy->failed), bytes[2];

	for (int i = 0; i < 2; i++)
		bytes[i] = atomic_load(&proxy->bytes[i]);
	if (accepted != proxy->told_accepted || failed != proxy->told_failed ||
	    bytes[0] != proxy->told_bytes[0] || bytes[1] != proxy->told_bytes[1])
		corun_module_log(proxy->task, CORUN_MODULE_INFO,
				 "%" PRIu64 " connections (%" PRIu64 " open now), %" PRIu64
				 " bytes there, %" PRIu64 " back, %" PRIu64 " failures",
				 accepted - proxy->told_accepted, accepted - ended,
				 bytes[0] - proxy->told_bytes[0], bytes[1] - proxy->told_bytes[1],
				 failed - proxy->told_failed);
	proxy->told_accepted = accepted;
	memcpy(proxy->told_bytes, bytes, sizeof(bytes));
	atomic_store(&proxy->told_failed, failed);
}

static void
tidy(void *arg)
{
	struct proxy *proxy = arg;
	uint64_t report_ns = corun_in(REPORT_S * CORUN_S);
	uint64_t step_ns = REPORT_S * CORUN_S;

	if (proxy->idle_ns / 4 < step_ns)
		step_ns = proxy->idle_ns / 4 + CORUN_MS;
	while (corun_context_wait(proxy->cut, corun_in(step_ns)) == 0) {
		close_idle(proxy);
		if (corun_now() >= report_ns) {
			report(proxy);
			report_ns = corun_in(REPORT_S * CORUN_S);
		}
	}
}

/* ---- start and end --------------------------------------------------------------------------- */

/* Give connections their time, then cut them; return when the last one has ended. */
static void
drain(struct proxy *proxy)
{
	uint64_t drain_ns, deadline_ns;
	unsigned taken = 0;

	value_span(corun_module_option(proxy->task, "DrainSec"), &drain_ns);
	deadline_ns = corun_in(drain_ns);
	while (taken < proxy->n_slots && corun_chan_recv(proxy->slots, NULL, deadline_ns) == 1)
		taken++;
	if (taken < proxy->n_slots)
		corun_module_log(proxy->task, CORUN_MODULE_NOTICE, "%u connections are cut",
				 proxy->n_slots - taken);
	corun_context_cancel(proxy->cut, -ECANCELED);
	for (; taken < proxy->n_slots; taken++)
		corun_chan_recv(proxy->slots, NULL, CORUN_FOREVER);
}

static int
serve_all(struct proxy *proxy, int listener)
{
	const char *listen = corun_module_option(proxy->task, "Listen");
	struct corun_coroutine *tidying = NULL;
	int r = corun_spawn(&tidying, &(struct corun_attr){ .name = "tidy" }, tidy, proxy);

	if (r == 0)
		r = accept_all(proxy, listener);
	if (r < 0)
		corun_module_fail(proxy->task, "cannot go on listening on %s: %s", listen,
				  strerror(-r));
	corun_close(listener);
	address_unlink(listen);
	drain(proxy);
	if (tidying != NULL)
		corun_join(tidying, CORUN_FOREVER);
	report(proxy);
	return r;
}

static int
make_slots(struct proxy *proxy)
{
	int r = corun_context_new(&proxy->cut, NULL, CORUN_FOREVER);

	value_count(corun_module_option(proxy->task, "MaxConnections"), &proxy->n_slots);
	if (r == 0)
		r = corun_chan_new(&proxy->slots, 0, proxy->n_slots);
	for (unsigned i = 0; r == 0 && i < proxy->n_slots; i++)
		r = corun_chan_try_send(proxy->slots, NULL);
	return r;
}

static int
run(struct corun_module_task *task)
{
	struct proxy proxy = { .task = task, .connect = corun_module_option(task, "Connect") };
	const char *listen = corun_module_option(task, "Listen");
	char name[ADDRESS_TEXT_BYTES];
	int r = make_slots(&proxy), listener = -1;

	value_span(corun_module_option(task, "ConnectTimeoutSec"), &proxy.connect_ns);
	value_span(corun_module_option(task, "IdleTimeoutSec"), &proxy.idle_ns);
	if (r == 0) {
		r = listener = address_listen(listen, name);
		if (r < 0)
			corun_module_fail(task, "cannot listen on %s: %s", listen,
					  r == -EADDRNOTAVAIL ? "that is no address of this machine"
							      : strerror(-r));
	}
	if (r >= 0) {
		corun_module_log(task, CORUN_MODULE_INFO, "listening on %s, passing on to %s", name,
				 proxy.connect);
		r = serve_all(&proxy, listener);
	}
	corun_chan_free(proxy.slots);
	corun_context_unref(proxy.cut);
	return r;
}

CORUN_MODULE = {
	CORUN_MODULE_HEADER,        .name = "proxy",
	.version = PACKAGE_VERSION, .summary = "passes connections on to another address",
	.options = options,         .run = run,
};
