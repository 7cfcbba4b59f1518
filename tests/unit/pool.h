#pragma once

/*
 * Pools for tests of the runtime. Each test is a process of its own and runs once for each size, so
 * that what needs two threads at a time, and what needs just one, is both met.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <corun/coroutine.h>
#include <corun/runtime.h>
#include <corun/time.h>

#include "runtime/sanitize.h"
#include "tests/unit/tap.h"

static const unsigned pool_sizes[] = { 1, 2, 4, 16 };

enum { POOLS = sizeof(pool_sizes) / sizeof(pool_sizes[0]) };

/* Fewer rounds and more time where each costs ten times as much. */
#if defined(SANITIZE_THREAD) || defined(SANITIZE_ADDRESS)
#define ROUNDS(n) ((n) / 10)
#define PATIENCE  (200 * CORUN_S)
#else
#define ROUNDS(n) (n)
#define PATIENCE  (50 * CORUN_S)
#endif

/* New coroutines: each costs TSan, which keeps a record for it, about a millisecond. */
#ifdef SANITIZE_THREAD
#define COROUTINES(n) ((n) / 50)
#else
#define COROUTINES(n) ROUNDS(n)
#endif

enum { TEST_TIMEOUT_S = 240 };

/* As ck_assert, which says each success to its parent under a lock: too much for hot loops. */
#define want(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond))                                                                       \
			ck_abort_msg("this must hold: %s", #cond);                                 \
	} while (0)

#define want_eq(a, b)                                                                              \
	do {                                                                                       \
		long long want_a_ = (long long) (a), want_b_ = (long long) (b);                    \
		if (want_a_ != want_b_)                                                            \
			ck_abort_msg("%s is %lld, not %s, which is %lld", #a, want_a_, #b,         \
				     want_b_);                                                     \
	} while (0)

static inline void
pool_start(int i)
{
	struct corun_options options = {
		.policy = { .pin = pool_sizes[i] },
		.ignore_env = true,
	};

	want_eq(corun_start(&options), 0);
}

/* All coroutines have ended, or end now. */
static inline void
pool_stop(void)
{
	want_eq(corun_stop(corun_in(PATIENCE)), 0);
}

/* Run @fn(@arg) as a coroutine in a pool of its own, and see that nothing is left of it. */
static inline void
pool_run(int i, void (*fn)(void *arg), void *arg)
{
	pool_start(i);
	want_eq(corun_run(fn, arg), 0);
	pool_stop();
}

static inline struct corun_coroutine *
spawn(void (*fn)(void *arg), void *arg)
{
	struct corun_coroutine *co;

	want_eq(corun_spawn(&co, NULL, fn, arg), 0);
	return co;
}

static inline void
join(struct corun_coroutine *co)
{
	want_eq(corun_join(co, corun_in(PATIENCE)), 0);
}

/* A cheap random number for a coroutine's own use. */
static inline uint32_t
random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* @fn must end its process with SIGABRT and @sentence on stderr. */
static inline void
dies_saying(void (*fn)(void), const char *sentence)
{
	char text[512] = "";
	size_t len = 0;
	ssize_t n;
	int fds[2];
	int status;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		fn();
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t) n;
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		      "status %#x instead of SIGABRT; stderr: %s", (unsigned) status, text);
	ck_assert_msg(strstr(text, sentence) != NULL, "\"%s\" is not in: %s", sentence, text);
}
