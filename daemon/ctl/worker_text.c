#include "daemon/ctl/worker_text.h"

#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/escape.h"

const char *
workers_fault(const json_t *workers)
{
	if (!json_is_object(workers))
		return "'workers' is no object";
	if (!field_has_number(workers, "workers"))
		return "the number of workers is missing";
	return NULL;
}

static void
quota_allows(FILE *out, const json_t *workers)
{
	const char *cpus = field_text(json_object_get(workers, "limit"), "cpus");

	fputs("the quota allows ", out);
	escape_line(out, cpus ? cpus : "?");
	if (field_has_number(workers, "cpus"))
		fprintf(out, " of %lld", field_number(workers, "cpus"));
	fputs(" CPUs", out);
}

static void
because_of_cpus(FILE *out, const json_t *workers)
{
	long long cpus = field_number(workers, "cpus");

	if (json_is_object(json_object_get(workers, "limit")))
		fputs("the quota gives no fewer than the CPUs do", out);
	else
		fputs("there is no limit", out);
	if (cpus > 0)
		fprintf(out, ", and %lld CPU%s", cpus, cpus == 1 ? "" : "s");
}

void
workers_because(FILE *out, const json_t *workers)
{
	const char *reason = field_text(workers, "reason");

	if (!reason)
		reason = "?";
	if (strcmp(reason, "cpus") == 0) {
		because_of_cpus(out, workers);
	} else if (strcmp(reason, "quota") == 0) {
		quota_allows(out, workers);
	} else if (strcmp(reason, "min") == 0) {
		quota_allows(out, workers);
		fputs(", but a quota alone never gives fewer workers", out);
	} else if (strcmp(reason, "max") == 0) {
		fputs("no more are allowed", out);
	} else if (strcmp(reason, "pin") == 0) {
		fputs("pinned; 'corunctl workers auto' goes back to the rules", out);
	} else {
		escape_line(out, reason);
	}
}

void
workers_print(FILE *out, const json_t *workers)
{
	long long n = field_number(workers, "workers");

	fprintf(out, "%lld worker%s: ", n, n == 1 ? "" : "s");
	workers_because(out, workers);
}
