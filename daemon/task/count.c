/* Count - how many workers a task is told; see count.h */

#include "daemon/task/count.h"

#include <stddef.h>

/*
 * @percent of @limit, as far as a decision needs it: its whole part, and whether the rest is nothing,
 * below, at or above a half. In quarters that is exact for all ways of rounding and cannot overflow.
 */
static struct corun_cpu_limit
share_of(const struct corun_cpu_limit *limit, unsigned percent)
{
	unsigned __int128 part = (unsigned __int128) limit->quota_us * percent;
	unsigned __int128 unit = (unsigned __int128) limit->period_us * 100;
	unsigned __int128 whole = part / unit, rest = part % unit;
	unsigned quarters = 0;

	if (whole > CORUN_WORKERS_MAX)
		whole = CORUN_WORKERS_MAX + 1; /* more than any count */
	if (rest > 0)
		quarters = rest * 2 < unit ? 1 : rest * 2 == unit ? 2 : 3;
	return (struct corun_cpu_limit){
		.limited = true,
		.quota_us = (uint64_t) whole * 4 + quarters,
		.period_us = 4,
	};
}

/* What the option table fills in for a task that says nothing is none of its own words. */
static bool
is_default_min(unsigned min)
{
	return min == 0 || min == 2;
}

static bool
has_own(const struct workers_config *workers)
{
	const struct corun_cpu_policy *policy = &workers->policy;

	return workers->set || workers->percent || !is_default_min(policy->workers_min) ||
	       policy->workers_max || policy->round != CORUN_ROUND_UP;
}

static struct corun_cpu_decision
decide_share(const struct corun_pool_state *pool, const struct workers_config *workers,
	     const struct corun_cpu_limit *limit)
{
	struct corun_cpu_limit cpus = { .limited = true,
					.quota_us = pool->cpus ? pool->cpus : 1,
					.period_us = 1 };
	bool by_cpus = corun_cpu_limit_cmp(&cpus, limit) <= 0;
	struct corun_cpu_limit share = share_of(by_cpus ? &cpus : limit, workers->percent);
	struct corun_cpu_decision decision = corun_cpu_decide(&workers->policy, pool->cpus, &share);

	if (by_cpus && decision.reason == CORUN_BY_QUOTA)
		decision.reason = CORUN_BY_CPUS;
	return decision;
}

struct corun_cpu_decision
task_count(const struct corun_pool_state *pool, const struct workers_config *workers,
	   const struct corun_cpu_limit *quota)
{
	const struct corun_cpu_limit *limit = &pool->limit;
	struct corun_cpu_decision as_pool = { .workers = pool->workers, .reason = pool->reason };
	struct corun_cpu_policy at_most = { .workers_max = pool->workers };

	if (workers->policy.pin)
		return corun_cpu_decide(&workers->policy, pool->cpus, NULL);
	if (pool->pinned && !workers->set)
		return as_pool;
	if (quota != NULL && corun_cpu_limit_cmp(quota, limit) < 0)
		limit = quota;
	if (workers->percent)
		return decide_share(pool, workers, limit);
	if (has_own(workers))
		return corun_cpu_decide(&workers->policy, pool->cpus, limit);
	if (limit == &pool->limit)
		return as_pool;
	/* Where its own quota does not bite, the pool's reason is the true one. */
	as_pool = corun_cpu_decide(&at_most, pool->cpus, limit);
	if (as_pool.workers == pool->workers && as_pool.reason == CORUN_BY_MAX)
		as_pool.reason = pool->reason;
	return as_pool;
}
