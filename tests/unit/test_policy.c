#include "config.h"

#include <corun/cpu.h>

#include <errno.h>
#include <limits.h>
#include <stdint.h>

#include "tests/unit/tap.h"

#define NO_LIMIT                                                                                   \
	{                                                                                          \
		.limited = false                                                                   \
	}
#define LIMIT(quota, period)                                                                       \
	{                                                                                          \
		.limited = true, .quota_us = (quota), .period_us = (period)                        \
	}

struct decide_case {
	struct corun_cpu_policy policy;
	unsigned cpus;
	struct corun_cpu_limit limit;
	unsigned workers;
	enum corun_cpu_reason reason;
};

/* clang-format off */
static const struct decide_case decide_cases[] = {
	/* Go's formula: min(cpus, max(2, ceil(limit))) */
	{ { 0 }, 8, NO_LIMIT, 8, CORUN_BY_CPUS },
	{ { 0 }, 8, LIMIT(200001, 100000), 3, CORUN_BY_QUOTA },
	{ { 0 }, 8, LIMIT(250000, 100000), 3, CORUN_BY_QUOTA },
	{ { 0 }, 8, LIMIT(299999, 100000), 3, CORUN_BY_QUOTA },
	{ { 0 }, 8, LIMIT(300000, 100000), 3, CORUN_BY_QUOTA },
	{ { 0 }, 8, LIMIT(50000, 100000), 2, CORUN_BY_MIN },
	{ { 0 }, 8, LIMIT(100000, 100000), 2, CORUN_BY_MIN },
	{ { 0 }, 8, LIMIT(150000, 100000), 2, CORUN_BY_QUOTA },
	{ { 0 }, 8, LIMIT(0, 100000), 2, CORUN_BY_MIN },
	{ { 0 }, 1, LIMIT(50000, 100000), 1, CORUN_BY_CPUS },
	{ { 0 }, 1, NO_LIMIT, 1, CORUN_BY_CPUS },
	{ { 0 }, 0, NO_LIMIT, 1, CORUN_BY_CPUS },
	{ { 0 }, 4, LIMIT(900000, 100000), 4, CORUN_BY_CPUS },
	/* equal: what was not configured names the reason */
	{ { 0 }, 3, LIMIT(300000, 100000), 3, CORUN_BY_CPUS },
	{ { 0 }, 2, LIMIT(50000, 100000), 2, CORUN_BY_CPUS },
	{ { 0 }, 8, LIMIT(200000, 100000), 2, CORUN_BY_QUOTA },
	{ { .workers_max = 3 }, 8, LIMIT(300000, 100000), 3, CORUN_BY_QUOTA },
	{ { .workers_max = 8 }, 8, NO_LIMIT, 8, CORUN_BY_CPUS },
	/* the other settings */
	{ { .workers_min = 1 }, 8, LIMIT(50000, 100000), 1, CORUN_BY_QUOTA },
	{ { .workers_min = 1 }, 8, LIMIT(150000, 100000), 2, CORUN_BY_QUOTA },
	{ { .workers_min = 1 }, 8, LIMIT(0, 100000), 1, CORUN_BY_MIN },
	{ { .workers_min = 5 }, 8, LIMIT(300000, 100000), 5, CORUN_BY_MIN },
	{ { .workers_min = 5 }, 8, NO_LIMIT, 8, CORUN_BY_CPUS },
	{ { .workers_min = 16 }, 8, LIMIT(300000, 100000), 8, CORUN_BY_CPUS },
	{ { .workers_min = UINT_MAX }, UINT_MAX, LIMIT(1, 1), 1024, CORUN_BY_MAX },
	{ { .workers_max = 2 }, 8, LIMIT(300000, 100000), 2, CORUN_BY_MAX },
	{ { .workers_max = 2, .workers_min = 4 }, 8, LIMIT(1, 100000), 2, CORUN_BY_MAX },
	{ { .workers_max = 1 }, 8, NO_LIMIT, 1, CORUN_BY_MAX },
	{ { .round = CORUN_ROUND_DOWN }, 8, LIMIT(399999, 100000), 3, CORUN_BY_QUOTA },
	{ { .round = CORUN_ROUND_DOWN, .workers_min = 1 }, 8, LIMIT(99999, 100000), 1, CORUN_BY_MIN },
	{ { .round = CORUN_ROUND_NEAREST }, 8, LIMIT(349999, 100000), 3, CORUN_BY_QUOTA },
	{ { .round = CORUN_ROUND_NEAREST }, 8, LIMIT(350000, 100000), 4, CORUN_BY_QUOTA },
	{ { .round = CORUN_ROUND_NEAREST }, 8, LIMIT(7, 2), 4, CORUN_BY_QUOTA },
	{ { .round = CORUN_ROUND_NEAREST }, 8, LIMIT(10, 3), 3, CORUN_BY_QUOTA },
	/* the ends of the range */
	{ { 0 }, 5000, NO_LIMIT, 1024, CORUN_BY_MAX },
	{ { 0 }, 1024, NO_LIMIT, 1024, CORUN_BY_CPUS },
	{ { 0 }, 5000, LIMIT(102400000, 100000), 1024, CORUN_BY_QUOTA },
	{ { 0 }, UINT_MAX, LIMIT(UINT64_MAX, 1), 1024, CORUN_BY_MAX },
	{ { 0 }, 8, LIMIT(UINT64_MAX, UINT64_MAX), 2, CORUN_BY_MIN },
	{ { 0 }, 8, LIMIT(UINT64_MAX, UINT64_MAX / 3), 3, CORUN_BY_QUOTA },
	{ { 0 }, 8, LIMIT(UINT64_MAX, UINT64_MAX / 3 - 1), 4, CORUN_BY_QUOTA },
	{ { .round = CORUN_ROUND_NEAREST }, 8, LIMIT(UINT64_MAX - 1, UINT64_MAX), 2, CORUN_BY_MIN },
	{ { .round = CORUN_ROUND_NEAREST, .workers_min = 1 }, 8,
	  LIMIT(UINT64_MAX / 2, UINT64_MAX), 1, CORUN_BY_MIN },
	{ { .round = CORUN_ROUND_NEAREST, .workers_min = 1 }, 8,
	  LIMIT(UINT64_MAX / 2 + 1, UINT64_MAX), 1, CORUN_BY_QUOTA },
	/* a limit without a period says nothing */
	{ { 0 }, 8, LIMIT(100000, 0), 8, CORUN_BY_CPUS },
	/* a pin is not clamped to the CPUs */
	{ { .pin = 3 }, 8, NO_LIMIT, 3, CORUN_BY_PIN },
	{ { .pin = 64, .workers_max = 4 }, 8, LIMIT(100000, 100000), 64, CORUN_BY_PIN },
	{ { .pin = 1 }, 8, NO_LIMIT, 1, CORUN_BY_PIN },
	{ { .pin = UINT_MAX }, 8, NO_LIMIT, 1024, CORUN_BY_PIN },
};
/* clang-format on */

