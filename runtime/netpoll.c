/*
 * Netpoll
 *
 * A descriptor's state lies in a table indexed by its number: two levels, so that it grows without
 * moving. All of it is under the descriptor's own lock.
 *
 *  N1  Registered once, edge-triggered, for both directions. An edge that finds nobody waiting sets
 *      `ready`; who is about to wait takes it instead. So an edge between the system call that gave
 *      EAGAIN and the wait is not lost. A stale `ready` costs one more system call.
 *  N2  The number in an event's data is compared with the descriptor's: an event of one that was
 * closed, whose number may have been given out again, does nothing. N3  A wake-up says "try again",
 * never "it is ready".
 *
 * A plain thread without a context waits in ppoll(2): it then depends on no worker, no poller.
 */

#include "runtime/netpoll.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <corun/time.h>

#include "runtime/base/clock.h"
#include "runtime/base/pages.h"
#include "runtime/base/syscall.h"
#include "runtime/pool.h"
#include "runtime/sched.h"
#include "runtime/wait.h"

enum {
	BLOCK = 1024,
	BLOCKS = NETPOLL_FDS / BLOCK,
	EVENTS = 128,
};

#define BREAK_DATA UINT64_MAX

struct desc {
	struct lock lock; /* rank FD */
	uint32_t number;  /* raised by each close */
	bool registered;
	bool ready[2];
	struct wait *waiter[2];
	_Atomic bool checked; /* netpoll_check_fd() has said yes */
};

static struct {
	int epoll, event;
	_Atomic(struct desc *) blocks[BLOCKS];
	_Atomic uint32_t waiters;
	_Atomic bool breaking;
	_Atomic bool no_pwait2;
} net = { .epoll = -1, .event = -1 };

/* ---- the table ---------------------------------------------------------------------------------
 */

static struct desc *
find(int fd)
{
	_Atomic(struct desc *) *place = &net.blocks[fd / BLOCK];
	struct desc *block = atomic_load_explicit(place, memory_order_acquire);
	struct desc *none = NULL;

	if (block == NULL) {
		block = pages_alloc(BLOCK * sizeof(*block));
		if (block == NULL)
			return NULL;
		if (!atomic_compare_exchange_strong(place, &none, block)) {
			pages_free(block, BLOCK * sizeof(*block));
			block = none;
		}
	}
	return &block[fd % BLOCK];
}

int
netpoll_check_fd(int fd)
{
	struct desc *d;
	struct stat st;
	int flags;

	if (fd < 0)
		return -EBADF;
	if (fd >= NETPOLL_FDS)
		return -EMFILE;
	d = find(fd);
	if (d == NULL)
		return -ENOMEM;
	if (likely(atomic_load_explicit(&d->checked, memory_order_relaxed)))
		return 0;
	flags = (int) raw_syscall3(SYS_fcntl, fd, F_GETFL, 0);
	if (flags < 0)
		return flags;
	if (!(flags & O_NONBLOCK) && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		return -EINVAL;
	atomic_store(&d->checked, true);
	return 0;
}

/* ---- start and stop ----------------------------------------------------------------------------
 */

int
netpoll_start(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = BREAK_DATA };

	net.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (net.epoll < 0)
		return -errno;
	net.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (net.event < 0 || epoll_ctl(net.epoll, EPOLL_CTL_ADD, net.event, &ev) < 0) {
		int r = -errno;

		netpoll_stop();
		return r;
	}
	return 0;
}

void
netpoll_stop(void)
{
	if (net.epoll >= 0)
		close(net.epoll);
	if (net.event >= 0)
		close(net.event);
	net.epoll = net.event = -1;
	for (int i = 0; i < BLOCKS; i++) {
		struct desc *block = atomic_load(&net.blocks[i]);

		for (int j = 0; block != NULL && j < BLOCK; j++)
			block[j].registered = false;
	}
}

/* ---- polling -----------------------------------------------------------------------------------
 */

