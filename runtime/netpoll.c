/*
 * Netpoll
 *
 * A descriptor's state lies in a table indexed by its number: two levels, so that it grows without
 * moving. It is under the descriptor's own lock.
 *
 *  N1  Registered once, edge-triggered, for both directions. An edge that finds nobody waiting sets
 *      `ready`; who is about to wait takes it instead. So an edge between the system call that gave
 *      EAGAIN and the wait is not lost. A stale `ready` costs one more system call. The same when a
 *      waiter was claimed by its deadline first: the edge stays, as `ready`.
 *  N2  `life` counts the closes of a number. An event carries the life it was registered in, and
 * does nothing in another one. A call begins with a life (netpoll_check_fd) and waits in no other:
 * what it has seen was another file. N3  A wake-up says "try again", never "it is ready". N4  Only
 * one thread at a time waits in epoll (sched.polling). A break is for that one: the event is
 *      level-triggered, so that a look without waiting, elsewhere, cannot take it away.
 *  N5  Closing has three steps (corun_close). begin: who waits is woken, nobody can wait any more.
 * Then dup3(2) puts a tombstone in the file's place, for which every call gives EBADF; this may
 * block. end: the tombstone is closed and the number is free, under the lock. A plain close(2)
 * would leave a gap: after begin somebody waits for the file again, close(2) makes epoll forget it,
 * and the waiter sleeps for good. The number must not be free while new waits are refused, either:
 * they could be those of its next file.
 *
 * A plain thread does not depend on the poller. It waits in ppoll(2) for the descriptor and for an
 * eventfd of its own, and is in the table as well, so that a close, a second waiter and a cancelled
 * context find it. (To have it sleep on its futex until the poller comes by was tried: it needs the
 * runtime started, and waits for the monitor's next look when every worker is busy or stuck.)
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
#include "runtime/base/list.h"
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
	struct lock lock;         /* rank FD */
	_Atomic uint32_t life;    /* written under the lock */
	_Atomic bool nonblocking; /* has been seen to be, in this life */
	bool registered;          /* with epoll */
	bool closing;             /* between netpoll_close_begin() and _end() */
	bool ready[2];
	struct wait *waiter[2];
};

static struct {
	int epoll, event;
	_Atomic(struct desc *) blocks[BLOCKS];
	_Atomic uint32_t waiters; /* coroutines; plain threads look for themselves */
	_Atomic bool breaking;
	_Atomic bool no_pwait2;
	_Atomic int tombstone; /* 0: not opened yet; -1: not to be had */
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

enum netpoll_kind
netpoll_kind_of(int fd)
{
	struct statx st;
	long flags = raw_syscall3(SYS_fcntl, fd, F_GETFL, 0);

	if (flags < 0 || (flags & O_PATH)) /* our tombstone, too */
		return NETPOLL_NOT_OPEN;
	if (flags & O_NONBLOCK)
		return NETPOLL_NONBLOCKING;
	/* Where this fails it is closed meanwhile, which the caller will see, or forbidden. */
	if (raw_syscall6(SYS_statx, fd, (long) "", AT_EMPTY_PATH, STATX_TYPE, (long) &st, 0) == 0 &&
	    (S_ISREG(st.stx_mode) || S_ISDIR(st.stx_mode) || S_ISBLK(st.stx_mode)))
		return NETPOLL_FILE;
	return NETPOLL_BLOCKING;
}

/* It is non-blocking: do not ask again before it is closed. */
static void
note_nonblocking(struct desc *d, uint32_t life)
{
	rt_enter();
	lock_acquire(&d->lock, LOCK_RANK_FD);
	/* If it was closed meanwhile, the next call asks again. */
	if (atomic_load(&d->life) == life && !d->closing)
		atomic_store(&d->nonblocking, true);
	lock_release(&d->lock, LOCK_RANK_FD);
	rt_exit();
}

int
netpoll_check_fd(int fd, enum netpoll_use use, uint32_t *ret_life)
{
	struct desc *d;
	uint32_t life;

	if (fd < 0)
		return -EBADF;
	if (fd >= NETPOLL_FDS)
		return -EMFILE;
	d = find(fd);
	if (d == NULL)
		return -ENOMEM;
	life = atomic_load_explicit(&d->life, memory_order_acquire);
	*ret_life = life;
	if (likely(use == NETPOLL_WAITS ||
		   atomic_load_explicit(&d->nonblocking, memory_order_relaxed)))
		return 0;
	switch (netpoll_kind_of(fd)) {
	case NETPOLL_NOT_OPEN:
		return -EBADF;
	case NETPOLL_BLOCKING:
		return atomic_load(&d->life) == life ? -EINVAL : -EBADF;
	case NETPOLL_NONBLOCKING:
		note_nonblocking(d, life);
		break;
	case NETPOLL_FILE:
		break; /* asked each time: a call on a file costs more */
	}
	return 0;
}

/* ---- start and stop ----------------------------------------------------------------------------
 */

int
netpoll_start(void)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = BREAK_DATA }; /* N4 */

	net.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (net.epoll < 0)
		return -errno;
	net.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (net.event < 0 || epoll_ctl(net.epoll, EPOLL_CTL_ADD, net.event, &ev) < 0) {
		int r = -errno;

		netpoll_stop();
		return r;
	}
	/* The last break of an earlier life of the runtime may not have been seen by anybody. */
	atomic_store(&net.breaking, false);
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

		for (int j = 0; block != NULL && j < BLOCK; j++) {
			lock_acquire(&block[j].lock, LOCK_RANK_FD);
			block[j].registered = false;
			block[j].ready[NETPOLL_READ] = block[j].ready[NETPOLL_WRITE] = false;
			lock_release(&block[j].lock, LOCK_RANK_FD);
		}
	}
}

