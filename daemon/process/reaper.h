#pragma once

/*
 * Reaper - the only one who waits for children
 *
 * It runs in the control thread, which is told of SIGCHLD by a signalfd. A child of ours is looked
 * up by its pid; what nobody claims is an orphan that came to us as PID 1 or as subreaper, and is
 * reaped and counted.
 *
 * A child may be reaped before its starter has told us of it. So statuses of unknown pids are kept
 * while a start is under way, and reaper_claim() looks there first.
 */

#include <stdint.h>
#include <sys/types.h>

struct child; /* a child that was claimed */

/** Called in the control thread, once: the child has ended. @status: as wait(2) gives it. */
typedef void reaper_ended_fn(void *arg, int status);

/** reaper_open() - make this process a subreaper (PID 1 is one anyhow). Return: 0 or -errno. */
int reaper_open(void);

/** reaper_begin() - a start is under way; before spawn(). Any thread or coroutine. */
void reaper_begin(void);

/**
 * reaper_claim() - the start begun last is done: @pid is ours, and @ended is to be called
 * @ended may be called before this returns, in this thread: the child has ended already.
 * Return: 0; -ENOMEM (the child will be reaped as an orphan, unheard of).
 */
int reaper_claim(pid_t pid, reaper_ended_fn *ended, void *arg);

/** reaper_give_up() - the start begun last has failed: there is no child */
void reaper_give_up(void);

/** reaper_run() - reap all that have ended. Context: the control thread, upon SIGCHLD. */
void reaper_run(void);

/** reaper_orphans() - how many were reaped that nobody had claimed. Any thread. */
uint64_t reaper_orphans(void);
