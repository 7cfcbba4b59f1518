#pragma once

/*
 * The control thread in a test: a loop in a thread of its own, which reaps children, too; and clients
 * of its socket.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <corun/runtime.h>
#include <corun/time.h>

#include "daemon/base/loop.h"
#include "daemon/process/reaper.h"
#include "tests/unit/tap.h"

/* ---- the thread ------------------------------------------------------------------------------ */

struct control {
	pthread_t thread;
	sem_t ready;
	void (*open)(void); /* in the thread, before it runs; and after it has ended */
	void (*close)(void);
	int signal_fd;
};

static inline void
control_await(sem_t *sem)
{
	while (sem_wait(sem) != 0)
		ck_assert_int_eq(errno, EINTR);
}

static inline void
control_child_ended(void *arg, uint32_t events)
{
	const struct control *control = arg;
	struct signalfd_siginfo info;

	(void) events;
	while (read(control->signal_fd, &info, sizeof(info)) > 0)
		;
	reaper_run();
}

static inline void *
control_main(void *arg)
{
	struct control *control = arg;
	struct loop_watch *watch;

	ck_assert_int_eq(loop_open(), 0);
	ck_assert_int_eq(
		loop_watch(control->signal_fd, EPOLLIN, control_child_ended, control, &watch), 0);
	control->open();
	sem_post(&control->ready);
	loop_run();
	control->close();
	loop_unwatch(watch);
	loop_close();
	return NULL;
}

static inline void
control_start(struct control *control, void (*open)(void), void (*close)(void))
{
	sigset_t set;

	control->open = open;
	control->close = close;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	control->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	ck_assert_int_ge(control->signal_fd, 0);
	ck_assert_int_eq(reaper_open(), 0);
	sem_init(&control->ready, 0, 0);
	ck_assert_int_eq(pthread_create(&control->thread, NULL, control_main, control), 0);
	control_await(&control->ready);
}

struct control_call {
	struct call call;
	void (*fn)(void);
	sem_t done;
};

static inline void
control_call_run(struct call *call)
{
	struct control_call *c = (struct control_call *) call;

	c->fn();
	sem_post(&c->done);
}

/* Run @fn in the control thread and wait for it. */
static inline void
control_run(void (*fn)(void))
{
	struct control_call c = { .call = { .run = control_call_run }, .fn = fn };

	sem_init(&c.done, 0, 0);
	loop_post(&c.call);
	control_await(&c.done);
	sem_destroy(&c.done);
}

/* @end: in the control thread; comes to loop_end() */
static inline void
control_stop(struct control *control, void (*end)(void))
{
	control_run(end);
	pthread_join(control->thread, NULL);
	close(control->signal_fd);
}

/* ---- clients --------------------------------------------------------------------------------- */

enum { CLIENT_WAIT_MS = 30000 };

static inline int
client_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	ck_assert_msg(connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0, "%s: %m",
		      path);
	return fd;
}

/* All of it, or what a server that closes early takes. */
static inline void
client_send(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return;
		ck_assert_msg(n > 0, "send: %m");
		data += n;
		len -= (size_t) n;
	}
}

/* Return: bytes; 0: closed; the test fails if nothing comes for long. */
static inline size_t
client_read(int fd, char *buffer, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	ck_assert_msg(poll(&p, 1, CLIENT_WAIT_MS) == 1, "nothing comes");
	n = read(fd, buffer, size);
	return n > 0 ? (size_t) n : 0;
}

/* Until the server closes. */
static inline size_t
client_read_all(int fd, char *buffer, size_t size)
{
	size_t total = 0, n;

	while (total < size - 1 && (n = client_read(fd, buffer + total, size - 1 - total)) > 0)
		total += n;
	buffer[total] = '\0';
	return total;
}

/* Until @what has come. */
static inline void
client_read_until(int fd, const char *what, char *buffer, size_t size)
{
	size_t total = strlen(buffer), n;

	while (strstr(buffer, what) == NULL) {
		ck_assert_uint_lt(total, size - 1);
		n = client_read(fd, buffer + total, size - 1 - total);
		ck_assert_msg(n > 0, "closed before '%s': %.200s", what, buffer);
		total += n;
		buffer[total] = '\0';
	}
}

/* One request on a connection of its own. Return: the status; the answer's body is in @body. */
static inline int
client_ask(const char *path, const char *method, const char *url, const char *body, size_t len,
	   char *answer, size_t size)
{
	char head[2048];
	char *at;
	int fd = client_connect(path), status;

	snprintf(head, sizeof(head),
		 "%s %s HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
		 method, url, len);
	client_send(fd, head, strlen(head));
	client_send(fd, body, len);
	client_read_all(fd, answer, size);
	close(fd);
	ck_assert_msg(sscanf(answer, "HTTP/1.1 %d", &status) == 1, "%s %s: '%.200s'", method, url,
		      answer);
	at = strstr(answer, "\r\n\r\n");
	ck_assert_ptr_nonnull(at);
	return status;
}
