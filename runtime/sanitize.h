#pragma once

/*
 * Sanitize - tell ASan, TSan and valgrind of stacks and switches
 *
 * Without a sanitizer all of this is empty. The order around a switch is theirs:
 *
 *	sanitize_leave(from, to, ends)   just before context_switch()
 *	sanitize_arrive(me)              first thing after it, on the new stack
 */

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZE_ADDRESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZE_ADDRESS 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define SANITIZE_THREAD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZE_THREAD 1
#endif
#endif

/* What the tools know of one stack: a coroutine's, or a thread's own. */
struct sanitize {
#ifdef SANITIZE_ADDRESS
	void *fake_stack;
	const void *low;
	size_t bytes;
#endif
#ifdef SANITIZE_THREAD
	void *fiber;
#endif
	char unused; /* an empty struct is no C */
};

#ifdef SANITIZE_ADDRESS
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef SANITIZE_THREAD
#include <sanitizer/tsan_interface.h>
#endif

/*
 * A function that leaves its stack. TSan wants its call to be the last before the jump, in a
 * function that it does not instrument: its shadow of the call stack would run dry otherwise.
 */
#ifdef SANITIZE_THREAD
#define SWITCHES        __attribute__((noinline, no_sanitize("thread")))
#define SWITCHES_INLINE static inline __attribute__((always_inline, no_sanitize("thread")))
#else
#define SWITCHES
#define SWITCHES_INLINE static inline
#endif

/* A coroutine is about to start on the stack from @low on. */
static inline void
sanitize_new(struct sanitize *s, char *low, size_t bytes)
{
	(void) s, (void) low, (void) bytes;
#ifdef SANITIZE_ADDRESS
	/* What the last user's frames poisoned is poisoned still: they never returned. */
	__asan_unpoison_memory_region(low, bytes);
	s->fake_stack = NULL;
	s->low = low;
	s->bytes = bytes;
#endif
#ifdef SANITIZE_THREAD
	s->fiber = __tsan_create_fiber(0);
#endif
}

/* The coroutine has ended and another stack is in use. */
static inline void
sanitize_free(struct sanitize *s)
{
	(void) s;
#ifdef SANITIZE_THREAD
	__tsan_destroy_fiber(s->fiber);
#endif
}

/* The calling thread's own stack. */
static inline void
sanitize_thread(struct sanitize *s)
{
	(void) s;
#ifdef SANITIZE_THREAD
	s->fiber = __tsan_get_current_fiber();
#endif
}

SWITCHES_INLINE void
sanitize_leave(struct sanitize *from, const struct sanitize *to, bool ends)
{
	(void) from, (void) to, (void) ends;
#ifdef SANITIZE_ADDRESS
	__sanitizer_start_switch_fiber(ends ? NULL : &from->fake_stack, to->low, to->bytes);
#endif
#ifdef SANITIZE_THREAD
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
}

/* @from is who left; a thread's own stack is learnt here, the first time somebody leaves it. */
static inline void
sanitize_arrive(struct sanitize *me, struct sanitize *from)
{
	(void) me, (void) from;
#ifdef SANITIZE_ADDRESS
	__sanitizer_finish_switch_fiber(me->fake_stack, &from->low, &from->bytes);
#endif
}

/*
 * What one coroutine writes to a descriptor and another reads orders them. TSan does not see that,
 * since the system calls are made without libc. One object for all of them, as Go's race detector
 * has it.
 */
#ifdef SANITIZE_THREAD
extern char sanitize_io;
#endif

static inline void
sanitize_send(void)
{
#ifdef SANITIZE_THREAD
	__tsan_release(&sanitize_io);
#endif
}

static inline void
sanitize_receive(void)
{
#ifdef SANITIZE_THREAD
	__tsan_acquire(&sanitize_io);
#endif
}