/* ---- polling -----------------------------------------------------------------------------------
 */

bool
netpoll_waiters(void)
{
	return atomic_load(&net.waiters) != 0;
}

static struct timespec
time_left(uint64_t until_ns)
{
	uint64_t now_ns = until_ns == CORUN_NOW ? 0 : clock_now_ns();
	uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;

	return (struct timespec){
		.tv_sec = (time_t) (left_ns / CORUN_S),
		.tv_nsec = (long) (left_ns % CORUN_S),
	};
}

static int
wait_for_events(struct epoll_event *events, uint64_t until_ns)
{
	struct timespec left = time_left(until_ns);
	int ms = -1;

	if (!atomic_load_explicit(&net.no_pwait2, memory_order_relaxed)) {
		long r = raw_syscall6(SYS_epoll_pwait2, net.epoll, (long) events, EVENTS,
				      (long) (until_ns == CORUN_FOREVER ? NULL : &left), 0, 0);

		if (r != -ENOSYS && r != -EPERM)
			return (int) r;
		atomic_store(&net.no_pwait2, true);
	}
	/* Milliseconds, rounded up: too early is a wake-up for nothing. */
	if (until_ns != CORUN_FOREVER && left.tv_sec < 1000)
		ms = (int) left.tv_sec * 1000 + (int) ((left.tv_nsec + 999999) / 1000000);
	else if (until_ns != CORUN_FOREVER)
		ms = 1000 * 1000;
	return (int) raw_syscall6(SYS_epoll_pwait, net.epoll, (long) events, EVENTS, ms, 0, 0);
}

/* What has become ready, oldest event first. */
struct ready_list {
	struct coroutine *first, *last;
	uint32_t n;
};

/* One direction of one descriptor may be ready; the lock is held. */
static void
edge(struct desc *d, enum netpoll_direction direction, struct ready_list *list)
{
	struct wait *w = d->waiter[direction];
	struct coroutine *co = w != NULL ? w->co : NULL;

	d->waiter[direction] = NULL;
	if (w == NULL || !wait_claim(w, WAKE_READY)) {
		d->ready[direction] = true; /* N1 */
		return;
	}
	list->n++;
	if (!park_notify(co))
		return;
	co->link = NULL;
	if (list->last != NULL)
		list->last->link = co;
	else
		list->first = co;
	list->last = co;
}

