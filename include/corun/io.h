#pragma once

/*
 * I/O - read, write, accept, connect and wait on descriptors, parking the coroutine
 *
 * Rules for descriptors used here:
 *   - they are O_NONBLOCK (corun_socket, corun_accept and corun_pipe make them so, corun_nonblock()
 *     others). A descriptor that is not, and is no regular file, gives -EINVAL at its first use: a
 *     read would block the thread. (Making it so silently would change it for every process that
 *     shares it, such as the shell behind a terminal.)
 *   - they are closed by corun_close(), which wakes who waits and forgets them.
 *   - one coroutine at a time waits for each direction of one; a second one gets -EBUSY.
 *
 * Every call that may wait comes in two forms: up to a deadline, and (_ctx) until a context is
 * cancelled. Common errors: -ETIMEDOUT, or what the context was cancelled with: nothing was
 * transferred by the part that waited; -EBADF: closed meanwhile; -EBUSY, -EINVAL as above;
 * otherwise those of the system call. A regular file never waits. Errno is not touched. EINTR is
 * not returned. Plain threads may call all of them, also without a started runtime.
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

/* ---- read and write: as the system calls, that is possibly less than @n ------------------------
 */

CORUN_EXPORT ssize_t corun_read(int fd, void *buf, size_t n, uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_read_ctx(int fd, void *buf, size_t n, struct corun_context *ctx);
CORUN_EXPORT ssize_t corun_write(int fd, const void *buf, size_t n, uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_write_ctx(int fd, const void *buf, size_t n, struct corun_context *ctx);
CORUN_EXPORT ssize_t corun_readv(int fd, const struct iovec *iov, int n, uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_writev(int fd, const struct iovec *iov, int n, uint64_t deadline_ns);

/**
 * corun_read_full() - read until @n bytes are there or the file ends
 * @ret_n: how many were read, also on failure; may be NULL
 * Return: 0: all @n; -EPIPE: it ended before (0 to @n - 1 bytes were read); or an error.
 */
CORUN_EXPORT int corun_read_full(int fd, void *buf, size_t n, size_t *ret_n, uint64_t deadline_ns);

/**
 * corun_write_all() - write all @n bytes
 * @ret_n: how many were written, also on failure; may be NULL
 */
CORUN_EXPORT int corun_write_all(int fd, const void *buf, size_t n, size_t *ret_n,
				 uint64_t deadline_ns);

/* ---- sockets -----------------------------------------------------------------------------------
 */

/** corun_socket() - socket(2), non-blocking and close-on-exec. Return: the descriptor. */
CORUN_EXPORT int corun_socket(int domain, int type, int protocol);

/** corun_accept() - accept4(2), non-blocking and close-on-exec. @addr, @len: may be NULL. */
CORUN_EXPORT int corun_accept(int fd, struct sockaddr *addr, socklen_t *len, uint64_t deadline_ns);
CORUN_EXPORT int corun_accept_ctx(int fd, struct sockaddr *addr, socklen_t *len,
				  struct corun_context *ctx);

/** corun_connect() - connect(2) and wait for the outcome. After a failure close the socket. */
CORUN_EXPORT int corun_connect(int fd, const struct sockaddr *addr, socklen_t len,
			       uint64_t deadline_ns);
CORUN_EXPORT int corun_connect_ctx(int fd, const struct sockaddr *addr, socklen_t len,
				   struct corun_context *ctx);

CORUN_EXPORT ssize_t corun_recvmsg(int fd, struct msghdr *msg, int flags, uint64_t deadline_ns);
CORUN_EXPORT ssize_t corun_sendmsg(int fd, const struct msghdr *msg, int flags,
				   uint64_t deadline_ns);

/* ---- anything that poll(2) knows
 * ----------------------------------------------------------------- */

/** corun_wait_readable() - wait until reading may not block. Return: 0 (perhaps too early). */
CORUN_EXPORT int corun_wait_readable(int fd, uint64_t deadline_ns);
CORUN_EXPORT int corun_wait_readable_ctx(int fd, struct corun_context *ctx);
CORUN_EXPORT int corun_wait_writable(int fd, uint64_t deadline_ns);
CORUN_EXPORT int corun_wait_writable_ctx(int fd, struct corun_context *ctx);

/**
 * corun_wait_pidfd() - wait for the end of a child and reap it
 * @pidfd:      of a child of this process; it need not be O_NONBLOCK, and stays open
 * @ret_status: as wait(2) gives it; may be NULL
 * Return: 0; -ECHILD (not a child, or reaped already).
 */
CORUN_EXPORT int corun_wait_pidfd(int pidfd, int *ret_status, uint64_t deadline_ns);
CORUN_EXPORT int corun_wait_pidfd_ctx(int pidfd, int *ret_status, struct corun_context *ctx);

/* ---- making and closing ------------------------------------------------------------------------
 */

/** corun_pipe() - pipe2(2), both ends non-blocking and close-on-exec */
CORUN_EXPORT int corun_pipe(int ret_fds[2]);

/** corun_nonblock() - set O_NONBLOCK, for the file and all who share it */
CORUN_EXPORT int corun_nonblock(int fd);

/** corun_close() - who waits for it gets -EBADF; then close(2) */
CORUN_EXPORT int corun_close(int fd);

#ifdef __cplusplus
}
#endif
