/* Sockets: listeners, connections, datagrams, and what travels beside the bytes. */

#include <corun/io.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

#include <corun/context.h>

#include "tests/unit/ways.h"

/* ---- addresses ---------------------------------------------------------------------------------
 */

struct place {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_un un;
	};
	socklen_t len;
};

/* Loopback with a port of the kernel's choice, or a name in the abstract space. */
static struct place
place_new(int domain)
{
	static int n;
	struct place p = { .len = sizeof(p.in) };

	p.sa.sa_family = (sa_family_t) domain;
	if (domain == AF_INET) {
		p.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return p;
	}
	p.len = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1);
	p.len += (socklen_t) snprintf(p.un.sun_path + 1, sizeof(p.un.sun_path) - 1,
				      "corun-test-io-%d-%d", (int) getpid(), n++);
	return p;
}

static int
bound(int domain, int type, struct place *ret_place)
{
	int fd = corun_socket(domain, type, 0);

	*ret_place = place_new(domain);
	want(fd >= 0);
	want_eq(bind(fd, &ret_place->sa, ret_place->len), 0);
	if (domain == AF_INET)
		want_eq(getsockname(fd, &ret_place->sa, &ret_place->len), 0);
	return fd;
}

static int
listener(int domain, int backlog, struct place *ret_place)
{
	int fd = bound(domain, SOCK_STREAM, ret_place);

	want_eq(listen(fd, backlog), 0);
	return fd;
}

/* ---- connections -------------------------------------------------------------------------------
 */

static void
say_hello(void *arg)
{
	struct place *to = arg;
	int fd = corun_socket(to->sa.sa_family, SOCK_STREAM, 0);
	char answer[6] = "";

	want(fd >= 0);
	want_eq(corun_connect(fd, &to->sa, to->len, LOST), 0);
	want_eq(corun_send(fd, "hello", 5, 0, LOST), 5);
	want_eq(corun_read_full(fd, answer, 5, NULL, LOST), 0);
	want_eq(strcmp(answer, "HELLO"), 0);
	want_eq(corun_close(fd), 0);
}

static void
connections(void *arg)
{
	static const int domains[] = { AF_INET, AF_UNIX };

	(void) arg;
	for (int d = 0; d < 2; d++) {
		struct party client;
		struct place at, from = { .len = sizeof(from.un) };
		int fd = listener(domains[d], 5, &at), conn;
		char buf[5];

		want_eq(corun_accept(fd, NULL, NULL, CORUN_NOW), -ETIMEDOUT);
		want_eq(corun_accept(fd, NULL, NULL, corun_in(CORUN_MS)), -ETIMEDOUT);
		party_start(&client, say_hello, &at);
		conn = corun_accept(fd, &from.sa, &from.len, LOST);
		want(conn >= 0);
		want_eq(from.sa.sa_family, domains[d]);
		want(fcntl(conn, F_GETFD) & FD_CLOEXEC);
		want_eq(corun_read_full(conn, buf, 5, NULL, LOST), 0);
		want_eq(memcmp(buf, "hello", 5), 0);
		want_eq(corun_write_all(conn, "HELLO", 5, NULL, LOST), 0);
		want_eq(corun_recv(conn, buf, 5, 0, LOST), 0);
		want_eq(corun_close(conn), 0);
		party_join(&client);
		want_eq(corun_close(fd), 0);

		conn = corun_socket(domains[d], SOCK_STREAM, 0); /* nobody there any more */
		want_eq(corun_connect(conn, &at.sa, at.len, LOST), -ECONNREFUSED);
		want_eq(corun_close(conn), 0);
	}
}

START_TEST(connections_are_made)
{
	way_run(_i, connections, NULL);
}
END_TEST

static void
accept_until_closed(void *arg)
{
	want_eq(corun_accept(*(int *) arg, NULL, NULL, LOST), -EBADF);
}

static void
closed_listener(void *arg)
{
	struct place at;
	struct party acceptor;
	int fd = listener(AF_INET, 5, &at);

	(void) arg;
	party_start(&acceptor, accept_until_closed, &fd);
	corun_sleep(2 * CORUN_MS);
	want_eq(corun_close(fd), 0);
	party_join(&acceptor);
}

START_TEST(close_ends_an_accept)
{
	way_run(_i, closed_listener, NULL);
}
END_TEST

enum { CROWD = 4 };

static void
accept_crowd(void *arg)
{
	corun_sleep(5 * CORUN_MS);
	for (int i = 0; i < CROWD; i++) {
		int conn = corun_accept(*(int *) arg, NULL, NULL, LOST);

		want(conn >= 0);
		want_eq(corun_close(conn), 0);
	}
}

