/*
 * Taskgroup, v1: cpu.cfs_period_us and cpu.cfs_quota_us, two files
 *
 * The kernel holds their ratio against that of the cgroup above at each write. When the period
 * changes, the old quota over the new period might be too much: the quota is lifted before.
 */

#include "daemon/process/taskgroup_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int
write_number(const char *dir, const char *name, int64_t number, struct taskgroup_fault *fault)
{
	char text[24];
	int r;

	snprintf(text, sizeof(text), "%" PRId64, number);
	r = taskgroup_value_write(dir, name, text);
	if (r == -EINVAL) {
		snprintf(fault->text, sizeof(fault->text),
			 "cannot set %.200s/%s to %s: a cgroup above it allows less", dir, name,
			 text);
		return r;
	}
	return r < 0 ? taskgroup_fault_set(fault, r, "write", dir, name) : 0;
}

int
taskgroup_v1_set_quota(const char *dir, const struct corun_cpu_limit *quota,
		       struct taskgroup_fault *fault)
{
	char text[24];
	int r;

	if (!quota->limited)
		return write_number(dir, "cpu.cfs_quota_us", -1, fault);
	r = taskgroup_value_read(dir, "cpu.cfs_period_us", text, sizeof(text));
	if (r < 0)
		return taskgroup_fault_set(fault, r, "read", dir, "cpu.cfs_period_us");
	if (strtoull(text, NULL, 10) != quota->period_us) {
		r = write_number(dir, "cpu.cfs_quota_us", -1, fault);
		if (r == 0)
			r = write_number(dir, "cpu.cfs_period_us", (int64_t) quota->period_us,
					 fault);
	}
	return r < 0 ? r : write_number(dir, "cpu.cfs_quota_us", (int64_t) quota->quota_us, fault);
}
