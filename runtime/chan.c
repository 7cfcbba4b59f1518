/*
 * Channels
 *
 *  H1  Under the channel's lock at least one of `senders` and `receivers` is empty, but for one
 *      coroutine that selects sending and receiving on the same unbuffered channel.
 *  H2  For a buffered channel: count > 0 means that nobody waits to receive, count < cap that
 *      nobody waits to send.
 *  H3  Who takes a node out of a queue claims its wait (wait.h) before it touches the node's
 *      element. If the claim fails, somebody else (a deadline, a context, another case of a
 *      select) has ended that wait: the node is dropped and the next one taken.
 *  H4  A value goes straight from the sender's memory to the receiver's when one of them waits:
 *      both lie still until sched_ready(), which comes after the copy and after the lock was
 *      released.
 *  H5  Who does not wait has done with the channel's memory once its lock is released, and who
 *      was readied does not touch it again. So who receives the last value may free the channel
 *      at once, even while the sender is on its way out of its call.
 *
 * Looking without the lock [FENCE-CLOSED]. A try that is bound to fail must not take the lock:
 * loops of tries would slow those down who could make them succeed. It must be right for one
 * instant, though.
 *
 *  - Receiving: empty is read first, then closed. A channel is never opened again, so if it is
 *    not closed at the second look, it was not at the first: there was an instant at which it
 *    was empty and open. Emptying it is a store-release and the look a load-acquire: who sees
 *    the channel emptied by somebody who knew it closed sees it closed.
 *  - Sending: closed is read first, then full. If it is closed in between it was full before:
 *    closing does not make a channel full.
 */

#include <corun/chan.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <corun/time.h>

#include "runtime/base/relaxed.h"
#include "runtime/sched.h"
#include "runtime/wait.h"

/* Who waits to send, or to receive, first come first served. */
struct queue {
	struct list nodes;
	_Atomic size_t n; /* of nodes, ended waits too; for looks without the lock */
};

struct corun_chan {
	struct lock lock; /* rank CHAN: all below but the sizes; atomics are read without, too */
	_Atomic bool closed;
	size_t elem_bytes, cap; /* immutable */
	_Atomic size_t count;
	size_t first; /* index of the oldest element in the buffer */
	struct queue receivers, senders;
	char buffer[];
};

/* One wait on one queue of one channel. */
struct chan_node {
	struct list link;
	struct wait *wait;
	void *elem; /* the sender's value, or where the receiver wants it */
};

static void
copy(struct corun_chan *ch, void *to, const void *from)
{
	/* NULL is fine for a value that is not wanted, and for elements without size. */
	if (to == NULL || from == NULL)
		return;
	/* A word is what most channels carry. */
	if (ch->elem_bytes == sizeof(uint64_t))
		memcpy(to, from, sizeof(uint64_t));
	else
		memcpy(to, from, ch->elem_bytes);
}

static void
zero(struct corun_chan *ch, void *elem)
{
	if (elem != NULL)
		memset(elem, 0, ch->elem_bytes);
}

static char *
slot(struct corun_chan *ch, size_t i)
{
	size_t at = ch->first + i;

	return ch->buffer + (at < ch->cap ? at : at - ch->cap) * ch->elem_bytes;
}

/* FENCE-CLOSED, publishing half. Only under the lock, so it need not be one instruction. */
static void
number_add(_Atomic size_t *number, size_t n)
{
	atomic_store_explicit(number, relaxed_get(number) + n, memory_order_release);
}

static void
put(struct corun_chan *ch, const void *elem)
{
	copy(ch, slot(ch, relaxed_get(&ch->count)), elem);
	number_add(&ch->count, 1);
}

static void
get(struct corun_chan *ch, void *elem)
{
	copy(ch, elem, slot(ch, 0));
	ch->first = ch->first + 1 == ch->cap ? 0 : ch->first + 1;
	number_add(&ch->count, (size_t) -1);
}

