/* The module proxy, over loopback and Unix sockets. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <corun/io.h>

#include "tests/unit/module.h"

#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SOON      corun_in(SOON_S *CORUN_S)

/* ---- the side behind the proxy --------------------------------------------------------------- */

struct server {
	int fd;
	char address[64]; /* for Connect= */
	_Atomic unsigned served;
};

/* Reads up to the end, then sends it all back: for as long as the other direction is open. */
static void
answer_at_the_end(int fd)
{
	size_t room = 4096, n = 0;
	char *all = malloc(room);
	ssize_t got;

	while ((got = corun_read(fd, all + n, room - n, SOON)) > 0) {
		n += (size_t) got;
		if (n == room)
			all = realloc(all, room *= 2);
	}
	if (got == 0)
		corun_write_all(fd, all, n, NULL, SOON);
	free(all);
}

static void
echo(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = corun_read(fd, buf, sizeof(buf), SOON)) > 0)
		if (corun_write_all(fd, buf, (size_t) n, NULL, SOON) < 0)
			break;
}

struct served {
	struct server *server;
	int fd;
	void (*with)(int fd);
};

static void
serve(void *arg)
{
	struct served *served = arg;

	atomic_fetch_add(&served->server->served, 1);
	served->with(served->fd);
	corun_close(served->fd);
	free(served);
}

static void
take(struct server *server, void (*with)(int fd))
{
	int fd;

	while ((fd = corun_accept(server->fd, NULL, NULL, CORUN_FOREVER)) >= 0) {
		struct served *served = malloc(sizeof(*served));

		*served = (struct served){ .server = server, .fd = fd, .with = with };
		ck_assert_int_eq(corun_go(serve, served), 0);
	}
}

static void
take_echo(void *arg)
{
	take(arg, echo);
}

static void
take_answer(void *arg)
{
	take(arg, answer_at_the_end);
}

static int
port_of(int fd)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *) &at, &len), 0);
	return ntohs(at.sin_port);
}

static int
listen_on_loopback(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = corun_socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *) &at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 128), 0);
	return fd;
}

static void
server_start(struct server *server, void (*fn)(void *arg))
{
	memset(server, 0, sizeof(*server));
	server->fd = listen_on_loopback();
	snprintf(server->address, sizeof(server->address), "127.0.0.1:%d", port_of(server->fd));
	ck_assert_int_eq(corun_go(fn, server), 0);
}

/* ---- the proxy and its clients ---------------------------------------------------------------- */

/* Start it. Return: its port. */
static int
proxy_start(struct hosted *h, const char *const *pairs)
{
	static const char says[] = "listening on 127.0.0.1:";
	char path[4096], *tail, *at;
	long n;
	int port;

	built(path, sizeof(path), "contrib/modules", "proxy");
	hosted_init(h, path, pairs);
	hosted_run(h);
	ck_assert(hosted_said(h, says));
	n = output_tail(h->start.output, &tail);
	ck_assert_int_gt(n, 0);
	tail[n - 1] = '\0';
	at = strstr(tail, says);
	ck_assert_ptr_nonnull(at);
	port = atoi(at + sizeof(says) - 1);
	free(tail);
	return port;
}

static void
proxy_end(struct hosted *h)
{
	module_cancel(h->run);
	ck_assert_int_eq(hosted_wait(h), 0);
	hosted_free(h);
}

/* Return: a descriptor, or an error. */
static int
try_connect(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t) port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = corun_socket(AF_INET, SOCK_STREAM, 0);
	int r = corun_connect(fd, (struct sockaddr *) &at, sizeof(at), SOON);

	if (r < 0)
		corun_close(fd);
	return r < 0 ? r : fd;
}

