#pragma once

/*
 * must() - a wrong program stops
 *
 * Stays in release builds. A wrong world (a file that cannot be read, memory that is not to be
 * had) is no case for must(): it is reported and lived with.
 */

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define must(cond)                                                                                 \
	do {                                                                                       \
		if (unlikely(!(cond)))                                                             \
			must_failed(#cond, __FILE__, __LINE__);                                    \
	} while (0)

/* For what costs: checked only with --enable-debug. */
#ifdef CORUN_DEBUG
#define must_debug(cond) must(cond)
#else
#define must_debug(cond) ((void) 0)
#endif

/*
 * Say which condition failed and end the process with SIGABRT. Writes with write(2) alone: it may
 * be called anywhere, on any stack.
 */
_Noreturn void must_failed(const char *cond, const char *file, int line);

/* End the process with "corun: " and the sentence given, as for a misuse by the user's program. */
_Noreturn void must_die(const char *sentence);
