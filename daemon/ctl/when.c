#include "daemon/ctl/when.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool
parse(const char *text, time_t *ret)
{
	struct tm tm = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	if (!rest || (*rest != '.' && *rest != 'Z'))
		return false;
	*ret = timegm(&tm);
	return true;
}

static const char *
as_it_came(const char *text, char ret[static WHEN_SIZE])
{
	snprintf(ret, WHEN_SIZE, "%s", text ? text : "-");
	return ret;
}

const char *
when_text(const char *text, char ret[static WHEN_SIZE])
{
	time_t t;
	struct tm tm;

	if (!parse(text, &t) || !localtime_r(&t, &tm))
		return as_it_came(text, ret);
	strftime(ret, WHEN_SIZE, "%F %T", &tm);
	return ret;
}

const char *
when_short(const char *text, char ret[static WHEN_SIZE])
{
	time_t t, now = time(NULL);
	struct tm tm, today;
	bool same_day;

	if (!parse(text, &t) || !localtime_r(&t, &tm) || !localtime_r(&now, &today))
		return as_it_came(text, ret);
	same_day = tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday;
	if (same_day)
		strftime(ret, WHEN_SIZE, "%T", &tm);
	else
		strftime(ret, WHEN_SIZE, "%F %R", &tm);
	return ret;
}

const char *
when_duration(double seconds, char ret[static WHEN_SIZE])
{
	/* What no clock gives is not converted: that would be undefined. */
	unsigned long long s = seconds > 0 && seconds < 1e15 ? (unsigned long long) seconds : 0;

	if (s < 60)
		snprintf(ret, WHEN_SIZE, "%llus", s);
	else if (s < 60 * 60)
		snprintf(ret, WHEN_SIZE, "%llum%llus", s / 60, s % 60);
	else if (s < 24 * 60 * 60)
		snprintf(ret, WHEN_SIZE, "%lluh%llum", s / 3600, s / 60 % 60);
	else
		snprintf(ret, WHEN_SIZE, "%llud%lluh", s / 86400, s / 3600 % 24);
	return ret;
}

const char *
when_distance(const char *text, char ret[static WHEN_SIZE])
{
	time_t t;
	double seconds;

	ret[0] = '\0';
	if (!parse(text, &t))
		return ret;
	seconds = difftime(time(NULL), t);
	return when_duration(seconds < 0 ? -seconds : seconds, ret);
}
