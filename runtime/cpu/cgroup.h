#pragma once

/*
 * Cgroup - where this process is: which hierarchy, and which folder of it
 *
 * Parsers of /proc/self/cgroup and /proc/self/mountinfo. They take text and its length, which
 * may hold anything, and touch neither files nor clocks. The rules are those of Go 1.26.
 */

#include <stdbool.h>
#include <stddef.h>

#include <corun/cpu.h>

/* Why a text was refused: a line (from 1) and a sentence without the name of the file. */
struct cpu_cgroup_fault {
	size_t line;
	const char *why; /* static */
};

/* The process's place in its hierarchy. */
struct cpu_cgroup_membership {
	enum corun_cpu_hierarchy hierarchy;
	bool hybrid;
	const char *path; /* points into the text; not terminated; starts with '/' */
	size_t path_len;
};

/* The mount through which that place can be seen. */
struct cpu_cgroup_mount {
	char *root;  /* of the mount within the hierarchy, decoded */
	char *point; /* where it is mounted, decoded */
	char *below; /* what follows root in the process's path: "" or "/a/b" */
};

/**
 * cpu_cgroup_parse_membership() - read /proc/self/cgroup
 * @ret: set on success; hierarchy is CORUN_CGROUP_NONE if no line is of interest
 * @reterr: set on failure
 *
 * A v1 hierarchy with the controller "cpu" comes before v2 and ends the search; what follows it
 * is not checked.
 *
 * Return: 0; -EINVAL (malformed).
 */
int cpu_cgroup_parse_membership(const char *text, size_t len, struct cpu_cgroup_membership *ret,
				struct cpu_cgroup_fault *reterr);

/**
 * cpu_cgroup_parse_mount() - find the first mount in /proc/self/mountinfo that shows the process
 * @ret: set when 1 is returned; freed by cpu_cgroup_mount_free()
 * @reterr: set on -EINVAL
 *
 * Return: 1; 0 (no such mount); -EINVAL (a malformed line before the match); -ENOMEM.
 */
int cpu_cgroup_parse_mount(const char *text, size_t len, const struct cpu_cgroup_membership *who,
			   struct cpu_cgroup_mount *ret, struct cpu_cgroup_fault *reterr);

void cpu_cgroup_mount_free(struct cpu_cgroup_mount *mount);

/**
 * cpu_cgroup_parent() - one step up in a path below a mount
 * @len: length of the present level's path, as in "/a/b"; trailing slashes do not count
 *
 * Return: the length of the parent's path; 0 is the mount's root, and has no parent.
 */
size_t cpu_cgroup_parent(const char *below, size_t len);

/** cpu_cgroup_trim() - the length of a path below a mount without slashes at its end */
size_t cpu_cgroup_trim(const char *below, size_t len);