#define N_DECIDE ((int) (sizeof(decide_cases) / sizeof(decide_cases[0])))

START_TEST(decide)
{
	const struct decide_case *c = &decide_cases[_i];
	struct corun_cpu_decision d = corun_cpu_decide(&c->policy, c->cpus, &c->limit);

	ck_assert_uint_eq(d.workers, c->workers);
	ck_assert_str_eq(corun_cpu_reason_name(d.reason), corun_cpu_reason_name(c->reason));
}
END_TEST

START_TEST(decide_without_policy_and_limit)
{
	struct corun_cpu_limit limit = LIMIT(250000, 100000);
	struct corun_cpu_decision d = corun_cpu_decide(NULL, 8, NULL);

	ck_assert_uint_eq(d.workers, 8);
	ck_assert_int_eq(d.reason, CORUN_BY_CPUS);
	d = corun_cpu_decide(NULL, 8, &limit);
	ck_assert_uint_eq(d.workers, 3);
	ck_assert_int_eq(d.reason, CORUN_BY_QUOTA);
}
END_TEST

struct cmp_case {
	struct corun_cpu_limit a, b;
	int sign;
};

/* clang-format off */
static const struct cmp_case cmp_cases[] = {
	{ NO_LIMIT, NO_LIMIT, 0 },
	{ NO_LIMIT, LIMIT(UINT64_MAX, 1), 1 },
	{ LIMIT(0, 1), NO_LIMIT, -1 },
	{ LIMIT(0, 1), LIMIT(0, 100000), 0 },
	{ LIMIT(200000, 100000), LIMIT(100000, 50000), 0 },
	{ LIMIT(200000, 100000), LIMIT(100001, 50000), -1 },
	{ LIMIT(200001, 100000), LIMIT(100000, 50000), 1 },
	{ LIMIT(UINT64_MAX, UINT64_MAX - 1), LIMIT(UINT64_MAX - 1, UINT64_MAX - 2), -1 },
	{ LIMIT(UINT64_MAX, UINT64_MAX), LIMIT(1, 1), 0 },
	{ LIMIT(UINT64_MAX, 1), LIMIT(UINT64_MAX - 1, 1), 1 },
	{ LIMIT(5, 0), LIMIT(5, 1), 1 },
};
/* clang-format on */

