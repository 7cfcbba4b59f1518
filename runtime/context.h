#pragma once

/* Contexts - what wait_park() needs of them; the public side is <corun/context.h> */

#include "runtime/base/list.h"

struct corun_context;
struct wait;

/* One wait on a context's list; under the context's lock. */
struct context_watch {
	struct list link;
	struct wait *wait;
};

/** context_watch() - have @w claimed with WAKE_CANCELED when @ctx ends; its error at once if it has
 */
int context_watch(struct corun_context *ctx, struct context_watch *node, struct wait *w);

/** context_unwatch() - afterwards nobody has a pointer to the wait */
void context_unwatch(struct corun_context *ctx, struct context_watch *node);

/** context_error() - 0 while it lives, else the negative errno it was cancelled with */
int context_error(struct corun_context *ctx);
