/*
 * I/O: try the system call outside the runtime, where a thread may block; if it would block, wait
 * for the descriptor inside.
 */

#include <corun/io.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <corun/context.h>
#include <corun/coroutine.h>
#include <corun/time.h>

#include "runtime/base/syscall.h"
#include "runtime/netpoll.h"
#include "runtime/sanitize.h"
#include "runtime/sched.h"

/* A full backlog of a Unix socket is asked again after so long, twice as long, and so on. */
#define BACKLOG_FIRST_NS (100 * CORUN_US)
#define BACKLOG_MAX_NS   (20 * CORUN_MS)

#ifdef SANITIZE_THREAD
char sanitize_io;
#endif

/* Until when to wait, of whichever form. */
struct bound {
	uint64_t deadline_ns;
	struct corun_context *ctx;
};

static struct bound
until(uint64_t deadline_ns)
{
	return (struct bound){ .deadline_ns = deadline_ns };
}

static struct bound
until_cancelled(struct corun_context *ctx)
{
	return (struct bound){ .deadline_ns = CORUN_FOREVER, .ctx = ctx };
}

static int
wait_for(int fd, uint32_t life, enum netpoll_direction direction, struct bound bound)
{
	struct coroutine *co = rt_enter();
	int r = netpoll_wait_fd(co, fd, life, direction, bound.deadline_ns, bound.ctx);

	rt_exit();
	return r;
}

/*
 * The system call @nr with up to four arguments, of which the first is the descriptor, until it
 * does not say that it would block.
 */
static long
retry(long nr, enum netpoll_direction direction, struct bound bound, int fd, long b, long c, long d)
{
	uint32_t life;
	int r = netpoll_check_fd(fd, NETPOLL_TRANSFERS, &life);

	if (r < 0)
		return r;
	if (direction == NETPOLL_WRITE)
		sanitize_send();
	for (;;) {
		long n = raw_syscall6(nr, fd, b, c, d, 0, 0);

		if (n == -EINTR)
			continue;
		if (n != -EAGAIN) {
			if (direction == NETPOLL_READ)
				sanitize_receive();
			/* Who always finds data must still give way at the end of a slice. */
			corun_checkpoint();
			return n;
		}
		r = wait_for(fd, life, direction, bound);
		if (r < 0)
			return r;
	}
}

/* ---- read and write ----------------------------------------------------------------------------
 */

ssize_t
corun_read(int fd, void *buf, size_t n, uint64_t deadline_ns)
{
	return retry(SYS_read, NETPOLL_READ, until(deadline_ns), fd, (long) buf, (long) n, 0);
}

ssize_t
corun_read_ctx(int fd, void *buf, size_t n, struct corun_context *ctx)
{
	return retry(SYS_read, NETPOLL_READ, until_cancelled(ctx), fd, (long) buf, (long) n, 0);
}

ssize_t
corun_write(int fd, const void *buf, size_t n, uint64_t deadline_ns)
{
	return retry(SYS_write, NETPOLL_WRITE, until(deadline_ns), fd, (long) buf, (long) n, 0);
}

ssize_t
corun_write_ctx(int fd, const void *buf, size_t n, struct corun_context *ctx)
{
	return retry(SYS_write, NETPOLL_WRITE, until_cancelled(ctx), fd, (long) buf, (long) n, 0);
}

ssize_t
corun_readv(int fd, const struct iovec *iov, int n, uint64_t deadline_ns)
{
	return retry(SYS_readv, NETPOLL_READ, until(deadline_ns), fd, (long) iov, n, 0);
}

ssize_t
corun_readv_ctx(int fd, const struct iovec *iov, int n, struct corun_context *ctx)
{
	return retry(SYS_readv, NETPOLL_READ, until_cancelled(ctx), fd, (long) iov, n, 0);
}

ssize_t
corun_writev(int fd, const struct iovec *iov, int n, uint64_t deadline_ns)
{
	return retry(SYS_writev, NETPOLL_WRITE, until(deadline_ns), fd, (long) iov, n, 0);
}

ssize_t
corun_writev_ctx(int fd, const struct iovec *iov, int n, struct corun_context *ctx)
{
	return retry(SYS_writev, NETPOLL_WRITE, until_cancelled(ctx), fd, (long) iov, n, 0);
}

