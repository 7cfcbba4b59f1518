#pragma once

/*
 * Taskgroup - the cgroup of a task: CPUQuota=, and whom to kill at its end
 *
 * cgroup v1 (the cpu controller) and v2. Through libcgroup where it is built in and can, else
 * directly; the result is the same. All of it runs in one plain thread of its own, since
 * libcgroup keeps its errors per thread and a write may hang; callers wait for it.
 *
 * v2: the daemon moves itself into a leaf ("supervisor") below its own cgroup first, since inner
 * nodes may hold no processes. That is done once, at the first task that needs a cgroup; its own
 * limit is then on the parent, where the governor sees it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <corun/cpu.h>

struct taskgroup;

/* Why there is none, for people. */
struct taskgroup_fault {
	char text[512];
};

/**
 * taskgroup_make() - make, or find from an earlier run, the cgroup of a task
 * @task:  its name
 * @quota: what it may use; not limited: none is set
 *
 * Context: coroutine (parks) or plain thread.
 * Return:  0; a negative errno and a sentence in @fault: no delegation, read-only, no controller.
 */
int taskgroup_make(const char *task, const struct corun_cpu_limit *quota, struct taskgroup **ret,
		   struct taskgroup_fault *fault);

/**
 * taskgroup_set_quota() - the same with another quota, at run time; each of these as the one above
 *
 * The kernel takes periods of 1 ms to 1 s and quotas of 1 ms and more: a share that needs others
 * gets a longer period, and the least there is, is 1 ms in each second.
 */
int taskgroup_set_quota(struct taskgroup *group, const struct corun_cpu_limit *quota,
			struct taskgroup_fault *fault);

/** taskgroup_path() - its directory, for people. The taskgroup's. */
const char *taskgroup_path(const struct taskgroup *group);

/** taskgroup_dir_fd() - for spawn_plan.cgroup_fd: the v2 directory; -1 with v1 */
int taskgroup_dir_fd(const struct taskgroup *group);

/** taskgroup_procs_fd() - for spawn_plan.cgroup_procs_fd: cgroup.procs, open for writing */
int taskgroup_procs_fd(const struct taskgroup *group);

/**
 * taskgroup_kill() - SIGKILL to all in it: cgroup.kill, else every member until none is left
 *
 * With cgroup.kill they may take a moment to be gone: ask taskgroup_empty().
 *
 * Context: coroutine (parks) or plain thread, as all below.
 * Return:  0; -EBUSY: some are still there after two seconds; or another negative errno.
 */
int taskgroup_kill(struct taskgroup *group);

/** taskgroup_empty() - is nobody in it? 1, 0, or a negative errno. */
int taskgroup_empty(struct taskgroup *group);

/**
 * taskgroup_remove() - remove it, if it is empty, and free the handle in any case
 * Return: 0; -EBUSY: somebody is in it, and it stays; or another negative errno.
 */
int taskgroup_remove(struct taskgroup *group);

/**
 * taskgroup_leave() - v2: move back from the leaf and take the controller away from those below
 *
 * At the end of the daemon, after all tasks: systemd could not start it again in this cgroup
 * otherwise. Quotas of tasks that still run are gone then. Nothing happens if there was no task with
 * a cgroup, and with v1.
 *
 * Return: 0; a negative errno: it stays as it is.
 */
int taskgroup_leave(void);
