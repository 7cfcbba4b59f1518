/* I/O: what each call promises, in each way in which it may be called. */

#include <corun/io.h>

#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <corun/context.h>

#include "runtime/netpoll.h"
#include "tests/unit/ways.h"

/* ---- transfer ----------------------------------------------------------------------------------
 */

enum { STREAM_BYTES = 1 << 20 };

static unsigned char
byte_at(size_t i)
{
	return (unsigned char) (i * 7 + (i >> 8) * 13);
}

/* In pieces of all sizes, so that they fit neither the pipe's pages nor the reader's pieces. */
static void
write_stream(void *arg)
{
	unsigned char buf[5000];
	int fd = *(int *) arg;
	size_t done = 0;
	uint32_t seed = 3;

	while (done < STREAM_BYTES) {
		size_t n = 1 + random_next(&seed) % sizeof(buf);

		if (n > STREAM_BYTES - done)
			n = STREAM_BYTES - done;
		for (size_t i = 0; i < n; i++)
			buf[i] = byte_at(done + i);
		want_eq(corun_write_all(fd, buf, n, NULL, LOST), 0);
		done += n;
	}
	want_eq(corun_close(fd), 0);
}

static void
read_stream(int fd)
{
	unsigned char buf[7000];
	size_t done = 0;
	ssize_t n;

	while ((n = corun_read(fd, buf, sizeof(buf), LOST)) > 0) {
		for (ssize_t i = 0; i < n; i++, done++)
			want_eq(buf[i], byte_at(done));
	}
	want_eq(n, 0);
	want_eq(done, STREAM_BYTES);
	want_eq(corun_close(fd), 0);
}

static void
streams(void *arg)
{
	for (int kind = 0; kind < 2; kind++) {
		struct party writer;
		int fds[2];

		(void) arg;
		if (kind == 0)
			pipe_new(fds);
		else
			pair_new(SOCK_STREAM, fds);
		party_start(&writer, write_stream, &fds[1]);
		read_stream(fds[0]);
		party_join(&writer);
	}
}

START_TEST(every_byte_arrives_in_order)
{
	way_run(_i, streams, NULL);
}
END_TEST

static void
vectors(void *arg)
{
	char a[3], b[5];
	struct iovec out[2] = { { (void *) (uintptr_t) "abc", 3 },
				{ (void *) (uintptr_t) "defgh", 5 } };
	struct iovec in[2] = { { a, sizeof(a) }, { b, sizeof(b) } };
	int fds[2];

	(void) arg;
	pipe_new(fds);
	want_eq(corun_readv(fds[0], in, 2, CORUN_NOW), -ETIMEDOUT);
	want_eq(corun_writev(fds[1], out, 2, LOST), 8);
	want_eq(corun_readv(fds[0], in, 2, LOST), 8);
	want(memcmp(a, "abc", 3) == 0 && memcmp(b, "defgh", 5) == 0);
	want_eq(corun_writev_ctx(fds[1], out, 1, NULL), 3);
	want_eq(corun_readv_ctx(fds[0], in, 2, NULL), 3);
	pipe_close(fds);
}

START_TEST(vectors_are_scattered)
{
	way_run(_i, vectors, NULL);
}
END_TEST

static void
full_reads(void *arg)
{
	char buf[10];
	size_t n = 99;
	int fds[2];

	(void) arg;
	pipe_new(fds);
	want_eq(corun_write_all(fds[1], "0123456789abcdef", 16, &n, LOST), 0);
	want_eq(n, 16);
	want_eq(corun_read_full(fds[0], buf, 10, &n, LOST), 0);
	want_eq(n, 10);
	/* Not enough: the deadline, and what was read is told. */
	want_eq(corun_read_full(fds[0], buf, 10, &n, corun_in(CORUN_MS)), -ETIMEDOUT);
	want_eq(n, 6);
	want(memcmp(buf, "abcdef", 6) == 0);
	want_eq(corun_write(fds[1], "xyz", 3, LOST), 3);
	want_eq(corun_close(fds[1]), 0);
	want_eq(corun_read_full(fds[0], buf, 10, &n, LOST), -EPIPE);
	want_eq(n, 3);
	want_eq(corun_read_full_ctx(fds[0], buf, 10, &n, NULL), -EPIPE);
	want_eq(n, 0);
	want_eq(corun_close(fds[0]), 0);
}

