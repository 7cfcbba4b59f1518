#include "config.h"

#include "runtime/cpu/affinity.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

/* glibc's cpu_set_t: 1,024 CPUs. */
#define MASK_FIRST sizeof(cpu_set_t)
#define MASK_MOST  ((size_t) 1 << 17)

int
cpu_affinity_count(pid_t tid, size_t mask_bytes)
{
	size_t size = mask_bytes ? mask_bytes : MASK_FIRST;

	for (;; size = size < MASK_FIRST ? MASK_FIRST : size * 2) {
		cpu_set_t *mask = calloc(1, size < sizeof(long) ? sizeof(long) : size);
		int r = 0;

		if (!mask)
			return -ENOMEM;
		if (sched_getaffinity(tid, size, mask) < 0)
			r = -errno;
		else
			r = CPU_COUNT_S(size, mask);
		free(mask);
		if (r != -EINVAL || size >= MASK_MOST)
			return r;
	}
}
