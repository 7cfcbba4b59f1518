/*
 * The context switch: what the ABI lets a callee keep is kept, and errno, rounding and stacks are
 * right. Needs nothing but arch/ and so runs under an emulator for another machine, too (main()
 * without check).
 */

#include <fenv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/arch/context.h"

static struct context main_context, contexts[2];
static char *stacks[2];
static int steps[2];
static unsigned failures, number;

static void
ok(int cond, const char *what)
{
	printf("%sok %u - %s\n", cond ? "" : "not ", ++number, what);
	failures += !cond;
}

/* Enough live values that the compiler keeps some in every register it may. */
static uint64_t
with_live_values(int which, uint64_t seed)
{
	uint64_t a = seed, b = seed * 3, c = seed * 5, d = seed * 7, e = seed * 11, f = seed * 13;
	double x = (double) seed, y = x * 0.5, z = x * 0.25;

	for (int i = 0; i < 100; i++) {
		a += b ^ c;
		b += c ^ d;
		c += d ^ e;
		d += e ^ f;
		e += f ^ a;
		f += a ^ b;
		x += y;
		y += z;
		z += 1.0;
		steps[which]++;
		if (which >= 0)
			context_switch(&contexts[which], &main_context);
	}
	return a ^ b ^ c ^ d ^ e ^ f ^ (uint64_t) (x + y + z);
}

static uint64_t results[2];
static int roundings[2];

static void
coroutine(void *arg)
{
	int which = (int) (intptr_t) arg;

	fesetround(which == 0 ? FE_UPWARD : FE_DOWNWARD);
	results[which] = with_live_values(which, (uint64_t) which + 17);
	roundings[which] = fegetround();
	steps[which] = -1;
	context_switch(&contexts[which], &main_context);
	abort();
}

/* The same without any switch, and in the same rounding. */
static uint64_t
expected(int which)
{
	static int unused[2];
	uint64_t a = (uint64_t) which + 17, b = a * 3, c = a * 5, d = a * 7, e = a * 11, f = a * 13;
	volatile double x = (double) a, y = x * 0.5, z = x * 0.25;

	(void) unused;
	fesetround(which == 0 ? FE_UPWARD : FE_DOWNWARD);
	for (int i = 0; i < 100; i++) {
		a += b ^ c;
		b += c ^ d;
		c += d ^ e;
		d += e ^ f;
		e += f ^ a;
		f += a ^ b;
		x = x + y;
		y = y + z;
		z = z + 1.0;
	}
	fesetround(FE_TONEAREST);
	return a ^ b ^ c ^ d ^ e ^ f ^ (uint64_t) (x + y + z);
}

static int
is_aligned(void)
{
	double on_stack[2] __attribute__((aligned(16)));

	return ((uintptr_t) on_stack & 15) == 0;
}

static int aligned;

static void
check_alignment(void *arg)
{
	(void) arg;
	aligned = is_aligned();
	context_switch(&contexts[0], &main_context);
	abort();
}

int
main(void)
{
	enum { STACK = 64 * 1024 };

	for (int i = 0; i < 2; i++) {
		stacks[i] = aligned_alloc(16, STACK);
		context_init(&contexts[i], stacks[i], stacks[i] + STACK - 40, coroutine,
			     (void *) (intptr_t) i);
	}
	while (steps[0] >= 0 || steps[1] >= 0) {
		for (int i = 0; i < 2; i++) {
			if (steps[i] >= 0)
				context_switch(&main_context, &contexts[i]);
		}
	}
	for (int i = 0; i < 2; i++)
		ok(results[i] == expected(i), "registers are kept over 100 switches");
	ok(roundings[0] == FE_UPWARD && roundings[1] == FE_DOWNWARD,
	   "each coroutine keeps its rounding mode");
	ok(fegetround() == FE_TONEAREST, "and leaves that of others alone");
	context_init(&contexts[0], stacks[0], stacks[0] + STACK, check_alignment, NULL);
	context_switch(&main_context, &contexts[0]);
	ok(aligned, "a new stack is aligned as the ABI asks");
	printf("1..%u\n", number);
	free(stacks[0]);
	free(stacks[1]);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
