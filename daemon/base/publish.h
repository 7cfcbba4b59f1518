#pragma once

/*
 * Publish - the latest value of something, from its owner to one reader, neither waiting
 *
 * The writer gives away an object that nobody changes any more; the reader (the control thread)
 * always has the latest one it saw. A writer that is preempted, stuck or parked leaves the last
 * value to be read.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

struct published {
	_Atomic(void *) fresh;   /* not seen yet; NULL: none since the reader looked */
	void *seen;              /* the reader's */
	void (*destroy)(void *); /* frees a value */
};

/** publish() - make @value, which was allocated, the latest one. Any thread, several too. */
static inline void
publish(struct published *p, void *value)
{
	void *unseen = atomic_exchange_explicit(&p->fresh, value, memory_order_acq_rel);

	if (unseen != NULL)
		p->destroy(unseen);
}

/** published_latest() - valid until the next call; NULL: none yet. One reader. */
static inline void *
published_latest(struct published *p)
{
	void *value = atomic_exchange_explicit(&p->fresh, NULL, memory_order_acq_rel);

	if (value != NULL) {
		if (p->seen != NULL)
			p->destroy(p->seen);
		p->seen = value;
	}
	return p->seen;
}

/** published_free() - free what is in it; nobody may publish any more */
static inline void
published_free(struct published *p)
{
	void *value = atomic_exchange(&p->fresh, NULL);

	if (value != NULL)
		p->destroy(value);
	if (p->seen != NULL)
		p->destroy(p->seen);
	p->seen = NULL;
}
