#pragma once

/*
 * Quota - what the kernel grants to one cgroup
 *
 *        v2: cpu.max              "QUOTA PERIOD" or "max PERIOD"
 *        v1: cpu.cfs_quota_us     "QUOTA", negative for no limit
 *            cpu.cfs_period_us    "PERIOD"
 *
 * Parsers, which take text that may hold anything, and the files of one level, which are kept
 * open from look to look together with the last good value.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <corun/cpu.h>

#include "runtime/cpu/source.h"

/* A quota file of this many bytes or more is none; the longest real one has 40. */
#define CPU_QUOTA_TEXT_SIZE 64

/**
 * cpu_quota_parse_v2() - read cpu.max
 *
 * As Go 1.26: one space, decimal numbers of 63 bits with an optional sign, a newline after the
 * second; "max" followed by a space is no limit, whatever comes then. In addition a negative
 * quota and a period of 0 or less are malformed. What follows the newline is ignored.
 *
 * Return: 0 and *ret; -EINVAL.
 */
int cpu_quota_parse_v2(const char *text, size_t len, struct corun_cpu_limit *ret);

/**
 * cpu_quota_parse_number() - read cpu.cfs_quota_us or cpu.cfs_period_us
 * Return: 0 and *ret; -EINVAL.
 */
int cpu_quota_parse_number(const char *text, size_t len, int64_t *ret);

struct cpu_quota_stat {
	uint64_t nr_periods;
	uint64_t nr_throttled;
	uint64_t throttled_us;
};

/**
 * cpu_quota_parse_stat() - find the throttling in cpu.stat of either version
 *
 * Other lines are passed over, and a last line without its newline is taken for a part of one.
 *
 * Return: 0 and *ret; -ENODATA (not all three are there); -EINVAL (one is not a number).
 */
int cpu_quota_parse_stat(const char *text, size_t len, struct cpu_quota_stat *ret);

/* The files of one level. */
struct cpu_quota {
	char *path; /* both owned; the cgroup's path below its mount */
	char *dir;  /* the folder, absolute, within the source */
	enum corun_cpu_hierarchy hierarchy;
	bool keep_open;
	int quota_fd; /* cpu.max or cpu.cfs_quota_us; -1: open before the next read */
	int period_fd;
	bool has_good;               /* there was a good look */
	struct corun_cpu_limit good; /* the value of the last one; unlimited before the first */
};

/** cpu_quota_init() - takes over @path and @dir, opens nothing; cpu_quota_fini() frees */
void cpu_quota_init(struct cpu_quota *quota, enum corun_cpu_hierarchy hierarchy, char *path,
		    char *dir);
void cpu_quota_fini(struct cpu_quota *quota);

/**
 * cpu_quota_read() - look at one level
 * @ret: state, error, limit and stale are set; the rest is left alone
 *
 * A descriptor whose cgroup is gone is closed and the file opened anew, once.
 *
 * Return: true if a descriptor had to be given up so: the process may be elsewhere by now.
 */
bool cpu_quota_read(struct cpu_quota *quota, const struct cpu_source *source,
		    struct corun_cpu_level *ret);

/**
 * cpu_quota_read_stat() - read cpu.stat of one level
 * @ret: has_stat and the three counters are set; the rest is left alone
 */
void cpu_quota_read_stat(const struct cpu_quota *quota, const struct cpu_source *source,
			 struct corun_cpu_level *ret);
