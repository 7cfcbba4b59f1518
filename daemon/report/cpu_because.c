/* Why it is this count, as a sentence */

#include "daemon/report/cpu_report.h"
#include "daemon/report/quoted.h"

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
quota_allows(FILE *out, const struct cpu_report *report)
{
	const struct corun_cpu_level *level = cpu_deciding_level(report->view);
	char cpus[CPU_LIMIT_TEXT_SIZE];

	cpu_limit_text(&report->limit, cpus);
	fputs("the quota of cgroup ", out);
	quoted_print(out, level ? level->path : "?");
	fprintf(out, " allows %s CPU%s", cpus,
		report->limit.quota_us == report->limit.period_us ? "" : "s");
}

/* The limit may be below the CPUs: what counts is the whole number that it makes. */
static void
because_of_cpus(FILE *out, const struct cpu_report *report)
{
	const struct corun_cpu_view *view = report->view;
	const char *plural = view->cpus == 1 ? "" : "s";

	if (report->limit.limited) {
		fprintf(out, "there %s %u CPU%s; ", view->cpus == 1 ? "is" : "are", view->cpus,
			plural);
		quota_allows(out, report);
		fputs(", which gives no fewer", out);
	} else if (view->limit.limited) {
		fprintf(out, "one for each of the %u CPU%s, whatever the quota is", view->cpus,
			plural);
	} else {
		fprintf(out, "there is no limit, so one for each of the %u CPU%s", view->cpus,
			plural);
	}
}

static void
because_of_max(FILE *out, const struct cpu_report *report)
{
	if (report->policy.workers_max == report->decision.workers)
		fprintf(out, "%s%u bounds it", report->max_option, report->decision.workers);
	else
		fprintf(out, "a pool has %u workers at most", CORUN_WORKERS_MAX);
}

void
cpu_because(FILE *out, const struct cpu_report *report)
{
	const struct corun_cpu_policy *policy = &report->policy;

	switch (report->decision.reason) {
	case CORUN_BY_CPUS:
		because_of_cpus(out, report);
		break;
	case CORUN_BY_QUOTA:
		quota_allows(out, report);
		if (report->limit.quota_us % report->limit.period_us)
			fprintf(out, ", %s", rounded(policy->round));
		break;
	case CORUN_BY_MIN:
		quota_allows(out, report);
		fprintf(out, ", but a quota alone never gives fewer than %u",
			cpu_policy_min(policy));
		break;
	case CORUN_BY_MAX:
		because_of_max(out, report);
		break;
	case CORUN_BY_PIN:
		fprintf(out, "%s asks for it", report->pinned_by);
		break;
	}
}