static void
queue_push(struct queue *queue, struct chan_node *node)
{
	list_push_tail(&queue->nodes, &node->link);
	number_add(&queue->n, 1);
}

static void
queue_remove(struct queue *queue, struct chan_node *node)
{
	if (list_is_linked(&node->link)) {
		list_remove(&node->link);
		number_add(&queue->n, (size_t) -1);
	}
}

/* The first of a queue whose wait is ours to end (H3). */
static struct chan_node *
claim_first(struct queue *queue, enum wake reason)
{
	while (!list_is_empty(&queue->nodes)) {
		struct chan_node *node = list_entry(queue->nodes.next, struct chan_node, link);

		queue_remove(queue, node);
		if (wait_claim(node->wait, reason))
			return node;
	}
	return NULL;
}

/* ---- the operations, as far as they go without waiting; the lock is held ------------------- */

enum {
	WOULD_WAIT = -EAGAIN,
};

/* Return: 0, -EPIPE, WOULD_WAIT. *ret_ready is to be readied once the lock is released. */
static int
send_locked(struct corun_chan *ch, const void *elem, struct coroutine **ret_ready)
{
	struct chan_node *receiver;

	if (relaxed_get(&ch->closed))
		return -EPIPE;
	receiver = claim_first(&ch->receivers, WAKE_READY);
	if (receiver != NULL) {
		copy(ch, receiver->elem, elem);
		*ret_ready = receiver->wait->co;
		return 0;
	}
	if (relaxed_get(&ch->count) < ch->cap) {
		put(ch, elem);
		return 0;
	}
	return WOULD_WAIT;
}

/* Return: 1, 0 (closed and empty), WOULD_WAIT. */
static int
recv_locked(struct corun_chan *ch, void *elem, struct coroutine **ret_ready)
{
	struct chan_node *sender;

	if (relaxed_get(&ch->count) > 0) {
		get(ch, elem);
		/* There is room now: the first sender's value moves up. */
		sender = claim_first(&ch->senders, WAKE_READY);
		if (sender != NULL) {
			put(ch, sender->elem);
			*ret_ready = sender->wait->co;
		}
		return 1;
	}
	sender = claim_first(&ch->senders, WAKE_READY);
	if (sender != NULL) {
		copy(ch, elem, sender->elem);
		*ret_ready = sender->wait->co;
		return 1;
	}
	if (relaxed_get(&ch->closed)) {
		zero(ch, elem);
		return 0;
	}
	return WOULD_WAIT;
}

/* ---- looks without the lock: FENCE-CLOSED, reading halves ---------------------------------- */

static bool
recv_would_wait(struct corun_chan *ch)
{
	_Atomic size_t *number = ch->cap > 0 ? &ch->count : &ch->senders.n;

	return atomic_load_explicit(number, memory_order_acquire) == 0 &&
	       !atomic_load_explicit(&ch->closed, memory_order_relaxed);
}

static bool
send_would_wait(struct corun_chan *ch)
{
	if (atomic_load_explicit(&ch->closed, memory_order_acquire))
		return false;
	if (ch->cap > 0)
		return relaxed_get(&ch->count) == ch->cap;
	return relaxed_get(&ch->receivers.n) == 0;
}

/* ---- with waiting -------------------------------------------------------------------------- */

static void
unlock_and_ready(struct corun_chan *ch, struct coroutine *ready)
{
	lock_release(&ch->lock, LOCK_RANK_CHAN);
	if (ready != NULL)
		sched_ready(ready);
}

/* The lock is held, and is released. Return: why the wait ended. */
static enum wake
await(struct corun_chan *ch, struct queue *queue, struct chan_node *node, enum wait_why why,
      uint64_t deadline_ns, struct corun_context *ctx)
{
	enum wake reason;

	queue_push(queue, node);
	lock_release(&ch->lock, LOCK_RANK_CHAN);
	reason = wait_park(node->wait, why, deadline_ns, ctx);
	if (reason == WAKE_TIMEOUT || reason == WAKE_CANCELED) {
		lock_acquire(&ch->lock, LOCK_RANK_CHAN);
		queue_remove(queue, node);
		lock_release(&ch->lock, LOCK_RANK_CHAN);
	}
	return reason;
}

