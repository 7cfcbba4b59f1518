#pragma once

/*
 * I/O - read, write, accept, connect and wait on descriptors, parking the coroutine
 *
 * Rules for descriptors used here:
 *   - they are O_NONBLOCK (corun_socket, corun_accept and corun_pipe make them so, corun_nonblock()
 *     others). A descriptor that is not, and is no regular file, directory or block device, gives
 *     -EINVAL at its first use: a read could block the thread for good. (To set the flag silently
 *     would change it for every process that shares the file, such as the shell behind a
 *     terminal.) It is asked once: clear the flag later and the thread blocks. Calls that only
 *     wait do not ask.
 *   - they are closed by corun_close(), which wakes who waits and forgets them. After close(2) the
 *     number's next owner here may wait for an event that never comes.
 *   - one at a time waits for each direction of one; a second one gets -EBUSY. Several may read or
 *     write at a time as long as none has to wait.
 *
 * Every call that may wait comes in two forms: up to a deadline, and (_ctx) until a context is
 * cancelled, for good with a NULL context. Both try first and wait then: a call that finds what it
 * wants returns it, also after the deadline (CORUN_NOW: do not wait) and with a cancelled context.
 *
 * Common errors, beside those of the system call:
 *   -ETIMEDOUT      the deadline; nothing was transferred, and nothing is lost
 *   -ECANCELED ...  what the context was cancelled with; the same
 *   -EBADF          no open descriptor, or it was closed by corun_close() while the call waited
 *   -EBUSY          somebody else waits for this direction
 *   -EINVAL         it is not O_NONBLOCK (above)
 *   -EMFILE         its number is 2^20 or more; a plain thread got no eventfd of its own
 *   -ENOMEM, -ENOSPC  no memory, no epoll watch (fs.epoll.max_user_watches) to wait with
 *   -ESRCH          the runtime was stopped
 * EINTR is never returned. Errno is neither used nor changed.
 *
 * Ownership: nothing is kept of an argument once the call has returned. In between buffers,
 *            messages and addresses are the call's. A context is borrowed: the caller holds a
 *            reference.
 * Context:   coroutine (parks) or plain thread (blocks in ppoll(2); also without a started
 *            runtime). Not in a signal handler, nor between corun_block_enter() and _exit().
 *
 * A write to a pipe or socket that nobody reads gives -EPIPE. In a plain thread SIGPIPE comes with
 * it, as with write(2); threads that run coroutines have it blocked. send and sendmsg never raise
 * it.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct corun_context;

/* ---- read and write ------------------------------------------------------------------------ */

/**
 * corun_read() - read(2): what is there, at least one byte
 * Return: how many bytes; 0: the end (or @n is 0); or an error. A regular file never waits.
 */
