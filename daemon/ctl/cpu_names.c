#include <stdio.h>

#include "daemon/ctl/cpu_show.h"

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

void
cpu_limit_text(const struct corun_cpu_limit *limit, char *ret, size_t size)
{
	char digits[8] = "";
	uint64_t rest, period = limit->period_us;
	int n = 0;

	if (!limit->limited) {
		snprintf(ret, size, "none");
		return;
	}
	rest = limit->quota_us % period;
	/* Long division, a decimal at a time: exact as far as it goes. */
	while (rest != 0 && n < 6) {
		unsigned __int128 ten = (unsigned __int128) rest * 10;

		digits[n++] = (char) ('0' + (int) (ten / period));
		rest = (uint64_t) (ten % period);
	}
	digits[n] = '\0';
	snprintf(ret, size, "%llu%s%s%s", (unsigned long long) (limit->quota_us / period),
		 n > 0 ? "." : "", digits, rest != 0 ? "..." : "");
}
