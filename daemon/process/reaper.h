#pragma once

/*
 * Reaper - the only one who waits for children
 *
 * It runs in the control thread, which is told of SIGCHLD by a signalfd; so every thread has
 * SIGCHLD blocked. A child of ours is looked up by its pid; what nobody claims is an orphan that
 * came to us as PID 1 or as subreaper, and is reaped and counted.
 *
 * A start is made so, by any thread or coroutine, several at a time:
 *
 *	reaper_begin();
 *	r = spawn(&plan, &result);
 *	if (r == 0)
 *		r = reaper_claim(result.pid, ended, arg);
 *	else
 *		reaper_give_up();
 *
 * In between only children that were claimed before are reaped, so that neither a child that ends
 * at once is lost nor its number given to another process.
 */

#include <stdint.h>
#include <sys/types.h>

/** Called in the control thread, once: the child has ended. @status: as wait(2) gives it. */
typedef void reaper_ended_fn(void *arg, int status);

/**
 * reaper_open() - make this process a subreaper (PID 1 is one anyhow), and SIGCHLD not ignored
 * Context: before all others. Return: 0 or -errno.
 */
int reaper_open(void);

/** reaper_begin() - a start is under way; before spawn(). Any thread or coroutine; never waits. */
void reaper_begin(void);

/**
 * reaper_claim() - the start is done: @pid is ours, and @ended(@arg) is to be called
 *
 * It is called by reaper_run(), which may be before this returns: the child has ended already.
 *
 * Context: who began it; never waits. May send SIGCHLD to this process.
 * Return:  0; -ENOMEM: the child will be reaped as an orphan, unheard of. Kill it.
 */
int reaper_claim(pid_t pid, reaper_ended_fn *ended, void *arg);

/** reaper_give_up() - the start has failed: there is no child. As reaper_claim(). */
void reaper_give_up(void);

/** reaper_run() - reap all that have ended. Context: the control thread, upon SIGCHLD. */
void reaper_run(void);

/** reaper_orphans() - how many were reaped that nobody had claimed. Any thread. */
uint64_t reaper_orphans(void);
