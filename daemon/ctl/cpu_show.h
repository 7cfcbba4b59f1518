#pragma once

/* The two ways in which `corunctl cpu` shows a view, and the words that both use */

#include <stdio.h>

#include <corun/cpu.h>

#include "daemon/ctl/look_options.h"
#include "daemon/ctl/throttling.h"

struct shown {
	const struct look_options *options;
	const struct corun_cpu_view *view;
	struct corun_cpu_decision decision;
	const struct throttling_memory *last; /* of the look before; NULL: there was none */
};

/** cpu_show_text() - line by line */
void cpu_show_text(FILE *out, const struct shown *shown);

/** cpu_show_json() - one object; @compact: on one line. Return: 0, -ENOMEM, -EIO. */
int cpu_show_json(FILE *out, const struct shown *shown, bool compact);

/** cpu_because() - why this count, as a sentence without a capital and a full stop */
void cpu_because(FILE *out, const struct shown *shown);

/** cpu_deciding_level() - the level whose limit is the tightest; NULL if there is no limit */
const struct corun_cpu_level *cpu_deciding_level(const struct corun_cpu_view *view);

/* "v1", "v2", "none" */
const char *cpu_hierarchy_name(const struct corun_cpu_view *view);
const char *cpu_round_name(enum corun_cpu_round round);
const char *cpu_level_state_name(enum corun_cpu_level_state state);
unsigned cpu_policy_min(const struct corun_cpu_policy *policy);

/* Enough for any limit: 20 digits before the point, as many after it, and the dots. */
#define CPU_LIMIT_TEXT_SIZE 48

/**
 * cpu_limit_text() - "2.3": exact if it has an end, however many digits that takes (up to 20);
 * else six digits and three dots, "2.333333..."; "none"
 */
void cpu_limit_text(const struct corun_cpu_limit *limit, char ret[static CPU_LIMIT_TEXT_SIZE]);
