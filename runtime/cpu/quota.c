#include "config.h"

#include "runtime/cpu/quota.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAT_TEXT_SIZE 4096

/* ---- parsers --------------------------------------------------------------------------------- */

/* A whole decimal number of 64 bits with a sign. Return: 0 or -EINVAL. */
static int
parse_int(const char *text, size_t len, int64_t *ret)
{
	bool negative = len > 0 && text[0] == '-';
	size_t i = len > 0 && (text[0] == '-' || text[0] == '+');
	uint64_t most = negative ? (uint64_t) INT64_MAX + 1 : INT64_MAX;
	uint64_t value = 0;

	if (i == len)
		return -EINVAL;
	for (; i < len; i++) {
		unsigned digit = (unsigned char) text[i] - (unsigned) '0';

		if (digit > 9 || value > (most - digit) / 10)
			return -EINVAL;
		value = value * 10 + digit;
	}
	/* The cast of 2^63 would not be portable, its negation would not fit. */
	if (negative)
		*ret = value ? -(int64_t) (value - 1) - 1 : 0;
	else
		*ret = (int64_t) value;
	return 0;
}

int
cpu_quota_parse_number(const char *text, size_t len, int64_t *ret)
{
	const char *end = len ? memchr(text, '\n', len) : NULL;

	if (len >= CPU_QUOTA_TEXT_SIZE || !end)
		return -EINVAL;
	return parse_int(text, (size_t) (end - text), ret);
}

static int
make_limit(int64_t quota, int64_t period, struct corun_cpu_limit *ret)
{
	if (quota < 0 || period <= 0)
		return -EINVAL;
	*ret = (struct corun_cpu_limit){
		.limited = true,
		.quota_us = (uint64_t) quota,
		.period_us = (uint64_t) period,
	};
	return 0;
}

int
cpu_quota_parse_v2(const char *text, size_t len, struct corun_cpu_limit *ret)
{
	const char *space = len ? memchr(text, ' ', len) : NULL;
	const char *second, *end;
	int64_t quota, period;

	if (len >= CPU_QUOTA_TEXT_SIZE || !space)
		return -EINVAL;
	if (space - text == 3 && memcmp(text, "max", 3) == 0) {
		*ret = (struct corun_cpu_limit){ .limited = false };
		return 0;
	}
	second = space + 1;
	end = memchr(second, '\n', len - (size_t) (second - text));
	if (!end || parse_int(text, (size_t) (space - text), &quota) < 0 ||
	    parse_int(second, (size_t) (end - second), &period) < 0)
		return -EINVAL;
	return make_limit(quota, period, ret);
}

int
cpu_quota_parse_stat(const char *text, size_t len, struct cpu_quota_stat *ret)
{
	enum { PERIODS, THROTTLED, TIME_US, TIME_NS, N_KEYS };
	static const char *const keys[N_KEYS] = { "nr_periods ", "nr_throttled ", "throttled_usec ",
						  "throttled_time " };
	int64_t values[N_KEYS] = { -1, -1, -1, -1 };
	const char *end;

	while (len > 0 && (end = memchr(text, '\n', len))) {
		size_t line_len = (size_t) (end - text);

		for (int key = 0; key < N_KEYS; key++) {
			size_t key_len = strlen(keys[key]);

			if (line_len < key_len || memcmp(text, keys[key], key_len) != 0)
				continue;
			if (parse_int(text + key_len, line_len - key_len, &values[key]) < 0 ||
			    values[key] < 0)
				return -EINVAL;
		}
		len -= line_len + 1;
		text = end + 1;
	}
	if (values[PERIODS] < 0 || values[THROTTLED] < 0 ||
	    (values[TIME_US] < 0 && values[TIME_NS] < 0))
		return -ENODATA;
	ret->nr_periods = (uint64_t) values[PERIODS];
	ret->nr_throttled = (uint64_t) values[THROTTLED];
	ret->throttled_us =
		(uint64_t) (values[TIME_US] >= 0 ? values[TIME_US] : values[TIME_NS] / 1000);
	return 0;
}

/* ---- the files of one level ------------------------------------------------------------------ */

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
cpu_quota_init(struct cpu_quota *quota, enum corun_cpu_hierarchy hierarchy, char *path, char *dir)
{
	*quota = (struct cpu_quota){
		.path = path,
		.dir = dir,
		.hierarchy = hierarchy,
		.quota_fd = -1,
		.period_fd = -1,
	};
}

void
cpu_quota_fini(struct cpu_quota *quota)
{
	close_fd(&quota->quota_fd);
	close_fd(&quota->period_fd);
	free(quota->path);
	free(quota->dir);
	quota->path = quota->dir = NULL;
}

static int
open_file(const struct cpu_quota *quota, const struct cpu_source *source, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", quota->dir, name);

	if (n < 0 || (size_t) n >= sizeof(path))
		return -ENAMETOOLONG;
	return cpu_source_open(source, path);
}

/*
 * Fresh content of one file, which is opened first unless it is open.
 *
 * ENODEV: the cgroup, or its CPU controller, is gone. There may be a new one under the same name,
 * so try once more; and then ENODEV means that this one went as well, in between.
 *
 * Return: number of bytes, or a negative errno.
 */
