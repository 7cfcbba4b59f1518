/* corunctl cpu --json, GET /v1/cpu. corunctl(1) has the fields; names stay, new ones may come. */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/report/complaints.h"
#include "daemon/report/cpu_report.h"
#include "daemon/report/text_json.h"

/* What @print writes, as one string. */
static json_t *
printed(void (*print)(FILE *out, const struct cpu_report *report), const struct cpu_report *report)
{
	json_t *value;
	char *buf = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&buf, &size);

	if (!out)
		return NULL;
	print(out, report);
	value = fclose(out) == 0 ? text_json(buf) : NULL;
	free(buf);
	return value;
}

/* ---- the parts ------------------------------------------------------------------------------- */

json_t *
cpu_limit_json(const struct corun_cpu_limit *limit)
{
	char cpus[CPU_LIMIT_TEXT_SIZE];

	if (!limit->limited)
		return json_null();
	cpu_limit_text(limit, cpus);
	return json_pack("{s:I, s:I, s:s}", "quota_us", number_json(limit->quota_us), "period_us",
			 number_json(limit->period_us), "cpus", cpus);
}

static json_t *
throttling_json(struct throttling t)
{
	if (!t.known)
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:I}", "since",
			 t.since_last_look ? "last-look" : "creation", "periods",
			 number_json(t.nr_periods), "throttled", number_json(t.nr_throttled),
			 "throttled_us", number_json(t.throttled_us));
}

static json_t *
level_json(const struct corun_cpu_level *level, const struct throttling_memory *last)
{
	json_t *object = json_pack(
		"{s:o, s:o, s:s, s:b, s:b, s:o}", "path", text_json(level->path), "dir",
		text_json(level->dir), "state", cpu_level_state_name(level->state), "stale",
		level->stale, "decides", level->decides, "limit", cpu_limit_json(&level->limit));

	if (level->error != 0)
		json_object_set_new(object, "errno", json_integer(-level->error));
	if (level->has_stat) {
		json_object_set_new(object, "nr_periods",
				    json_integer(number_json(level->nr_periods)));
		json_object_set_new(object, "nr_throttled",
				    json_integer(number_json(level->nr_throttled)));
		json_object_set_new(object, "throttled_us",
				    json_integer(number_json(level->throttled_us)));
		json_object_set_new(object, "throttling",
				    throttling_json(throttling_of(level, last)));
	}
	return object;
}

static json_t *
levels_json(const struct cpu_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->view->n_levels; i++)
		json_array_append_new(array, level_json(&report->view->levels[i], report->last));
	return array;
}

static json_t *
policy_json(const struct cpu_report *report)
{
	const struct corun_cpu_policy *policy = &report->policy;

	return json_pack("{s:i, s:o, s:s, s:o, s:b}", "min", (int) cpu_policy_min(policy), "max",
			 policy->workers_max ? json_integer(policy->workers_max) : json_null(),
			 "round", cpu_round_name(policy->round), "pin",
			 policy->pin ? json_integer(policy->pin) : json_null(), "leaf_only",
			 report->leaf_only);
}

static void
print_complaints(FILE *out, const struct cpu_report *report)
{
	complaints_print(out, "", report->env_error, report->view);
}

/* A string each; none of them has a newline but at its end. */
static json_t *
notes_json(const struct cpu_report *report)
{
	json_t *lines = printed(print_complaints, report);
	json_t *array = json_array();
	const char *line = lines ? json_string_value(lines) : "";

	while (*line) {
		size_t len = strcspn(line, "\n");

		json_array_append_new(array, json_stringn(line, len));
		line += len + 1;
	}
	json_decref(lines);
	return array;
}

json_t *
cpu_report_json(const struct cpu_report *report)
{
	const struct corun_cpu_view *view = report->view;
	const struct corun_cpu_level *level = cpu_deciding_level(view);
	struct throttling none = { .known = false };

	return json_pack(
		"{s:o, s:i, s:s, s:o, s:i, s:b, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"time", now_json(), "workers", (int) report->decision.workers, "reason",
		corun_cpu_reason_name(report->decision.reason), "because",
		printed(cpu_because, report), "cpus", (int) view->cpus, "cpus_given",
		view->cpus_given, "limit", cpu_limit_json(&view->limit), "policy",
		policy_json(report), "hierarchy", cpu_hierarchy_name(view), "cgroup",
		text_json(view->cgroup_path), "mount_point", text_json(view->mount_point),
		"mount_root", text_json(view->mount_root), "fault", text_json(view->fault),
		"levels", levels_json(report), "throttling",
		throttling_json(level ? throttling_of(level, report->last) : none), "notes",
		notes_json(report));
}
