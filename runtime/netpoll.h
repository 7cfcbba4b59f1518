#pragma once

/*
 * Netpoll - coroutines parked on descriptors
 *
 * One epoll instance, edge-triggered; each descriptor is registered once, for both directions,
 * when somebody first has to wait for it. The scheduler calls the four functions below; io.c
 * waits with netpoll_wait_fd().
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

/**
 * netpoll_wait_fd() - park until @fd may be ready, the deadline, or the cancellation
 *
 * Return:  0 (try again), -ETIMEDOUT, what @ctx was cancelled with, -EBADF (closed meanwhile by
 *          corun_close()), -EBUSY (somebody else waits for that direction), -EPERM (a file that
 *          epoll does not take: regular files), -ENOMEM.
 * Context: inside the runtime. In a plain thread it blocks in poll(2).
 */
int netpoll_wait_fd(struct coroutine *co, int fd, enum netpoll_direction direction,
		    uint64_t deadline_ns, struct corun_context *ctx);

/**
 * netpoll_check_fd() - may @fd be used with calls that park?
 *
 * Asked of the kernel once per descriptor. Return: 0; -EINVAL (it is not O_NONBLOCK, and no regular
 * file: a read would block the thread); -EBADF; -EMFILE (number over NETPOLL_FDS); -ENOMEM.
 */
int netpoll_check_fd(int fd);

enum { NETPOLL_FDS = 1 << 20 };

/** netpoll_close_fd() - wake who waits for @fd (-EBADF) and forget it; before close(2) */
void netpoll_close_fd(int fd);
