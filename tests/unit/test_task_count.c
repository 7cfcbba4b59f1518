/* The count that a task is told: the design's examples, and an independent formula. */

#include <stdlib.h>

#include "daemon/task/count.h"
#include "tests/unit/tap.h"

static struct corun_cpu_limit
cpus_100(unsigned hundredths)
{
	return (struct corun_cpu_limit){ .limited = true,
					 .quota_us = (uint64_t) hundredths * 1000,
					 .period_us = 100000 };
}

/* A pool as the runtime makes it. */
static struct corun_pool_state
pool_of(unsigned cpus, struct corun_cpu_limit limit, unsigned pin)
{
	struct corun_cpu_policy policy = { .pin = pin };
	struct corun_cpu_decision decision = corun_cpu_decide(&policy, cpus, &limit);

	return (struct corun_pool_state){ .workers = decision.workers,
					  .reason = decision.reason,
					  .pinned = pin != 0,
					  .limit = limit,
					  .cpus = cpus };
}

static const struct corun_cpu_limit none;

static void
expect(const struct corun_pool_state *pool, const struct workers_config *workers,
       const struct corun_cpu_limit *quota, unsigned n, enum corun_cpu_reason reason)
{
	struct corun_cpu_decision decision = task_count(pool, workers, quota);

	ck_assert_uint_eq(decision.workers, n);
	ck_assert_str_eq(corun_cpu_reason_name(decision.reason), corun_cpu_reason_name(reason));
}

START_TEST(a_task_without_words_gets_what_the_pool_has)
{
	struct workers_config nothing = { 0 };
	struct corun_pool_state pool = pool_of(8, cpus_100(230), 0);

	expect(&pool, &nothing, NULL, 3, CORUN_BY_QUOTA);
	pool = pool_of(8, cpus_100(50), 0);
	expect(&pool, &nothing, NULL, 2, CORUN_BY_MIN);
	pool = pool_of(8, none, 0);
	expect(&pool, &nothing, NULL, 8, CORUN_BY_CPUS);
	/* WorkersMin=1 of the daemon's is seen by the pool's count only */
	pool.workers = 1;
	pool.reason = CORUN_BY_MIN;
	expect(&pool, &nothing, NULL, 1, CORUN_BY_MIN);
}
END_TEST

START_TEST(its_own_quota_counts_where_it_is_tighter)
{
	struct workers_config nothing = { 0 };
	struct corun_cpu_limit quota = cpus_100(150), wide = cpus_100(500);
	struct corun_pool_state pool = pool_of(8, cpus_100(410), 0);

	expect(&pool, &nothing, &quota, 2, CORUN_BY_QUOTA);
	expect(&pool, &nothing, &wide, 5, CORUN_BY_QUOTA);
	pool = pool_of(8, none, 0);
	expect(&pool, &nothing, &quota, 2, CORUN_BY_QUOTA);
	/* WorkersMax=4 of the daemon's: no task without words gets more */
	pool.workers = 4;
	pool.reason = CORUN_BY_MAX;
	expect(&pool, &nothing, &wide, 4, CORUN_BY_MAX);
	pool.workers = 1;
	expect(&pool, &nothing, &quota, 1, CORUN_BY_MAX);
}
END_TEST

START_TEST(a_pinned_daemon_pins_its_tasks)
{
	struct workers_config nothing = { 0 }, automatic = { .set = true };
	struct workers_config bounded = { .policy = { .workers_max = 3 } };
	struct workers_config own = { .set = true, .policy = { .pin = 7 } };
	struct corun_cpu_limit quota = cpus_100(150);
	struct corun_pool_state pool = pool_of(8, cpus_100(230), 12);

	expect(&pool, &nothing, NULL, 12, CORUN_BY_PIN);
	expect(&pool, &nothing, &quota, 12, CORUN_BY_PIN);
	expect(&pool, &bounded, NULL, 12, CORUN_BY_PIN);
	expect(&pool, &automatic, NULL, 3, CORUN_BY_QUOTA);
	expect(&pool, &automatic, &quota, 2, CORUN_BY_QUOTA);
	expect(&pool, &own, &quota, 7, CORUN_BY_PIN);
}
END_TEST

START_TEST(a_pin_of_its_own_is_not_clamped)
{
	struct workers_config own = { .set = true, .policy = { .pin = 100, .workers_max = 4 } };
	struct corun_pool_state pool = pool_of(2, cpus_100(50), 0);

	expect(&pool, &own, NULL, 100, CORUN_BY_PIN);
}
END_TEST

START_TEST(a_share_is_taken_before_rounding)
{
	struct workers_config half = { .set = true, .percent = 50 };
	struct workers_config third = { .set = true,
					.percent = 33,
					.policy = { .workers_min = 1 } };
	struct corun_pool_state pool = pool_of(16, cpus_100(500), 0);

	/* 2.5, not half of 5 */
	expect(&pool, &half, NULL, 3, CORUN_BY_QUOTA);
	half.policy.round = CORUN_ROUND_DOWN;
	expect(&pool, &half, NULL, 2, CORUN_BY_QUOTA);
	half.policy.round = CORUN_ROUND_NEAREST;
	expect(&pool, &half, NULL, 3, CORUN_BY_QUOTA);
	/* 2.4: nearest is 2 */
	pool = pool_of(16, cpus_100(480), 0);
	expect(&pool, &half, NULL, 2, CORUN_BY_QUOTA);
	/* three tasks under 300 % do not take three each: 0.99 */
	pool = pool_of(16, cpus_100(300), 0);
	expect(&pool, &third, NULL, 1, CORUN_BY_QUOTA);
	/* the task's own quota is shared as well */
	pool = pool_of(16, none, 0);
	half.policy.round = CORUN_ROUND_UP;
	expect(&pool, &half, &(struct corun_cpu_limit){ true, 700000, 100000 }, 4, CORUN_BY_QUOTA);
	/* a pinned daemon has no say in it */
	pool = pool_of(16, cpus_100(500), 9);
	expect(&pool, &half, NULL, 3, CORUN_BY_QUOTA);
}
END_TEST

