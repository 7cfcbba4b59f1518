/* The delay before a restart. */

#include <corun/time.h>

#include "daemon/task/backoff.h"
#include "tests/unit/tap.h"

START_TEST(it_doubles_up_to_the_longest)
{
	static const uint64_t expected_ms[] = { 100, 200, 400, 800, 1600, 3000, 3000, 3000 };
	struct backoff backoff = { 0 };

	for (size_t i = 0; i < sizeof(expected_ms) / sizeof(expected_ms[0]); i++)
		ck_assert_uint_eq(backoff_next(&backoff, 100 * CORUN_MS, 3 * CORUN_S, 0, 0),
				  expected_ms[i] * CORUN_MS);
}
END_TEST

START_TEST(jitter_takes_off_a_tenth_at_most)
{
	for (uint64_t random = 0; random <= UINT32_MAX; random += UINT32_MAX / 255) {
		struct backoff backoff = { 0 };

		for (uint64_t plain_ms = 100; plain_ms <= 6400; plain_ms *= 2) {
			uint64_t ns = backoff_next(&backoff, 100 * CORUN_MS, 60 * CORUN_S, 0,
						   (uint32_t) random);

			ck_assert_uint_le(ns, plain_ms * CORUN_MS);
			ck_assert_uint_ge(ns, plain_ms * CORUN_MS / 10 * 9);
			ck_assert_uint_ge(ns, 100 * CORUN_MS);
		}
	}
}
END_TEST

START_TEST(jitter_makes_a_difference)
{
	struct backoff a = { 0 }, b = { 0 };

	backoff_next(&a, CORUN_S, 60 * CORUN_S, 0, 0);
	backoff_next(&b, CORUN_S, 60 * CORUN_S, 0, UINT32_MAX);
	ck_assert_uint_gt(backoff_next(&a, CORUN_S, 60 * CORUN_S, 0, 0),
			  backoff_next(&b, CORUN_S, 60 * CORUN_S, 0, UINT32_MAX));
}
END_TEST

START_TEST(a_long_run_begins_anew)
{
	struct backoff backoff = { 0 };

	for (int i = 0; i < 10; i++)
		backoff_next(&backoff, 100 * CORUN_MS, 60 * CORUN_S, 0, 0);
	/* not quite as long as the longest delay */
	ck_assert_uint_eq(backoff_next(&backoff, 100 * CORUN_MS, 60 * CORUN_S, 60 * CORUN_S - 1, 0),
			  60 * CORUN_S);
	ck_assert_uint_eq(backoff_next(&backoff, 100 * CORUN_MS, 60 * CORUN_S, 60 * CORUN_S, 0),
			  100 * CORUN_MS);
	ck_assert_uint_eq(backoff_next(&backoff, 100 * CORUN_MS, 60 * CORUN_S, 0, 0),
			  200 * CORUN_MS);
}
END_TEST

START_TEST(ten_seconds_at_least_begin_anew)
{
	struct backoff backoff = { 0 };

	backoff_next(&backoff, 100 * CORUN_MS, CORUN_S, 0, 0);
	ck_assert_uint_eq(backoff_next(&backoff, 100 * CORUN_MS, CORUN_S, 5 * CORUN_S, 0),
			  200 * CORUN_MS);
	ck_assert_uint_eq(backoff_next(&backoff, 100 * CORUN_MS, CORUN_S, 10 * CORUN_S, 0),
			  100 * CORUN_MS);
}
END_TEST

START_TEST(odd_settings_are_lived_with)
{
	struct backoff backoff = { 0 };

	/* RestartSec=0: at once, and then not at once for ever */
	ck_assert_uint_eq(backoff_next(&backoff, 0, 60 * CORUN_S, 0, 0), 0);
	ck_assert_uint_eq(backoff_next(&backoff, 0, 60 * CORUN_S, 0, 0), 100 * CORUN_MS);
	ck_assert_uint_eq(backoff_next(&backoff, 0, 60 * CORUN_S, 0, 0), 200 * CORUN_MS);
	/* the longest below the first */
	backoff_reset(&backoff);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(backoff_next(&backoff, 5 * CORUN_S, CORUN_S, 0, 7), 5 * CORUN_S);
	/* no longest */
	backoff_reset(&backoff);
	for (int i = 0; i < 100; i++)
		backoff_next(&backoff, CORUN_S, UINT64_MAX, 0, UINT32_MAX);
	ck_assert_uint_ge(backoff_next(&backoff, CORUN_S, UINT64_MAX, 0, UINT32_MAX),
			  UINT64_MAX / 10 * 9);
	/* a reload made the first longer than what it was at */
	backoff_reset(&backoff);
	backoff_next(&backoff, CORUN_S, 60 * CORUN_S, 0, 0);
	ck_assert_uint_eq(backoff_next(&backoff, 30 * CORUN_S, 60 * CORUN_S, 0, 0), 30 * CORUN_S);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("backoff");
	TCase *tcase = tcase_create("backoff");

	tcase_add_test(tcase, it_doubles_up_to_the_longest);
	tcase_add_test(tcase, jitter_takes_off_a_tenth_at_most);
	tcase_add_test(tcase, jitter_makes_a_difference);
	tcase_add_test(tcase, a_long_run_begins_anew);
	tcase_add_test(tcase, ten_seconds_at_least_begin_anew);
	tcase_add_test(tcase, odd_settings_are_lived_with);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