START_TEST(full_reads_say_what_came)
{
	way_run(_i, full_reads, NULL);
}
END_TEST

/* ---- deadlines ---------------------------------------------------------------------------------
 */

static void
deadlines(void *arg)
{
	char buf[64 << 10];
	uint64_t start_ns;
	size_t full, n;
	int fds[2];

	(void) arg;
	pipe_new(fds);
	want_eq(corun_read(fds[0], buf, 1, CORUN_NOW), -ETIMEDOUT);
	for (int i = 0; i < 5; i++) {
		start_ns = corun_now();
		want_eq(corun_read(fds[0], buf, 1, start_ns + 2 * CORUN_MS), -ETIMEDOUT);
		want(corun_now() >= start_ns + 2 * CORUN_MS);
	}
	/* Nothing is lost by it, and what is there comes also when the deadline has passed. */
	want_eq(corun_write(fds[1], "ab", 2, LOST), 2);
	want_eq(corun_read(fds[0], buf, 1, CORUN_NOW), 1);
	want_eq(corun_read(fds[0], buf + 1, 1, LOST), 1);
	want(memcmp(buf, "ab", 2) == 0);

	/* Writing likewise; what fitted is told, and is there. */
	full = fill(fds[1]);
	want(full >= sizeof(buf));
	want_eq(corun_write(fds[1], buf, 1, corun_in(CORUN_MS)), -ETIMEDOUT);
	want_eq(corun_read_full(fds[0], buf, 8192, NULL, LOST), 0);
	want_eq(corun_write_all(fds[1], buf, sizeof(buf), &n, corun_in(CORUN_MS)), -ETIMEDOUT);
	want(n > 0 && n <= 8192);
	for (full += n - 8192; full > 0; full -= n) {
		n = full < sizeof(buf) ? full : sizeof(buf);
		want_eq(corun_read_full(fds[0], buf, n, NULL, LOST), 0);
	}
	want_eq(corun_read(fds[0], buf, 1, CORUN_NOW), -ETIMEDOUT);
	pipe_close(fds);
}

START_TEST(deadlines_are_kept_and_lose_nothing)
{
	way_run(_i, deadlines, NULL);
}
END_TEST

/* ---- closing -----------------------------------------------------------------------------------
 */

struct closing {
	int fd;
	_Atomic bool ready;
};

static void
read_until_closed(void *arg)
{
	struct closing *c = arg;
	char byte;

	atomic_store(&c->ready, true);
	want_eq(corun_read(c->fd, &byte, 1, LOST), -EBADF);
}

static void
write_until_closed(void *arg)
{
	struct closing *c = arg;

	fill(c->fd);
	atomic_store(&c->ready, true);
	want_eq(corun_write(c->fd, "x", 1, LOST), -EBADF);
}

static void
closes(void *arg)
{
	(void) arg;
	for (int end = 0; end < 2; end++) {
		struct closing c = { .fd = -1 };
		struct party party;
		char byte = 0;
		int fds[2], number;

		pipe_new(fds);
		number = fds[end] = c.fd = move_up(fds[end]);
		party_start(&party, end == 0 ? read_until_closed : write_until_closed, &c);
		while (!atomic_load(&c.ready))
			corun_yield();
		corun_sleep(2 *
			    CORUN_MS); /* so that it waits, mostly; right or wrong it is the same */
		want_eq(corun_close(fds[end]), 0);
		party_join(&party);
		want_eq(corun_read(fds[end], &byte, 1, LOST), -EBADF);
		want_eq(corun_close(fds[1 - end]), 0);

		/* The next file of the same number. */
		pipe_new(fds);
		fds[end] = move_up(fds[end]);
		want_eq(fds[end], number);
		want_eq(corun_read(fds[0], &byte, 1, corun_in(CORUN_MS)), -ETIMEDOUT);
		want_eq(corun_write(fds[1], "y", 1, LOST), 1);
		want_eq(corun_read(fds[0], &byte, 1, LOST), 1);
		want_eq(byte, 'y');
		fill(fds[1]);
		want_eq(corun_write(fds[1], "y", 1, corun_in(CORUN_MS)), -ETIMEDOUT);
		pipe_close(fds);
	}
}

START_TEST(close_wakes_who_waits)
{
	way_run(_i, closes, NULL);
}
END_TEST

