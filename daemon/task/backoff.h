#pragma once

/*
 * Backoff - how long to wait before a task is restarted; pure
 *
 * The delay doubles from RestartSec= to RestartMaxDelaySec=, whatever the task ended with: one that
 * exits 0 at once is no better than one that crashes. It begins anew after the task has run for as
 * long as the longest delay, and for 10 seconds at least.
 */

#include <stdint.h>

struct backoff {
	uint64_t delay_ns; /* the latest, without jitter; zero bytes: none yet */
	unsigned restarts; /* since it began anew */
};

/**
 * backoff_next() - the delay before the next start
 * @first_ns:  RestartSec=; 0: the first restart is at once, the next ones go on from 100 ms
 * @max_ns:    RestartMaxDelaySec=; less than @first_ns is taken as that
 * @ran_ns:    how long it has run; 0: it could not be started
 * @random:    any number: up to a tenth of the delay is taken off by it, so that tasks that failed
 *             together do not come back together; never below @first_ns
 */
uint64_t backoff_next(struct backoff *backoff, uint64_t first_ns, uint64_t max_ns, uint64_t ran_ns,
		      uint32_t random);

/** backoff_reset() - begin anew */
void backoff_reset(struct backoff *backoff);
