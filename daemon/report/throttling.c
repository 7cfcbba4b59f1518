#include "daemon/report/throttling.h"

#include <stdlib.h>
#include <string.h>

/* Of one level. The folder is its name: the path alone is the same in two mounts. */
struct throttling_counters {
	char *dir;
	uint64_t nr_periods, nr_throttled, throttled_us;
};

static const struct throttling_counters *
find(const struct throttling_memory *memory, const char *dir)
{
	for (size_t i = 0; memory && i < memory->n; i++)
		if (strcmp(memory->levels[i].dir, dir) == 0)
			return &memory->levels[i];
	return NULL;
}

struct throttling
throttling_of(const struct corun_cpu_level *level, const struct throttling_memory *memory)
{
	const struct throttling_counters *was = find(memory, level->dir);
	struct throttling t = {
		.known = level->has_stat,
		.nr_periods = level->nr_periods,
		.nr_throttled = level->nr_throttled,
		.throttled_us = level->throttled_us,
	};

	if (!t.known)
		return (struct throttling){ .known = false };
	/* Less than before: a new cgroup of the same name, whose numbers began anew. */
	if (!was || was->nr_periods > t.nr_periods || was->nr_throttled > t.nr_throttled ||
	    was->throttled_us > t.throttled_us)
		return t;
	t.since_last_look = true;
	t.nr_periods -= was->nr_periods;
	t.nr_throttled -= was->nr_throttled;
	t.throttled_us -= was->throttled_us;
	return t;
}

void
throttling_remember(struct throttling_memory *memory, const struct corun_cpu_view *view)
{
	throttling_forget(memory);
	memory->levels = calloc(view->n_levels ? view->n_levels : 1, sizeof(*memory->levels));
	for (size_t i = 0; memory->levels && i < view->n_levels; i++) {
		const struct corun_cpu_level *level = &view->levels[i];
		struct throttling_counters *counters = &memory->levels[memory->n];

		if (!level->has_stat)
			continue;
		counters->dir = strdup(level->dir);
		if (!counters->dir)
			return;
		counters->nr_periods = level->nr_periods;
		counters->nr_throttled = level->nr_throttled;
		counters->throttled_us = level->throttled_us;
		memory->n++;
	}
}

void
throttling_forget(struct throttling_memory *memory)
{
	for (size_t i = 0; i < memory->n; i++)
		free(memory->levels[i].dir);
	free(memory->levels);
	*memory = (struct throttling_memory){ 0 };
}
