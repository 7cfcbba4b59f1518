#pragma once

/*
 * Context - what a switch saves, and the switch
 *
 * A switch is an ordinary call: only what the ABI lets the callee keep is saved, on the stack of
 * who switches away. The floating-point control words belong to that; they are compared and
 * only loaded where they differ, since loading them is what costs.
 *
 * The x86-64 and aarch64 switches are assembly (arch/<machine>/switch.S); elsewhere, and with
 * --enable-portable-switch, ucontext does it (arch/ucontext/switch.c), a system call slower.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef ARCH_UCONTEXT
#include <ucontext.h>

struct context {
	ucontext_t uc;
};
#else

struct context {
	void *sp;
	uint32_t fp_control; /* x86-64: mxcsr; aarch64: fpcr */
	uint32_t x87_control;
};

_Static_assert(offsetof(struct context, sp) == 0, "switch.S");
_Static_assert(offsetof(struct context, fp_control) == 8, "switch.S");
_Static_assert(offsetof(struct context, x87_control) == 12, "switch.S");
#endif

/**
 * context_switch() - leave @from, go on in @to
 * @from: filled; the call returns when somebody switches to it
 * @to:   as filled by a switch or by context_init()
 *
 * Whatever was read from thread-local storage before the call is void after it.
 */
void context_switch(struct context *from, struct context *to);

/**
 * context_init() - make @ctx start @fn(@arg) on a stack
 * @low, @high: its bounds; @high need not be aligned
 *
 * @fn must never return. It inherits the caller's floating-point control words.
 */
void context_init(struct context *ctx, char *low, char *high, void (*fn)(void *arg), void *arg);
