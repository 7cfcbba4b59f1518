#pragma once

/* Spawn child - what spawn.c hands to the child, and what comes back. Only for spawn.c. */

#include <stddef.h>
#include <sys/resource.h>

#include "daemon/process/spawn.h"

struct spawn_child {
	/* to the child */
	const struct spawn_plan *plan;
	const char *dir;
	const struct spawn_user *user; /* NULL: no change */
	bool join_cgroup;              /* write to plan->cgroup_procs_fd */
	const struct rlimit *nofile;   /* of open files; NULL: as ours */

	/* from the child, which runs in the parent's memory while the parent's thread stands still */
	enum spawn_step step; /* the last one it began; SPAWN_CLONE: none */
	int error;            /* the negative errno that this step ended with; 0: none */

	/* from the kernel */
	int pidfd; /* -1: it gave none */
};

enum spawn_way {
	SPAWN_CLONE3_INTO_CGROUP, /* Linux 5.7 */
	SPAWN_CLONE3,             /* 5.3, without leave for the one above */
	SPAWN_CLONE2_PIDFD,       /* where a seccomp filter does not know clone3 */
	SPAWN_CLONE2,             /* gVisor: no descriptor of the process */
};

/**
 * spawn_child_clone() - make the child and stand still until it has called exec or has ended
 * @stack: @stack_bytes of memory, aligned to 16 bytes, for the child alone
 *
 * Context: a plain thread, or between corun_block_enter() and _exit(); all signals blocked.
 * Return:  the child's pid, or a negative errno of the clone.
 */
long spawn_child_clone(struct spawn_child *child, enum spawn_way way, void *stack,
		       size_t stack_bytes);
