#pragma once

/*
 * Runtime - start it, stop it, and set how many workers it has
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <corun/cpu.h>
#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the pool is, and what made it so. */
struct corun_pool_state {
	unsigned workers;             /* the size that is aimed at */
	enum corun_cpu_reason reason; /* why; CORUN_BY_PIN whoever pinned it */
	bool pinned;                  /* by a call, CORUN_WORKERS or the policy */
	struct corun_cpu_limit limit; /* that was acted upon: none with follow_affinity */
	unsigned cpus;                /* the same */
	bool settling;                /* the last look saw another value, not acted upon yet */
};

/* All zero gives the defaults. */
struct corun_options {
	struct corun_cpu_policy policy; /* bounds, rounding, pin of the worker count */
	bool follow_affinity;           /* ignore the quota: the CPUs of the affinity mask */
	bool no_update;                 /* the count of the start stays until a call changes it */
	bool ignore_env;                /* do not look at CORUN_WORKERS */
	const char *root;               /* as corun_cpu_options.root; borrowed until stop */
	unsigned cpus;                  /* as corun_cpu_options.cpus */

	size_t stack_bytes;   /* per coroutine; default 256 KiB, committed on touch */
	unsigned threads_max; /* OS threads of the runtime; default 10,000 */
	unsigned handoff_max; /* hogs that run on without a worker, at most; default 64 */
	bool no_membarrier; /* enter the runtime with a fence, as where membarrier(2) is missing */

	/*
	 * Told after each look of the governor (about once a second) and after each change of the
	 * size or of who pins it, from the governor's plain thread, which must not be held up for
	 * long; once from corun_start() itself before it returns. NULL: nobody.
	 * @view: what the last look saw, with cpu.stat; valid during the call
	 * @state: what was made of it; valid during the call
	 *
	 * Calls come one at a time, the last before corun_stop() returns. In the one of
	 * corun_start() the runtime does not count as started yet. With no_update there are no
	 * looks but those that a call asks for. Not to be called in it: corun_start(),
	 * corun_stop(), corun_set_default_workers() and corun_set_policy(), which wait for it.
	 */
	void (*on_look)(const struct corun_cpu_view *view, const struct corun_pool_state *state,
			void *arg);
	void *on_look_arg;
};

/**
 * corun_start() - start the runtime in this process
 * @options: copied; NULL for the defaults
 *
 * The calling thread stays a plain thread. CORUN_WORKERS in the environment pins the count; a
 * malformed one is said on stderr and the rules are used.
 *
 * Context: plain thread.
 * Return:  0; -EALREADY (it is started); -EINVAL (an option out of range); -ENOMEM, -EAGAIN,
 *          -EMFILE and the like from the kernel.
 */
CORUN_EXPORT int corun_start(const struct corun_options *options);

/**
 * corun_stop() - wait until no coroutine lives, then end all threads and free everything
 *
 * Context: plain thread, not from a coroutine.
 * Return:  0; -ETIMEDOUT: coroutines are still alive at @deadline_ns, and the runtime goes on;
 *          -ESRCH: not started; -EDEADLK: called from a coroutine.
 */
CORUN_EXPORT int corun_stop(uint64_t deadline_ns);

/**
 * corun_run() - run @fn(@arg) as a coroutine and wait for it
 *
 * Starts the runtime with the defaults if it is not started, and leaves it running: returning
 * from main() afterwards ends the process whatever other coroutines do, as in Go.
 * Context: plain thread.
 * Return:  0, or what corun_start() and corun_spawn() return.
 */
CORUN_EXPORT int corun_run(void (*fn)(void *arg), void *arg);

/** corun_workers() - the size of the pool that is aimed at; 0 when not started. Any context. */
CORUN_EXPORT unsigned corun_workers(void);

/**
 * corun_set_workers() - pin the size of the pool; nothing is stopped for it
 * @n: 1 to CORUN_WORKERS_MAX; not clamped to the CPUs
 *
 * Growing is effective at once. A worker too many hands its queue and timers over at its next
 * scheduling point; one that runs a CPU hog is preempted. The quota no longer counts until
 * corun_set_default_workers().
 *
 * Context: coroutine or plain thread; does not park.
 * Return:  the size before; -EINVAL (out of range); -ESRCH (not started).
 */
CORUN_EXPORT int corun_set_workers(unsigned n);

/**
 * corun_set_default_workers() - undo the pin: look at the quota now and follow it again
 *
 * Forgets CORUN_WORKERS as well, as Go's SetDefaultGOMAXPROCS does, and the pin of the policy.
 *
 * Context: coroutine or plain thread; blocks until the governor has read files and told on_look.
 * Return:  the new size; -ESRCH (not started).
 */
CORUN_EXPORT int corun_set_default_workers(void);

/**
 * corun_set_policy() - replace bounds, rounding and pin of the configuration, as for a reload
 * @policy: copied; NULL for the defaults
 *
 * The quota is looked at and acted upon now, without settling. A pin by corun_set_workers() stays;
 * CORUN_WORKERS is stronger than @policy->pin, unless corun_set_default_workers() has made it
 * forgotten.
 *
 * Context: coroutine or plain thread; blocks until the governor has read files and told on_look.
 * Return:  0; -EINVAL (pin or workers_max over CORUN_WORKERS_MAX); -ESRCH (not started).
 */
CORUN_EXPORT int corun_set_policy(const struct corun_cpu_policy *policy);

/** corun_num_cpu() - CPUs of the affinity mask when the runtime started (now, if it is not) */
CORUN_EXPORT unsigned corun_num_cpu(void);

#ifdef __cplusplus
}
#endif
