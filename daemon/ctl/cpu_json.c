/* corunctl cpu --json. The fields are documented in corunctl(1); names stay, new ones may come. */

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/ctl/complaints.h"
#include "daemon/ctl/cpu_show.h"

/* ---- strings --------------------------------------------------------------------------------- */

/* The character that stands for a byte that is none. */
#define REPLACEMENT "\xef\xbf\xbd"

/* How many bytes the UTF-8 character at @s has; 0: it is none. jansson is the judge. */
static size_t
character_len(const char *s, size_t left)
{
	for (size_t len = 1; len <= 4 && len <= left; len++) {
		json_t *character = json_stringn(s, len);

		if (character) {
			json_decref(character);
			return len;
		}
	}
	return 0;
}

/* JSON is UTF-8, but paths may hold any bytes; what is no character is replaced. */
static json_t *
replaced(const char *s)
{
	size_t left = strlen(s), n = 0;
	char *valid = malloc(left * strlen(REPLACEMENT) + 1);
	json_t *value;

	if (!valid)
		return NULL;
	while (left > 0) {
		size_t len = character_len(s, left);

		memcpy(valid + n, len ? s : REPLACEMENT, len ? len : strlen(REPLACEMENT));
		n += len ? len : strlen(REPLACEMENT);
		s += len ? len : 1;
		left -= len ? len : 1;
	}
	value = json_stringn(valid, n);
	free(valid);
	return value;
}

static json_t *
text(const char *s)
{
	json_t *value;

	if (!s)
		return json_null();
	value = json_string(s);
	return value ? value : replaced(s);
}

/* What @print writes, as one string. */
static json_t *
printed(void (*print)(FILE *out, const struct shown *shown), const struct shown *shown)
{
	json_t *value;
	char *buf = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&buf, &size);

	if (!out)
		return NULL;
	print(out, shown);
	value = fclose(out) == 0 ? text(buf) : NULL;
	free(buf);
	return value;
}

static json_t *
now(void)
{
	struct timespec ts;
	struct tm tm;
	char date[24] = "", whole[40];

	clock_gettime(CLOCK_REALTIME, &ts);
	if (gmtime_r(&ts.tv_sec, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(whole, sizeof(whole), "%s.%03ldZ", date, ts.tv_nsec / 1000000);
	return json_string(whole);
}

/* ---- the parts ------------------------------------------------------------------------------- */

/* A counter beyond what JSON libraries can hold stays at their greatest number. */
static json_int_t
number(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (json_int_t) n;
}

static json_t *
limit_json(const struct corun_cpu_limit *limit)
{
	char cpus[CPU_LIMIT_TEXT_SIZE];

	if (!limit->limited)
		return json_null();
	cpu_limit_text(limit, cpus);
	return json_pack("{s:I, s:I, s:s}", "quota_us", number(limit->quota_us), "period_us",
			 number(limit->period_us), "cpus", cpus);
}

static json_t *
throttling_json(struct throttling t)
{
	if (!t.known)
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:I}", "since",
			 t.since_last_look ? "last-look" : "creation", "periods",
			 number(t.nr_periods), "throttled", number(t.nr_throttled), "throttled_us",
			 number(t.throttled_us));
}

static json_t *
level_json(const struct corun_cpu_level *level, const struct throttling_memory *last)
{
	json_t *object = json_pack("{s:o, s:o, s:s, s:b, s:b, s:o}", "path", text(level->path),
				   "dir", text(level->dir), "state",
				   cpu_level_state_name(level->state), "stale", level->stale,
				   "decides", level->decides, "limit", limit_json(&level->limit));

	if (level->error != 0)
		json_object_set_new(object, "errno", json_integer(-level->error));
	if (level->has_stat) {
		json_object_set_new(object, "nr_periods", json_integer(number(level->nr_periods)));
		json_object_set_new(object, "nr_throttled",
				    json_integer(number(level->nr_throttled)));
		json_object_set_new(object, "throttled_us",
				    json_integer(number(level->throttled_us)));
		json_object_set_new(object, "throttling",
				    throttling_json(throttling_of(level, last)));
	}
	return object;
}

static json_t *
levels_json(const struct shown *shown)
{
	json_t *array = json_array();

	for (size_t i = 0; i < shown->view->n_levels; i++)
		json_array_append_new(array, level_json(&shown->view->levels[i], shown->last));
	return array;
}

static json_t *
policy_json(const struct look_options *options)
{
	const struct corun_cpu_policy *policy = &options->policy;

	return json_pack("{s:i, s:o, s:s, s:o, s:b}", "min", (int) cpu_policy_min(policy), "max",
			 policy->workers_max ? json_integer(policy->workers_max) : json_null(),
			 "round", cpu_round_name(policy->round), "pin",
			 policy->pin ? json_integer(policy->pin) : json_null(), "leaf_only",
			 options->look.leaf_only);
}

static void
print_complaints(FILE *out, const struct shown *shown)
{
	complaints_print(out, "", shown->options, shown->view);
}

/* A string each; none of them has a newline but at its end. */
static json_t *
notes_json(const struct shown *shown)
{
	json_t *lines = printed(print_complaints, shown);
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

int
cpu_show_json(FILE *out, const struct shown *shown, bool compact)
{
	const struct corun_cpu_view *view = shown->view;
	const struct corun_cpu_level *level = cpu_deciding_level(view);
	struct throttling none = { .known = false };
	json_t *object = json_pack(
		"{s:o, s:i, s:s, s:o, s:i, s:b, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"time", now(), "workers", (int) shown->decision.workers, "reason",
		corun_cpu_reason_name(shown->decision.reason), "because",
		printed(cpu_because, shown), "cpus", (int) view->cpus, "cpus_given",
		view->cpus_given, "limit", limit_json(&view->limit), "policy",
		policy_json(shown->options), "hierarchy", cpu_hierarchy_name(view), "cgroup",
		text(view->cgroup_path), "mount_point", text(view->mount_point), "mount_root",
		text(view->mount_root), "fault", text(view->fault), "levels", levels_json(shown),
		"throttling", throttling_json(level ? throttling_of(level, shown->last) : none),
		"notes", notes_json(shown));
	int r;

	if (!object)
		return -ENOMEM;
	r = json_dumpf(object, out, compact ? JSON_COMPACT : JSON_INDENT(2));
	json_decref(object);
	if (r != 0 || putc('\n', out) == EOF)
		return -EIO;
	return 0;
}
