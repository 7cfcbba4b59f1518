/* I/O: every byte accounted for; deadlines, closing, pidfds; on 1, 2, 4 and 16 workers */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <corun/context.h>
#include <corun/io.h>

#include "tests/unit/with_runtime.h"

/* ---- echo over TCP ----------------------------------------------------------------------------- */

enum { CLIENTS = 200, MESSAGES = 20 };

static int listener;
static struct sockaddr_in address;
static _Atomic long echoed;

static void
echo_one(void *arg)
{
	int fd = (int) (intptr_t) arg;
	char buf[256];
	ssize_t n;

	while ((n = corun_read(fd, buf, sizeof(buf), CORUN_FOREVER)) > 0)
		ck_assert_int_eq(corun_write_all(fd, buf, (size_t) n, NULL, CORUN_FOREVER), 0);
	ck_assert_int_eq(n, 0);
	corun_close(fd);
}

static void
serve(void *arg)
{
	struct corun_context *ctx = arg;

	for (;;) {
		int fd = corun_accept_ctx(listener, NULL, NULL, ctx);

		if (fd == -ECANCELED)
			return;
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(corun_go(echo_one, (void *) (intptr_t) fd), 0);
	}
}

static void
talk(void *arg)
{
	int mine = (int) (intptr_t) arg;
	int fd = corun_socket(AF_INET, SOCK_STREAM, 0);
	char out[100], in[100];

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(corun_connect(fd, (struct sockaddr *) &address, sizeof(address),
				       corun_in(20 * CORUN_S)),
			 0);
	for (int i = 0; i < MESSAGES; i++) {
		size_t n = 1 + (size_t) (mine + i) % sizeof(out);

		memset(out, mine + i, n);
		ck_assert_int_eq(corun_write_all(fd, out, n, NULL, CORUN_FOREVER), 0);
		ck_assert_int_eq(corun_read_full(fd, in, n, NULL, corun_in(20 * CORUN_S)), 0);
		ck_assert_mem_eq(in, out, n);
		atomic_fetch_add(&echoed, (long) n);
	}
	corun_close(fd);
}

static void
listen_on_loopback(void)
{
	socklen_t len = sizeof(address);

	address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	listener = corun_socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *) &address, len), 0);
	ck_assert_int_eq(listen(listener, CLIENTS), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *) &address, &len), 0);
}

static void
echo(void *arg)
{
	struct corun_coroutine *clients[CLIENTS], *server;
	struct corun_context *ctx;
	long expect = 0;

	(void) arg;
	listen_on_loopback();
	ck_assert_int_eq(corun_context_new(&ctx, NULL, CORUN_FOREVER), 0);
	server = spawn(serve, ctx);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = spawn(talk, (void *) (intptr_t) i);
		for (int k = 0; k < MESSAGES; k++)
			expect += 1 + (i + k) % 100;
	}
	for (int i = 0; i < CLIENTS; i++)
		join(clients[i]);
	ck_assert_int_eq(atomic_load(&echoed), expect);
	corun_context_cancel(ctx, 0);
	join(server);
	corun_context_unref(ctx);
	corun_close(listener);
}
ON_WORKERS(tcp_echo, echo)

static void
refused(void *arg)
{
	int fd;

	(void) arg;
	listen_on_loopback();
	corun_close(listener);
	fd = corun_socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(corun_connect(fd, (struct sockaddr *) &address, sizeof(address),
				       corun_in(10 * CORUN_S)),
			 -ECONNREFUSED);
	corun_close(fd);
}
ON_WORKERS(connection_refused, refused)

/* ---- pipes: a slow reader, a large write --------------------------------------------------------- */

enum { LARGE = 1 << 20 };

static void
write_large(void *arg)
{
	char *data = malloc(LARGE);

	for (int i = 0; i < LARGE; i++)
		data[i] = (char) (i * 31 >> 3);
	ck_assert_int_eq(
		corun_write_all((int) (intptr_t) arg, data, LARGE, NULL, CORUN_FOREVER), 0);
	corun_close((int) (intptr_t) arg);
	free(data);
}