#define N_CMP ((int) (sizeof(cmp_cases) / sizeof(cmp_cases[0])))

START_TEST(limit_cmp)
{
	const struct cmp_case *c = &cmp_cases[_i];
	int there = corun_cpu_limit_cmp(&c->a, &c->b);
	int back = corun_cpu_limit_cmp(&c->b, &c->a);

	ck_assert_int_eq((there > 0) - (there < 0), c->sign);
	ck_assert_int_eq((back > 0) - (back < 0), -c->sign);
}
END_TEST

struct parse_case {
	const char *text;
	int result;
	unsigned workers;
};

static const struct parse_case parse_cases[] = {
	{ NULL, 0, 0 },
	{ "", 0, 0 },
	{ "auto", 0, 0 },
	{ "1", 0, 1 },
	{ "1024", 0, 1024 },
	{ "0007", 0, 7 },
	{ "0", -EINVAL, 0 },
	{ "000", -EINVAL, 0 },
	{ "1025", -ERANGE, 0 },
	{ "4294967297", -ERANGE, 0 },
	{ "99999999999999999999999999", -ERANGE, 0 },
	{ "9999999999x", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ " 1", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
	{ "1\n", -EINVAL, 0 },
	{ "3x", -EINVAL, 0 },
	{ "2.5", -EINVAL, 0 },
	{ "0x10", -EINVAL, 0 },
	{ "AUTO", -EINVAL, 0 },
	{ "automatic", -EINVAL, 0 },
	{ "50%", -EINVAL, 0 },
	{ "\xd9\xa3", -EINVAL, 0 },
};

#define N_PARSE ((int) (sizeof(parse_cases) / sizeof(parse_cases[0])))

START_TEST(workers_parse)
{
	const struct parse_case *c = &parse_cases[_i];
	unsigned workers = 4711;

	ck_assert_int_eq(corun_workers_parse(c->text, &workers), c->result);
	ck_assert_uint_eq(workers, c->result == 0 ? c->workers : 4711);
}
END_TEST

START_TEST(reason_names)
{
	ck_assert_str_eq(corun_cpu_reason_name(CORUN_BY_CPUS), "cpus");
	ck_assert_str_eq(corun_cpu_reason_name(CORUN_BY_QUOTA), "quota");
	ck_assert_str_eq(corun_cpu_reason_name(CORUN_BY_MIN), "min");
	ck_assert_str_eq(corun_cpu_reason_name(CORUN_BY_MAX), "max");
	ck_assert_str_eq(corun_cpu_reason_name(CORUN_BY_PIN), "pin");
	ck_assert_ptr_nonnull(corun_cpu_reason_name((enum corun_cpu_reason) 77));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = tcase_create("policy");

	tcase_add_loop_test(tcase, decide, 0, N_DECIDE);
	tcase_add_test(tcase, decide_without_policy_and_limit);
	tcase_add_loop_test(tcase, limit_cmp, 0, N_CMP);
	tcase_add_loop_test(tcase, workers_parse, 0, N_PARSE);
	tcase_add_test(tcase, reason_names);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
