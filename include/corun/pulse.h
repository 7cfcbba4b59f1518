#pragma once

/*
 * Pulse - does everything still move? For watchdogs.
 */

#include <stdint.h>

#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct corun_pulse; /* what was seen at the last look */

/* For how long each part has not moved, as far as the looks can tell; 0: it has since the last. */
struct corun_still {
	uint64_t monitor_ns;  /* the monitor has not ticked though a worker is busy */
	uint64_t governor_ns; /* the governor has not looked at the quota, though it is to */
	/*
	 * The longest-standing worker that has neither switched nor been handed off while work waits
	 * for one. A hog that nobody waits for is in order.
	 */
	uint64_t workers_ns;
};

/** corun_pulse_new() - Return: for corun_pulse_free(); NULL: no memory. Any thread. */
CORUN_EXPORT struct corun_pulse *corun_pulse_new(void);
CORUN_EXPORT void corun_pulse_free(struct corun_pulse *pulse);

/**
 * corun_pulse_look() - look again
 * Context: one thread at a time for each @pulse; does not allocate, lock or wait. All zero while
 *          the runtime is not started.
 */
CORUN_EXPORT void corun_pulse_look(struct corun_pulse *pulse, struct corun_still *ret);

#ifdef __cplusplus
}
#endif
