/*
 * The rule against a second formulation of it, on random input. The code rounds one quotient;
 * here each count is tried, from the most downwards, whether the rule allows it: no division,
 * no rounding. Likewise limits are compared by Euclid's steps rather than by products.
 *
 * CORUN_TEST_SEED and CORUN_TEST_ROUNDS repeat and prolong a run.
 */

#include "config.h"

#include <corun/cpu.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/unit/tap.h"

static uint64_t seed, rounds = 100000;

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Any magnitude is as likely as another, and the ends of the range are common. */
static uint64_t
any_u64(uint64_t *state)
{
	uint64_t value = next_random(state) >> (next_random(state) % 64);

	switch (next_random(state) % 16) {
	case 0:
		return UINT64_MAX - value % 8;
	case 1:
		return value % 8;
	default:
		return value;
	}
}

static struct corun_cpu_limit
any_limit(uint64_t *state)
{
	struct corun_cpu_limit limit = { .limited = next_random(state) % 8 > 0 };

	if (!limit.limited)
		return limit;
	if (next_random(state) % 2) {
		limit.period_us = any_u64(state);
		limit.quota_us = any_u64(state);
		if (limit.period_us == 0)
			limit.period_us = 1;
		return limit;
	}
	/* what a kernel allows, near whole and half CPUs, where rounding turns over */
	limit.period_us = 1000 + next_random(state) % 999001;
	limit.quota_us = next_random(state) % 1200 * limit.period_us;
	if (next_random(state) % 2)
		limit.quota_us += limit.period_us / 2;
	limit.quota_us += next_random(state) % 5;
	if (limit.quota_us >= 2)
		limit.quota_us -= 2;
	return limit;
}

/* Is @n no more than the rounded limit? */
static bool
limit_allows(const struct corun_cpu_limit *limit, enum corun_cpu_round round, uint64_t n)
{
	unsigned __int128 quota = limit->quota_us, period = limit->period_us;

	if (n == 0)
		return true;
	switch (round) {
	case CORUN_ROUND_DOWN:
		return n * period <= quota;
	case CORUN_ROUND_NEAREST:
		return (2 * (unsigned __int128) n - 1) * period <= 2 * quota;
	default:
		return (n - 1) * period < quota;
	}
}

static struct corun_cpu_decision
decide_by_search(const struct corun_cpu_policy *policy, unsigned cpus,
		 const struct corun_cpu_limit *limit)
{
	unsigned min = policy->workers_min ? policy->workers_min : 2;
	unsigned n = CORUN_WORKERS_MAX;
	bool by_quota;

	if (cpus == 0)
		cpus = 1;
	while (n > 1) {
		if (n <= cpus && (!policy->workers_max || n <= policy->workers_max) &&
		    (!limit->limited || n <= min || limit_allows(limit, policy->round, n)))
			break;
		n--;
	}
	by_quota = limit->limited && limit_allows(limit, policy->round, n) &&
		   !limit_allows(limit, policy->round, (uint64_t) n + 1);
	if (n == cpus)
		return (struct corun_cpu_decision){ n, CORUN_BY_CPUS };
	if (by_quota && n >= min)
		return (struct corun_cpu_decision){ n, CORUN_BY_QUOTA };
	if (limit->limited && n == min && !limit_allows(limit, policy->round, n))
		return (struct corun_cpu_decision){ n, CORUN_BY_MIN };
	return (struct corun_cpu_decision){ n, CORUN_BY_MAX };
}

static unsigned
any_bound(uint64_t *state)
{
	switch (next_random(state) % 4) {
	case 0:
		return 0;
	case 1:
		return (unsigned) any_u64(state);
	default:
		return 1 + (unsigned) (next_random(state) % 12);
	}
}