static void
large_write(void *arg)
{
	int fds[2];
	char buf[1000];
	long at = 0;
	ssize_t n;
	struct corun_coroutine *writer;

	(void) arg;
	ck_assert_int_eq(corun_pipe(fds), 0);
	writer = spawn(write_large, (void *) (intptr_t) fds[1]);
	while ((n = corun_read(fds[0], buf, sizeof(buf), CORUN_FOREVER)) > 0) {
		for (ssize_t i = 0; i < n; i++, at++)
			ck_assert_int_eq(buf[i], (char) (at * 31 >> 3));
	}
	ck_assert_int_eq(at, LARGE);
	join(writer);
	corun_close(fds[0]);
}
ON_WORKERS(pipe_carries_every_byte, large_write)

/* ---- deadlines, closing, reuse ------------------------------------------------------------------ */

static int shared_fd;

static void
read_until_closed(void *arg)
{
	char byte;

	(void) arg;
	ck_assert_int_eq(corun_read(shared_fd, &byte, 1, CORUN_FOREVER), -EBADF);
}

static void
errors(void *arg)
{
	struct corun_coroutine *co;
	int fds[2], plain[2], again[2];
	char byte = 'x';

	(void) arg;
	ck_assert_int_eq(corun_pipe(fds), 0);
	/* a read that times out takes nothing */
	ck_assert_int_eq(corun_read(fds[0], &byte, 1, corun_in(CORUN_MS)), -ETIMEDOUT);
	ck_assert_int_eq(corun_read(fds[0], &byte, 1, CORUN_NOW), -ETIMEDOUT);
	ck_assert_int_eq(write(fds[1], "a", 1), 1);
	ck_assert_int_eq(corun_read(fds[0], &byte, 1, CORUN_NOW), 1);
	ck_assert_int_eq(byte, 'a');
	/* a second reader, and the close under the first */
	shared_fd = fds[0];
	co = spawn(read_until_closed, NULL);
	corun_sleep(CORUN_MS);
	ck_assert_int_eq(corun_read(fds[0], &byte, 1, corun_in(CORUN_S)), -EBUSY);
	ck_assert_int_eq(corun_close(fds[0]), 0);
	join(co);
	corun_close(fds[1]);
	/* the same numbers again are new descriptors */
	ck_assert_int_eq(corun_pipe(again), 0);
	ck_assert_int_eq(again[0], fds[0]);
	ck_assert_int_eq(corun_read(again[0], &byte, 1, corun_in(CORUN_MS)), -ETIMEDOUT);
	ck_assert_int_eq(write(again[1], "b", 1), 1);
	ck_assert_int_eq(corun_read(again[0], &byte, 1, corun_in(10 * CORUN_S)), 1);
	ck_assert_int_eq(byte, 'b');
	/* the end of the file */
	corun_close(again[1]);
	ck_assert_int_eq(corun_read_full(again[0], &byte, 1, NULL, CORUN_FOREVER), -EPIPE);
	corun_close(again[0]);
	/* a descriptor that would block the thread */
	ck_assert_int_eq(pipe(plain), 0);
	ck_assert_int_eq(corun_read(plain[0], &byte, 1, CORUN_FOREVER), -EINVAL);
	ck_assert_int_eq(corun_nonblock(plain[0]), 0);
	ck_assert_int_eq(corun_read(plain[0], &byte, 1, corun_in(CORUN_MS)), -ETIMEDOUT);
	corun_close(plain[0]);
	corun_close(plain[1]);
	ck_assert_int_eq(corun_read(-1, &byte, 1, CORUN_NOW), -EBADF);
	ck_assert_int_eq(corun_read(987654, &byte, 1, CORUN_NOW), -EBADF);
	ck_assert_int_eq(corun_read(1 << 24, &byte, 1, CORUN_NOW), -EMFILE);
}
ON_WORKERS(io_errors, errors)