static void
bad_numbers(void *arg)
{
	int fds[2], other;
	char byte;

	(void) arg;
	pipe_new(fds);
	fds[0] = move_up(fds[0]);
	fds[1] = move_up(fds[1]);
	pipe_close(fds);
	for (int i = 0; i < 2; i++) {
		want_eq(corun_close(fds[i]), -EBADF);
		want_eq(corun_read(fds[i], &byte, 1, LOST), -EBADF);
		want_eq(corun_write(fds[i], &byte, 1, LOST), -EBADF);
		want_eq(corun_wait_readable(fds[i], LOST), -EBADF);
		want_eq(corun_nonblock(fds[i]), -EBADF);
	}
	want_eq(corun_close(-1), -EBADF);
	want_eq(corun_read(-1, &byte, 1, LOST), -EBADF);
	want_eq(corun_wait_writable(-1, LOST), -EBADF);
	want_eq(corun_read(NETPOLL_FDS, &byte, 1, LOST), -EMFILE);
	want_eq(corun_wait_readable(NETPOLL_FDS, LOST), -EMFILE);
	want_eq(corun_close(NETPOLL_FDS), -EBADF);
	/* No close left a descriptor behind where there was none. */
	other = move_up(open("/dev/null", O_RDONLY | O_CLOEXEC));
	want_eq(other, fds[0]);
	want_eq(corun_close(other), 0);
}

START_TEST(what_is_not_open_is_said)
{
	way_run(_i, bad_numbers, NULL);
}
END_TEST

/* ---- who may wait ------------------------------------------------------------------------------
 */

static void
wait_first(void *arg)
{
	char byte;
	ssize_t r;

	do
		r = corun_read(*(int *) arg, &byte, 1, LOST);
	while (r == -EBUSY); /* the other one was there for a moment */
	want_eq(r, 1);
	want_eq(byte, 'z');
}

static void
busy(void *arg)
{
	uint64_t lost_ns = LOST;
	struct party first;
	char byte;
	int fds[2];
	ssize_t r;

	(void) arg;
	pair_new(SOCK_STREAM, fds);
	party_start(&first, wait_first, &fds[0]);
	while ((r = corun_read(fds[0], &byte, 1, CORUN_NOW)) != -EBUSY) {
		want_eq(r, -ETIMEDOUT);
		want(corun_now() < lost_ns);
		corun_sleep(CORUN_MS / 10);
	}
	want_eq(corun_wait_readable(fds[0], LOST), -EBUSY);
	/* The other direction is free. */
	want_eq(corun_wait_writable(fds[0], LOST), 0);
	fill(fds[0]);
	want_eq(corun_write(fds[0], "", 1, corun_in(CORUN_MS)), -ETIMEDOUT);
	want_eq(corun_write(fds[1], "z", 1, LOST), 1);
	party_join(&first);
	pipe_close(fds);
}

START_TEST(a_second_reader_is_refused)
{
	way_run(_i, busy, NULL);
}
END_TEST

static void
blocking(void *arg)
{
	char byte = 0;
	int fds[2];

	(void) arg;
	want_eq(pipe(fds), 0);
	want_eq(corun_write(fds[1], "b", 1, LOST), -EINVAL);
	want_eq(corun_read(fds[0], &byte, 1, LOST), -EINVAL);
	want_eq(corun_nonblock(fds[0]), 0);
	want_eq(corun_nonblock(fds[1]), 0);
	want_eq(corun_write(fds[1], "b", 1, LOST), 1);
	want_eq(corun_read(fds[0], &byte, 1, LOST), 1);
	want_eq(byte, 'b');
	pipe_close(fds);
}

START_TEST(a_blocking_descriptor_is_refused)
{
	way_run(_i, blocking, NULL);
}
END_TEST

static void
regular(void *arg)
{
	char name[] = "/tmp/corun-test-io-XXXXXX";
	int fd = mkstemp(name);
	char buf[8];
	size_t n;

	(void) arg;
	want(fd >= 0);
	want_eq(unlink(name), 0);
	want_eq(corun_write_all(fd, "regular", 7, NULL, LOST), 0);
	want_eq(corun_read(fd, buf, sizeof(buf), LOST), 0);
	want_eq(lseek(fd, 0, SEEK_SET), 0);
	want_eq(corun_wait_readable(fd, LOST), 0);
	want_eq(corun_read_full(fd, buf, sizeof(buf), &n, LOST), -EPIPE);
	want_eq(n, 7);
	want(memcmp(buf, "regular", 7) == 0);
	want_eq(corun_close(fd), 0);
	fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	want_eq(corun_read(fd, buf, 1, LOST), -EISDIR);
	want_eq(corun_close(fd), 0);
}

