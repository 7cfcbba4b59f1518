#pragma once

/*
 * Netpoll - coroutines parked on descriptors
 *
 * One epoll instance, edge-triggered; each descriptor is registered once, for both directions,
 * when somebody first has to wait for it. The scheduler calls the first functions below, io.c the
 * others.
 */

#include <stdbool.h>
#include <stdint.h>

#include "runtime/coroutine.h"

/** netpoll_start() - make the epoll instance and the eventfd that breaks a wait; 0 or -errno */
int netpoll_start(void);
void netpoll_stop(void);

/** netpoll_waiters() - whether any coroutine waits for a descriptor. Any thread; a hint. */
bool netpoll_waiters(void);

/**
 * netpoll_poll() - who has become ready?
 * @until_ns: wait that long at most; CORUN_NOW: do not wait; CORUN_FOREVER
 *
 * Return:  coroutines to be queued, linked through `link` and already taken out of the parked
 *          state by park_notify(); NULL if there are none.
 * Context: inside the runtime or the monitor, no lock held. A waiting call only by the one poller.
 */
struct coroutine *netpoll_poll(uint64_t until_ns);

/** netpoll_break() - make a waiting netpoll_poll() return. Any thread. */
void netpoll_break(void);

enum netpoll_direction {
	NETPOLL_READ,
	NETPOLL_WRITE,
};

struct corun_context;

enum { NETPOLL_FDS = 1 << 20 };

enum netpoll_kind {
	NETPOLL_NOT_OPEN,
	NETPOLL_NONBLOCKING,
	NETPOLL_FILE, /* regular, directory or block device, not O_NONBLOCK: nobody waits for it */
	NETPOLL_BLOCKING, /* any other that is not O_NONBLOCK: a read may block for good */
};

/** netpoll_kind_of() - ask the kernel. Context: any. */
enum netpoll_kind netpoll_kind_of(int fd);

/* What a call is about to do with a descriptor. */
enum netpoll_use {
	NETPOLL_TRANSFERS, /* a system call that must not block */
	NETPOLL_WAITS,     /* only to wait */
};

/**
 * netpoll_check_fd() - how every call with a descriptor begins
 * @ret_life: for netpoll_wait_fd(): the wait is refused if the descriptor was closed since
 *
 * Whether it may block is asked of the kernel once per descriptor that may not.
 * Return:  0; -EINVAL (NETPOLL_TRANSFERS: NETPOLL_BLOCKING); -EBADF; -EMFILE (NETPOLL_FDS or
 *          more); -ENOMEM.
 * Context: outside the runtime.
 */
int netpoll_check_fd(int fd, enum netpoll_use use, uint32_t *ret_life);

/**
 * netpoll_wait_fd() - park until @fd may be ready, the deadline, or the cancellation
 *
 * Edge-triggered: only after a system call has said that it would block may one wait here.
 *
 * Return:  0 (try again), -ETIMEDOUT, what @ctx was cancelled with, -EBADF (closed meanwhile by
 *          corun_close()), -EBUSY (somebody else waits for that direction), -EPERM (a file that
 *          epoll does not take), -ENOMEM, -ENOSPC (the user's limit of epoll watches); -EMFILE (a
 *          plain thread gets no eventfd); -ESRCH (in a coroutine that outlives the runtime).
 * Context: inside the runtime. A plain thread blocks in ppoll(2); it need not be started.
 */
int netpoll_wait_fd(struct coroutine *co, int fd, uint32_t life, enum netpoll_direction direction,
		    uint64_t deadline_ns, struct corun_context *ctx);

/**
 * netpoll_close_begin() - wake who waits for @fd (-EBADF)
 * @waits: let nobody wait any more, until netpoll_close_end(); false for a NETPOLL_FILE
 *
 * Return:  1: replace the file by netpoll_tombstone() outside the runtime (that may block), then
 *          call netpoll_close_end(). 0: just close(2) it. -EBADF: somebody else is closing it.
 * Context: inside the runtime, as netpoll_close_end().
 */
int netpoll_close_begin(int fd, bool waits);

/** netpoll_tombstone() - a descriptor for which all calls give EBADF (O_PATH); -1: not to be had */
int netpoll_tombstone(void);

/** netpoll_close_end() - close(2) what is left; the number is free. Return: as close(2). */
int netpoll_close_end(int fd);
