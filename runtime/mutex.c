/*
 * Mutex
 *
 *	word	LOCKED   somebody holds it
 *		WAITERS  the queue is not empty
 *		WOKEN    one waiter has been woken to compete for it, and has not done so yet
 *
 *  M1  Without waiters `word` goes from 0 to LOCKED and back by one compare-and-swap each,
 *      without entering the runtime, unless the slice is over.
 *  M2  The queue is under `lock`. WAITERS and WOKEN change under it, too; LOCKED may change at
 *      any time.
 *  M3  A waiter is woken either with the mutex (handed over: LOCKED stays set) or to compete for
 *      it. One that lost goes to the front of the queue. It is handed over when its first waiter
 *      has waited for more than STARVING_NS: newcomers do not find it unlocked then, so none
 *      overtakes.
 *  M4  Nobody sleeps beside an unlocked mutex: LOCKED is cleared in the same instruction that
 *      sees that the queue is empty or WOKEN is set. Who is woken clears WOKEN in the same
 *      instruction that takes the mutex or announces a waiter; so whoever holds it then sees
 *      WAITERS when unlocking.
 *  M5  Clearing LOCKED is the last access of unlocking to the memory of the mutex; a hand-over
 *      comes after the last. So who has locked it last may free it, even while the one before is
 *      on its way out of unlocking (as an object that counts its users under its own mutex does).
 *
 * WOKEN keeps a stream of short sections from waking all waiters, one at each unlocking, of which
 * all but one would find it locked again. (Go: mutexWoken.)
 *
 * Unlocking does not look at the slice: what others wait for is not put off until its holder runs
 * again. Locking does, but before the mutex is taken: nobody is made to yield with a mutex that
 * it has just got. It does so without waiters, too: a loop that locks and unlocks makes no other
 * call, and would be handed off as a hog, which then competes for the mutex beside the worker.
 */

#include <corun/sync.h>

#include <stdatomic.h>
#include <stddef.h>

#include <corun/coroutine.h>
#include <corun/time.h>

#include "runtime/base/clock.h"
#include "runtime/base/pause.h"
#include "runtime/base/relaxed.h"
#include "runtime/pool.h"
#include "runtime/sched.h"
#include "runtime/wait.h"

#define STARVING_NS (1 * CORUN_MS)

enum {
	LOCKED = 1,
	WAITERS = 2,
	WOKEN = 4,
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

/* ---- the queue; the lock is held ----------------------------------------------------------- */

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

/* ---- locking ------------------------------------------------------------------------------- */

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

/* The flag, or the worker is gone: what entering the runtime would find, for the price of a load. */
static bool
must_yield(void)
{
	struct thread *t = thread_self();

	return t != NULL && (atomic_load_explicit(&t->attention, memory_order_relaxed) &
			     (ATTENTION_PREEMPT | ATTENTION_TAKEN)) != 0;
}

static bool
spin(struct mutex *m)
{
	/* Who holds it does not run meanwhile. */
	if (relaxed_get(&sched.n_workers) == 1)
		return try_lock(m);
	for (int i = 0; i < SPINS; i++) {
		if (try_lock(m))
			return true;
		cpu_pause();
	}
	return false;
}

/*
 * Lock it, or announce a waiter, and clear what is in @clear; the lock is held. Return: whether it
 * is locked now.
 */
static bool
lock_or_announce(struct mutex *m, uint32_t clear)
{
	uint32_t word = atomic_load_explicit(&m->word, memory_order_relaxed);

	for (;;) {
		uint32_t want = (word & LOCKED ? word | WAITERS : word | LOCKED) & ~clear;

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
		/* Not the first time round: woken to compete. */
		if (lock_or_announce(m, node.since_ns != 0 ? WOKEN : 0)) {
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

	if (unlikely(must_yield()))
		corun_checkpoint();
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

/* ---- unlocking ----------------------------------------------------------------------------- */

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

/* M4. Return: whether it is unlocked; if not, somebody is to be woken. */
static bool
unlock_word(struct mutex *m)
{
	uint32_t word = atomic_load_explicit(&m->word, memory_order_relaxed);

	while ((word & (WAITERS | WOKEN)) != WAITERS) {
		if (atomic_compare_exchange_weak_explicit(
			    &m->word, &word, word & ~(uint32_t) LOCKED, memory_order_release,
			    memory_order_relaxed))
			return true;
	}
	return false;
}

static void
unlock_waiting(struct mutex *m)
{
	struct coroutine *ready = NULL;
	bool handed = false;

	rt_enter_unyielding();
	do {
		struct mutex_node *node;

		lock_acquire(&m->lock, LOCK_RANK_SYNC);
		node = claim_first(m);
		if (node != NULL) {
			ready = node->wait.co;
			handed = clock_now_ns() - node->since_ns > STARVING_NS;
			node->handed = handed;
			if (!handed)
				atomic_fetch_or_explicit(&m->word, WOKEN, memory_order_relaxed);
		}
		forget_waiters_if_none(m);
		lock_release(&m->lock, LOCK_RANK_SYNC);
		/* Again only if nobody was there to be woken, and then somebody came. */
	} while (!handed && !unlock_word(m));
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
	if (!unlock_word(m))
		unlock_waiting(m);
}
