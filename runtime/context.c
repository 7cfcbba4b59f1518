/*
 * Contexts
 *
 *  C1  Under the lock of a context: its error's change from 0, its watches, its list of children.
 *  C2  A child holds a reference on its parent; the parent's list holds none on the child. Who
 *      walks that list takes a reference only if there is still one (try_ref); a child without
 *      any is about to take itself out, for which it needs the parent's lock.
 *  C3  Only one context's lock is held at a time: the children of a cancelled one are collected
 *      with references and cancelled after its lock was released.
 *  C4  The deadline's timer fires under the lock of a heap, which ranks above a context's. So it
 *      takes no context's lock but starts a coroutine that cancels. That coroutine owns a
 *      reference.
 *  C5  A context has a timer only if its deadline comes before those of all above it: otherwise
 *      it is cancelled with one of them in time.
 *
 * Why C4, and not the other order of ranks (a heap's lock before a context's, and firing cancels
 * in place). A context would be cancelled, with all below it and all who wait for them, under the
 * lock of a heap in which other timers are due and to which other threads add; and
 * timer_remove(), which waits for that lock, could not be called anywhere with a context's lock
 * held. The coroutine costs a stack from the pool for each deadline that comes, not for those
 * that do not, which are most; and how long the heap is locked does not depend on what hangs
 * below the context. (Go: time.AfterFunc.)
 *
 * As it is nobody removes a timer with a context's lock held either. The ranks would allow it,
 * but it is not needed: a deadline that comes to a context that has ended finds the error set and
 * does nothing.
 */

#include "runtime/context.h"

#include <errno.h>
#include <stdlib.h>

#include <corun/context.h>
#include <corun/coroutine.h>
#include <corun/time.h>

#include "runtime/pool.h"
#include "runtime/sched.h"
#include "runtime/stack.h"
#include "runtime/wait.h"

struct corun_context {
	struct timer timer; /* first: its firing is given it */
	struct lock lock;   /* rank CONTEXT */
	_Atomic int error;  /* read without the lock, too */
	_Atomic uint32_t refs;
	struct corun_context *parent; /* immutable, as is the next */
	uint64_t deadline_ns;         /* the earliest from here up */
	struct list watches;
	struct list children;
	struct list child_link;          /* in the parent's list, under its lock */
	struct corun_context *to_cancel; /* of who cancels the parent */
};

static bool
try_ref(struct corun_context *ctx)
{
	uint32_t refs = atomic_load(&ctx->refs);

	while (refs != 0) {
		if (atomic_compare_exchange_weak(&ctx->refs, &refs, refs + 1))
			return true;
	}
	return false;
}

/* ---- the deadline -------------------------------------------------------------------------- */

static void
deadline_came(void *arg)
{
	struct corun_context *ctx = arg;

	corun_context_cancel(ctx, -ETIMEDOUT);
	corun_context_unref(ctx);
}

/* Under the lock of the heap. */
static uint64_t
fire(struct timer *timer, uint64_t now_ns)
{
	struct corun_context *ctx = (struct corun_context *) timer;

	if (!try_ref(ctx))
		return 0; /* being freed; who does so waits for this lock */
	if (sched_start_coroutine(NULL, deadline_came, ctx))
		return 0;
	/*
	 * No memory for a coroutine: try again. If the last reference was dropped just now and so
	 * is ours, the context is lost; it cannot be freed under this lock.
	 */
	atomic_fetch_sub(&ctx->refs, 1);
	return now_ns + CORUN_MS;
}

/* ---- public -------------------------------------------------------------------------------- */

/* Whether it needs a timer of its own (C5). */
static bool
set_deadline(struct corun_context *ctx, uint64_t deadline_ns)
{
	uint64_t above_ns = ctx->parent != NULL ? ctx->parent->deadline_ns : CORUN_FOREVER;

	ctx->deadline_ns = deadline_ns < above_ns ? deadline_ns : above_ns;
	return deadline_ns < above_ns;
}

static void
join_parent(struct corun_context *ctx)
{
	struct corun_context *parent = ctx->parent;

	lock_acquire(&parent->lock, LOCK_RANK_CONTEXT);
	atomic_store(&ctx->error, atomic_load(&parent->error));
	if (atomic_load(&ctx->error) == 0)
		list_push_tail(&parent->children, &ctx->child_link);
	lock_release(&parent->lock, LOCK_RANK_CONTEXT);
}

