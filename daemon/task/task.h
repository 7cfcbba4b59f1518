#pragma once

/*
 * Task - what the daemon hosts: a process that is kept running, or a module's coroutines
 *
 * Each task has one coroutine that supervises it (supervise.c), and a queue of what happens to it.
 * What to do is decided by one pure table (table.h); the supervisor only carries it out. The control
 * thread owns the handle and sees the task's state as it was published last, without waiting for the
 * coroutine.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <corun/runtime.h>

#include "daemon/base/loop.h"
#include "daemon/config/config.h"

struct task;

enum task_state {
	TASK_STOPPED,  /* not to run: by hand, or it ended and is not to be restarted */
	TASK_STARTING, /* being spawned or loaded */
	TASK_RUNNING,
	TASK_WAITING,  /* ended; the delay before the restart */
	TASK_STOPPING, /* asked to end */
	TASK_KILLING,  /* killed; the last of its processes is still to end */
	TASK_FAILED,   /* ended badly or could not start, and is not to be restarted */
	TASK_STUCK,    /* did not end whatever was done; cannot be started until it has ended */
};

enum task_verb { TASK_START, TASK_STOP, TASK_RESTART };

/* How it ended last. */
struct task_end {
	bool any;   /* false: it has not ended yet */
	int code;   /* exit code; a module: what it returned; -1: by a signal */
	int signal; /* or 0 */
	uint64_t realtime_us;
};

struct task_coroutine {
	uint64_t id;
	char name[32];
	char state[32];
};

/* A task as it was at one instant. Immutable once published. */
struct task_status {
	struct task_config
		*config; /* what it runs with, or would; a reference of the status's own */
	char name[256];
	enum task_type type;
	enum task_state state;
	uint64_t since_realtime_us; /* when it came into this state */
	pid_t pid;                  /* 0: none */
	uint64_t starts, restarts;
	unsigned workers; /* what it was told last, or would be told */
	enum corun_cpu_reason reason;
	struct task_end end;
	uint64_t next_start_realtime_us; /* TASK_WAITING; else 0 */
	char fault[600];                 /* why it could not start, or was not told; "" */
	char cgroup[512];                /* directory; "" */
	enum resize_action on_resize;
	uint64_t resizes_done, resizes_failed;
	uint64_t lines; /* of output */
	size_t n_stuck; /* coroutines of a stuck module: how many, and the first of them */
	struct task_coroutine stuck[8];
};

/*
 * A request. Given away by task_ask(), it comes back exactly once: @done runs it in the control
 * thread with the result filled in.
 */
struct task_request {
	struct call done;
	enum task_verb verb;
	/*
	 * 0; -EAGAIN: too many requests; -EBUSY: stuck; -ECANCELED: another request came between;
	 * -ESHUTDOWN: the task is being removed; or why it could not be started
	 */
	int result;
	char text[1024]; /* a sentence for a failure */
	void *arg;       /* the asker's */
};

/**
 * task_new() - make a task and start its supervisor; it is TASK_STOPPED
 * @config: a reference is taken
 * @pool:   what its worker count is made from
 * Context: the control thread, with the runtime started.
 */
int task_new(struct task_config *config, const struct corun_pool_state *pool, struct task **ret);

/**
 * task_ask() - start, stop or restart it
 *
 * start: done when it runs (a process: exec has succeeded); stop: when the last of it has ended;
 * restart: both. Starting what runs and stopping what is stopped succeed at once.
 * Context: the control thread; never waits. The task owns @request until it is done.
 */
void task_ask(struct task *task, struct task_request *request);

/** task_pool_changed() - the worker count, the limit or the pin is another. Control thread. */
void task_pool_changed(struct task *task, const struct corun_pool_state *pool);

/**
 * task_reconfigure() - another configuration, of which a reference is taken
 *
 * What runs, waits or has failed is (re)started with it; what is stopped stays so. Control thread.
 */
void task_reconfigure(struct task *task, struct task_config *config);

/**
 * task_remove() - stop it; then @gone is run in the control thread and the task is freed after it
 *
 * Once. One that is stuck is gone when it has ended. No other call for this task after @gone.
 */
void task_remove(struct task *task, struct call *gone);

/**
 * task_abandon() - after task_remove(): do not wait for it if it is stuck, or becomes so
 *
 * Then it is gone as far as the caller is concerned, but its memory stays until it has ended: @gone
 * sees TASK_STUCK in task_status(). For the end of the daemon. Control thread.
 */
void task_abandon(struct task *task);

/**
 * task_set_module_dir() - where modules are that are given by name
 * Context: the control thread; for the starts that follow.
 */
void task_set_module_dir(const char *dir);

/** task_hurry() - do not wait for TimeoutStopSec= any longer: kill now. Control thread. */
void task_hurry(struct task *task);

/** task_config() - the configuration it has now. Control thread. */
const struct task_config *task_config(const struct task *task);

/** task_status() - the latest; valid until the next call for this task. Control thread. */
const struct task_status *task_status(struct task *task);

/** task_output_tail() - the last 64 KiB of its output. As output_tail(). Control thread. */
long task_output_tail(struct task *task, char **ret);

/** task_status_json() - the object of the control protocol; NULL: no memory. Any thread. */
json_t *task_status_json(const struct task_status *status);

/** task_state_name() - "running" ...; static storage */
const char *task_state_name(enum task_state state);