CORUN_EXPORT ssize_t corun_read(int fd, void *buf, size_t n, uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_read_ctx(int fd, void *buf, size_t n, struct corun_context *ctx);

/** corun_write() - write(2): what there is room for. Return: how many bytes, or an error. */
CORUN_EXPORT ssize_t corun_write(int fd, const void *buf, size_t n, uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_write_ctx(int fd, const void *buf, size_t n, struct corun_context *ctx);

/** corun_readv(), corun_writev() - the same, as readv(2) and writev(2), into or from @n pieces */
CORUN_EXPORT ssize_t corun_readv(int fd, const struct iovec *iov, int n, uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_readv_ctx(int fd, const struct iovec *iov, int n,
				     struct corun_context *ctx);
CORUN_EXPORT ssize_t corun_writev(int fd, const struct iovec *iov, int n, uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_writev_ctx(int fd, const struct iovec *iov, int n,
				      struct corun_context *ctx);

/**
 * corun_read_full() - read until @n bytes are there or the file ends, as Go's io.ReadFull
 * @ret_n: how many were read, also on failure; may be NULL
 *
 * The deadline is for all of it.
 * Return: 0: all @n; -EPIPE: it ended before (*@ret_n is 0: at once; else in the middle); or an
 * error.
 */
CORUN_EXPORT int corun_read_full(int fd, void *buf, size_t n, size_t *ret_n, uint64_t deadline_ns);
CORUN_EXPORT int corun_read_full_ctx(int fd, void *buf, size_t n, size_t *ret_n,
				     struct corun_context *ctx);

/**
 * corun_write_all() - write all @n bytes
 * @ret_n: how many were written, also on failure; may be NULL
 *
 * Two that write at a time may find their pieces mixed.
 * Return: 0: all @n; or an error.
 */
CORUN_EXPORT int corun_write_all(int fd, const void *buf, size_t n, size_t *ret_n,
				 uint64_t deadline_ns);
CORUN_EXPORT int corun_write_all_ctx(int fd, const void *buf, size_t n, size_t *ret_n,
				     struct corun_context *ctx);

/* ---- sockets ------------------------------------------------------------------------------- */

/** corun_socket() - socket(2), non-blocking and close-on-exec. Return: the descriptor; never waits. */
CORUN_EXPORT int corun_socket(int domain, int type, int protocol);

/**
 * corun_accept() - accept4(2), non-blocking and close-on-exec
 * @addr, @len: as there; may both be NULL
 *
 * Return: a descriptor for corun_close(); or an error. ECONNABORTED is not returned. Without
 *         descriptors it is -EMFILE or -ENFILE at once, and the client stays in the backlog: do
 *         not ask again in a loop without sleeping.
 */
CORUN_EXPORT int corun_accept(int fd, struct sockaddr *addr, socklen_t *len, uint64_t deadline_ns);
CORUN_EXPORT int corun_accept_ctx(int fd, struct sockaddr *addr, socklen_t *len,
				  struct corun_context *ctx);

/**
 * corun_connect() - connect(2), and wait for the outcome
 *
 * When a Unix listener's backlog is full it is asked again, every 20 ms at last: there is no event.
 * Return: 0; or an error, such as -ECONNREFUSED. After one (-ETIMEDOUT too) only corun_close() is
 *         of use: the connection may still come about.
 */
CORUN_EXPORT int corun_connect(int fd, const struct sockaddr *addr, socklen_t len,
			       uint64_t deadline_ns);
CORUN_EXPORT int corun_connect_ctx(int fd, const struct sockaddr *addr, socklen_t len,
				   struct corun_context *ctx);

/** corun_recv() - recv(2). Return: how many bytes; 0: the end, or an empty datagram; or an error. */
CORUN_EXPORT ssize_t corun_recv(int fd, void *buf, size_t n, int flags, uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_recv_ctx(int fd, void *buf, size_t n, int flags,
				    struct corun_context *ctx);

/** corun_send() - send(2) with MSG_NOSIGNAL. Return: how many bytes, or an error. */
CORUN_EXPORT ssize_t corun_send(int fd, const void *buf, size_t n, int flags, uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_send_ctx(int fd, const void *buf, size_t n, int flags,
				    struct corun_context *ctx);

/**
 * corun_recvmsg() - recvmsg(2): addresses of datagrams, credentials, descriptors (close-on-exec)
 * @msg: filled in as there. Descriptors in it are the caller's.
 */
CORUN_EXPORT ssize_t corun_recvmsg(int fd, struct msghdr *msg, int flags, uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_recvmsg_ctx(int fd, struct msghdr *msg, int flags,
				       struct corun_context *ctx);

/** corun_sendmsg() - sendmsg(2) with MSG_NOSIGNAL; a stream may take a part. Return: bytes. */
CORUN_EXPORT ssize_t corun_sendmsg(int fd, const struct msghdr *msg, int flags,
				   uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_sendmsg_ctx(int fd, const struct msghdr *msg, int flags,
				       struct corun_context *ctx);

/* ---- anything that poll(2) knows ----------------------------------------------------------- */

/**
 * corun_wait_readable(), corun_wait_writable() - wait until poll(2) says so
 * @fd: of any kind: eventfds, pidfds, signalfds, listeners, epolls. It need not be O_NONBLOCK, but
 *      what is then read from it could block, when somebody else was faster.
 *
 * Return: 0: it is readable, at its end, or in error (writable likewise); or an error.
 */
CORUN_EXPORT int corun_wait_readable(int fd, uint64_t deadline_ns);
CORUN_EXPORT int corun_wait_readable_ctx(int fd, struct corun_context *ctx);
CORUN_EXPORT int corun_wait_writable(int fd, uint64_t deadline_ns);
CORUN_EXPORT int corun_wait_writable_ctx(int fd, struct corun_context *ctx);

/**
 * corun_wait_pidfd() - wait for the end of a child and reap it
 * @pidfd:      of a child of this process; it need not be O_NONBLOCK, and stays open
 * @ret_status: as wait(2) gives it, set on success; may be NULL
 * Return: 0; -ECHILD (not a child, or reaped already); -EINVAL (not a pidfd); or an error.
 */
CORUN_EXPORT int corun_wait_pidfd(int pidfd, int *ret_status, uint64_t deadline_ns);
CORUN_EXPORT int corun_wait_pidfd_ctx(int pidfd, int *ret_status, struct corun_context *ctx);

/* ---- making and closing -------------------------------------------------------------------- */

/**
 * corun_pipe() - pipe2(2), both ends non-blocking and close-on-exec
 * @ret_fds: the end to read from, the end to write to; for corun_close()
 * Return: 0; -EMFILE, -ENFILE. Never waits, as the next one.
 */
CORUN_EXPORT int corun_pipe(int ret_fds[2]);

/** corun_nonblock() - set O_NONBLOCK, for the file and all who share it. Return: 0; -EBADF. */
CORUN_EXPORT int corun_nonblock(int fd);

/**
 * corun_close() - who waits for it gets -EBADF; then close(2)
 *
 * The number is not given out again before nobody waits for the old file any more.
 * Context: as all; may block where close(2) does (SO_LINGER, network file systems).
 * Return:  0; -EBADF (not open, or somebody else is closing it); what close(2) says of a regular
 * file.
 */
CORUN_EXPORT int corun_close(int fd);

#ifdef __cplusplus
}
#endif
