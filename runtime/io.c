/*
 * I/O: try the system call outside the runtime; if it would block, wait for the descriptor inside
 */

#include <corun/io.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <corun/coroutine.h>
#include <corun/time.h>

#include "runtime/base/syscall.h"
#include "runtime/netpoll.h"
#include "runtime/sched.h"

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
wait_for(int fd, enum netpoll_direction direction, struct bound bound)
{
	struct coroutine *co = rt_enter();
	int r = netpoll_wait_fd(co, fd, direction, bound.deadline_ns, bound.ctx);

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
	int r = netpoll_check_fd(fd);

	if (r < 0)
		return r;
	for (;;) {
		long n = raw_syscall6(nr, fd, b, c, d, 0, 0);

		if (n == -EINTR)
			continue;
		if (n != -EAGAIN) {
			/* Who always finds data must still give way at the end of a slice. */
			corun_checkpoint();
			return n;
		}
		r = wait_for(fd, direction, bound);
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
corun_writev(int fd, const struct iovec *iov, int n, uint64_t deadline_ns)
{
	return retry(SYS_writev, NETPOLL_WRITE, until(deadline_ns), fd, (long) iov, n, 0);
}

int
corun_read_full(int fd, void *buf, size_t n, size_t *ret_n, uint64_t deadline_ns)
{
	size_t done = 0;
	int r = 0;

	while (done < n && r == 0) {
		ssize_t got = corun_read(fd, (char *) buf + done, n - done, deadline_ns);

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
corun_write_all(int fd, const void *buf, size_t n, size_t *ret_n, uint64_t deadline_ns)
{
	size_t done = 0;
	int r = 0;

	while (done < n && r == 0) {
		ssize_t put = corun_write(fd, (const char *) buf + done, n - done, deadline_ns);

		if (put >= 0)
			done += (size_t) put;
		else
			r = (int) put;
	}
	if (ret_n != NULL)
		*ret_n = done;
	return r;
}

/* ---- sockets -----------------------------------------------------------------------------------
 */

int
corun_socket(int domain, int type, int protocol)
{
	return (int) raw_syscall3(SYS_socket, domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
				  protocol);
}

int
corun_accept(int fd, struct sockaddr *addr, socklen_t *len, uint64_t deadline_ns)
{
	return (int) retry(SYS_accept4, NETPOLL_READ, until(deadline_ns), fd, (long) addr,
			   (long) len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int
corun_accept_ctx(int fd, struct sockaddr *addr, socklen_t *len, struct corun_context *ctx)
{
	return (int) retry(SYS_accept4, NETPOLL_READ, until_cancelled(ctx), fd, (long) addr,
			   (long) len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static int
connect_until(int fd, const struct sockaddr *addr, socklen_t len, struct bound bound)
{
	int error = 0;
	socklen_t error_len = sizeof(error);
	int r = netpoll_check_fd(fd);

	if (r < 0)
		return r;
	r = (int) raw_syscall3(SYS_connect, fd, (long) addr, len);
	/* Interrupted or under way it goes on by itself; a full backlog (Unix) has to be asked
	 * again. */
	while (r == -EAGAIN) {
		r = wait_for(fd, NETPOLL_WRITE, bound);
		if (r < 0)
			return r;
		r = (int) raw_syscall3(SYS_connect, fd, (long) addr, len);
	}
	if (r != -EINPROGRESS && r != -EINTR)
		return r;
	do {
		struct sockaddr_storage peer;
		socklen_t peer_len = sizeof(peer);

		r = wait_for(fd, NETPOLL_WRITE, bound);
		if (r < 0)
			return r;
		r = (int) raw_syscall6(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, (long) &error,
				       (long) &error_len, 0);
		if (r < 0 || error != 0)
			return r < 0 ? r : -error;
		/* A wake-up may come too early: connected it has a peer. */
		r = (int) raw_syscall3(SYS_getpeername, fd, (long) &peer, (long) &peer_len);
	} while (r == -ENOTCONN);
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
corun_recvmsg(int fd, struct msghdr *msg, int flags, uint64_t deadline_ns)
{
	return retry(SYS_recvmsg, NETPOLL_READ, until(deadline_ns), fd, (long) msg,
		     flags | MSG_CMSG_CLOEXEC, 0);
}

ssize_t
corun_sendmsg(int fd, const struct msghdr *msg, int flags, uint64_t deadline_ns)
{
	return retry(SYS_sendmsg, NETPOLL_WRITE, until(deadline_ns), fd, (long) msg,
		     flags | MSG_NOSIGNAL, 0);
}

/* ---- anything that poll(2) knows
 * ----------------------------------------------------------------- */

static int
wait_direction(int fd, enum netpoll_direction direction, struct bound bound)
{
	if (fd < 0)
		return -EBADF;
	return fd >= NETPOLL_FDS ? -EMFILE : wait_for(fd, direction, bound);
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
	for (;;) {
		siginfo_t info = { .si_pid = 0 };
		long r = raw_syscall6(SYS_waitid, P_PIDFD, pidfd, (long) &info, WEXITED | WNOHANG,
				      0, 0);

		if (r == 0 && info.si_pid != 0) {
			if (ret_status != NULL)
				*ret_status = status_of(&info);
			return 0;
		}
		if (r < 0 && r != -EINTR && r != -EAGAIN)
			return (int) r;
		r = wait_direction(pidfd, NETPOLL_READ, bound);
		if (r < 0)
			return (int) r;
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
	rt_enter();
	netpoll_close_fd(fd);
	rt_exit();
	return (int) raw_syscall3(SYS_close, fd, 0, 0);
}
