#include "runtime/runq.h"

#include <stddef.h>

#include "runtime/base/must.h"
#include "runtime/coroutine.h"

static struct coroutine *
cell_read(struct runq *q, uint32_t i)
{
	return atomic_load_explicit(&q->ring[i % RUNQ_SIZE], memory_order_relaxed);
}

static void
cell_write(struct runq *q, uint32_t i, struct coroutine *co)
{
	atomic_store_explicit(&q->ring[i % RUNQ_SIZE], co, memory_order_relaxed);
}

/* Half of a full ring, and @co behind it, as a list. NULL: thieves were faster. */
static struct coroutine *
spill(struct runq *q, struct coroutine *co, uint32_t head, uint32_t tail)
{
	struct coroutine *batch[RUNQ_SIZE / 2];
	uint32_t n = (tail - head) / 2;

	for (uint32_t i = 0; i < n; i++)
		batch[i] = cell_read(q, head + i);
	if (!atomic_compare_exchange_strong_explicit(&q->head, &head, head + n,
						     memory_order_release, memory_order_relaxed))
		return NULL;
	for (uint32_t i = 0; i + 1 < n; i++)
		batch[i]->link = batch[i + 1];
	batch[n - 1]->link = co;
	co->link = NULL;
	return batch[0];
}

struct coroutine *
runq_put(struct runq *q, struct coroutine *co)
{
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	for (;;) {
		uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
		struct coroutine *list;

		if (likely(tail - head < RUNQ_SIZE)) {
			cell_write(q, tail, co);
			atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
			return NULL;
		}
		list = spill(q, co, head, tail);
		if (list != NULL)
			return list;
	}
}

struct coroutine *
runq_get(struct runq *q)
{
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);

	while (head != tail) {
		struct coroutine *co = cell_read(q, head);

		if (atomic_compare_exchange_weak_explicit(
			    &q->head, &head, head + 1, memory_order_acq_rel, memory_order_acquire))
			return co;
	}
	return NULL;
}

struct coroutine *
runq_take_next(struct runq *q)
{
	struct coroutine *co = atomic_load_explicit(&q->next, memory_order_relaxed);

	/* Only the owner fills the slot; so a failure means that somebody else emptied it ... */
	while (co != NULL) {
		if (atomic_compare_exchange_weak(&q->next, &co, NULL))
			return co;
	}
	return NULL; /* ... and here it is empty. */
}

bool
runq_empty(struct runq *q)
{
	/*
	 * Putting moves the old `next` to the tail, taking moves the head. Reading the tail twice
	 * around the rest makes the three an instant: if the tail has not moved, nothing went from
	 * `next` to the ring in between.
	 */
	for (;;) {
		uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
		uint32_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);
		struct coroutine *next = atomic_load(&q->next);

		if (tail == atomic_load_explicit(&q->tail, memory_order_acquire))
			return head == tail && next == NULL;
	}
}

struct coroutine *
runq_steal(struct runq *thief, struct runq *victim, uint32_t *ret_n)
{
	uint32_t at = atomic_load_explicit(&thief->tail, memory_order_relaxed);

	for (;;) {
		uint32_t head = atomic_load_explicit(&victim->head, memory_order_acquire);
		uint32_t tail = atomic_load_explicit(&victim->tail, memory_order_acquire);
		uint32_t n = tail - head;

		n -= n / 2;
		if (n == 0)
			return NULL;
		/* More than half of the size: the head moved between the two reads. */
		if (n > RUNQ_SIZE / 2)
			continue;
		for (uint32_t i = 0; i < n; i++)
			cell_write(thief, at + i, cell_read(victim, head + i));
		if (!atomic_compare_exchange_strong_explicit(&victim->head, &head, head + n,
							     memory_order_acq_rel,
							     memory_order_relaxed))
			continue;
		*ret_n = n;
		n--;
		if (n > 0)
			atomic_store_explicit(&thief->tail, at + n, memory_order_release);
		return cell_read(thief, at + n);
	}
}
