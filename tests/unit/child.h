#pragma once

/*
 * Tests that start processes: each is run from a plain thread without a runtime, from one beside a
 * pool, and from a coroutine of a pool of four. Every test is a process of its own (check forks).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <corun/coroutine.h>
#include <corun/runtime.h>
#include <corun/time.h>

#include "daemon/process/spawn.h"
#include "tests/unit/tap.h"

enum { FROM_PLAIN, FROM_PLAIN_BESIDE_A_POOL, FROM_COROUTINE, FROMS };

enum { TEST_TIMEOUT_S = 120 };

/* What is not there by then does not come any more. */
#define PATIENCE (60 * CORUN_S)

static inline void
pool_of_four(void)
{
	struct corun_options options = { .policy = { .pin = 4 }, .ignore_env = true };

	ck_assert_int_eq(corun_start(&options), 0);
}

static inline void
run_from(int from, void (*fn)(void *arg), void *arg)
{
	if (from != FROM_PLAIN)
		pool_of_four();
	if (from == FROM_COROUTINE)
		ck_assert_int_eq(corun_run(fn, arg), 0);
	else
		fn(arg);
	if (from != FROM_PLAIN)
		ck_assert_int_eq(corun_stop(corun_in(PATIENCE)), 0);
}

/* A plan that runs @argv with the test's output and nothing else. */
static inline struct spawn_plan
plan_of(char *const *argv)
{
	static char *no_environment[] = { NULL };
	struct spawn_plan plan = {
		.file = argv[0],
		.argv = argv,
		.envp = no_environment,
		.fd_stdin = -1,
		.fd_stdout = STDERR_FILENO,
		.fd_stderr = STDERR_FILENO,
		.cgroup_fd = -1,
		.cgroup_procs_fd = -1,
	};

	return plan;
}

/* exec(2)'s vectors are of char *, for reasons of the past: by way of a number they can be. */
#define ARGV(...)     ((char *const *) (uintptr_t) (const char *const[]){ __VA_ARGS__, NULL })
#define SHELL(script) ARGV("/bin/sh", "-c", script)
