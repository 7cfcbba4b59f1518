/* Timers of the user's: each firing starts a coroutine. */

#include <errno.h>

#include <corun/time.h>

#include "runtime/base/clock.h"
#include "runtime/base/pages.h"
#include "runtime/group.h"
#include "runtime/sched.h"

struct corun_timer {
	struct timer timer; /* first: fire() is given it */
	void (*fn)(void *arg);
	void *arg;
	struct corun_group *group; /* of who started it: the coroutine's, too; NULL: none */
};

enum { RETRY_MS = 1 }; /* when there is no memory for a coroutine */

uint64_t
corun_now(void)
{
	return clock_now_ns();
}

uint64_t
corun_in(uint64_t ns)
{
	uint64_t now = clock_now_ns();

	return ns < CORUN_FOREVER - now ? now + ns : CORUN_FOREVER;
}

/* Under the heap's lock: timer.h. */
static uint64_t
fire(struct timer *timer, uint64_t now_ns)
{
	struct corun_timer *t = (struct corun_timer *) timer;

	return sched_start_coroutine(t->group, t->fn, t->arg) ? 0 : now_ns + RETRY_MS * CORUN_MS;
}

/* In no heap. Inside the runtime, or under the lock of a heap. */
static void
free_timer(struct timer *timer)
{
	struct corun_timer *t = (struct corun_timer *) timer;

	if (t->group != NULL)
		group_unref(t->group);
	pages_free(t, sizeof(*t));
}

int
corun_timer_start(struct corun_timer **ret, uint64_t deadline_ns, void (*fn)(void *arg), void *arg)
{
	struct coroutine *me;
	struct corun_timer *t;
	int r = 0;

	if (!sched_is_started())
		return -ESRCH;
	me = rt_enter();
	t = pages_alloc(sizeof(*t));
	if (t != NULL) {
		t->timer.fire = fire;
		t->fn = fn;
		t->arg = arg;
		t->timer.gone = ret == NULL ? free_timer : NULL;
		t->group = me->group;
		if (t->group != NULL)
			group_ref(t->group);
		if (ret != NULL)
			*ret = t;
		if (deadline_ns != CORUN_FOREVER)
			r = timer_add(sched_timers(), &t->timer, deadline_ns);
		else if (ret == NULL)
			free_timer(&t->timer); /* it never fires, and nobody has it */
		if (r < 0)
			free_timer(&t->timer);
	}
	rt_exit();
	return t == NULL ? -ENOMEM : r;
}

bool
corun_timer_stop(struct corun_timer *t)
{
	bool stopped;

	rt_enter();
	stopped = timer_remove(&t->timer);
	rt_exit();
	return stopped;
}

bool
corun_timer_reset(struct corun_timer *t, uint64_t deadline_ns)
{
	bool stopped;

	rt_enter();
	stopped = timer_remove(&t->timer);
	if (deadline_ns != CORUN_FOREVER && timer_add(sched_timers(), &t->timer, deadline_ns) < 0)
		must_die("no memory for a timer");
	rt_exit();
	return stopped;
}

void
corun_timer_free(struct corun_timer *t)
{
	if (t == NULL)
		return;
	rt_enter();
	timer_remove(&t->timer);
	free_timer(&t->timer);
	rt_exit();
}
