#include "runtime/wait.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>

#include <corun/time.h>

#include "runtime/base/clock.h"
#include "runtime/base/futex.h"
#include "runtime/base/list.h"
#include "runtime/base/syscall.h"
#include "runtime/context.h"
#include "runtime/sched.h"
#include "runtime/thread.h"

/*
 * A plain thread has no worker whose heap would wake it: it sleeps on its permit until the deadline
 * and claims the wait itself. If somebody was faster, the permit is on its way.
 */
static void
park_plain(struct wait *w, uint64_t deadline_ns)
{
	struct coroutine *co = w->co;
	uint32_t running = PARK_RUNNING;

	atomic_compare_exchange_strong(&co->park, &running, PARK_PARKED);
	while (atomic_load_explicit(&co->park, memory_order_acquire) == PARK_PARKED) {
		if (futex_wait(&co->park, PARK_PARKED, deadline_ns) != -ETIMEDOUT)
			continue;
		if (wait_claim(w, WAKE_TIMEOUT))
			break;
		deadline_ns = UINT64_MAX;
	}
	atomic_store_explicit(&co->park, PARK_RUNNING, memory_order_relaxed);
}

enum wake
wait_park(struct wait *w, enum wait_why why, uint64_t deadline_ns, struct corun_context *ctx)
{
	struct coroutine *co = w->co;
	struct context_watch watch;
	bool timed = deadline_ns != CORUN_FOREVER && co->stack != NULL;
	bool watched = false;

	if (ctx != NULL) {
		watched = context_watch(ctx, &watch, w) == 0;
		if (!watched && wait_claim(w, WAKE_CANCELED))
			return WAKE_CANCELED;
	}
	if (deadline_ns != CORUN_FOREVER && deadline_ns <= clock_now_ns()) {
		/* No time to park; but who has claimed it already also readies it. */
		timed = false;
		if (wait_claim(w, WAKE_TIMEOUT))
			goto out;
	}
	if (timed) {
		co->timer.wait = w;
		co->timer.fire = NULL;
		if (timer_add(sched_timers(), &co->timer, deadline_ns) < 0)
			must_die("no memory for a timer");
	}
	if (co->stack == NULL)
		park_plain(w, deadline_ns);
	else
		sched_park(co, why);
	if (timed)
		timer_remove(&co->timer);
out:
	if (watched)
		context_unwatch(ctx, &watch);
	return (enum wake) atomic_load_explicit(&w->claim, memory_order_acquire);
}

/* Sleep until the first of @polls, @deadline_ns (WAKE_TIMEOUT), or the permit (WAKE_NONE). */
static enum wake
poll_once(struct coroutine *co, struct pollfd polls[2], uint64_t deadline_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
	struct timespec left = {
		.tv_sec = (time_t) (left_ns / CORUN_S),
		.tv_nsec = (long) (left_ns % CORUN_S),
	};
	uint64_t n;
	long r;

	if (atomic_load_explicit(&co->park, memory_order_acquire) != PARK_POLLING)
		return WAKE_NONE;
	polls[0].revents = polls[1].revents = 0;
	r = raw_syscall6(SYS_ppoll, (long) polls, 2,
			 (long) (deadline_ns != CORUN_FOREVER ? &left : NULL), 0, 0, 0);
	if (r == 0)
		return WAKE_TIMEOUT;
	/* The permit's, or late from an earlier wait: only `park` says which. */
	if (polls[1].revents != 0)
		raw_syscall3(SYS_read, polls[1].fd, (long) &n, sizeof(n));
	return r > 0 && polls[0].revents != 0 ? WAKE_READY : WAKE_NONE;
}

enum wake
wait_poll(struct wait *w, int fd, short events, uint64_t deadline_ns, struct corun_context *ctx)
{
	struct coroutine *co = w->co;
	struct thread *t = list_entry(co, struct thread, stub);
	struct pollfd polls[2] = {
		{ .fd = fd, .events = events },
		{ .fd = thread_wake_fd(t), .events = POLLIN },
	};
	uint32_t running = PARK_RUNNING;
	struct context_watch watch;
	bool watched = ctx != NULL && context_watch(ctx, &watch, w) == 0;

	must(polls[1].fd > 0); /* without it no permit, and no cancellation, would end ppoll() */
	if (ctx != NULL && !watched && wait_claim(w, WAKE_CANCELED))
		return WAKE_CANCELED;
	atomic_compare_exchange_strong(&co->park, &running, PARK_POLLING);
	while (atomic_load_explicit(&co->park, memory_order_acquire) == PARK_POLLING) {
		enum wake reason = poll_once(co, polls, deadline_ns);

		if (reason == WAKE_NONE)
			continue;
		if (wait_claim(w, reason))
			break;
		/* Somebody was faster: the permit is on its way. */
		polls[0].fd = -1;
		deadline_ns = CORUN_FOREVER;
	}
	atomic_store_explicit(&co->park, PARK_RUNNING, memory_order_relaxed);
	if (watched)
		context_unwatch(ctx, &watch);
	return (enum wake) atomic_load_explicit(&w->claim, memory_order_acquire);
}

int
wait_error(enum wake reason, struct corun_context *ctx)
{
	switch (reason) {
	case WAKE_TIMEOUT:
		return -ETIMEDOUT;
	case WAKE_CANCELED:
		return ctx != NULL ? context_error(ctx) : -ECANCELED;
	case WAKE_CLOSED:
		return -EPIPE;
	case WAKE_NONE:
	case WAKE_READY:
		break;
	}
	return 0;
}
