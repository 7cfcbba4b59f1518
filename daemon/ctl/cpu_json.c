/* corunctl cpu --json. The fields are documented in corunctl(1); names stay, new ones may come. */

#include <errno.h>
#include <jansson.h>

#include "daemon/ctl/cpu_show.h"

static json_t *
text(const char *s)
{
	/* Paths may hold any bytes; JSON may not. Rather null than no object at all. */
	json_t *value = s != NULL ? json_string(s) : NULL;

	return value != NULL ? value : json_null();
}

static json_t *
limit_json(const struct corun_cpu_limit *limit)
{
	char cpus[48];

	if (!limit->limited)
		return json_null();
	cpu_limit_text(limit, cpus, sizeof(cpus));
	return json_pack("{s:I, s:I, s:s}", "quota_us", (json_int_t) limit->quota_us, "period_us",
			 (json_int_t) limit->period_us, "cpus", cpus);
}

static json_t *
level_json(const struct corun_cpu_level *level)
{
	json_t *object = json_pack("{s:o, s:o, s:s, s:b, s:b, s:o}", "path", text(level->path),
				   "dir", text(level->dir), "state",
				   cpu_level_state_name(level->state), "stale", level->stale,
				   "decides", level->decides, "limit", limit_json(&level->limit));

	if (object != NULL && level->error != 0)
		json_object_set_new(object, "errno", json_integer(-level->error));
	if (object != NULL && level->has_stat) {
		json_object_set_new(object, "nr_periods",
				    json_integer((json_int_t) level->nr_periods));
		json_object_set_new(object, "nr_throttled",
				    json_integer((json_int_t) level->nr_throttled));
		json_object_set_new(object, "throttled_us",
				    json_integer((json_int_t) level->throttled_us));
	}
	return object;
}

static json_t *
levels_json(const struct corun_cpu_view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < view->n_levels; i++)
		json_array_append_new(array, level_json(&view->levels[i]));
	return array;
}

static json_t *
policy_json(const struct corun_cpu_policy *policy)
{
	return json_pack("{s:i, s:o, s:s, s:o}", "min",
			 policy->workers_min != 0 ? (int) policy->workers_min : 2, "max",
			 policy->workers_max != 0 ? json_integer(policy->workers_max) : json_null(),
			 "round", cpu_round_name(policy->round), "pin",
			 policy->pin != 0 ? json_integer(policy->pin) : json_null());
}

static json_t *
throttling_json(const struct throttling *t)
{
	if (!t->known)
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:I}", "since",
			 t->since_last_look ? "last-look" : "creation", "periods",
			 (json_int_t) t->nr_periods, "throttled", (json_int_t) t->nr_throttled,
			 "throttled_us", (json_int_t) t->throttled_us);
}

int
cpu_show_json(const struct shown *shown, bool compact)
{
	const struct corun_cpu_view *view = shown->view;
	json_t *object = json_pack(
		"{s:i, s:s, s:i, s:b, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "workers",
		(int) shown->decision.workers, "reason",
		corun_cpu_reason_name(shown->decision.reason), "cpus", (int) view->cpus,
		"cpus_given", view->cpus_given, "limit", limit_json(&view->limit), "policy",
		policy_json(&shown->options->policy), "hierarchy", cpu_hierarchy_name(view),
		"cgroup", text(view->cgroup_path), "mount_point", text(view->mount_point),
		"mount_root", text(view->mount_root), "fault", text(view->fault), "levels",
		levels_json(view), "throttling", throttling_json(&shown->throttling));
	int r;

	if (object == NULL)
		return -ENOMEM;
	r = json_dumpf(object, stdout, compact ? JSON_COMPACT : JSON_INDENT(2));
	json_decref(object);
	if (r != 0 || putchar('\n') == EOF || fflush(stdout) != 0)
		return -EIO;
	return 0;
}
