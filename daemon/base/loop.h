#pragma once

/*
 * Loop - the control thread: descriptors, timers, and calls from other threads
 *
 * The process's first thread. It answers requests, reads signals, reaps children and pings the
 * watchdog; so nothing that runs here may wait for a coroutine or block.
 */

#include <stdint.h>

#include "daemon/base/mailbox.h"

/* Something to run in the control thread. The first member of what is posted. */
struct call {
	struct letter letter;
	void (*run)(struct call *call); /* owns it */
};

struct loop_watch; /* a descriptor that is watched */

typedef void loop_ready_fn(void *arg, uint32_t events);

/* A timer; the caller's memory, zeroed. */
struct loop_timer {
	uint64_t deadline_ns; /* 0: not armed */
	void (*fn)(void *arg);
	void *arg;
	struct loop_timer *next;
};

/** loop_open() - before all others. Return: 0 or -errno. */
int loop_open(void);

/** loop_run() - until loop_end(). Context: the thread that opened it. */
void loop_run(void);

/** loop_end() - let loop_run() return once what is there has been handled. Control thread. */
void loop_end(void);

/** loop_close() - close it; calls that are left are run */
void loop_close(void);

/** loop_post() - run @call in the control thread. Any thread or coroutine; never waits. */
void loop_post(struct call *call);

/** loop_watch() - call @fn(@arg) when @fd has @events of epoll(7). Control thread. 0 or -errno. */
int loop_watch(int fd, uint32_t events, loop_ready_fn *fn, void *arg, struct loop_watch **ret);
void loop_unwatch(struct loop_watch *watch);

/** loop_at() - call timer->fn(timer->arg) at a point in time, once; CORUN_FOREVER: never. */
void loop_at(struct loop_timer *timer, uint64_t deadline_ns);
void loop_cancel(struct loop_timer *timer);

/** loop_turns() - how often it has gone round; for the watchdog. Any thread. */
uint64_t loop_turns(void);
