#pragma once

/* Affinity - how many CPUs a thread may run on, on machines of any size */

#include <stddef.h>
#include <sys/types.h>

/**
 * cpu_affinity_count() - size of a thread's affinity mask
 * @tid: a thread; a process's id is that of its first thread, 0 is the caller
 * @mask_bytes: size of the first buffer to try; 0 for the usual
 *
 * The kernel refuses a buffer that cannot hold every CPU that it knows, so it is doubled until
 * it is accepted.
 *
 * Return: 1 or more; -ENOMEM; -EINVAL (over a million CPUs); -ESRCH (no such thread).
 */
int cpu_affinity_count(pid_t tid, size_t mask_bytes);