static void
handle(const struct epoll_event *ev, struct ready_list *list)
{
	int fd = (int) (ev->data.u64 & (NETPOLL_FDS - 1));
	struct desc *d = find(fd);

	if (d == NULL)
		return;
	lock_acquire(&d->lock, LOCK_RANK_FD);
	if (atomic_load(&d->life) == (uint32_t) (ev->data.u64 >> 32)) { /* N2 */
		if (ev->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			edge(d, NETPOLL_READ, list);
		if (ev->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			edge(d, NETPOLL_WRITE, list);
	}
	lock_release(&d->lock, LOCK_RANK_FD);
}

/* Who was to be broken has come: the next break needs a new event. */
static void
take_break(void)
{
	uint64_t n;

	raw_syscall3(SYS_read, net.event, (long) &n, sizeof(n));
	/* After the read: a break that comes between the two is for who is awake already. */
	atomic_store(&net.breaking, false);
}

struct coroutine *
netpoll_poll(uint64_t until_ns)
{
	struct epoll_event events[EVENTS];
	struct ready_list list = { .n = 0 };
	int n = wait_for_events(events, until_ns);

	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 != BREAK_DATA)
			handle(&events[i], &list);
		else if (until_ns != CORUN_NOW) /* N4 */
			take_break();
	}
	if (list.n > 0) {
		struct thread *t = thread_self();

		count_add(t != NULL ? t->worker : NULL, netpoll_ready, list.n);
	}
	return list.first;
}

void
netpoll_break(void)
{
	uint64_t one = 1;

	/* One is enough: the flag falls when the poller has seen the event. */
	if (!atomic_exchange(&net.breaking, true))
		raw_syscall3(SYS_write, net.event, (long) &one, sizeof(one));
}

/* ---- waiting -----------------------------------------------------------------------------------
 */

/* The lock is held. */
static int
ensure_registered(struct desc *d, int fd)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.u64 = (uint64_t) atomic_load(&d->life) << 32 | (uint32_t) fd,
	};
	long r;

	if (d->registered)
		return 0;
	if (net.epoll < 0)
		return -ESRCH;
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
enqueue(struct desc *d, int fd, uint32_t life, enum netpoll_direction direction, struct wait *w)
{
	bool plain = w->co->stack == NULL;
	int r = 0;

	lock_acquire(&d->lock, LOCK_RANK_FD);
	if (atomic_load(&d->life) != life || d->closing)
		r = -EBADF;
	else if (d->waiter[direction] != NULL)
		r = -EBUSY;
	else if (!plain)
		r = ensure_registered(d, fd);
	if (r == 0 && !plain && d->ready[direction]) {
		d->ready[direction] = false;
	} else if (r == 0) {
		d->waiter[direction] = w;
		r = 1;
	}
	lock_release(&d->lock, LOCK_RANK_FD);
	return r;
}

static void
dequeue(struct desc *d, enum netpoll_direction direction, struct wait *w)
{
	lock_acquire(&d->lock, LOCK_RANK_FD);
	if (d->waiter[direction] == w)
		d->waiter[direction] = NULL;
	lock_release(&d->lock, LOCK_RANK_FD);
}

/*
 * A thread whose coroutine parks here usually finds nothing else to run, and becomes the poller. If
 * it has other work, it is for an idle one; that one may be asleep already, since nobody waited for
 * the network when it looked. Where every worker is busy a thread without one polls from the @first
 * waiter on. Without this the monitor's look of every 10 ms would be the only one while hogs run.
 */
static void
see_that_somebody_polls(bool first)
{
	struct worker *w = thread_self()->worker;

	if (atomic_load(&sched.polling) ||
	    (runq_empty(&w->runq) && atomic_load(&sched.n_global) == 0))
		return;
	if (atomic_load(&sched.n_idle) > 0)
		thread_wake_one();
	else if (first)
		thread_wake_poller();
}

static enum wake
park(struct wait *w, int fd, enum netpoll_direction direction, uint64_t deadline_ns,
     struct corun_context *ctx)
{
	enum wake reason;
	bool first;

