/*
 * Taskgroup, v2: a leaf for ourselves, the controller for those beside it
 *
 *	BASE                  the cgroup that we were started in; its limit is ours
 *	  supervisor          we, and whoever was in BASE
 *	  task-NAME ...       the tasks
 *
 * A cgroup that gives a controller on to those below it may hold no processes (the root may). So
 * everybody in BASE moves before the controller is enabled: we, and what came with us, such as the
 * shell of a container's entrypoint; BASE was handed over to us as a whole. After a restart, or with
 * systemd's DelegateSubgroup=supervisor, we are in the leaf already.
 *
 * At the end all of it is undone: systemd starts the next run in BASE, and could not while BASE gives
 * a controller on.
 */

#include "daemon/process/taskgroup_files.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAF "supervisor"

enum { ROUNDS_MAX = 100 }; /* of moving: who forks meanwhile leaves a child behind */

/* Is @word one of those, with spaces between them, in the value? */
static int
has_word(const char *dir, const char *name, const char *word)
{
	char text[1024], *rest = text;
	const char *each;
	int r = taskgroup_value_read(dir, name, text, sizeof(text));

	if (r < 0)
		return r;
	while ((each = strsep(&rest, " ")) != NULL)
		if (strcmp(each, word) == 0)
			return 1;
	return 0;
}

static bool
is_there(const char *dir, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

/* The directory below which tasks go: @dir, or the one above if @dir is our leaf. */
static char *
base_of(const char *dir)
{
	const char *slash = strrchr(dir, '/');
	char *above;

	if (slash == NULL || slash == dir || strcmp(slash + 1, LEAF) != 0)
		return strdup(dir);
	above = strndup(dir, (size_t) (slash - dir));
	if (above == NULL || is_there(above, "cgroup.controllers"))
		return above;
	free(above); /* above the mount: it only happens to be called so */
	return strdup(dir);
}

/* Move all processes of one cgroup into another. Return: how many were there. */
static int
move_all(const char *from, const char *to)
{
	char path[PATH_MAX], line[32];
	FILE *procs;
	int n = 0, r;

	snprintf(path, sizeof(path), "%s/cgroup.procs", from);
	procs = fopen(path, "re");
	if (procs == NULL)
		return -errno;
	while (fgets(line, sizeof(line), procs) != NULL) {
		n++;
		r = taskgroup_value_write(to, "cgroup.procs", line);
		if (r < 0 && r != -ESRCH) { /* it may have ended */
			n = r;
			break;
		}
	}
	fclose(procs);
	return n;
}

static int
make_way(const char *base, struct taskgroup_fault *fault)
{
	char leaf[PATH_MAX];
	int r;

	if (snprintf(leaf, sizeof(leaf), "%s/" LEAF, base) >= (int) sizeof(leaf))
		return taskgroup_fault_set(fault, -ENAMETOOLONG, "make", base, LEAF);
	r = taskgroup_dir_make(leaf);
	if (r < 0)
		return taskgroup_fault_set(fault, r, "make", leaf, NULL);
	for (int round = 0; round < ROUNDS_MAX; round++) {
		r = move_all(base, leaf);
		if (r < 0)
			return taskgroup_fault_set(fault, r, "move processes into", leaf, NULL);
		if (r == 0)
			return 0;
	}
	return taskgroup_fault_set(fault, -EBUSY, "move all processes out of", base, NULL);
}

static int
enable(const char *base, struct taskgroup_fault *fault)
{
	int r = has_word(base, "cgroup.subtree_control", "cpu");

	if (r < 0)
		return taskgroup_fault_set(fault, r, "read", base, "cgroup.subtree_control");
	if (r > 0)
		return 0;
	r = has_word(base, "cgroup.controllers", "cpu");
	if (r < 0)
		return taskgroup_fault_set(fault, r, "read", base, "cgroup.controllers");
	if (r == 0)
		return taskgroup_fault_set(fault, -ENODEV, "find cpu in", base,
					   "cgroup.controllers");
	/* Only the root of all has no type. */
	r = is_there(base, "cgroup.type") ? make_way(base, fault) : 0;
	if (r < 0)
		return r;
	r = taskgroup_value_write(base, "cgroup.subtree_control", "+cpu");
	return r < 0 ? taskgroup_fault_set(fault, r, "write +cpu to", base,
					   "cgroup.subtree_control")
		     : 0;
}

int
taskgroup_v2_prepare(const char *dir, char **ret_base, struct taskgroup_fault *fault)
{
	char *base = base_of(dir);
	int r;

	if (base == NULL)
		return taskgroup_fault_set(fault, -ENOMEM, "use", dir, NULL);
	r = enable(base, fault);
	if (r < 0)
		free(base);
	else
		*ret_base = base;
	return r;
}

int
taskgroup_v2_leave(const char *base)
{
	char leaf[PATH_MAX];
	int r;

	if (snprintf(leaf, sizeof(leaf), "%s/" LEAF, base) >= (int) sizeof(leaf))
		return -ENAMETOOLONG;
	r = taskgroup_value_write(base, "cgroup.subtree_control", "-cpu");
	if (r < 0 || !is_there(base, LEAF))
		return r;
	r = move_all(leaf, base);
	return r < 0 ? r : taskgroup_dir_remove(leaf);
}

int
taskgroup_v2_set_quota(const char *dir, const struct corun_cpu_limit *quota,
		       struct taskgroup_fault *fault)
{
	char text[48];
	int r;

	if (quota->limited)
		snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64, quota->quota_us,
			 quota->period_us);
	else
		snprintf(text, sizeof(text), "max");
	r = taskgroup_value_write(dir, "cpu.max", text);
	return r < 0 ? taskgroup_fault_set(fault, r, "write", dir, "cpu.max") : 0;
}