bool
netpoll_waiters(void)
{
	return atomic_load(&net.waiters) != 0;
}

static int
wait_for_events(struct epoll_event *events, uint64_t until_ns)
{
	struct timespec ts = { 0, 0 };
	uint64_t now_ns = until_ns == CORUN_NOW ? 0 : clock_now_ns();
	uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	int ms;

	if (!atomic_load_explicit(&net.no_pwait2, memory_order_relaxed)) {
		long r;

		ts.tv_sec = (time_t) (left_ns / CORUN_S);
		ts.tv_nsec = (long) (left_ns % CORUN_S);
		r = raw_syscall6(SYS_epoll_pwait2, net.epoll, (long) events, EVENTS,
				 (long) (until_ns == CORUN_FOREVER ? NULL : &ts), 0, 0);
		if (r != -ENOSYS && r != -EPERM)
			return (int) r;
		atomic_store(&net.no_pwait2, true);
	}
	/* Milliseconds, rounded up: too early is a wake-up for nothing. */
	if (until_ns == CORUN_FOREVER)
		ms = -1;
	else
		ms = (int) ((left_ns < 1000 * CORUN_S ? left_ns : 1000 * CORUN_S) + CORUN_MS - 1) /
		     (int) CORUN_MS;
	return (int) raw_syscall6(SYS_epoll_pwait, net.epoll, (long) events, EVENTS, ms, 0, 0);
}

/* One direction of one descriptor may be ready; the lock is held. */
static void
edge(struct desc *d, enum netpoll_direction direction, struct coroutine **list)
{
	struct wait *w = d->waiter[direction];
	struct coroutine *co;

	if (w == NULL) {
		d->ready[direction] = true;
		return;
	}
	co = w->co;
	d->waiter[direction] = NULL;
	if (!wait_claim(w, WAKE_READY)) {
		d->ready[direction] = true;
		return;
	}
	if (park_notify(co)) {
		co->link = *list;
		*list = co;
	}
}

static void
handle(struct epoll_event *ev, struct coroutine **list)
{
	int fd = (int) (ev->data.u64 & (NETPOLL_FDS - 1));
	uint32_t number = (uint32_t) (ev->data.u64 >> 32);
	struct desc *d = find(fd);

	if (d == NULL)
		return;
	lock_acquire(&d->lock, LOCK_RANK_FD);
	if (d->number == number) { /* N2 */
		if (ev->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			edge(d, NETPOLL_READ, list);
		if (ev->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			edge(d, NETPOLL_WRITE, list);
	}
	lock_release(&d->lock, LOCK_RANK_FD);
}

struct coroutine *
netpoll_poll(uint64_t until_ns)
{
	struct epoll_event events[EVENTS];
	struct coroutine *list = NULL;
	int n = wait_for_events(events, until_ns);

	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 == BREAK_DATA)
			atomic_store(&net.breaking, false);
		else
			handle(&events[i], &list);
	}
	return list;
}

void
netpoll_break(void)
{
	uint64_t one = 1;

	/* One is enough: the flag falls when somebody has seen the event. */
	if (!atomic_exchange(&net.breaking, true))
		raw_syscall3(SYS_write, net.event, (long) &one, sizeof(one));
}

/* ---- waiting -----------------------------------------------------------------------------------
 */

static int
wait_plain(int fd, enum netpoll_direction direction, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = direction == NETPOLL_READ ? POLLIN : POLLOUT };

	for (;;) {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
		struct timespec ts = {
			.tv_sec = (time_t) (left_ns / CORUN_S),
			.tv_nsec = (long) (left_ns % CORUN_S),
		};
		long r = raw_syscall6(SYS_ppoll, (long) &p, 1,
				      (long) (deadline_ns == CORUN_FOREVER ? NULL : &ts), 0, 0, 0);

		if (r > 0)
			return p.revents & POLLNVAL ? -EBADF : 0;
		if (r == 0)
			return -ETIMEDOUT;
		if (r != -EINTR)
			return (int) r;
	}
}