static int
client(int port)
{
	int fd = try_connect(port);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void
ck_echo(int fd, const char *text)
{
	char buf[64];

	ck_assert_int_eq(corun_write_all(fd, text, strlen(text), NULL, SOON), 0);
	ck_assert_int_eq(corun_read_full(fd, buf, strlen(text), NULL, SOON), 0);
	ck_assert_int_eq(memcmp(buf, text, strlen(text)), 0);
}

/* The other side has closed: the end, or a reset. */
static void
ck_closed(int fd)
{
	char c;
	ssize_t n = corun_read(fd, &c, 1, SOON);

	ck_assert_msg(n == 0 || n == -ECONNRESET, "%zd", n);
	corun_close(fd);
}

/* ---- tests ------------------------------------------------------------------------------------ */

enum { MUCH = 3 * 1024 * 1024 };

struct sending {
	int fd;
	const char *bytes;
};

static void
send_all(void *arg)
{
	const struct sending *sending = arg;

	ck_assert_int_eq(corun_write_all(sending->fd, sending->bytes, MUCH, NULL, SOON), 0);
	ck_assert_int_eq(shutdown(sending->fd, SHUT_WR), 0);
}

/* The client's end reaches the server, whose answer still reaches the client. */
static void
half_close(void *arg)
{
	struct server server;
	struct hosted h;
	struct sending sending = { .bytes = NULL };
	char *sent = malloc(MUCH), *got = malloc(MUCH), one;
	char said[128];

	(void) arg;
	for (size_t i = 0; i < MUCH; i++)
		sent[i] = (char) (i * 7 + i / 251);
	server_start(&server, take_answer);
	sending.fd =
		client(proxy_start(&h, KEYS("Listen", "127.0.0.1:0", "Connect", server.address)));
	sending.bytes = sent;
	ck_assert_int_eq(corun_go(send_all, &sending), 0);
	ck_assert_int_eq(corun_read_full(sending.fd, got, MUCH, NULL, SOON), 0);
	ck_assert_int_eq(memcmp(got, sent, MUCH), 0);
	ck_assert_int_eq(corun_read(sending.fd, &one, 1, SOON), 0);
	corun_close(sending.fd);
	module_cancel(h.run);
	ck_assert_int_eq(hosted_wait(&h), 0);
	snprintf(said, sizeof(said), "1 connections (0 open now), %d bytes there, %d back, 0", MUCH,
		 MUCH);
	ck_assert(hosted_said(&h, said));
	hosted_free(&h);
	free(sent);
	free(got);
}

enum { CLIENTS = 40 };

struct caller {
	int port;
	struct corun_chan *done;
};

static void
call(void *arg)
{
	struct caller *caller = arg;
	int fd = client(caller->port);

	ck_echo(fd, "hello");
	corun_sleep(CORUN_MS);
	ck_echo(fd, "again");
	corun_close(fd);
	ck_assert_int_eq(corun_chan_send(caller->done, NULL, SOON), 0);
}

/* More clients than slots: all are served, but no more than two at a time. */
static void
many(void *arg)
{
	struct server server;
	struct hosted h;
	struct caller caller;

	(void) arg;
	server_start(&server, take_echo);
	caller.port = proxy_start(&h, KEYS("Listen", "127.0.0.1:0", "Connect", server.address,
					   "MaxConnections", "2"));
	ck_assert_int_eq(corun_chan_new(&caller.done, 0, 0), 0);

	int first = client(caller.port), second = client(caller.port);

	ck_echo(first, "a");
	ck_echo(second, "b");
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(corun_go(call, &caller), 0);
	ck_assert_int_eq(corun_chan_recv(caller.done, NULL, corun_in(100 * CORUN_MS)), -ETIMEDOUT);
	ck_assert_uint_eq(server.served, 2);
	corun_close(first);
	corun_close(second);
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(corun_chan_recv(caller.done, NULL, SOON), 1);
	ck_assert_uint_eq(server.served, CLIENTS + 2);
	corun_chan_free(caller.done);
	proxy_end(&h);
}

static void
nobody_there(void *arg)
{
	struct hosted h;
	int gone = listen_on_loopback(), port;
	char address[64], said[128];

	(void) arg;
	snprintf(address, sizeof(address), "127.0.0.1:%d", port_of(gone));
	corun_close(gone);
	port = proxy_start(&h, KEYS("Listen", "127.0.0.1:0", "Connect", address));
	ck_closed(client(port));
	snprintf(said, sizeof(said), "cannot pass on to %s: Connection refused", address);
	ck_assert(hosted_said(&h, said));
	ck_closed(client(port));
	module_cancel(h.run);
	ck_assert_int_eq(hosted_wait(&h), 0);
	ck_assert(hosted_said(&h, "2 connections (0 open now), 0 bytes there, 0 back, 2 failures"));
	hosted_free(&h);
}

static void
idle(void *arg)
{
	struct server server;
	struct hosted h;
	int fd, port;

	(void) arg;
	server_start(&server, take_echo);
	port = proxy_start(&h, KEYS("Listen", "127.0.0.1:0", "Connect", server.address,
				    "IdleTimeoutSec", "200ms"));
	fd = client(port);
	ck_echo(fd, "hello");
	ck_closed(fd);
	proxy_end(&h);
}

/* Told to end: nobody new; who is there may finish. */
static void
drained(void *arg)
{
	struct server server;
	struct hosted h;
	int fd, other, port;

	(void) arg;
	server_start(&server, take_echo);
	port = proxy_start(&h, KEYS("Listen", "127.0.0.1:0", "Connect", server.address, "DrainSec",
				    "infinity"));
	fd = client(port);
	ck_echo(fd, "before");
	module_cancel(h.run);
	/* Some may still get into the queue, and be reset. */
	while ((other = try_connect(port)) != -ECONNREFUSED)
		if (other >= 0)
			corun_close(other);
	ck_echo(fd, "after");
	ck_assert_uint_eq(corun_chan_len(h.ended), 0);
	corun_close(fd);
	ck_assert_int_eq(hosted_wait(&h), 0);
	hosted_free(&h);
}

static void
cut(void *arg)
{
	struct server server;
	struct hosted h;
	int fd, port;

	(void) arg;
	server_start(&server, take_echo);
	port = proxy_start(
		&h, KEYS("Listen", "127.0.0.1:0", "Connect", server.address, "DrainSec", "50ms"));
	fd = client(port);
	ck_echo(fd, "before");
	module_cancel(h.run);
	ck_closed(fd);
	ck_assert_int_eq(hosted_wait(&h), 0);
	ck_assert(hosted_said(&h, "1 connections are cut"));
	hosted_free(&h);
}

/* Two proxies, one behind the other, with a Unix socket between them. */
static void
by_unix_socket(void *arg)
{
	char folder[] = "/tmp/corun-proxy-XXXXXX", path[64], address[80];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct server server;
	struct hosted near, far;
	struct stat st;
	int stale, fd, port;
	char module[4096];

	(void) arg;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	stale = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(stale, (struct sockaddr *) &un, sizeof(un)), 0);
	close(stale);

	server_start(&server, take_echo);
	built(module, sizeof(module), "contrib/modules", "proxy");
	hosted_init(&far, module, KEYS("Listen", address, "Connect", server.address));
	hosted_run(&far);
	ck_assert(hosted_said(&far, "listening on unix:"));
	port = proxy_start(&near, KEYS("Listen", "127.0.0.1:0", "Connect", address));
	fd = client(port);
	ck_echo(fd, "through both");
	corun_close(fd);
	proxy_end(&near);

	/* A live one's file is not taken away. */
	hosted_init(&near, module, KEYS("Listen", address, "Connect", server.address));
	hosted_run(&near);
	ck_assert_int_eq(hosted_wait(&near), -EADDRINUSE);
	ck_assert_str_eq(strrchr(module_fault(near.run), ':'), ": Address already in use");
	hosted_free(&near);
	ck_assert_int_eq(stat(path, &st), 0);
	proxy_end(&far);
	ck_assert_int_lt(stat(path, &st), 0);

	/* Nor is one that is no socket, though it refuses connections as a stale socket does. */
	ck_assert_int_ge(fd = creat(path, 0600), 0);
	close(fd);
	hosted_init(&far, module, KEYS("Listen", address, "Connect", server.address));
	hosted_run(&far);
	ck_assert_int_eq(hosted_wait(&far), -EADDRINUSE);
	hosted_free(&far);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void
refused_values(void *arg)
{
	static const struct {
		const char *key, *value, *says;
	} wrong[] = {
		{ "Listen", "8080", "Listen=8080 is no address; HOST:PORT, [IPV6]:PORT or unix:" },
		{ "Listen", "host:70000", "is no address" },
		{ "Listen", "::1:80", "is no address" },
		{ "Listen", "unix:relative", "is no address" },
		{ "MaxConnections", "0", "MaxConnections=0 is no number from 1 to 1000000" },
		{ "MaxConnections", "-1", "is no number" },
		{ "IdleTimeoutSec", "5 parsecs", "IdleTimeoutSec=5 parsecs is no time; 30 (sec" },
		{ "IdleTimeoutSec", "", "IdleTimeoutSec= is no time" },
	};

	(void) arg;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		bool listen = strcmp(wrong[i].key, "Listen") == 0;
		struct hosted h;
		char path[4096];

		built(path, sizeof(path), "contrib/modules", "proxy");
		hosted_init(&h, path,
			    KEYS("Connect", "a:1", wrong[i].key, wrong[i].value,
				 listen ? NULL : "Listen", "b:2"));
		ck_assert_int_eq(module_run(&h.start, &h.run, h.fault, sizeof(h.fault)), -EINVAL);
		ck_assert_msg(strstr(h.fault, wrong[i].says) != NULL, "%s", h.fault);
		hosted_free(&h);
	}
}