START_TEST(a_share_without_a_limit_is_one_of_the_cpus)
{
	struct workers_config half = { .set = true, .percent = 50 };
	struct corun_pool_state pool = pool_of(9, none, 0);

	expect(&pool, &half, NULL, 5, CORUN_BY_CPUS);
	/* a limit above the CPUs is none */
	pool = pool_of(9, cpus_100(2000), 0);
	expect(&pool, &half, NULL, 5, CORUN_BY_CPUS);
	pool = pool_of(1, none, 0);
	expect(&pool, &half, NULL, 1, CORUN_BY_CPUS);
}
END_TEST

/* ---- against a formula of its own ------------------------------------------------------------- */

static uint64_t state = 88172645463325252u;

static uint64_t
random_below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

static struct corun_cpu_limit
random_limit(void)
{
	static const uint64_t greatest[] = { 10, 1000, 1000000, 1u << 30, UINT64_MAX };
	struct corun_cpu_limit limit = { .limited = random_below(4) != 0 };

	if (limit.limited) {
		limit.period_us = 1 + random_below(greatest[random_below(5)]);
		limit.quota_us = random_below(greatest[random_below(5)]);
		if (random_below(2)) /* near the counts that matter */
			limit.quota_us = limit.period_us / 4 * random_below(64);
	}
	return limit;
}

/* round(percent % of min(limit, quota, cpus)), by comparing products only: no division. */
static unsigned
formula(unsigned cpus, const struct corun_cpu_limit *limit, const struct corun_cpu_limit *quota,
	const struct workers_config *workers)
{
	const struct corun_cpu_limit *both[] = { limit, quota };
	unsigned percent = workers->percent ? workers->percent : 100;
	unsigned min = workers->policy.workers_min ? workers->policy.workers_min : 2;
	unsigned max =
		workers->policy.workers_max ? workers->policy.workers_max : CORUN_WORKERS_MAX;
	unsigned n = 0;
	bool limited = workers->percent != 0;

	/* The greatest n for which each limit L with share S = L * percent / 100 says n <= round(S). */
	for (unsigned candidate = 1; candidate <= cpus; candidate++) {
		bool fits = true;

		for (int i = 0; i < 3; i++) {
			unsigned __int128 q = i < 2 ? both[i]->quota_us : cpus;
			unsigned __int128 p = i < 2 ? both[i]->period_us : 1;
			unsigned __int128 have = q * percent * 2, unit = p * 100 * 2;

			if (i < 2 && !both[i]->limited)
				continue;
			if (i == 2 && !workers->percent)
				continue;
			limited = true;
			switch (workers->policy.round) {
			case CORUN_ROUND_DOWN: /* candidate <= S */
				fits = fits && candidate * unit <= have;
				break;
			case CORUN_ROUND_NEAREST: /* candidate - 1/2 <= S */
				fits = fits && candidate * unit - unit / 2 <= have;
				break;
			case CORUN_ROUND_UP: /* candidate - 1 < S */
				fits = fits && (candidate - 1) * unit < have;
				break;
			}
		}
		if (fits)
			n = candidate;
	}
	if (limited && n < min)
		n = min;
	if (n > cpus)
		n = cpus;
	return n > max ? max : n;
}

START_TEST(random_limits_agree_with_the_formula)
{
	for (int i = 0; i < 20000; i++) {
		struct corun_cpu_limit limit = random_limit(), quota = random_limit();
		struct workers_config workers = {
			.set = true,
			.percent = random_below(2) ? (unsigned) random_below(101) : 0,
			.policy = { .workers_min = (unsigned) random_below(5),
				    .workers_max =
					    random_below(3) ? 0 : 1 + (unsigned) random_below(9),
				    .round = random_below(3) },
		};
		unsigned cpus = 1 + (unsigned) random_below(70);
		struct corun_pool_state pool = pool_of(cpus, limit, random_below(5) ? 0 : 3);
		unsigned expected = formula(cpus, &limit, &quota, &workers);
		struct corun_cpu_decision got = task_count(&pool, &workers, &quota);

		ck_assert_msg(got.workers == expected,
			      "cpus %u, limit %d %ju/%ju, quota %d %ju/%ju, %u%%, round %d, min "
			      "%u, max %u: "
			      "%u, not %u",
			      cpus, limit.limited, (uintmax_t) limit.quota_us,
			      (uintmax_t) limit.period_us, quota.limited,
			      (uintmax_t) quota.quota_us, (uintmax_t) quota.period_us,
			      workers.percent, workers.policy.round, workers.policy.workers_min,
			      workers.policy.workers_max, got.workers, expected);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("task_count");
	TCase *tcase = tcase_create("count");

	tcase_add_test(tcase, a_task_without_words_gets_what_the_pool_has);
	tcase_add_test(tcase, its_own_quota_counts_where_it_is_tighter);
	tcase_add_test(tcase, a_pinned_daemon_pins_its_tasks);
	tcase_add_test(tcase, a_pin_of_its_own_is_not_clamped);
	tcase_add_test(tcase, a_share_is_taken_before_rounding);
	tcase_add_test(tcase, a_share_without_a_limit_is_one_of_the_cpus);
	tcase_add_test(tcase, random_limits_agree_with_the_formula);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
