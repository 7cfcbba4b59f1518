#pragma once

/*
 * CPU report - what was seen, which count it made, and why
 *
 * corunctl makes one from a look of its own, corund from the last one of its governor; both say the
 * same of it.
 */

#include <jansson.h>
#include <stdio.h>

#include <corun/cpu.h>

#include "daemon/report/throttling.h"

struct cpu_report {
	const struct corun_cpu_view *view;
	struct corun_cpu_policy policy; /* .pin: the count that somebody asked for, or 0 */
	bool leaf_only;
	struct corun_cpu_decision decision;
	struct corun_cpu_limit
		limit;          /* that was decided upon: the view's, or none, or an older one */
	const char *pinned_by;  /* who asks for a pin: "CORUN_WORKERS" */
	const char *max_option; /* what sets policy.workers_max: "--max" */
	const char *env_error;  /* CORUN_WORKERS is malformed: its text; else NULL */
	const struct throttling_memory *last; /* of the look before; NULL: there was none */
};

/** cpu_report_json() - as one object; NULL: no memory. corunctl(1) has the fields. */
json_t *cpu_report_json(const struct cpu_report *report);

/** cpu_because() - why this count, as a sentence without a capital and a full stop */
void cpu_because(FILE *out, const struct cpu_report *report);

/** cpu_limit_json() - quota_us, period_us and cpus, or null */
json_t *cpu_limit_json(const struct corun_cpu_limit *limit);

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