START_TEST(a_regular_file_never_waits)
{
	way_run(_i, regular, NULL);
}
END_TEST

/* ---- waiting alone -----------------------------------------------------------------------------
 */

static void
add_to_eventfd(void *arg)
{
	uint64_t one = 1;

	corun_sleep(CORUN_MS);
	want_eq(corun_write(*(int *) arg, &one, sizeof(one), LOST), sizeof(one));
}

static void
waits(void *arg)
{
	struct party party;
	char buf[3];
	int fds[2], event;

	(void) arg;
	pipe_new(fds);
	want_eq(corun_wait_readable(fds[0], CORUN_NOW), -ETIMEDOUT);
	want_eq(corun_wait_readable(fds[0], corun_in(CORUN_MS)), -ETIMEDOUT);
	want_eq(corun_write(fds[1], "abc", 3, LOST), 3);
	/* Each time that there is something, not just once for each time that something came. */
	for (int i = 0; i < 3; i++) {
		want_eq(corun_wait_readable(fds[0], LOST), 0);
		want_eq(corun_wait_readable_ctx(fds[0], NULL), 0);
		want_eq(corun_read(fds[0], buf, 1, LOST), 1);
	}
	want_eq(corun_wait_readable(fds[0], CORUN_NOW), -ETIMEDOUT);
	want_eq(corun_wait_writable(fds[1], LOST), 0);
	fill(fds[1]);
	want_eq(corun_wait_writable(fds[1], corun_in(CORUN_MS)), -ETIMEDOUT);
	want_eq(corun_close(fds[0]), 0); /* in error now, which is not to be waited for */
	want_eq(corun_wait_writable(fds[1], LOST), 0);
	want_eq(corun_close(fds[1]), 0);

	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	want(event >= 0);
	for (int i = 0; i < 3; i++) {
		uint64_t n = 0;

		want_eq(corun_wait_readable(event, CORUN_NOW), -ETIMEDOUT);
		party_start(&party, add_to_eventfd, &event);
		want_eq(corun_wait_readable(event, LOST), 0);
		want_eq(corun_read(event, &n, sizeof(n), LOST), sizeof(n));
		want_eq(n, 1);
		party_join(&party);
	}
	want_eq(corun_close(event), 0);
}

START_TEST(wait_tells_what_poll_tells)
{
	way_run(_i, waits, NULL);
}
END_TEST

/* A child that ends when its pipe does: with code 7, or by SIGKILL. */
static int
child_new(int fds[2], bool by_signal, pid_t *ret_pid)
{
	char byte;
	int pidfd;

	want_eq(pipe2(fds, O_CLOEXEC), 0);
	*ret_pid = fork();
	want(*ret_pid >= 0);
	if (*ret_pid == 0) {
		close(fds[1]);
		while (read(fds[0], &byte, 1) < 0)
			;
		if (by_signal)
			kill(getpid(), SIGKILL);
		_exit(7);
	}
	pidfd = (int) syscall(SYS_pidfd_open, *ret_pid, 0);
	want(pidfd >= 0);
	return pidfd;
}

static void
end_child(void *arg)
{
	corun_sleep(CORUN_MS);
	want_eq(corun_close(*(int *) arg), 0);
}

