#include "config.h"

#include <corun/cpu.h>

#include <errno.h>
#include <string.h>

/* One CPU leaves no parallelism at all, so a quota alone never gives less than two workers. */
#define WORKERS_MIN_DEFAULT 2

static bool
is_limited(const struct corun_cpu_limit *limit)
{
	return limit && limit->limited && limit->period_us > 0;
}

/* quota / period as a whole number; no step of it can overflow. */
static uint64_t
round_limit(const struct corun_cpu_limit *limit, enum corun_cpu_round round)
{
	uint64_t whole = limit->quota_us / limit->period_us;
	uint64_t rest = limit->quota_us % limit->period_us;

	switch (round) {
	case CORUN_ROUND_DOWN:
		return whole;
	case CORUN_ROUND_NEAREST:
		/* rest * 2 >= period, without the product; rest < period holds */
		return whole + (rest >= limit->period_us - rest);
	case CORUN_ROUND_UP:
	default:
		/* with a rest the period is 2 or more, so that whole + 1 fits */
		return whole + (rest > 0);
	}
}

struct corun_cpu_decision
corun_cpu_decide(const struct corun_cpu_policy *policy, unsigned cpus,
		 const struct corun_cpu_limit *limit)
{
	static const struct corun_cpu_policy defaults = { 0 };
	struct corun_cpu_decision decision = { .workers = cpus ? cpus : 1,
					       .reason = CORUN_BY_CPUS };

	if (!policy)
		policy = &defaults;

	if (policy->pin) {
		decision.workers = policy->pin;
		if (decision.workers > CORUN_WORKERS_MAX)
			decision.workers = CORUN_WORKERS_MAX;
		decision.reason = CORUN_BY_PIN;
		return decision;
	}

	/*
	 * Each bound has to be below what is there to name the reason, so the order of these
	 * steps is the order of precedence among equals.
	 */
	if (is_limited(limit)) {
		uint64_t rounded = round_limit(limit, policy->round);
		uint64_t floor = policy->workers_min ? policy->workers_min : WORKERS_MIN_DEFAULT;

		if (rounded >= floor && rounded < decision.workers) {
			decision.workers = (unsigned) rounded;
			decision.reason = CORUN_BY_QUOTA;
		} else if (rounded < floor && floor < decision.workers) {
			decision.workers = (unsigned) floor;
			decision.reason = CORUN_BY_MIN;
		}
	}
	if (policy->workers_max && policy->workers_max < decision.workers) {
		decision.workers = policy->workers_max;
		decision.reason = CORUN_BY_MAX;
	}
	if (decision.workers > CORUN_WORKERS_MAX) {
		decision.workers = CORUN_WORKERS_MAX;
		decision.reason = CORUN_BY_MAX;
	}
	return decision;
}

int
corun_cpu_limit_cmp(const struct corun_cpu_limit *a, const struct corun_cpu_limit *b)
{
	unsigned __int128 left, right;

	if (!is_limited(a) || !is_limited(b))
		return (int) is_limited(b) - (int) is_limited(a);

	left = (unsigned __int128) a->quota_us * b->period_us;
	right = (unsigned __int128) b->quota_us * a->period_us;
	return (left > right) - (left < right);
}

const char *
corun_cpu_reason_name(enum corun_cpu_reason reason)
{
	switch (reason) {
	case CORUN_BY_CPUS:
		return "cpus";
	case CORUN_BY_QUOTA:
		return "quota";
	case CORUN_BY_MIN:
		return "min";
	case CORUN_BY_MAX:
		return "max";
	case CORUN_BY_PIN:
		return "pin";
	}
	return "unknown";
}

int
corun_workers_parse(const char *text, unsigned *ret_workers)
{
	unsigned workers = 0;
	const char *c;

	if (!text || !*text || strcmp(text, "auto") == 0) {
		*ret_workers = 0;
		return 0;
	}
	/* All of the text first: "5000x" is no number, rather than one too large. */
	for (c = text; *c; c++)
		if (*c < '0' || *c > '9')
			return -EINVAL;
	for (c = text; *c; c++) {
		workers = workers * 10 + (unsigned) (*c - '0');
		if (workers > CORUN_WORKERS_MAX)
			return -ERANGE;
	}
	if (workers == 0)
		return -EINVAL;
	*ret_workers = workers;
	return 0;
}
