/* Backoff - how long to wait before a restart; see backoff.h */

#include "daemon/task/backoff.h"

#include <corun/time.h>

#define STEADY_NS    (10 * CORUN_S)   /* who has run for less is not well again */
#define NOT_ZERO_NS  (100 * CORUN_MS) /* what a delay of nothing doubles to */
#define JITTER_PARTS 10

static uint64_t
twice(uint64_t ns)
{
	return ns > UINT64_MAX / 2 ? UINT64_MAX : ns * 2;
}

static uint64_t
without_jitter(const struct backoff *backoff, uint64_t first_ns, uint64_t max_ns)
{
	uint64_t ns;

	if (backoff->restarts == 0)
		return first_ns;
	ns = backoff->delay_ns ? twice(backoff->delay_ns) : NOT_ZERO_NS;
	if (ns < first_ns)
		ns = first_ns; /* a reload made it longer */
	return ns < max_ns ? ns : max_ns;
}

uint64_t
backoff_next(struct backoff *backoff, uint64_t first_ns, uint64_t max_ns, uint64_t ran_ns,
	     uint32_t random)
{
	uint64_t off_ns;

	if (max_ns < first_ns)
		max_ns = first_ns;
	if (ran_ns >= STEADY_NS && ran_ns >= max_ns)
		backoff_reset(backoff);
	backoff->delay_ns = without_jitter(backoff, first_ns, max_ns);
	if (backoff->restarts < UINT32_MAX)
		backoff->restarts++;
	/* a tenth x random / 2^32, without overflow */
	off_ns = (uint64_t) ((unsigned __int128) (backoff->delay_ns / JITTER_PARTS) * random >> 32);
	return backoff->delay_ns - off_ns < first_ns ? first_ns : backoff->delay_ns - off_ns;
}

void
backoff_reset(struct backoff *backoff)
{
	*backoff = (struct backoff){ 0 };
}
