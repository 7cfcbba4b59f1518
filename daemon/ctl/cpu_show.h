#pragma once

/* The two ways in which `corunctl cpu` shows a view */

#include <corun/cpu.h>

#include "daemon/ctl/look_options.h"

/* Throttling of the deciding, or else the first level with a cpu.stat, since an earlier look. */
struct throttling {
	bool known;
	bool since_last_look; /* else since the cgroup exists */
	uint64_t nr_periods, nr_throttled, throttled_us;
};

struct shown {
	const struct look_options *options;
	const struct corun_cpu_view *view;
	struct corun_cpu_decision decision;
	struct throttling throttling;
};

/** cpu_show_text() - to stdout, line by line */
void cpu_show_text(const struct shown *shown);

/** cpu_show_json() - one object to stdout; @compact: on one line. Return: 0, -ENOMEM, -EIO. */
int cpu_show_json(const struct shown *shown, bool compact);

const char *
cpu_hierarchy_name(const struct corun_cpu_view *view); /* "v1", "v2", "hybrid", "none" */
const char *cpu_round_name(enum corun_cpu_round round);
const char *cpu_level_state_name(enum corun_cpu_level_state state);

/** cpu_limit_text() - "2.3", exactly, up to six digits ("2.333333..." beyond); "none" */
void cpu_limit_text(const struct corun_cpu_limit *limit, char *ret, size_t size);