static void
children(void *arg)
{
	(void) arg;
	for (int by_signal = 0; by_signal < 2; by_signal++) {
		struct party party;
		int status = 0;
		pid_t pid;
		int fds[2], pidfd = child_new(fds, by_signal, &pid);

		want_eq(corun_wait_pidfd(pidfd, &status, CORUN_NOW), -ETIMEDOUT);
		want_eq(corun_wait_pidfd(pidfd, &status, corun_in(CORUN_MS)), -ETIMEDOUT);
		party_start(&party, end_child, &fds[1]);
		want_eq(corun_wait_pidfd(pidfd, &status, LOST), 0);
		party_join(&party);
		if (by_signal)
			want(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		else
			want(WIFEXITED(status) && WEXITSTATUS(status) == 7);
		want_eq(corun_wait_pidfd(pidfd, &status, LOST), -ECHILD);
		want_eq(waitpid(pid, NULL, WNOHANG), -1); /* reaped */
		want_eq(corun_close(pidfd), 0);
		want_eq(corun_close(fds[0]), 0);
	}
}

START_TEST(a_child_is_waited_for)
{
	way_run(_i, children, NULL);
}
END_TEST

/* ---- contexts ----------------------------------------------------------------------------------
 */

static void
cancel_soon(void *arg)
{
	corun_sleep(CORUN_MS);
	corun_context_cancel(arg, -ESTALE);
}

static void
cancels(void *arg)
{
	(void) arg;
	for (int form = 0; form < 4; form++) {
		struct corun_context *ctx;
		struct party party;
		char buf[4] = "";
		int fds[2], r;

		pair_new(SOCK_STREAM, fds);
		want_eq(corun_context_new(&ctx, NULL, CORUN_FOREVER), 0);
		if (form == 1)
			fill(fds[0]);
		party_start(&party, cancel_soon, ctx);
		if (form == 0)
			r = (int) corun_read_ctx(fds[0], buf, 1, ctx);
		else if (form == 1)
			r = corun_write_all_ctx(fds[0], "x", 1, NULL, ctx);
		else if (form == 2)
			r = corun_wait_readable_ctx(fds[0], ctx);
		else
			r = (int) corun_recv_ctx(fds[0], buf, 1, 0, ctx);
		want_eq(r, -ESTALE);
		party_join(&party);
		/* Cancelled it goes on to be so; what is there is taken all the same. */
		want_eq(corun_read_ctx(fds[0], buf, 1, ctx), -ESTALE);
		want_eq(corun_write(fds[1], "ab", 2, LOST), 2);
		want_eq(corun_read_ctx(fds[0], buf, 1, ctx), 1);
		want_eq(corun_read(fds[0], buf + 1, 1, LOST), 1);
		want_eq(strcmp(buf, "ab"), 0);
		corun_context_unref(ctx);
		pipe_close(fds);
	}
}

START_TEST(a_context_ends_the_wait)
{
	way_run(_i, cancels, NULL);
}
END_TEST

/* ---- errno -------------------------------------------------------------------------------------
 */

static __attribute__((noinline)) int
errno_now(void)
{
	__asm__ volatile("");
	return errno;
}

static void
errnos(void *arg)
{
	char byte;
	int fds[2];

	(void) arg;
	pipe_new(fds);
	fds[0] = move_up(fds[0]);
	fds[1] = move_up(fds[1]);
	errno = 77;
	want_eq(corun_read(fds[0], &byte, 1, corun_in(CORUN_MS)), -ETIMEDOUT);
	want_eq(errno_now(), 77);
	want_eq(corun_close(fds[0]), 0);
	want_eq(corun_write(fds[0], "", 1, LOST), -EBADF);
	want_eq(corun_wait_pidfd(fds[1], NULL, LOST), -EBADF); /* not a pidfd */
	want_eq(corun_close(fds[1]), 0);
	want_eq(corun_close(fds[1]), -EBADF);
	want(corun_socket(AF_UNIX, 12345, 0) < 0);
	want_eq(errno_now(), 77);
}

START_TEST(errno_is_left_alone)
{
	way_run(_i, errnos, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("io");
	TCase *tc = tcase_create("calls");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_byte_arrives_in_order, 0, WAYS);
	tcase_add_loop_test(tc, vectors_are_scattered, 0, WAYS);
	tcase_add_loop_test(tc, full_reads_say_what_came, 0, WAYS);
	tcase_add_loop_test(tc, deadlines_are_kept_and_lose_nothing, 0, WAYS);
	tcase_add_loop_test(tc, close_wakes_who_waits, 0, WAYS);
	tcase_add_loop_test(tc, what_is_not_open_is_said, 0, WAYS);
	tcase_add_loop_test(tc, a_second_reader_is_refused, 0, WAYS);
	tcase_add_loop_test(tc, a_blocking_descriptor_is_refused, 0, WAYS);
	tcase_add_loop_test(tc, a_regular_file_never_waits, 0, WAYS);
	tcase_add_loop_test(tc, wait_tells_what_poll_tells, 0, WAYS);
	tcase_add_loop_test(tc, a_child_is_waited_for, 0, WAYS);
	tcase_add_loop_test(tc, a_context_ends_the_wait, 0, WAYS);
	tcase_add_loop_test(tc, errno_is_left_alone, 0, WAYS);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
