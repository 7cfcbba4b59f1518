#include "runtime/arch/context.h"

void context_start(void); /* switch.S */

/* What switch.S pops, lowest address first. */
struct frame {
	uint64_t r15, r14;
	uint64_t r13; /* the argument */
	uint64_t r12; /* the function */
	uint64_t rbx, rbp;
	void (*rip)(void);
};

_Static_assert(sizeof(struct frame) == 56, "switch.S pops seven words");

void
context_init(struct context *ctx, char *low, char *high, void (*fn)(void *arg), void *arg)
{
	/* context_start() calls with an aligned stack, as the ABI asks. */
	char *top = (char *) ((uintptr_t) high & ~(uintptr_t) 15);
	struct frame *f = (struct frame *) (void *) (top - sizeof(*f));
	uint16_t cw;

	(void) low;
	*f = (struct frame){
		.r12 = (uint64_t) (uintptr_t) fn,
		.r13 = (uint64_t) (uintptr_t) arg,
		.rip = context_start,
	};
	ctx->sp = f;
	__asm__ volatile("stmxcsr %0" : "=m"(ctx->fp_control));
	__asm__ volatile("fnstcw %0" : "=m"(cw));
	ctx->x87_control = cw;
}
