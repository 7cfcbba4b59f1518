#include "runtime/coroutine.h"

#include <errno.h>

#include <corun/coroutine.h>
#include <corun/time.h>

#include "runtime/group.h"
#include "runtime/pool.h"
#include "runtime/sched.h"
#include "runtime/stack.h"
#include "runtime/wait.h"

enum {
	ID_BLOCK = 64, /* numbers that a worker takes at a time */
	/*
	 * Descriptors at the same place of every stack would share one set of the first-level
	 * cache: eight of them and each switch misses. So they are staggered by cache lines.
	 */
	COLOURS = 8,
	COLOUR_BYTES = 128,
};

/* ---- making and freeing ------------------------------------------------------------------------
 */

static uint64_t
new_id(struct worker *w)
{
	if (w == NULL)
		return atomic_fetch_add(&sched.next_id, 1) + 1;
	if (w->next_id == w->end_id) {
		w->next_id = atomic_fetch_add(&sched.next_id, ID_BLOCK) + 1;
		w->end_id = w->next_id + ID_BLOCK;
	}
	return w->next_id++;
}

struct coroutine *
coroutine_new(struct stack_cache *cache, unsigned shift, uint32_t refs, void (*fn)(void *arg),
	      void *arg)
{
	struct stack *stack = stack_get(cache, shift);
	struct coroutine *co;
	uintptr_t colour;

	if (stack == NULL)
		return NULL;
	colour = ((uintptr_t) stack->low >> (shift + 1)) % COLOURS * COLOUR_BYTES;
	co = (struct coroutine *) (((uintptr_t) stack->high - colour - sizeof(*co)) &
				   ~(uintptr_t) 63);
	sanitize_new(&co->sanitize, stack->low, (size_t) (stack->high - stack->low));
	atomic_store_explicit(&co->park, PARK_RUNNING, memory_order_relaxed);
	atomic_store_explicit(&co->why, WAIT_TURN, memory_order_relaxed);
	co->pins = 0;
	co->link = NULL;
	co->bound = NULL;
	co->saved_errno = 0;
	atomic_store_explicit(&co->refs, refs, memory_order_relaxed);
	co->fn = fn;
	co->arg = arg;
	co->stack = stack;
	co->name = NULL;
	co->group = NULL;
	atomic_store_explicit(&co->timer.heap, NULL, memory_order_relaxed);
	atomic_store_explicit(&co->join_lock.word, 0, memory_order_relaxed);
	co->ended = false;
	co->joiner = NULL;
	context_init(&co->ctx, stack->low, (char *) co, coroutine_first, co);
	return co;
}

void
coroutine_unref(struct stack_cache *cache, struct coroutine *co)
{
	/* A sole reference needs no atomic: nobody else can make it two. */
	if (atomic_load_explicit(&co->refs, memory_order_acquire) == 1 ||
	    atomic_fetch_sub_explicit(&co->refs, 1, memory_order_acq_rel) == 1)
		stack_put(cache, co->stack);
}

/* ---- starting ----------------------------------------------------------------------------------
 */

int
coroutine_start(struct corun_coroutine **ret, const struct corun_attr *attr,
		struct corun_group *group, void (*fn)(void *arg), void *arg)
{
	unsigned shift = stack_default_shift;
	struct coroutine *co, *me;
	struct worker *w;

	if (!sched_is_started())
		return -ESRCH;
	if (attr != NULL && attr->stack_bytes != 0) {
		int r = stack_shift(attr->stack_bytes);

		if (r < 0)
			return r;
		shift = (unsigned) r;
	}
	me = rt_enter();
	w = thread_self()->worker;
	co = coroutine_new(w != NULL ? &w->stacks : NULL, shift, ret != NULL ? 2 : 1, fn, arg);
	if (co == NULL) {
		rt_exit();
		return -ENOMEM;
	}
	co->id = new_id(w);
	if (attr != NULL)
		co->name = attr->name;
	if (ret != NULL)
		*ret = (struct corun_coroutine *) co;
	if (group == NULL)
		group = me->group;
	if (unlikely(group != NULL))
		group_enter(group, co);
	count_add(w, spawned, 1);
	sched_put(co, true);
	rt_exit();
	return 0;
}