static void
regular_file(void *arg)
{
	char path[] = "/tmp/corun-io-XXXXXX", buf[8] = "";
	int fd = mkstemp(path);

	(void) arg;
	ck_assert_int_ge(fd, 0);
	unlink(path);
	ck_assert_int_eq(corun_write(fd, "hello", 5, CORUN_FOREVER), 5);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(corun_read(fd, buf, sizeof(buf), CORUN_FOREVER), 5);
	ck_assert_str_eq(buf, "hello");
	corun_close(fd);
}
ON_WORKERS(regular_files_never_wait, regular_file)

/* ---- children ---------------------------------------------------------------------------------- */

static void
child_ends(void *arg)
{
	int status, pidfd;
	pid_t pid;

	(void) arg;
	for (int code = 0; code < 3; code++) {
		pid = fork();
		if (pid == 0) {
			usleep(2000);
			_exit(code);
		}
		pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
		ck_assert_int_ge(pidfd, 0);
		ck_assert_int_eq(corun_wait_pidfd(pidfd, &status, corun_in(20 * CORUN_S)), 0);
		ck_assert(WIFEXITED(status));
		ck_assert_int_eq(WEXITSTATUS(status), code);
		ck_assert_int_eq(corun_wait_pidfd(pidfd, NULL, CORUN_NOW), -ECHILD);
		corun_close(pidfd);
	}
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(1);
	}
	pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
	ck_assert_int_eq(corun_wait_pidfd(pidfd, &status, corun_in(CORUN_MS)), -ETIMEDOUT);
	kill(pid, SIGKILL);
	ck_assert_int_eq(corun_wait_pidfd(pidfd, &status, CORUN_FOREVER), 0);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	corun_close(pidfd);
}
ON_WORKERS(pidfds, child_ends)

/* ---- plain threads ----------------------------------------------------------------------------- */

START_TEST(plain_thread_without_a_runtime)
{
	int fds[2];
	char byte;

	ck_assert_int_eq(corun_pipe(fds), 0);
	ck_assert_int_eq(corun_read(fds[0], &byte, 1, corun_in(CORUN_MS)), -ETIMEDOUT);
	ck_assert_int_eq(corun_write(fds[1], "c", 1, CORUN_FOREVER), 1);
	ck_assert_int_eq(corun_read(fds[0], &byte, 1, CORUN_FOREVER), 1);
	corun_close(fds[0]);
	corun_close(fds[1]);
}
END_TEST

static void
write_byte_later(void *arg)
{
	corun_sleep(5 * CORUN_MS);
	ck_assert_int_eq(corun_write((int) (intptr_t) arg, "d", 1, CORUN_FOREVER), 1);
	corun_close((int) (intptr_t) arg);
}

START_TEST(plain_thread_is_cancelled)
{
	struct corun_context *ctx;
	int fds[2];
	char byte;

	start_workers(2);
	ck_assert_int_eq(corun_pipe(fds), 0);
	ck_assert_int_eq(corun_context_new(&ctx, NULL, corun_in(5 * CORUN_MS)), 0);
	ck_assert_int_eq(corun_read_ctx(fds[0], &byte, 1, ctx), -ETIMEDOUT);
	corun_context_unref(ctx);
	/* and woken by the network, with a context that lives */
	ck_assert_int_eq(corun_context_new(&ctx, NULL, CORUN_FOREVER), 0);
	ck_assert_int_eq(corun_go(write_byte_later, (void *) (intptr_t) fds[1]), 0);
	ck_assert_int_eq(corun_read_ctx(fds[0], &byte, 1, ctx), 1);
	corun_context_unref(ctx);
	corun_close(fds[0]);
	stop_all();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("io");
	TCase *tcase = tcase_create("io");

	signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(tcase, 60);
	add_on_workers(tcase, tcp_echo);
	add_on_workers(tcase, connection_refused);
	add_on_workers(tcase, pipe_carries_every_byte);
	add_on_workers(tcase, io_errors);
	add_on_workers(tcase, regular_files_never_wait);
	add_on_workers(tcase, pidfds);
	tcase_add_test(tcase, plain_thread_without_a_runtime);
	tcase_add_test(tcase, plain_thread_is_cancelled);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
