#pragma once

/*
 * Taskgroup, the rooms behind it - directories and values of cgroups, and what each hierarchy wants
 *
 * All of it is called in the taskgroup thread only.
 *
 * A directory is given by its absolute path, a value by its name in there ("cpu.max"). Where
 * libcgroup is built in it is asked first. What it cannot or does not want to do is done directly:
 * so the kernel's own errno comes out, and what is there afterwards is the same.
 */

#include <stdbool.h>
#include <stddef.h>

#include <corun/cpu.h>

#include "daemon/process/taskgroup.h"

/** Make a directory; one that is there is fine. Return: 0 or -errno. */
int taskgroup_dir_make(const char *dir);

/** Remove a directory. Return: 0; -EBUSY: somebody is in it; or another -errno. */
int taskgroup_dir_remove(const char *dir);

/** Write a value. Return: 0 or -errno. */
int taskgroup_value_write(const char *dir, const char *name, const char *text);

/** Read the first line of a value. Return: 0 or -errno; -E2BIG: longer than @bytes. */
int taskgroup_value_read(const char *dir, const char *name, char *text, size_t bytes);

/** SIGKILL to each that is in it, until none is left. Return: 0; -EBUSY: some are, still. */
int taskgroup_members_kill(const char *dir);

/** Is nobody in it? 1, 0, or -errno. */
int taskgroup_members_none(const char *dir);

#ifdef HAVE_LIBCGROUP
/* Making, writing and reading by libcgroup. Return: 0, or -ENOSYS: it could not, for whatever reason. */
int taskgroup_libcgroup_make(const char *dir);
int taskgroup_libcgroup_write(const char *dir, const char *name, const char *text);
int taskgroup_libcgroup_read(const char *dir, const char *name, char *text, size_t bytes);
#endif

/* ---- faults: what did not work, and what would help ------------------------------------------ */

/** Say that @doing it to @dir/@name (NULL: to the directory) gave @error. Return: @error. */
int taskgroup_fault_set(struct taskgroup_fault *fault, int error, const char *doing,
			const char *dir, const char *name);

/* ---- the hierarchies ------------------------------------------------------------------------- */

/* @quota is one that the kernel takes: taskgroup.c sees to that. */
int taskgroup_v1_set_quota(const char *dir, const struct corun_cpu_limit *quota,
			   struct taskgroup_fault *fault);
int taskgroup_v2_set_quota(const char *dir, const struct corun_cpu_limit *quota,
			   struct taskgroup_fault *fault);

/**
 * taskgroup_v2_prepare() - see that cgroups below our own can have quotas
 * @dir:      of the cgroup that we are in
 * @ret_base: below which those of tasks are made; allocated
 */
int taskgroup_v2_prepare(const char *dir, char **ret_base, struct taskgroup_fault *fault);

/** taskgroup_v2_leave() - undo what prepare did. Return: 0 or -errno. */
int taskgroup_v2_leave(const char *base);