static int
read_full(int fd, void *buf, size_t n, size_t *ret_n, struct bound bound)
{
	size_t done = 0;
	int r = 0;

	while (done < n && r == 0) {
		long got = retry(SYS_read, NETPOLL_READ, bound, fd, (long) ((char *) buf + done),
				 (long) (n - done), 0);

		if (got > 0)
			done += (size_t) got;
		else
			r = got == 0 ? -EPIPE : (int) got;
	}
	if (ret_n != NULL)
		*ret_n = done;
	return r;
}

int
corun_read_full(int fd, void *buf, size_t n, size_t *ret_n, uint64_t deadline_ns)
{
	return read_full(fd, buf, n, ret_n, until(deadline_ns));
}

int
corun_read_full_ctx(int fd, void *buf, size_t n, size_t *ret_n, struct corun_context *ctx)
{
	return read_full(fd, buf, n, ret_n, until_cancelled(ctx));
}

static int
write_all(int fd, const void *buf, size_t n, size_t *ret_n, struct bound bound)
{
	size_t done = 0;
	int r = 0;

	while (done < n && r == 0) {
		long put = retry(SYS_write, NETPOLL_WRITE, bound, fd,
				 (long) ((const char *) buf + done), (long) (n - done), 0);

		if (put > 0)
			done += (size_t) put;
		else
			r = put == 0 ? -EIO : (int) put; /* 0 of more: no progress, ever */
	}
	if (ret_n != NULL)
		*ret_n = done;
	return r;
}

int
corun_write_all(int fd, const void *buf, size_t n, size_t *ret_n, uint64_t deadline_ns)
{
	return write_all(fd, buf, n, ret_n, until(deadline_ns));
}

int
corun_write_all_ctx(int fd, const void *buf, size_t n, size_t *ret_n, struct corun_context *ctx)
{
	return write_all(fd, buf, n, ret_n, until_cancelled(ctx));
}

/* ---- sockets -----------------------------------------------------------------------------------
 */

int
corun_socket(int domain, int type, int protocol)
{
	return (int) raw_syscall3(SYS_socket, domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
				  protocol);
}