/* A full backlog of a Unix socket gives EAGAIN and no event: a connect waits all the same. */
static void
full_backlog(void *arg)
{
	struct corun_context *ctx;
	struct place at;
	struct party acceptor;
	int conns[CROWD];
	int fd = listener(AF_UNIX, 1, &at), late;

	(void) arg;
	for (int i = 0; i < 2; i++) { /* one more than the backlog */
		conns[i] = corun_socket(AF_UNIX, SOCK_STREAM, 0);
		want_eq(corun_connect(conns[i], &at.sa, at.len, CORUN_NOW), 0);
	}
	late = corun_socket(AF_UNIX, SOCK_STREAM, 0);
	want_eq(corun_connect(late, &at.sa, at.len, CORUN_NOW), -ETIMEDOUT);
	want_eq(corun_connect(late, &at.sa, at.len, corun_in(3 * CORUN_MS)), -ETIMEDOUT);
	want_eq(corun_context_new(&ctx, NULL, CORUN_FOREVER), 0);
	corun_context_cancel(ctx, -ESTALE);
	want_eq(corun_connect_ctx(late, &at.sa, at.len, ctx), -ESTALE);
	corun_context_unref(ctx);
	want_eq(corun_close(late), 0);

	party_start(&acceptor, accept_crowd, &fd);
	for (int i = 2; i < CROWD; i++) {
		conns[i] = corun_socket(AF_UNIX, SOCK_STREAM, 0);
		want_eq(corun_connect(conns[i], &at.sa, at.len, LOST), 0);
	}
	party_join(&acceptor);
	for (int i = 0; i < CROWD; i++)
		want_eq(corun_close(conns[i]), 0);
	want_eq(corun_close(fd), 0);
}

START_TEST(connect_waits_for_a_full_backlog)
{
	way_run(_i, full_backlog, NULL);
}
END_TEST

/* TCP drops what does not fit into a full backlog: the connect is under way until the deadline. */
static void
connect_deadline(void *arg)
{
	struct place at;
	int fds[8];
	int fd = listener(AF_INET, 0, &at), last = 0;
	int r = 0;

	(void) arg;
	for (; r == 0 && last < 8; last++) {
		fds[last] = corun_socket(AF_INET, SOCK_STREAM, 0);
		r = corun_connect(fds[last], &at.sa, at.len, corun_in(50 * CORUN_MS));
	}
	want_eq(r, -ETIMEDOUT);
	while (last > 0)
		want_eq(corun_close(fds[--last]), 0);
	want_eq(corun_close(fd), 0);
}

START_TEST(connect_keeps_its_deadline)
{
	way_run(_i, connect_deadline, NULL);
}
END_TEST

/* ---- datagrams ---------------------------------------------------------------------------------
 */

enum { DATAGRAMS = 200 };

static void
send_datagrams(void *arg)
{
	char buf[DATAGRAMS];

	for (int i = 0; i < DATAGRAMS; i++) {
		memset(buf, i, sizeof(buf));
		want_eq(corun_send(*(int *) arg, buf, (size_t) i, 0, LOST), i);
	}
}

static void
datagrams(void *arg)
{
	struct party sender;
	char buf[DATAGRAMS + 1];
	int fds[2];

	(void) arg;
	pair_new(SOCK_DGRAM, fds);
	want_eq(corun_recv(fds[0], buf, sizeof(buf), 0, corun_in(CORUN_MS)), -ETIMEDOUT);
	party_start(&sender, send_datagrams, &fds[1]);
	for (int i = 0; i < DATAGRAMS; i++) { /* the first is empty */
		want_eq(corun_recv(fds[0], buf, sizeof(buf), 0, LOST), i);
		for (int j = 0; j < i; j++)
			want_eq((unsigned char) buf[j], i);
	}
	party_join(&sender);
	pipe_close(fds);
}

START_TEST(datagrams_keep_their_bounds)
{
	way_run(_i, datagrams, NULL);
}
END_TEST

static void
send_to(void *arg)
{
	struct place *to = arg;
	struct iovec iov = { (void *) (uintptr_t) "udp", 3 };
	struct msghdr msg = {
		.msg_name = &to->sa, .msg_namelen = to->len, .msg_iov = &iov, .msg_iovlen = 1
	};
	int fd = corun_socket(AF_INET, SOCK_DGRAM, 0);

	corun_sleep(CORUN_MS);
	want_eq(corun_sendmsg(fd, &msg, 0, LOST), 3);
	want_eq(corun_close(fd), 0);
}

