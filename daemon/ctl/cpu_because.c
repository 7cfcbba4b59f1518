/* Why it is this count, as a sentence */

#include "daemon/ctl/cpu_show.h"
#include "daemon/ctl/quoted.h"

static const char *
rounded(enum corun_cpu_round round)
{
	switch (round) {
	case CORUN_ROUND_DOWN:
		return "rounded down";
	case CORUN_ROUND_NEAREST:
		return "rounded to the nearest";
	case CORUN_ROUND_UP:
		break;
	}
	return "rounded up";
}

/* "cgroup /a/b allows 2.3 CPUs" */
static void
quota_allows(FILE *out, const struct corun_cpu_view *view)
{
	const struct corun_cpu_level *level = cpu_deciding_level(view);
	char cpus[CPU_LIMIT_TEXT_SIZE];

	cpu_limit_text(&view->limit, cpus);
	fputs("the quota of cgroup ", out);
	quoted_print(out, level ? level->path : "?");
	fprintf(out, " allows %s CPU%s", cpus,
		view->limit.quota_us == view->limit.period_us ? "" : "s");
}

/* The limit may be below the CPUs: what counts is the whole number that it makes. */
static void
because_of_cpus(FILE *out, const struct corun_cpu_view *view)
{
	const char *plural = view->cpus == 1 ? "" : "s";

	if (view->limit.limited) {
		fprintf(out, "there %s %u CPU%s; ", view->cpus == 1 ? "is" : "are", view->cpus,
			plural);
		quota_allows(out, view);
		fputs(", which gives no fewer", out);
	} else {
		fprintf(out, "there is no limit, so one for each of the %u CPU%s", view->cpus,
			plural);
	}
}

static void
because_of_max(FILE *out, const struct shown *shown)
{
	if (shown->options->policy.workers_max == shown->decision.workers)
		fprintf(out, "--max %u bounds it", shown->decision.workers);
	else
		fprintf(out, "a pool has %u workers at most", CORUN_WORKERS_MAX);
}

void
cpu_because(FILE *out, const struct shown *shown)
{
	const struct corun_cpu_policy *policy = &shown->options->policy;

	switch (shown->decision.reason) {
	case CORUN_BY_CPUS:
		because_of_cpus(out, shown->view);
		break;
	case CORUN_BY_QUOTA:
		quota_allows(out, shown->view);
		if (shown->view->limit.quota_us % shown->view->limit.period_us)
			fprintf(out, ", %s", rounded(policy->round));
		break;
	case CORUN_BY_MIN:
		quota_allows(out, shown->view);
		fprintf(out, ", but a quota alone never gives fewer than %u",
			cpu_policy_min(policy));
		break;
	case CORUN_BY_MAX:
		because_of_max(out, shown);
		break;
	case CORUN_BY_PIN:
		fprintf(out, "CORUN_WORKERS asks for it");
		break;
	}
}