bool
sched_start_coroutine(struct corun_group *group, void (*fn)(void *arg), void *arg)
{
	struct coroutine *co = NULL;

	/* Counted first: corun_stop() closes and counts then, so one of the two sees the other. */
	count_add(NULL, spawned, 1);
	pool_fence();
	if (!atomic_load(&sched.closing))
		co = coroutine_new(NULL, stack_default_shift, 1, fn, arg);
	if (co == NULL) {
		sched_count_end(NULL);
		return false;
	}
	co->id = new_id(NULL);
	if (group != NULL)
		group_enter(group, co);
	sched_put(co, false);
	return true;
}

int
corun_go(void (*fn)(void *arg), void *arg)
{
	return coroutine_start(NULL, NULL, NULL, fn, arg);
}

int
corun_spawn(struct corun_coroutine **ret, const struct corun_attr *attr, void (*fn)(void *arg),
	    void *arg)
{
	return coroutine_start(ret, attr, NULL, fn, arg);
}

/* ---- ending and joining ------------------------------------------------------------------------
 */

void
coroutine_ended(struct coroutine *co)
{
	struct wait *joiner;
	struct coroutine *waiting = NULL;

	if (unlikely(co->group != NULL))
		group_leave(co);
	if (atomic_load_explicit(&co->refs, memory_order_acquire) == 1)
		return; /* no handle: nobody can join it */
	lock_acquire(&co->join_lock, LOCK_RANK_JOIN);
	co->ended = true;
	joiner = co->joiner;
	if (joiner != NULL) {
		struct coroutine *its = joiner->co;

		if (wait_claim(joiner, WAKE_READY))
			waiting = its;
	}
	lock_release(&co->join_lock, LOCK_RANK_JOIN);
	if (waiting != NULL)
		sched_ready(waiting);
}

static void
drop_handle(struct coroutine *co)
{
	struct worker *w = thread_self()->worker;

	coroutine_unref(w != NULL ? &w->stacks : NULL, co);
}

int
corun_join(struct corun_coroutine *handle, uint64_t deadline_ns)
{
	struct coroutine *co = (struct coroutine *) handle;
	struct coroutine *me = rt_enter();
	struct wait wait;
	int r = 0;

	if (co == me) {
		rt_exit();
		return -EDEADLK;
	}
	wait_init(&wait, me);
	lock_acquire(&co->join_lock, LOCK_RANK_JOIN);
	if (!co->ended && co->joiner != NULL)
		r = -EBUSY;
	else if (!co->ended)
		co->joiner = &wait;
	if (r == 0 && !co->ended) {
		enum wake why;

		lock_release(&co->join_lock, LOCK_RANK_JOIN);
		why = wait_park(&wait, WAIT_JOIN, deadline_ns, NULL);
		lock_acquire(&co->join_lock, LOCK_RANK_JOIN);
		co->joiner = NULL;
		r = wait_error(why, NULL);
	}
	/* Time out and end may come together: then it has ended. */
	if (r == -ETIMEDOUT && co->ended)
		r = 0;
	lock_release(&co->join_lock, LOCK_RANK_JOIN);
	if (r == 0)
		drop_handle(co);
	rt_exit();
	return r;
}

void
corun_detach(struct corun_coroutine *handle)
{
	if (handle == NULL)
		return;
	rt_enter();
	drop_handle((struct coroutine *) handle);
	rt_exit();
}

/* ---- the calling coroutine ---------------------------------------------------------------------
 */

uint64_t
corun_id(void)
{
	struct thread *t = thread_self();

	return t != NULL && t->current != NULL ? t->current->id : 0;
}

void
corun_pin(void)
{
	struct coroutine *co = rt_enter();

	if (co->stack != NULL) {
		must(co->pins < UINT8_MAX);
		co->pins++;
		co->bound = thread_self();
	}
	rt_exit();
}

void
corun_unpin(void)
{
	struct coroutine *co = rt_enter();

	if (co->stack != NULL) {
		if (co->pins == 0)
			must_die("corun_unpin without corun_pin");
		if (--co->pins == 0)
			co->bound = NULL;
	}
	rt_exit();
}

void
corun_sleep_until(uint64_t deadline_ns)
{
	struct coroutine *co = rt_enter();
	struct wait wait;

	wait_init(&wait, co);
	wait_park(&wait, WAIT_SLEEP, deadline_ns, NULL);
	rt_exit();
}

void
corun_sleep(uint64_t ns)
{
	if (ns > 0)
		corun_sleep_until(corun_in(ns));
}