static void
udp(void *arg)
{
	struct party sender;
	struct place at, from;
	char buf[8];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_name = &from.sa,
			      .msg_namelen = sizeof(from.un),
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };
	int fd = bound(AF_INET, SOCK_DGRAM, &at);

	(void) arg;
	party_start(&sender, send_to, &at);
	want_eq(corun_recvmsg(fd, &msg, 0, LOST), 3);
	want_eq(memcmp(buf, "udp", 3), 0);
	want_eq(from.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	party_join(&sender);
	want_eq(corun_close(fd), 0);
}

START_TEST(a_datagram_says_where_it_comes_from)
{
	way_run(_i, udp, NULL);
}
END_TEST

/* ---- beside the bytes --------------------------------------------------------------------------
 */

/* Send @fd with one byte, and receive both. Return: the descriptor received; credentials on the
 * way. */
static int
pass(int fds[2], int fd, struct ucred *ret_cred)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	} out = { .space = "" }, in = { .space = "" };
	char byte = 'f';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = out.space,
			      .msg_controllen = CMSG_SPACE(sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int got = -1;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	want_eq(corun_sendmsg(fds[1], &msg, 0, LOST), 1);
	msg.msg_control = in.space;
	msg.msg_controllen = sizeof(in.space);
	want_eq(corun_recvmsg_ctx(fds[0], &msg, 0, NULL), 1);
	for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_type == SCM_RIGHTS)
			memcpy(&got, CMSG_DATA(c), sizeof(int));
		else if (c->cmsg_type == SCM_CREDENTIALS)
			memcpy(ret_cred, CMSG_DATA(c), sizeof(*ret_cred));
	}
	return got;
}

static void
ancillary(void *arg)
{
	struct ucred cred = { .pid = -1 };
	char byte = 0;
	int on = 1;
	int fds[2], passed[2], got;

	(void) arg;
	pair_new(SOCK_STREAM, fds);
	pipe_new(passed);
	want_eq(setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	got = pass(fds, passed[0], &cred);
	want(got >= 0);
	want(fcntl(got, F_GETFD) & FD_CLOEXEC);
	want_eq(cred.pid, getpid());
	want_eq(cred.uid, getuid());
	/* One file under two numbers, each closed for itself. */
	want_eq(corun_read(passed[0], &byte, 1, corun_in(CORUN_MS)), -ETIMEDOUT);
	want_eq(corun_read(got, &byte, 1, corun_in(CORUN_MS)), -ETIMEDOUT);
	want_eq(corun_close(passed[0]), 0);
	want_eq(corun_write(passed[1], "p", 1, LOST), 1);
	want_eq(corun_read(got, &byte, 1, LOST), 1);
	want_eq(byte, 'p');
	want_eq(corun_close(got), 0);
	want_eq(corun_close(passed[1]), 0);
	pipe_close(fds);
}

START_TEST(credentials_and_descriptors_come_along)
{
	way_run(_i, ancillary, NULL);
}
END_TEST

static void
broken(void *arg)
{
	int fds[2];

	(void) arg;
	pair_new(SOCK_STREAM, fds);
	want_eq(corun_close(fds[1]), 0);
	want_eq(corun_send(fds[0], "x", 1, 0, LOST), -EPIPE);
	if (!ways_plain) /* there it is SIGPIPE as well, as with write(2) */
		want_eq(corun_write(fds[0], "x", 1, LOST), -EPIPE);
	want_eq(corun_close(fds[0]), 0);
}

START_TEST(a_broken_pipe_is_an_error_and_no_signal)
{
	way_run(_i, broken, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("io");
	TCase *tc = tcase_create("sockets");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, connections_are_made, 0, WAYS);
	tcase_add_loop_test(tc, close_ends_an_accept, 0, WAYS);
	tcase_add_loop_test(tc, connect_waits_for_a_full_backlog, 0, WAYS);
	tcase_add_loop_test(tc, connect_keeps_its_deadline, 0, WAYS);
	tcase_add_loop_test(tc, datagrams_keep_their_bounds, 0, WAYS);
	tcase_add_loop_test(tc, a_datagram_says_where_it_comes_from, 0, WAYS);
	tcase_add_loop_test(tc, credentials_and_descriptors_come_along, 0, WAYS);
	tcase_add_loop_test(tc, a_broken_pipe_is_an_error_and_no_signal, 0, WAYS);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
