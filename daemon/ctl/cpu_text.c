/* corunctl cpu, for people */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/complaints.h"
#include "daemon/ctl/cpu_show.h"

static void
show_place(const struct corun_cpu_view *view)
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
		if (strcmp(name, hierarchies[i].name) == 0)
			printf("hierarchy    %s\n", hierarchies[i].what);
	}
	if (view->cgroup_path != NULL)
		printf("cgroup       %s\n", view->cgroup_path);
	if (view->mount_point != NULL)
		printf("mount        %s (root %s)\n", view->mount_point, view->mount_root);
}

static void
show_level(const struct corun_cpu_level *level)
{
	char cpus[48];

	printf("  %-32s ", level->path);
	cpu_limit_text(&level->limit, cpus, sizeof(cpus));
	switch (level->state) {
	case CORUN_LEVEL_LIMITED:
		printf("%" PRIu64 " us in %" PRIu64 " us: %s CPUs", level->limit.quota_us,
		       level->limit.period_us, cpus);
		break;
	case CORUN_LEVEL_UNLIMITED:
		printf("no limit");
		break;
	case CORUN_LEVEL_NO_FILE:
		printf("no limit (no quota file)");
		break;
	case CORUN_LEVEL_UNREADABLE:
	case CORUN_LEVEL_MALFORMED:
		printf("%s: %s", cpu_level_state_name(level->state), strerror(-level->error));
		if (level->stale)
			printf("; counts as before: %s CPUs", cpus);
		break;
	}
	printf("%s\n", level->decides ? "   <- decides" : "");
}

static void
show_bounds(const struct shown *shown)
{
	const struct corun_cpu_policy *policy = &shown->options->policy;
	char cpus[48];

	cpu_limit_text(&shown->view->limit, cpus, sizeof(cpus));
	printf("limit        %s%s\n", cpus, shown->view->limit.limited ? " CPUs" : "");
	printf("CPUs         %u (%s)\n", shown->view->cpus,
	       shown->view->cpus_given ? "as given" : "of the affinity mask");
	printf("rounding     %s, at least %u%s", cpu_round_name(policy->round),
	       policy->workers_min != 0 ? policy->workers_min : 2,
	       policy->workers_max != 0 ? "" : "\n");
	if (policy->workers_max != 0)
		printf(", at most %u\n", policy->workers_max);
	if (policy->pin != 0)
		printf("pin          %u (CORUN_WORKERS)\n", policy->pin);
	else
		printf("pin          none\n");
}

static void
show_throttling(const struct throttling *t)
{
	if (!t->known)
		return;
	printf("throttled    %" PRIu64 " of %" PRIu64 " periods, %" PRIu64 ".%03u s %s\n",
	       t->nr_throttled, t->nr_periods, t->throttled_us / 1000000,
	       (unsigned) (t->throttled_us / 1000 % 1000),
	       t->since_last_look ? "since the last look" : "since the cgroup exists");
}

static const char *
because(const struct shown *shown)
{
	switch (shown->decision.reason) {
	case CORUN_BY_CPUS:
		return shown->view->limit.limited ? "the CPUs are fewer than the limit allows"
						  : "there is no limit: one for each CPU";
	case CORUN_BY_QUOTA:
		return "the limit, rounded";
	case CORUN_BY_MIN:
		return "the limit alone would give less than the minimum";
	case CORUN_BY_MAX:
		return "the maximum that was asked for";
	case CORUN_BY_PIN:
		return "asked for by CORUN_WORKERS";
	}
	return "";
}

void
cpu_show_text(const struct shown *shown)
{
	const struct corun_cpu_view *view = shown->view;

	show_place(view);
	if (view->n_levels > 0)
		printf("levels       %zu, the process's own first%s\n", view->n_levels,
		       shown->options->look.leaf_only ? "; only that one counts (--leaf-only)"
						      : "");
	for (size_t i = 0; i < view->n_levels; i++)
		show_level(&view->levels[i]);
	show_bounds(shown);
	show_throttling(&shown->throttling);
	complaints_print(stdout, "note         ", shown->options, view);
	printf("workers      %u (%s)\n", shown->decision.workers, because(shown));
}
