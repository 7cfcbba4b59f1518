#pragma once

/* Count - how many workers a task is told, and why; pure */

#include <corun/cpu.h>
#include <corun/runtime.h>

#include "daemon/config/config.h"

/**
 * task_count() - by the pool's state, the task's Workers*= and its CPUQuota=
 * @quota: what the kernel enforces for the task alone; not limited, or NULL: nothing. A CPUQuota=
 *         that could not be set does not belong here.
 *
 * In this order:
 *   1. Workers=N: that, not clamped.
 *   2. The daemon is pinned and the task has no Workers= of its own ("auto" is one): the same.
 *   3. The tighter of the pool's limit and @quota by the rules of corun_cpu_decide(). Workers=50% is a
 *      share of it before rounding, or of the CPUs where they are tighter. A task without any
 *      Workers*= gets what the pool has, or less, never more.
 */
struct corun_cpu_decision task_count(const struct corun_pool_state *pool,
				     const struct workers_config *workers,
				     const struct corun_cpu_limit *quota);