/* A nil channel: nothing ever comes. */
static int
await_nothing(enum wait_why why, uint64_t deadline_ns, struct corun_context *ctx)
{
	struct coroutine *co = rt_enter();
	struct wait wait;
	int r;

	wait_init(&wait, co);
	r = wait_error(wait_park(&wait, why, deadline_ns, ctx), ctx);
	rt_exit();
	return r;
}

static int
send_waiting(struct corun_chan *ch, const void *elem, uint64_t deadline_ns,
	     struct corun_context *ctx)
{
	struct coroutine *ready = NULL;
	struct coroutine *co;
	int r;

	if (ch == NULL)
		return await_nothing(WAIT_CHAN_SEND_NIL, deadline_ns, ctx);
	co = rt_enter();
	lock_acquire(&ch->lock, LOCK_RANK_CHAN);
	r = send_locked(ch, elem, &ready);
	if (r == WOULD_WAIT && deadline_ns == CORUN_NOW) {
		unlock_and_ready(ch, NULL);
		r = -ETIMEDOUT;
	} else if (r == WOULD_WAIT) {
		struct wait wait;
		/* The value is only read. */
		struct chan_node node = { .wait = &wait, .elem = (void *) (uintptr_t) elem };

		wait_init(&wait, co);
		r = wait_error(await(ch, &ch->senders, &node, WAIT_CHAN_SEND, deadline_ns, ctx),
			       ctx);
	} else {
		unlock_and_ready(ch, ready);
	}
	rt_exit();
	return r;
}

static int
recv_waiting(struct corun_chan *ch, void *elem, uint64_t deadline_ns, struct corun_context *ctx)
{
	struct coroutine *ready = NULL;
	struct coroutine *co;
	int r;

	if (ch == NULL)
		return await_nothing(WAIT_CHAN_RECV_NIL, deadline_ns, ctx);
	co = rt_enter();
	lock_acquire(&ch->lock, LOCK_RANK_CHAN);
	r = recv_locked(ch, elem, &ready);
	if (r == WOULD_WAIT && deadline_ns == CORUN_NOW) {
		unlock_and_ready(ch, NULL);
		r = -ETIMEDOUT;
	} else if (r == WOULD_WAIT) {
		struct wait wait;
		struct chan_node node = { .wait = &wait, .elem = elem };
		enum wake reason;

		wait_init(&wait, co);
		reason = await(ch, &ch->receivers, &node, WAIT_CHAN_RECV, deadline_ns, ctx);
		r = reason == WAKE_READY ? 1 : reason == WAKE_CLOSED ? 0 : wait_error(reason, ctx);
		if (reason == WAKE_CLOSED)
			zero(ch, elem);
	} else {
		unlock_and_ready(ch, ready);
	}
	rt_exit();
	return r;
}

/* ---- public -------------------------------------------------------------------------------- */

int
corun_chan_new(struct corun_chan **ret, size_t elem_bytes, size_t capacity)
{
	struct corun_chan *ch;
	size_t bytes;

	if (__builtin_mul_overflow(elem_bytes, capacity, &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(*ch), &bytes) || bytes > PTRDIFF_MAX)
		return -EINVAL;
	ch = calloc(1, bytes);
	if (ch == NULL)
		return -ENOMEM;
	ch->elem_bytes = elem_bytes;
	ch->cap = capacity;
	list_init(&ch->receivers.nodes);
	list_init(&ch->senders.nodes);
	*ret = ch;
	return 0;
}

void
corun_chan_free(struct corun_chan *ch)
{
	if (ch == NULL)
		return;
	if (!list_is_empty(&ch->receivers.nodes) || !list_is_empty(&ch->senders.nodes))
		must_die("a channel was freed while somebody waits on it");
	free(ch);
}