START_TEST(decide_as_by_search)
{
	uint64_t state = seed;

	for (uint64_t i = 0; i < rounds; i++) {
		struct corun_cpu_policy policy = {
			.workers_min = any_bound(&state),
			.workers_max = any_bound(&state),
			.round = (enum corun_cpu_round)(next_random(&state) % 3),
		};
		unsigned cpus = next_random(&state) % 2 ? (unsigned) (next_random(&state) % 1300)
							: (unsigned) any_u64(&state);
		struct corun_cpu_limit limit = any_limit(&state);
		struct corun_cpu_decision got = corun_cpu_decide(&policy, cpus, &limit);
		struct corun_cpu_decision want = decide_by_search(&policy, cpus, &limit);

		ck_assert_msg(got.workers == want.workers && got.reason == want.reason,
			      "seed %llu, round %llu: min %u max %u rounding %d cpus %u "
			      "limited %d %llu/%llu: %u by %s, expected %u by %s",
			      (unsigned long long) seed, (unsigned long long) i, policy.workers_min,
			      policy.workers_max, policy.round, cpus, limit.limited,
			      (unsigned long long) limit.quota_us,
			      (unsigned long long) limit.period_us, got.workers,
			      corun_cpu_reason_name(got.reason), want.workers,
			      corun_cpu_reason_name(want.reason));
	}
}
END_TEST

/* a/b against c/d: whole parts first, then the inverses of what is left, the other way round. */
static int
cmp_by_euclid(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	int sign = 1;

	for (;;) {
		uint64_t left = a / b, right = c / d, t;

		if (left != right)
			return left > right ? sign : -sign;
		a %= b;
		c %= d;
		if (a == 0 || c == 0)
			return (a > 0) == (c > 0) ? 0 : a > 0 ? sign : -sign;
		t = a, a = b, b = t;
		t = c, c = d, d = t;
		sign = -sign;
	}
}

START_TEST(cmp_as_by_euclid)
{
	uint64_t state = seed;

	for (uint64_t i = 0; i < rounds; i++) {
		struct corun_cpu_limit a = any_limit(&state), b = any_limit(&state);
		int got, want;

		if (next_random(&state) % 2 && a.limited) {
			/* close to a, or the same in other units */
			uint64_t factor = 1 + next_random(&state) % 9;

			b = a;
			if (b.quota_us <= UINT64_MAX / factor - 1 &&
			    b.period_us <= UINT64_MAX / factor) {
				b.quota_us = b.quota_us * factor + next_random(&state) % 2;
				b.period_us *= factor;
			}
		}
		got = corun_cpu_limit_cmp(&a, &b);
		if (a.limited && b.limited)
			want = cmp_by_euclid(a.quota_us, a.period_us, b.quota_us, b.period_us);
		else
			want = (int) b.limited - (int) a.limited;
		ck_assert_msg((got > 0) - (got < 0) == want,
			      "seed %llu, round %llu: %llu/%llu and %llu/%llu: %d, expected %d",
			      (unsigned long long) seed, (unsigned long long) i,
			      (unsigned long long) a.quota_us, (unsigned long long) a.period_us,
			      (unsigned long long) b.quota_us, (unsigned long long) b.period_us,
			      got, want);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy_property");
	TCase *tcase = tcase_create("policy_property");
	const char *text = getenv("CORUN_TEST_SEED");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = text ? strtoull(text, NULL, 0) : (uint64_t) now.tv_sec ^ (uint64_t) now.tv_nsec;
	text = getenv("CORUN_TEST_ROUNDS");
	if (text)
		rounds = strtoull(text, NULL, 0);
	printf("# CORUN_TEST_SEED=%llu CORUN_TEST_ROUNDS=%llu\n", (unsigned long long) seed,
	       (unsigned long long) rounds);
	fflush(stdout);

	/* By option this runs for as long as somebody wants. */
	tcase_set_timeout(tcase, 0);
	tcase_add_test(tcase, decide_as_by_search);
	tcase_add_test(tcase, cmp_as_by_euclid);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
