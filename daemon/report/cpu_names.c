/* The words for what a view holds */

#include <stdio.h>

#include "daemon/report/cpu_report.h"

const char *
cpu_hierarchy_name(const struct corun_cpu_view *view)
{
	switch (view->hierarchy) {
	case CORUN_CGROUP_V1:
		return view->hybrid ? "hybrid" : "v1";
	case CORUN_CGROUP_V2:
		return "v2";
	case CORUN_CGROUP_NONE:
		break;
	}
	return "none";
}

const char *
cpu_round_name(enum corun_cpu_round round)
{
	switch (round) {
	case CORUN_ROUND_DOWN:
		return "down";
	case CORUN_ROUND_NEAREST:
		return "nearest";
	case CORUN_ROUND_UP:
		break;
	}
	return "up";
}

const char *
cpu_level_state_name(enum corun_cpu_level_state state)
{
	switch (state) {
	case CORUN_LEVEL_LIMITED:
		return "limited";
	case CORUN_LEVEL_UNLIMITED:
		return "unlimited";
	case CORUN_LEVEL_NO_FILE:
		return "no-file";
	case CORUN_LEVEL_UNREADABLE:
		return "unreadable";
	case CORUN_LEVEL_MALFORMED:
		return "malformed";
	}
	return "unknown";
}

unsigned
cpu_policy_min(const struct corun_cpu_policy *policy)
{
	return policy->workers_min ? policy->workers_min : 2;
}

const struct corun_cpu_level *
cpu_deciding_level(const struct corun_cpu_view *view)
{
	for (size_t i = 0; i < view->n_levels; i++)
		if (view->levels[i].decides)
			return &view->levels[i];
	return NULL;
}

/* ---- a limit as a decimal number ------------------------------------------------------------- */

enum { DIGITS_EXACT = 20, DIGITS_ROUGH = 6 };

/* The next decimal of rest / period; no product overflows, as rest < period < 2^64. */
static char
next_digit(uint64_t *rest, uint64_t period)
{
	unsigned __int128 ten = (unsigned __int128) *rest * 10;

	*rest = (uint64_t) (ten % period);
	return (char) ('0' + (int) (ten / period));
}

void
cpu_limit_text(const struct corun_cpu_limit *limit, char ret[static CPU_LIMIT_TEXT_SIZE])
{
	char digits[DIGITS_EXACT + 1];
	uint64_t rest;
	int n = 0;

	if (!limit->limited || limit->period_us == 0) {
		snprintf(ret, CPU_LIMIT_TEXT_SIZE, "none");
		return;
	}
	rest = limit->quota_us % limit->period_us;
	while (rest != 0 && n < DIGITS_EXACT)
		digits[n++] = next_digit(&rest, limit->period_us);
	if (rest != 0)
		n = DIGITS_ROUGH;
	digits[n] = '\0';
	snprintf(ret, CPU_LIMIT_TEXT_SIZE, "%llu%s%s%s",
		 (unsigned long long) (limit->quota_us / limit->period_us), n > 0 ? "." : "",
		 digits, rest != 0 ? "..." : "");
}