int
corun_chan_send_checked(struct corun_chan *ch, const void *elem, uint64_t deadline_ns,
			struct corun_context *ctx)
{
	return send_waiting(ch, elem, deadline_ns, ctx);
}

int
corun_chan_send(struct corun_chan *ch, const void *elem, uint64_t deadline_ns)
{
	int r = send_waiting(ch, elem, deadline_ns, NULL);

	if (r == -EPIPE)
		must_die("send on closed channel");
	return r;
}

int
corun_chan_send_ctx(struct corun_chan *ch, const void *elem, struct corun_context *ctx)
{
	int r = send_waiting(ch, elem, CORUN_FOREVER, ctx);

	if (r == -EPIPE)
		must_die("send on closed channel");
	return r;
}

int
corun_chan_try_send_checked(struct corun_chan *ch, const void *elem)
{
	struct coroutine *ready = NULL;
	int r = WOULD_WAIT;

	if (ch == NULL)
		return -EAGAIN;
	/* Also where it is bound to fail: a loop of tries must notice that its slice is over. */
	rt_enter();
	if (!send_would_wait(ch)) {
		lock_acquire(&ch->lock, LOCK_RANK_CHAN);
		r = send_locked(ch, elem, &ready);
		unlock_and_ready(ch, ready);
	}
	rt_exit();
	return r;
}

int
corun_chan_try_send(struct corun_chan *ch, const void *elem)
{
	int r = corun_chan_try_send_checked(ch, elem);

	if (r == -EPIPE)
		must_die("send on closed channel");
	return r;
}

int
corun_chan_recv(struct corun_chan *ch, void *elem, uint64_t deadline_ns)
{
	return recv_waiting(ch, elem, deadline_ns, NULL);
}

int
corun_chan_recv_ctx(struct corun_chan *ch, void *elem, struct corun_context *ctx)
{
	return recv_waiting(ch, elem, CORUN_FOREVER, ctx);
}

int
corun_chan_try_recv(struct corun_chan *ch, void *elem)
{
	struct coroutine *ready = NULL;
	int r = WOULD_WAIT;

	if (ch == NULL)
		return -EAGAIN;
	rt_enter();
	if (!recv_would_wait(ch)) {
		lock_acquire(&ch->lock, LOCK_RANK_CHAN);
		r = recv_locked(ch, elem, &ready);
		unlock_and_ready(ch, ready);
	}
	rt_exit();
	return r;
}

/* All who wait in a queue, claimed and moved to @list: they lie still until they are readied. */
static void
claim_all(struct queue *queue, struct list *list)
{
	struct chan_node *node;

	while ((node = claim_first(queue, WAKE_CLOSED)) != NULL)
		list_push_tail(list, &node->link);
}

int
corun_chan_close_checked(struct corun_chan *ch)
{
	struct list *link;
	struct list woken;
	bool closed;

	if (ch == NULL)
		return -EINVAL;
	list_init(&woken);
	rt_enter();
	lock_acquire(&ch->lock, LOCK_RANK_CHAN);
	closed = relaxed_get(&ch->closed);
	atomic_store_explicit(&ch->closed, true, memory_order_relaxed);
	if (!closed) {
		claim_all(&ch->receivers, &woken);
		claim_all(&ch->senders, &woken);
	}
	lock_release(&ch->lock, LOCK_RANK_CHAN);
	while ((link = list_pop_head(&woken)) != NULL)
		sched_ready(list_entry(link, struct chan_node, link)->wait->co);
	rt_exit();
	return closed ? -EPIPE : 0;
}

void
corun_chan_close(struct corun_chan *ch)
{
	int r = corun_chan_close_checked(ch);

	if (r == -EINVAL)
		must_die("close of nil channel");
	if (r == -EPIPE)
		must_die("close of closed channel");
}

size_t
corun_chan_len(struct corun_chan *ch)
{
	return ch == NULL ? 0 : relaxed_get(&ch->count);
}

size_t
corun_chan_cap(struct corun_chan *ch)
{
	return ch == NULL ? 0 : ch->cap;
}