static ssize_t
read_file(struct cpu_quota *quota, const struct cpu_source *source, const char *name, int *fd,
	  char *buf, size_t size, bool *gone)
{
	ssize_t n = -ENODEV;

	for (int attempt = 0; attempt < 2 && n == -ENODEV; attempt++) {
		bool kept = *fd >= 0;

		if (!kept) {
			int opened = open_file(quota, source, name);

			if (opened < 0)
				return opened;
			*fd = opened;
		}
		n = cpu_source_read_again(*fd, buf, size);
		if (n >= 0 && kept && cpu_source_unlinked(*fd))
			n = -ENODEV;
		if (n == -ENODEV)
			*gone = true;
		if (n < 0 || !quota->keep_open)
			close_fd(fd);
	}
	return n;
}

/*
 * The two versions. Each gives the state of the level, and *ret if it is LIMITED or UNLIMITED;
 * else *error, but for NO_FILE.
 */
static enum corun_cpu_level_state
read_v2(struct cpu_quota *quota, const struct cpu_source *source, struct corun_cpu_limit *ret,
	int *error, bool *gone)
{
	char text[CPU_QUOTA_TEXT_SIZE];
	ssize_t n = read_file(quota, source, "cpu.max", &quota->quota_fd, text, sizeof(text), gone);

	if (n == -ENOENT)
		return CORUN_LEVEL_NO_FILE;
	*error = n < 0 ? (int) n : 0;
	if (n < 0)
		return CORUN_LEVEL_UNREADABLE;
	*error = cpu_quota_parse_v2(text, (size_t) n, ret);
	if (*error < 0)
		return CORUN_LEVEL_MALFORMED;
	return ret->limited ? CORUN_LEVEL_LIMITED : CORUN_LEVEL_UNLIMITED;
}

static enum corun_cpu_level_state
read_v1(struct cpu_quota *quota, const struct cpu_source *source, struct corun_cpu_limit *ret,
	int *error, bool *gone)
{
	char text[CPU_QUOTA_TEXT_SIZE];
	int64_t quota_us, period_us;
	ssize_t n;

	n = read_file(quota, source, "cpu.cfs_quota_us", &quota->quota_fd, text, sizeof(text),
		      gone);
	if (n == -ENOENT)
		return CORUN_LEVEL_NO_FILE;
	*error = n < 0 ? (int) n : 0;
	if (n < 0)
		return CORUN_LEVEL_UNREADABLE;
	*error = cpu_quota_parse_number(text, (size_t) n, &quota_us);
	if (*error < 0)
		return CORUN_LEVEL_MALFORMED;
	if (quota_us < 0) {
		*ret = (struct corun_cpu_limit){ .limited = false };
		return CORUN_LEVEL_UNLIMITED;
	}

	/* A quota without a period says nothing, so that a missing file is an error here. */
	n = read_file(quota, source, "cpu.cfs_period_us", &quota->period_fd, text, sizeof(text),
		      gone);
	*error = n < 0 ? (int) n : 0;
	if (n < 0)
		return CORUN_LEVEL_UNREADABLE;
	*error = cpu_quota_parse_number(text, (size_t) n, &period_us);
	if (*error == 0)
		*error = make_limit(quota_us, period_us, ret);
	return *error < 0 ? CORUN_LEVEL_MALFORMED : CORUN_LEVEL_LIMITED;
}

bool
cpu_quota_read(struct cpu_quota *quota, const struct cpu_source *source,
	       struct corun_cpu_level *ret)
{
	struct corun_cpu_limit limit = { .limited = false };
	bool gone = false;

	ret->error = 0;
	ret->stale = false;
	if (quota->hierarchy == CORUN_CGROUP_V1)
		ret->state = read_v1(quota, source, &limit, &ret->error, &gone);
	else
		ret->state = read_v2(quota, source, &limit, &ret->error, &gone);

	switch (ret->state) {
	case CORUN_LEVEL_LIMITED:
	case CORUN_LEVEL_UNLIMITED:
		quota->good = limit;
		quota->has_good = true;
		break;
	case CORUN_LEVEL_NO_FILE:
		/* Also a good answer: there is no limit, and an older one is not to come back. */
		quota->good = (struct corun_cpu_limit){ .limited = false };
		quota->has_good = true;
		break;
	case CORUN_LEVEL_UNREADABLE:
	case CORUN_LEVEL_MALFORMED:
		ret->stale = quota->has_good;
		break;
	}
	ret->limit = quota->good;
	return gone;
}

void
cpu_quota_read_stat(const struct cpu_quota *quota, const struct cpu_source *source,
		    struct corun_cpu_level *ret)
{
	char text[STAT_TEXT_SIZE];
	struct cpu_quota_stat stat;
	int fd = open_file(quota, source, "cpu.stat");
	ssize_t n = -1;

	ret->has_stat = false;
	ret->nr_periods = ret->nr_throttled = ret->throttled_us = 0;
	if (fd >= 0) {
		n = cpu_source_read_again(fd, text, sizeof(text));
		close(fd);
	}
	if (n < 0 || cpu_quota_parse_stat(text, (size_t) n, &stat) < 0)
		return;
	ret->has_stat = true;
	ret->nr_periods = stat.nr_periods;
	ret->nr_throttled = stat.nr_throttled;
	ret->throttled_us = stat.throttled_us;
}