	if (w->co->stack == NULL)
		return wait_poll(w, fd, direction == NETPOLL_READ ? POLLIN | POLLRDHUP : POLLOUT,
				 deadline_ns, ctx);
	/* Before going to sleep: steal.c looks at this after it has announced itself idle. */
	first = atomic_fetch_add(&net.waiters, 1) == 0;
	see_that_somebody_polls(first);
	reason = wait_park(w, WAIT_IO, deadline_ns, ctx);
	atomic_fetch_sub(&net.waiters, 1);
	return reason;
}

int
netpoll_wait_fd(struct coroutine *co, int fd, uint32_t life, enum netpoll_direction direction,
		uint64_t deadline_ns, struct corun_context *ctx)
{
	struct desc *d = find(fd);
	struct wait wait;
	enum wake reason;
	int r;

	if (d == NULL)
		return -ENOMEM;
	if (co->stack == NULL) {
		r = thread_wake_fd(list_entry(co, struct thread, stub));
		if (r < 0)
			return r;
	}
	wait_init(&wait, co);
	r = enqueue(d, fd, life, direction, &wait);
	if (r <= 0)
		return r;
	reason = park(&wait, fd, direction, deadline_ns, ctx);
	dequeue(d, direction, &wait);
	return reason == WAKE_CLOSED ? -EBADF : wait_error(reason, ctx);
}

/* ---- closing (N5) ------------------------------------------------------------------------------
 */

int
netpoll_close_begin(int fd, bool waits)
{
	struct coroutine *woken[2] = { NULL, NULL };
	struct desc *d;

	if (fd < 0 || fd >= NETPOLL_FDS)
		return 0;
	d = find(fd);
	if (d == NULL)
		return 0;
	lock_acquire(&d->lock, LOCK_RANK_FD);
	if (d->closing) { /* two callers close it at a time: the other one does */
		lock_release(&d->lock, LOCK_RANK_FD);
		return -EBADF;
	}
	atomic_fetch_add(&d->life, 1);
	atomic_store(&d->nonblocking, false);
	for (int i = 0; i < 2; i++) {
		struct wait *w = d->waiter[i];
		struct coroutine *co = w != NULL ? w->co : NULL;

		d->ready[i] = false;
		d->waiter[i] = NULL;
		if (w != NULL && wait_claim(w, WAKE_CLOSED))
			woken[i] = co;
	}
	/* The end of the file would do it, unless it is open elsewhere too. */
	if (d->registered)
		raw_syscall6(SYS_epoll_ctl, net.epoll, EPOLL_CTL_DEL, fd, 0, 0, 0);
	d->registered = false;
	d->closing = waits;
	lock_release(&d->lock, LOCK_RANK_FD);
	for (int i = 0; i < 2; i++) {
		if (woken[i] != NULL)
			sched_ready(woken[i]);
	}
	return waits;
}

int
netpoll_tombstone(void)
{
	int fd = atomic_load_explicit(&net.tombstone, memory_order_acquire);
	int none = 0;

	if (likely(fd != 0))
		return fd;
	fd = (int) raw_syscall6(SYS_openat, AT_FDCWD, (long) "/", O_PATH | O_CLOEXEC, 0, 0, 0);
	if (fd == 0) { /* taken for "not opened": get another number, and give this one back */
		fd = (int) raw_syscall3(SYS_fcntl, 0, F_DUPFD_CLOEXEC, 3);
		raw_syscall3(SYS_close, 0, 0, 0);
	}
	if (fd < 0)
		return -1; /* perhaps next time */
	if (atomic_compare_exchange_strong(&net.tombstone, &none, fd))
		return fd;
	raw_syscall3(SYS_close, fd, 0, 0);
	return none;
}

int
netpoll_close_end(int fd)
{
	struct desc *d = find(fd);
	int r;

	lock_acquire(&d->lock, LOCK_RANK_FD);
	d->closing = false;
	/* Once more: a call may have begun since, and must not take the next file for this one. */
	atomic_fetch_add(&d->life, 1);
	r = (int) raw_syscall3(SYS_close, fd, 0, 0);
	lock_release(&d->lock, LOCK_RANK_FD);
	return r;
}
