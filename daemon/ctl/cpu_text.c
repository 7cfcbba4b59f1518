/* corunctl cpu, for people */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/report/complaints.h"
#include "daemon/ctl/cpu_show.h"
#include "daemon/report/quoted.h"

/* A label in the left column. */
static void
label(FILE *out, const char *text)
{
	fprintf(out, "%-12s ", text);
}

static void
show_place(FILE *out, const struct corun_cpu_view *view)
{
	static const struct {
		const char *name, *what;
	} hierarchies[] = {
		{ "v1", "cgroup v1" },
		{ "v2", "cgroup v2" },
		{ "hybrid", "cgroup v1 for the CPU, beside v2 (hybrid)" },
		{ "none", "none with a CPU controller in sight" },
	};
	const char *name = cpu_hierarchy_name(view);

	for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
		if (strcmp(name, hierarchies[i].name) != 0)
			continue;
		label(out, "hierarchy");
		fprintf(out, "%s\n", hierarchies[i].what);
	}
	if (view->cgroup_path) {
		label(out, "cgroup");
		quoted_print(out, view->cgroup_path);
		putc('\n', out);
	}
	if (view->mount_point) {
		label(out, "mount");
		quoted_print(out, view->mount_point);
		fputs(" (root ", out);
		quoted_print(out, view->mount_root);
		fputs(")\n", out);
	}
}

static void
show_limit(FILE *out, const struct corun_cpu_limit *limit)
{
	char cpus[CPU_LIMIT_TEXT_SIZE];

	if (!limit->limited) {
		fputs("no limit", out);
		return;
	}
	cpu_limit_text(limit, cpus);
	fprintf(out, "%" PRIu64 " us in %" PRIu64 " us: %s CPU%s", limit->quota_us,
		limit->period_us, cpus, limit->quota_us == limit->period_us ? "" : "s");
}

static void
show_level(FILE *out, const struct corun_cpu_level *level)
{
	fputs("  ", out);
	quoted_print(out, level->path);
	fprintf(out, "%*s", strlen(level->path) < 32 ? 33 - (int) strlen(level->path) : 1, "");
	switch (level->state) {
	case CORUN_LEVEL_LIMITED:
	case CORUN_LEVEL_UNLIMITED:
		show_limit(out, &level->limit);
		break;
	case CORUN_LEVEL_NO_FILE:
		fputs("no limit (no quota file)", out);
		break;
	case CORUN_LEVEL_UNREADABLE:
	case CORUN_LEVEL_MALFORMED:
		fputs(cpu_level_state_name(level->state), out);
		if (level->state == CORUN_LEVEL_UNREADABLE)
			fprintf(out, " (%s)", strerror(-level->error));
		if (level->stale) {
			fputs("; counts as before: ", out);
			show_limit(out, &level->limit);
		}
		break;
	}
	fprintf(out, "%s\n", level->decides ? "   <- decides" : "");
}

static void
show_levels(FILE *out, const struct shown *shown)
{
	const struct corun_cpu_view *view = shown->report.view;

	if (view->n_levels == 0)
		return;
	label(out, "levels");
	fprintf(out, "%zu, the process's own first%s\n", view->n_levels,
		shown->options->look.leaf_only ? "; only that one counts (--leaf-only)" : "");
	for (size_t i = 0; i < view->n_levels; i++)
		show_level(out, &view->levels[i]);
}

static void
show_pin(FILE *out, const struct look_options *options)
{
	label(out, "pin");
	if (options->policy.pin)
		fprintf(out, "%u (CORUN_WORKERS)\n", options->policy.pin);
	else if (options->env_ignored)
		fputs("none (CORUN_WORKERS does not count with --root)\n", out);
	else
		fputs("none\n", out);
}

static void
show_bounds(FILE *out, const struct shown *shown)
{
	const struct corun_cpu_policy *policy = &shown->options->policy;
	char cpus[CPU_LIMIT_TEXT_SIZE];

	cpu_limit_text(&shown->report.view->limit, cpus);
	label(out, "limit");
	fprintf(out, "%s%s\n", cpus, shown->report.view->limit.limited ? " CPUs" : "");
	label(out, "CPUs");
	fprintf(out, "%u (%s)\n", shown->report.view->cpus,
		shown->report.view->cpus_given ? "as given" : "of the affinity mask");
	label(out, "rounding");
	fprintf(out, "%s, at least %u", cpu_round_name(policy->round), cpu_policy_min(policy));
	if (policy->workers_max)
		fprintf(out, ", at most %u", policy->workers_max);
	putc('\n', out);
	show_pin(out, shown->options);
}

/* A level of no quota has nothing to tell, unless it was throttled once. */
static void
show_throttling(FILE *out, const struct shown *shown)
{
	for (size_t i = 0; i < shown->report.view->n_levels; i++) {
		const struct corun_cpu_level *level = &shown->report.view->levels[i];
		struct throttling t = throttling_of(level, shown->report.last);

		if (!t.known || (!level->limit.limited && level->nr_throttled == 0))
			continue;
		label(out, "throttled");
		fprintf(out, "%" PRIu64 " of %" PRIu64 " periods, %" PRIu64 ".%03u s, %s: ",
			t.nr_throttled, t.nr_periods, t.throttled_us / 1000000,
			(unsigned) (t.throttled_us / 1000 % 1000),
			t.since_last_look ? "since the last look" : "since the cgroup exists");
		quoted_print(out, level->path);
		putc('\n', out);
	}
}

void
cpu_show_text(FILE *out, const struct shown *shown)
{
	show_place(out, shown->report.view);
	show_levels(out, shown);
	show_bounds(out, shown);
	show_throttling(out, shown);
	complaints_print(out, "note         ", shown->report.env_error, shown->report.view);
	label(out, "workers");
	fprintf(out, "%u: ", shown->report.decision.workers);
	cpu_because(out, &shown->report);
	putc('\n', out);
}
