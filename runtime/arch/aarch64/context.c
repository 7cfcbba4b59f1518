#include "runtime/arch/context.h"

void context_start(void); /* switch.S */

/* What switch.S loads, lowest address first. */
struct frame {
	uint64_t x19; /* the function */
	uint64_t x20; /* the argument */
	uint64_t x21_x29[9];
	void (*x30)(void);
	uint64_t d8_d15[8];
};

_Static_assert(sizeof(struct frame) == 160, "switch.S");

void
context_init(struct context *ctx, char *low, char *high, void (*fn)(void *arg), void *arg)
{
	char *top = (char *) ((uintptr_t) high & ~(uintptr_t) 15);
	struct frame *f = (struct frame *) (void *) (top - sizeof(*f));
	uint64_t fpcr;

	(void) low;
	*f = (struct frame){
		.x19 = (uint64_t) (uintptr_t) fn,
		.x20 = (uint64_t) (uintptr_t) arg,
		.x30 = context_start,
	};
	ctx->sp = f;
	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	ctx->fp_control = (uint32_t) fpcr;
	ctx->x87_control = 0;
}
