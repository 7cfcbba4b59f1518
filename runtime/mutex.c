/*
 * Mutex
 *
 *  M1  `word` goes from 0 to LOCKED and back by compare-and-swap alone, without anything else. As
 * soon as somebody waits it has WAITERS, both of those fail, and all other changes are made under
 *      `lock`. (A newcomer may also take it from WAITERS to WAITERS | LOCKED.)
 *  M2  WAITERS is set while the queue is not empty; changed under `lock` only.
 *  M3  A waiter is woken either with the mutex (handed over: LOCKED stays set) or to compete for
 * it. One that lost goes to the front of the queue. It is handed over when its first waiter has
 * waited for more than STARVING_NS: newcomers do not find it unlocked then, so none overtakes.
 */

#include <corun/sync.h>

#include <stdatomic.h>
#include <stddef.h>

#include <corun/time.h>

#include "runtime/base/clock.h"
#include "runtime/base/pause.h"
#include "runtime/sched.h"
#include "runtime/wait.h"

#define STARVING_NS (1 * CORUN_MS)

enum {
	LOCKED = 1,
	WAITERS = 2,
	SPINS = 30, /* before parking: a section is often shorter than a park */
};

struct mutex {
	_Atomic uint32_t word;
	struct lock lock; /* rank SYNC */
	struct mutex_node *first, *last;
};

_Static_assert(sizeof(struct mutex) == sizeof(struct corun_mutex), "the public face of it");

struct mutex_node {
	struct mutex_node *next, *prev;
	struct wait wait;
	uint64_t since_ns;
	bool queued;
	bool handed; /* written by who claims it, before it is readied */
};

static struct mutex *
inside(struct corun_mutex *m)
{
	return (struct mutex *) m;
}

/* ---- the queue; the lock is held ---------------------------------------------------------------
 */

static void
push(struct mutex *m, struct mutex_node *node, bool front)
{
	node->queued = true;
	node->next = front ? m->first : NULL;
	node->prev = front ? NULL : m->last;
	if (node->next != NULL)
		node->next->prev = node;
	else
		m->last = node;
	if (node->prev != NULL)
		node->prev->next = node;
	else
		m->first = node;
}

static void
pull(struct mutex *m, struct mutex_node *node)
{
	node->queued = false;
	if (node->next != NULL)
		node->next->prev = node->prev;
	else
		m->last = node->prev;
	if (node->prev != NULL)
		node->prev->next = node->next;
	else
		m->first = node->next;
}

/* M2. The mutex is locked, or this is the unlocking. */
static void
forget_waiters_if_none(struct mutex *m)
{
	if (m->first == NULL)
		atomic_fetch_and(&m->word, ~(uint32_t) WAITERS);
}

/* ---- locking -----------------------------------------------------------------------------------
 */

static bool
try_lock(struct mutex *m)
{
	uint32_t word = atomic_load_explicit(&m->word, memory_order_relaxed);

	while (!(word & LOCKED)) {
		if (atomic_compare_exchange_weak_explicit(&m->word, &word, word | LOCKED,
							  memory_order_acquire,
							  memory_order_relaxed))
			return true;
	}
	return false;
}

static bool
spin(struct mutex *m)
{
	for (int i = 0; i < SPINS; i++) {
		if (try_lock(m))
			return true;
		cpu_pause();
	}
	return false;
}

/* Lock it, or announce a waiter; the lock is held. Return: whether it is locked now. */
static bool
lock_or_announce(struct mutex *m)
{
	uint32_t word = atomic_load_explicit(&m->word, memory_order_relaxed);

	for (;;) {
		uint32_t want = word & LOCKED ? word | WAITERS : word | LOCKED;

		if (atomic_compare_exchange_weak_explicit(
			    &m->word, &word, want, memory_order_acquire, memory_order_relaxed))
			return !(word & LOCKED);
	}
}

static int
lock_waiting(struct mutex *m, uint64_t deadline_ns, struct corun_context *ctx)
{
	struct coroutine *co = rt_enter();
	struct mutex_node node = { .since_ns = 0 };
	int r = 0;

	for (;;) {
		enum wake reason;

		lock_acquire(&m->lock, LOCK_RANK_SYNC);
		if (lock_or_announce(m)) {
			forget_waiters_if_none(m);
			lock_release(&m->lock, LOCK_RANK_SYNC);
			break;
		}
		push(m, &node, node.since_ns != 0);
		if (node.since_ns == 0)
			node.since_ns = clock_now_ns();
		wait_init(&node.wait, co);
		lock_release(&m->lock, LOCK_RANK_SYNC);
		reason = wait_park(&node.wait, WAIT_MUTEX, deadline_ns, ctx);
		r = wait_error(reason, ctx);
		if (r < 0) {
			lock_acquire(&m->lock, LOCK_RANK_SYNC);
			if (node.queued)
				pull(m, &node);
			forget_waiters_if_none(m);
			lock_release(&m->lock, LOCK_RANK_SYNC);
			break;
		}
		if (node.handed)
			break;
	}
	rt_exit();
	return r;
}

void
corun_mutex_lock(struct corun_mutex *mutex)
{
	struct mutex *m = inside(mutex);
	uint32_t word = 0;

	if (likely(atomic_compare_exchange_strong_explicit(
		    &m->word, &word, LOCKED, memory_order_acquire, memory_order_relaxed)))
		return;
	if (!spin(m))
		lock_waiting(m, CORUN_FOREVER, NULL);
}

int
corun_mutex_lock_until(struct corun_mutex *m, uint64_t deadline_ns)
{
	return try_lock(inside(m)) ? 0 : lock_waiting(inside(m), deadline_ns, NULL);
}

int
corun_mutex_lock_ctx(struct corun_mutex *m, struct corun_context *ctx)
{
	return try_lock(inside(m)) ? 0 : lock_waiting(inside(m), CORUN_FOREVER, ctx);
}

bool
corun_mutex_try_lock(struct corun_mutex *m)
{
	return try_lock(inside(m));
}

/* ---- unlocking ---------------------------------------------------------------------------------
 */

/* The first whose wait is ours to end. */
static struct mutex_node *
claim_first(struct mutex *m)
{
	while (m->first != NULL) {
		struct mutex_node *node = m->first;

		pull(m, node);
		if (wait_claim(&node->wait, WAKE_READY))
			return node;
	}
	return NULL;
}

static void
unlock_waiting(struct mutex *m)
{
	struct coroutine *ready = NULL;
	struct mutex_node *node;

	rt_enter_unyielding();
	lock_acquire(&m->lock, LOCK_RANK_SYNC);
	node = claim_first(m);
	if (node != NULL) {
		ready = node->wait.co;
		node->handed = clock_now_ns() - node->since_ns > STARVING_NS;
	}
	forget_waiters_if_none(m);
	if (node == NULL || !node->handed)
		atomic_fetch_and_explicit(&m->word, ~(uint32_t) LOCKED, memory_order_release);
	lock_release(&m->lock, LOCK_RANK_SYNC);
	if (ready != NULL)
		sched_ready(ready);
	rt_exit();
}

void
corun_mutex_unlock(struct corun_mutex *mutex)
{
	struct mutex *m = inside(mutex);
	uint32_t word = LOCKED;

	if (likely(atomic_compare_exchange_strong_explicit(&m->word, &word, 0, memory_order_release,
							   memory_order_relaxed)))
		return;
	if (!(word & LOCKED))
		must_die("sync: unlock of unlocked mutex");
	unlock_waiting(m);
}
