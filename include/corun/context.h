#pragma once

/*
 * Contexts - cancellation that reaches every wait below it, as Go's package context
 *
 * A context is cancelled by a call, by its deadline, or with its parent. A blocking call that was
 * given one returns its error then. Contexts are counted: who makes one holds a reference.
 */

#include <stdint.h>

#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct corun_context;

/**
 * corun_context_new() - make a context
 * @ret_ctx:     the caller owns one reference
 * @parent:      cancelled with it; NULL: none. The child keeps its parent alive.
 * @deadline_ns: it is cancelled then, with -ETIMEDOUT; CORUN_FOREVER: not by time. One that has
 *               passed gives a context that is cancelled already.
 *
 * Return:  0; -ENOMEM; -ESRCH (a deadline, and the runtime is not started).
 * Context: coroutine or plain thread.
 */
CORUN_EXPORT int corun_context_new(struct corun_context **ret_ctx, struct corun_context *parent,
				   uint64_t deadline_ns);

/**
 * corun_context_cancel() - cancel it and all below it; who waits with one of them returns
 * @cause: a negative errno for corun_context_error(); 0 is taken as -ECANCELED
 *
 * The first cancellation counts, later ones do nothing. Does not park.
 */
CORUN_EXPORT void corun_context_cancel(struct corun_context *ctx, int cause);

/** corun_context_error() - 0 while it lives, else what it was cancelled with. Any context. */
CORUN_EXPORT int corun_context_error(struct corun_context *ctx);

/**
 * corun_context_wait() - wait until it is cancelled
 * Return: what it was cancelled with (negative); 0: @deadline_ns came first.
 */
CORUN_EXPORT int corun_context_wait(struct corun_context *ctx, uint64_t deadline_ns);

/** corun_context_ref() - one more reference. Return: @ctx. */
CORUN_EXPORT struct corun_context *corun_context_ref(struct corun_context *ctx);

/** corun_context_unref() - one less; the last frees it, without cancelling it. NULL is fine. */
CORUN_EXPORT void corun_context_unref(struct corun_context *ctx);

#ifdef __cplusplus
}
#endif