/* The lock is held. */
static int
ensure_registered(struct desc *d, int fd)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.u64 = (uint64_t) d->number << 32 | (uint32_t) fd,
	};
	long r;

	if (d->registered)
		return 0;
	r = raw_syscall6(SYS_epoll_ctl, net.epoll, EPOLL_CTL_ADD, fd, (long) &ev, 0, 0);
	/* Registered before a close that we were not told of, and open under another number still.
	 */
	if (r == -EEXIST)
		r = raw_syscall6(SYS_epoll_ctl, net.epoll, EPOLL_CTL_MOD, fd, (long) &ev, 0, 0);
	if (r < 0)
		return (int) r;
	d->registered = true;
	return 0;
}

/* Put @w in place. Return: 1: it waits; 0: no need to wait; or an error. */
static int
enqueue(struct desc *d, int fd, enum netpoll_direction direction, struct wait *w)
{
	int r;

	lock_acquire(&d->lock, LOCK_RANK_FD);
	r = ensure_registered(d, fd);
	if (r == 0 && d->waiter[direction] != NULL) {
		r = -EBUSY;
	} else if (r == 0 && d->ready[direction]) {
		d->ready[direction] = false;
	} else if (r == 0) {
		d->waiter[direction] = w;
		r = 1;
	}
	lock_release(&d->lock, LOCK_RANK_FD);
	return r;
}

int
netpoll_wait_fd(struct coroutine *co, int fd, enum netpoll_direction direction,
		uint64_t deadline_ns, struct corun_context *ctx)
{
	struct desc *d;
	struct wait wait;
	enum wake reason;
	int r;

	if (co->stack == NULL && ctx == NULL)
		return wait_plain(fd, direction, deadline_ns);
	d = find(fd);
	if (d == NULL)
		return -ENOMEM;
	wait_init(&wait, co);
	r = enqueue(d, fd, direction, &wait);
	if (r <= 0)
		return r;
	/* Before going to sleep: steal.c looks at this after it has announced itself idle. */
	atomic_fetch_add(&net.waiters, 1);
	if (co->stack == NULL)
		thread_wake_one(); /* no worker's thread comes by on behalf of a plain thread */
	reason = wait_park(&wait, WAIT_IO, deadline_ns, ctx);
	atomic_fetch_sub(&net.waiters, 1);
	lock_acquire(&d->lock, LOCK_RANK_FD);
	if (d->waiter[direction] == &wait)
		d->waiter[direction] = NULL;
	lock_release(&d->lock, LOCK_RANK_FD);
	return reason == WAKE_CLOSED ? -EBADF : wait_error(reason, ctx);
}

void
netpoll_close_fd(int fd)
{
	struct coroutine *ready[2] = { NULL, NULL };
	struct desc *d;

	if (fd < 0 || fd >= NETPOLL_FDS)
		return;
	d = find(fd);
	if (d == NULL)
		return;
	lock_acquire(&d->lock, LOCK_RANK_FD);
	d->number++;
	atomic_store(&d->checked, false);
	for (int i = 0; i < 2; i++) {
		struct wait *w = d->waiter[i];
		struct coroutine *co = w != NULL ? w->co : NULL;

		d->ready[i] = false;
		d->waiter[i] = NULL;
		if (w != NULL && wait_claim(w, WAKE_CLOSED))
			ready[i] = co;
	}
	/* close(2) would do it, unless the file is open elsewhere too. */
	if (d->registered)
		raw_syscall6(SYS_epoll_ctl, net.epoll, EPOLL_CTL_DEL, fd, 0, 0, 0);
	d->registered = false;
	lock_release(&d->lock, LOCK_RANK_FD);
	for (int i = 0; i < 2; i++) {
		if (ready[i] != NULL)
			sched_ready(ready[i]);
	}
}