#define IN_RUNTIME(name, fn)                                                                       \
	START_TEST(name)                                                                           \
	{                                                                                          \
		in_runtime(2, fn);                                                                 \
	}                                                                                          \
	END_TEST

IN_RUNTIME(the_end_of_one_side_is_passed_on, half_close)
IN_RUNTIME(who_is_too_many_waits, many)
IN_RUNTIME(refused_connections_are_told, nobody_there)
IN_RUNTIME(idle_connections_are_closed, idle)
IN_RUNTIME(stop_drains, drained)
IN_RUNTIME(stop_cuts_in_the_end, cut)
IN_RUNTIME(unix_sockets, by_unix_socket)
IN_RUNTIME(wrong_values, refused_values)

int
main(void)
{
	Suite *suite = suite_create("proxy");
	TCase *tcase = tcase_create("proxy");

	tcase_add_test(tcase, the_end_of_one_side_is_passed_on);
	tcase_add_test(tcase, who_is_too_many_waits);
	tcase_add_test(tcase, refused_connections_are_told);
	tcase_add_test(tcase, idle_connections_are_closed);
	tcase_add_test(tcase, stop_drains);
	tcase_add_test(tcase, stop_cuts_in_the_end);
	tcase_add_test(tcase, unix_sockets);
	tcase_add_test(tcase, wrong_values);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