static int
accept_until(int fd, struct sockaddr *addr, socklen_t *len, struct bound bound)
{
	long r;

	/* A client that has left before it was accepted is none of the caller's business. */
	do {
		r = retry(SYS_accept4, NETPOLL_READ, bound, fd, (long) addr, (long) len,
			  SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (r == -ECONNABORTED);
	return (int) r;
}

int
corun_accept(int fd, struct sockaddr *addr, socklen_t *len, uint64_t deadline_ns)
{
	return accept_until(fd, addr, len, until(deadline_ns));
}

int
corun_accept_ctx(int fd, struct sockaddr *addr, socklen_t *len, struct corun_context *ctx)
{
	return accept_until(fd, addr, len, until_cancelled(ctx));
}

static int
sleep_for(uint64_t ns, struct bound bound)
{
	uint64_t wake_ns = corun_in(ns);

	if (bound.ctx != NULL)
		return corun_context_wait(bound.ctx, wake_ns);
	if (bound.deadline_ns <= wake_ns) {
		corun_sleep_until(bound.deadline_ns);
		return -ETIMEDOUT;
	}
	corun_sleep_until(wake_ns);
	return 0;
}

/*
 * The listener's backlog is full. No event says when it is not: a socket that is not connected is
 * ready for good, as far as poll(2) knows.
 */
static int
connect_to_full(int fd, const struct sockaddr *addr, socklen_t len, struct bound bound)
{
	uint64_t ns = BACKLOG_FIRST_NS;
	int r;

	do {
		r = sleep_for(ns, bound);
		if (r < 0)
			return r;
		r = (int) raw_syscall3(SYS_connect, fd, (long) addr, len);
		ns = ns < BACKLOG_MAX_NS ? 2 * ns : ns;
	} while (r == -EAGAIN);
	return r;
}

/* Under way: wait for the outcome. */
static int
connect_outcome(int fd, uint32_t life, struct bound bound)
{
	for (;;) {
		struct sockaddr_storage peer;
		socklen_t peer_len = sizeof(peer);
		int error = 0;
		socklen_t error_len = sizeof(error);
		int r = wait_for(fd, life, NETPOLL_WRITE, bound);

		if (r < 0)
			return r;
		r = (int) raw_syscall6(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, (long) &error,
				       (long) &error_len, 0);
		if (r < 0 || error != 0)
			return r < 0 ? r : -error;
		/* A wake-up may come too early: connected it has a peer. */
		r = (int) raw_syscall3(SYS_getpeername, fd, (long) &peer, (long) &peer_len);
		if (r != -ENOTCONN)
			return r;
	}
}

static int
connect_until(int fd, const struct sockaddr *addr, socklen_t len, struct bound bound)
{
	uint32_t life;
	int r = netpoll_check_fd(fd, NETPOLL_TRANSFERS, &life);

	if (r < 0)
		return r;
	sanitize_send();
	r = (int) raw_syscall3(SYS_connect, fd, (long) addr, len);
	if (r == -EAGAIN && addr->sa_family == AF_UNIX)
		r = connect_to_full(fd, addr, len, bound);
	/* Interrupted it goes on by itself. */
	if (r == -EINPROGRESS || r == -EINTR)
		r = connect_outcome(fd, life, bound);
	return r;
}

int
corun_connect(int fd, const struct sockaddr *addr, socklen_t len, uint64_t deadline_ns)
{
	return connect_until(fd, addr, len, until(deadline_ns));
}

int
corun_connect_ctx(int fd, const struct sockaddr *addr, socklen_t len, struct corun_context *ctx)
{
	return connect_until(fd, addr, len, until_cancelled(ctx));
}

ssize_t
corun_recv(int fd, void *buf, size_t n, int flags, uint64_t deadline_ns)
{
	return retry(SYS_recvfrom, NETPOLL_READ, until(deadline_ns), fd, (long) buf, (long) n,
		     flags);
}

ssize_t
corun_recv_ctx(int fd, void *buf, size_t n, int flags, struct corun_context *ctx)
{
	return retry(SYS_recvfrom, NETPOLL_READ, until_cancelled(ctx), fd, (long) buf, (long) n,
		     flags);
}

ssize_t
corun_send(int fd, const void *buf, size_t n, int flags, uint64_t deadline_ns)
{
	return retry(SYS_sendto, NETPOLL_WRITE, until(deadline_ns), fd, (long) buf, (long) n,
		     flags | MSG_NOSIGNAL);
}

ssize_t
corun_send_ctx(int fd, const void *buf, size_t n, int flags, struct corun_context *ctx)
{
	return retry(SYS_sendto, NETPOLL_WRITE, until_cancelled(ctx), fd, (long) buf, (long) n,
		     flags | MSG_NOSIGNAL);
}

ssize_t
corun_recvmsg(int fd, struct msghdr *msg, int flags, uint64_t deadline_ns)
{
	return retry(SYS_recvmsg, NETPOLL_READ, until(deadline_ns), fd, (long) msg,
		     flags | MSG_CMSG_CLOEXEC, 0);
}

ssize_t
corun_recvmsg_ctx(int fd, struct msghdr *msg, int flags, struct corun_context *ctx)
{
	return retry(SYS_recvmsg, NETPOLL_READ, until_cancelled(ctx), fd, (long) msg,
		     flags | MSG_CMSG_CLOEXEC, 0);
}

ssize_t
corun_sendmsg(int fd, const struct msghdr *msg, int flags, uint64_t deadline_ns)
{
	return retry(SYS_sendmsg, NETPOLL_WRITE, until(deadline_ns), fd, (long) msg,
		     flags | MSG_NOSIGNAL, 0);
}

ssize_t
corun_sendmsg_ctx(int fd, const struct msghdr *msg, int flags, struct corun_context *ctx)
{
	return retry(SYS_sendmsg, NETPOLL_WRITE, until_cancelled(ctx), fd, (long) msg,
		     flags | MSG_NOSIGNAL, 0);
}

/* ---- anything that poll(2) knows
 * ----------------------------------------------------------------- */

/* Return: 1, 0, or -errno. */
static int
is_ready(int fd, enum netpoll_direction direction)
{
	struct pollfd p = { .fd = fd,
			    .events = direction == NETPOLL_READ ? POLLIN | POLLRDHUP : POLLOUT };
	struct timespec none = { 0, 0 };
	long r;

	do {
		r = raw_syscall6(SYS_ppoll, (long) &p, 1, (long) &none, 0, 0, 0);
	} while (r == -EINTR);
	if (r > 0 && (p.revents & POLLNVAL))
		return -EBADF;
	return (int) r;
}

static int
wait_direction(int fd, enum netpoll_direction direction, struct bound bound)
{
	uint32_t life;
	int r = netpoll_check_fd(fd, NETPOLL_WAITS, &life);

	if (r < 0)
		return r;
	for (;;) {
		/* The edge may be long gone while there is still something to read. */
		r = is_ready(fd, direction);
		if (r != 0) {
			if (r > 0 && direction == NETPOLL_READ)
				sanitize_receive();
			corun_checkpoint();
			return r < 0 ? r : 0;
		}
		r = wait_for(fd, life, direction, bound);
		if (r < 0)
			return r;
	}
}

int
corun_wait_readable(int fd, uint64_t deadline_ns)
{
	return wait_direction(fd, NETPOLL_READ, until(deadline_ns));
}

int
corun_wait_readable_ctx(int fd, struct corun_context *ctx)
{
	return wait_direction(fd, NETPOLL_READ, until_cancelled(ctx));
}

int
corun_wait_writable(int fd, uint64_t deadline_ns)
{
	return wait_direction(fd, NETPOLL_WRITE, until(deadline_ns));
}

int
corun_wait_writable_ctx(int fd, struct corun_context *ctx)
{
	return wait_direction(fd, NETPOLL_WRITE, until_cancelled(ctx));
}

static int
status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return (info->si_status & 0xff) << 8;
	return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

static int
wait_pidfd(int pidfd, int *ret_status, struct bound bound)
{
	uint32_t life;
	int r = netpoll_check_fd(pidfd, NETPOLL_WAITS, &life);

	if (r < 0)
		return r;
	for (;;) {
		siginfo_t info = { .si_pid = 0 };

		r = (int) raw_syscall6(SYS_waitid, P_PIDFD, pidfd, (long) &info, WEXITED | WNOHANG,
				       0, 0);
		if (r == 0 && info.si_pid != 0) {
			if (ret_status != NULL)
				*ret_status = status_of(&info);
			corun_checkpoint();
			return 0;
		}
		if (r < 0 && r != -EINTR && r != -EAGAIN)
			return r;
		r = wait_for(pidfd, life, NETPOLL_READ, bound);
		if (r < 0)
			return r;
	}
}

int
corun_wait_pidfd(int pidfd, int *ret_status, uint64_t deadline_ns)
{
	return wait_pidfd(pidfd, ret_status, until(deadline_ns));
}

int
corun_wait_pidfd_ctx(int pidfd, int *ret_status, struct corun_context *ctx)
{
	return wait_pidfd(pidfd, ret_status, until_cancelled(ctx));
}

/* ---- making and closing ------------------------------------------------------------------------
 */

int
corun_pipe(int ret_fds[2])
{
	return (int) raw_syscall3(SYS_pipe2, (long) ret_fds, O_NONBLOCK | O_CLOEXEC, 0);
}

int
corun_nonblock(int fd)
{
	long flags = raw_syscall3(SYS_fcntl, fd, F_GETFL, 0);

	if (flags < 0)
		return (int) flags;
	return (int) raw_syscall3(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
}

int
corun_close(int fd)
{
	enum netpoll_kind kind = netpoll_kind_of(fd);
	int r;

	rt_enter();
	/* A file is closed as it is, since close(2) may have an error to tell. */
	r = netpoll_close_begin(fd, kind != NETPOLL_FILE);
	rt_exit();
	if (r == 0) {
		r = (int) raw_syscall3(SYS_close, fd, 0, 0);
	} else if (r > 0) {
		/* dup3(2) would make a descriptor of what is none. */
		if (kind != NETPOLL_NOT_OPEN)
			raw_syscall3(SYS_dup3, netpoll_tombstone(), fd, O_CLOEXEC);
		rt_enter_unyielding(); /* the number is in use until the end */
		r = netpoll_close_end(fd);
		rt_exit();
	}
	return r == -EINTR ? 0 : r; /* Linux has closed it */
}
