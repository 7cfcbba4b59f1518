/* Loop - epoll, a sorted list of timers (there are few), and a mailbox of calls */

#include "daemon/base/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <corun/time.h>

enum { EVENTS_AT_A_TIME = 32 };

struct loop_watch {
	int fd;
	loop_ready_fn *fn; /* NULL: no longer watched, to be freed */
	void *arg;
	struct loop_watch *next; /* of those to be freed */
};

static struct {
	int epoll_fd;
	bool ending;
	struct mailbox calls;
	struct loop_watch *calls_watch;
	struct loop_timer *timers; /* the earliest first */
	struct loop_watch *gone;   /* unwatched; freed when no event of theirs can be under way */
	_Atomic uint64_t turns;
} loop = { .epoll_fd = -1 };

static void
run_calls(void *arg, uint32_t events)
{
	struct letter *letter = mailbox_take(&loop.calls);

	(void) arg;
	(void) events;
	while (letter != NULL) {
		struct call *call = (struct call *) letter;

		letter = letter->next;
		call->run(call);
	}
}

int
loop_open(void)
{
	int r;

	loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop.epoll_fd < 0)
		return -errno;
	r = mailbox_open(&loop.calls);
	if (r < 0) {
		close(loop.epoll_fd);
		return r;
	}
	loop.ending = false;
	return loop_watch(loop.calls.fd, EPOLLIN, run_calls, NULL, &loop.calls_watch);
}

void
loop_post(struct call *call)
{
	mailbox_put(&loop.calls, &call->letter);
}

int
loop_watch(int fd, uint32_t events, loop_ready_fn *fn, void *arg, struct loop_watch **ret)
{
	struct loop_watch *watch = calloc(1, sizeof(*watch));
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (watch == NULL)
		return -ENOMEM;
	*watch = (struct loop_watch){ .fd = fd, .fn = fn, .arg = arg };
	if (epoll_ctl(loop.epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		int r = -errno;

		free(watch);
		return r;
	}
	*ret = watch;
	return 0;
}

void
loop_unwatch(struct loop_watch *watch)
{
	if (watch == NULL)
		return;
	epoll_ctl(loop.epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->fn = NULL;
	watch->next = loop.gone;
	loop.gone = watch;
}

static void
free_gone(void)
{
	while (loop.gone != NULL) {
		struct loop_watch *watch = loop.gone;

		loop.gone = watch->next;
		free(watch);
	}
}

/* ---- timers ---------------------------------------------------------------------------------- */

void
loop_cancel(struct loop_timer *timer)
{
	struct loop_timer **at = &loop.timers;

	while (*at != NULL && *at != timer)
		at = &(*at)->next;
	if (*at != NULL)
		*at = timer->next;
	timer->deadline_ns = 0;
}

void
loop_at(struct loop_timer *timer, uint64_t deadline_ns)
{
	struct loop_timer **at = &loop.timers;

	loop_cancel(timer);
	if (deadline_ns == CORUN_FOREVER)
		return;
	timer->deadline_ns = deadline_ns;
	while (*at != NULL && (*at)->deadline_ns <= deadline_ns)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
}

static void
run_timers(void)
{
	uint64_t now_ns = corun_now();

	while (loop.timers != NULL && loop.timers->deadline_ns <= now_ns) {
		struct loop_timer *timer = loop.timers;

		loop.timers = timer->next;
		timer->deadline_ns = 0;
		timer->fn(timer->arg);
	}
}

static int
timeout_ms(void)
{
	uint64_t now_ns, left_ns;

	if (loop.timers == NULL)
		return -1;
	now_ns = corun_now();
	if (loop.timers->deadline_ns <= now_ns)
		return 0;
	left_ns = loop.timers->deadline_ns - now_ns;
	/* Up, so as not to wake early and go round for nothing. */
	return left_ns > 3600 * CORUN_S ? 3600000 : (int) ((left_ns + CORUN_MS - 1) / CORUN_MS);
}

/* ---- the loop -------------------------------------------------------------------------------- */

void
loop_run(void)
{
	struct epoll_event events[EVENTS_AT_A_TIME];

	while (!loop.ending) {
		int n = epoll_wait(loop.epoll_fd, events, EVENTS_AT_A_TIME, timeout_ms());

		atomic_fetch_add(&loop.turns, 1);
		for (int i = 0; i < n; i++) {
			struct loop_watch *watch = events[i].data.ptr;

			if (watch->fn != NULL)
				watch->fn(watch->arg, events[i].events);
		}
		run_timers();
		free_gone();
	}
}

void
loop_end(void)
{
	loop.ending = true;
}

void
loop_close(void)
{
	run_calls(NULL, 0);
	loop_unwatch(loop.calls_watch);
	free_gone();
	mailbox_close(&loop.calls);
	close(loop.epoll_fd);
	loop.epoll_fd = -1;
}

uint64_t
loop_turns(void)
{
	return atomic_load(&loop.turns);
}
