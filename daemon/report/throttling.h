#pragma once

/* Throttling - what a level's cpu.stat says, since the cgroup exists or since an earlier look */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <corun/cpu.h>

struct throttling {
	bool known;
	bool since_last_look; /* else since the cgroup exists */
	uint64_t nr_periods, nr_throttled, throttled_us;
};

/* The counters of an earlier look; all zero: there was none. */
struct throttling_memory {
	size_t n;
	struct throttling_counters *levels;
};

/**
 * throttling_of() - what happened to @level
 * @memory: subtracted if it knows the level; NULL for none
 */
struct throttling throttling_of(const struct corun_cpu_level *level,
				const struct throttling_memory *memory);

/** throttling_remember() - replace @memory by the counters of @view; without memory, by none */
void throttling_remember(struct throttling_memory *memory, const struct corun_cpu_view *view);

void throttling_forget(struct throttling_memory *memory);