int
corun_context_new(struct corun_context **ret, struct corun_context *parent, uint64_t deadline_ns)
{
	struct corun_context *ctx = calloc(1, sizeof(*ctx));
	bool timed, passed;
	int r = 0;

	if (ctx == NULL)
		return -ENOMEM;
	ctx->timer.fire = fire;
	atomic_store(&ctx->refs, 1);
	list_init(&ctx->watches);
	list_init(&ctx->children);
	if (parent != NULL)
		ctx->parent = corun_context_ref(parent);
	timed = set_deadline(ctx, deadline_ns);
	passed = timed && deadline_ns <= corun_now();

	rt_enter();
	if (parent != NULL)
		join_parent(ctx);
	if (timed && !passed && atomic_load(&ctx->error) == 0)
		r = sched_is_started() ? timer_add(sched_timers(), &ctx->timer, deadline_ns)
				       : -ESRCH;
	rt_exit();
	if (passed)
		corun_context_cancel(ctx, -ETIMEDOUT);
	if (r < 0) {
		corun_context_unref(ctx);
		return r;
	}
	*ret = ctx;
	return 0;
}

/* Return: the children, linked through to_cancel, each with a reference for the caller. */
static struct corun_context *
cancel_one(struct corun_context *ctx, int cause)
{
	struct corun_context *children = NULL;
	struct list *link;
	struct list woken;

	list_init(&woken);
	lock_acquire(&ctx->lock, LOCK_RANK_CONTEXT);
	if (atomic_load(&ctx->error) != 0) {
		lock_release(&ctx->lock, LOCK_RANK_CONTEXT);
		return NULL;
	}
	atomic_store(&ctx->error, cause);
	while ((link = list_pop_head(&ctx->watches)) != NULL) {
		if (wait_claim(list_entry(link, struct context_watch, link)->wait, WAKE_CANCELED))
			list_push_tail(&woken, link);
	}
	while ((link = list_pop_head(&ctx->children)) != NULL) {
		struct corun_context *child = list_entry(link, struct corun_context, child_link);

		if (!try_ref(child))
			continue;
		child->to_cancel = children;
		children = child;
	}
	lock_release(&ctx->lock, LOCK_RANK_CONTEXT);
	/* Claimed by us: the waiter, and with it the node, lies still until it is readied. */
	while ((link = list_pop_head(&woken)) != NULL)
		sched_ready(list_entry(link, struct context_watch, link)->wait->co);
	timer_remove(&ctx->timer);
	return children;
}

void
corun_context_cancel(struct corun_context *ctx, int cause)
{
	struct corun_context *todo;

	rt_enter();
	todo = cancel_one(ctx, cause < 0 ? cause : -ECANCELED);
	rt_exit();
	/* Depth first, without recursion: a chain may be long. */
	while (todo != NULL) {
		struct corun_context *child = todo;
		struct corun_context *below;

		todo = child->to_cancel;
		rt_enter();
		below = cancel_one(child, cause < 0 ? cause : -ECANCELED);
		rt_exit();
		while (below != NULL) {
			struct corun_context *following = below->to_cancel;

			below->to_cancel = todo;
			todo = below;
			below = following;
		}
		corun_context_unref(child);
	}
}

int
corun_context_error(struct corun_context *ctx)
{
	return atomic_load(&ctx->error);
}

int
corun_context_wait(struct corun_context *ctx, uint64_t deadline_ns)
{
	struct coroutine *co = rt_enter();
	struct wait wait;

	wait_init(&wait, co);
	wait_park(&wait, WAIT_CONTEXT, deadline_ns, ctx);
	rt_exit();
	return corun_context_error(ctx);
}

struct corun_context *
corun_context_ref(struct corun_context *ctx)
{
	atomic_fetch_add(&ctx->refs, 1);
	return ctx;
}

void
corun_context_unref(struct corun_context *ctx)
{
	/* Freeing the last of a chain may free its parent, and so on. */
	while (ctx != NULL && atomic_fetch_sub(&ctx->refs, 1) == 1) {
		struct corun_context *parent = ctx->parent;

		rt_enter();
		timer_remove(&ctx->timer);
		if (parent != NULL) {
			lock_acquire(&parent->lock, LOCK_RANK_CONTEXT);
			if (list_is_linked(&ctx->child_link))
				list_remove(&ctx->child_link);
			lock_release(&parent->lock, LOCK_RANK_CONTEXT);
		}
		rt_exit();
		free(ctx);
		ctx = parent;
	}
}

/* ---- for wait.c ---------------------------------------------------------------------------- */

int
context_watch(struct corun_context *ctx, struct context_watch *node, struct wait *w)
{
	int error;

	node->wait = w;
	node->link.next = node->link.prev = NULL;
	lock_acquire(&ctx->lock, LOCK_RANK_CONTEXT);
	error = atomic_load(&ctx->error);
	if (error == 0)
		list_push_tail(&ctx->watches, &node->link);
	lock_release(&ctx->lock, LOCK_RANK_CONTEXT);
	return error;
}

void
context_unwatch(struct corun_context *ctx, struct context_watch *node)
{
	lock_acquire(&ctx->lock, LOCK_RANK_CONTEXT);
	if (list_is_linked(&node->link))
		list_remove(&node->link);
	lock_release(&ctx->lock, LOCK_RANK_CONTEXT);
}

int
context_error(struct corun_context *ctx)
{
	return atomic_load(&ctx->error);
}
