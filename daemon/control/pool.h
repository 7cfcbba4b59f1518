#pragma once

/* Pool - what the governor saw last, and who is to know */

#include <corun/runtime.h>

/**
 * pool_set_policy() - the configuration's policy, as it is shown in GET /v1/cpu
 * Before corun_start() and corun_set_policy(), with the same. Any thread or coroutine; never waits.
 */
void pool_set_policy(const struct corun_cpu_policy *policy);

/** pool_on_look() - for corun_options.on_look: publish it, and post a change to the control thread */
void pool_on_look(const struct corun_cpu_view *view, const struct corun_pool_state *state,
		  void *arg);

/** pool_state() - the latest. Control thread; valid until the next call. NULL: no look yet. */
const struct corun_pool_state *pool_state(void);

/** pool_cpu_json() - the body of GET /v1/cpu as of the last look: text. As above; NULL: no memory. */
const char *pool_cpu_json(void);

/**
 * pool_watch() - call @fn in the control thread whenever count, limit, CPUs or pin have changed
 * From then on; once. Event "workers" is emitted and the log says it before.
 */
void pool_watch(void (*fn)(const struct corun_pool_state *now));

/** pool_close() - free what was published; after corun_stop() */
void pool_close(void);
