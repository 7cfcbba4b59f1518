/* The portable switch: correct wherever there is ucontext, and slow (two system calls). */

#include "runtime/arch/context.h"

#include "runtime/base/must.h"

void
context_switch(struct context *from, struct context *to)
{
	must(swapcontext(&from->uc, &to->uc) == 0);
}

/* makecontext() passes ints only: a pointer goes as two halves. */
static void
start(unsigned fn_high, unsigned fn_low, unsigned arg_high, unsigned arg_low)
{
	uintptr_t fn = (uintptr_t) ((uint64_t) fn_high << 32 | fn_low);
	uintptr_t arg = (uintptr_t) ((uint64_t) arg_high << 32 | arg_low);

	((void (*)(void *)) fn)((void *) arg);
	must(!"a coroutine's first function returned");
}

void
context_init(struct context *ctx, char *low, char *high, void (*fn)(void *arg), void *arg)
{
	uint64_t f = (uintptr_t) fn;
	uint64_t a = (uintptr_t) arg;

	must(getcontext(&ctx->uc) == 0);
	ctx->uc.uc_stack.ss_sp = low;
	ctx->uc.uc_stack.ss_size = (size_t) (high - low);
	ctx->uc.uc_link = NULL;
	makecontext(&ctx->uc, (void (*)(void)) start, 4, (unsigned) (f >> 32), (unsigned) f,
		    (unsigned) (a >> 32), (unsigned) a);
}
