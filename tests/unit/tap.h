#pragma once

/* Runs a suite of check's and speaks TAP on stdout, one line for each test. */

#include <stdlib.h>

#include <check.h>

static inline int
tap_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
