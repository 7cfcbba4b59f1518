#pragma once

/*
 * Supervisor - what the files of a task's supervisor share; others use task.h
 *
 *   task.c        the handle: what the control thread calls
 *   supervise.c   the coroutine: waits, asks the table, does what it says
 *   answer.c      tells those who asked
 *   process.c     the kind "process": start, terminate, kill, is anybody left
 *   resize.c      tells what runs of a new count
 *   status.c      publishes, logs and emits what has changed
 *
 * Who owns what: the first part of struct task is the control thread's, the last the supervisor's.
 * Between them lies what goes from one to the other without either waiting.
 */

#include <stdatomic.h>

#include <corun/chan.h>
#include <corun/coroutine.h>
#include <corun/time.h>

#include "daemon/base/publish.h"
#include "daemon/process/output.h"
#include "daemon/process/taskgroup.h"
#include "daemon/task/backoff.h"
#include "daemon/task/count.h"
#include "daemon/task/table.h"
#include "daemon/task/task.h"

struct module_run;

/* What must not be lost, and so is a bit rather than an entry in a queue that may be full. */
enum task_pending {
	PENDING_ENDED = 1 << 0,      /* the leader was reaped, or the module has ended */
	PENDING_HOOK_ENDED = 1 << 1, /* OnResize='s process was reaped */
	PENDING_POOL = 1 << 2,
	PENDING_CONFIG = 1 << 3,
	PENDING_REMOVE = 1 << 4,
	PENDING_HURRY = 1 << 5,
	PENDING_LEFT = 1 << 6, /* the control thread has let go of it */
	PENDING_ABANDON = 1 << 7,
};

/* The latest pool state: written by one thread, read by one coroutine, three places, no waiting. */
struct pool_box {
	struct corun_pool_state places[3];
	_Atomic unsigned middle; /* a place, and BOX_FRESH if it was not read yet */
	unsigned writer, reader; /* their places */
};

/* A child process with a group of its own. */
struct task_child {
	bool lives;  /* it was started, and has not been done with */
	bool reaped; /* the supervisor has heard so */
	int status;  /* as wait(2) gives it; set before the bit that tells of it */
	pid_t pid;
	int pidfd;
};

/* One run of the task: from a start that succeeded until nothing of it lives. */
struct task_run {
	bool lives, ended;
	uint64_t started_ns;
	struct task_config *config; /* what it was started with; a reference */
	struct task_child leader;   /* Type=process */
	struct module_run *module;  /* Type=module */
	int module_result;
};

struct task {
	/* ---- the control thread's */
	struct task_config *control_config;
	struct published status;
	bool removing;
	bool was_gone; /* gone was run, and it was stuck */
	struct call *gone;

	/* ---- between them */
	struct corun_chan *queue; /* of struct task_request *; NULL in it: look at pending */
	_Atomic unsigned pending;
	struct pool_box pool_box;
	_Atomic(struct task_config *) fresh_config;
	_Atomic(struct output *) output; /* set once, at the first start */
	_Atomic unsigned workers;        /* for a module, from any thread */
	struct call leave;               /* posted by the supervisor: it is gone, or stuck */
	struct call free;                /* posted as its last deed */
	struct call module_ended;        /* posted by the module */

	/* ---- the supervisor's */
	struct task_life life;
	struct task_config *config;
	struct corun_pool_state pool;
	struct task_run run;
	struct taskgroup *group;
	struct corun_cpu_limit quota; /* that the kernel enforces for it */
	struct backoff backoff;
	struct letter *waiters;         /* requests that are to be answered */
	bool leaving, told_leave, left; /* to be removed; said so; the control thread let go */
	bool abandoned;                 /* if it is stuck, it is to be left behind */
	bool hurry;

	uint64_t timer_ns;            /* of the state: the delay, the time-out; or CORUN_FOREVER */
	uint64_t look_ns, look_in_ns; /* when to look whether anybody is left, and the pause */
	uint64_t since_us, next_start_us;
	uint64_t starts, restarts;
	struct task_end end;
	char fault[512];       /* why it could not be started, or is stuck */
	char quota_fault[600]; /* why CPUQuota= is not enforced */
	int workers_file_error;
	bool workers_file_written;

	struct corun_cpu_decision count; /* what it is to be told now */
	unsigned told;                   /* what it was told last; 0: nothing yet */
	struct task_child hook;          /* OnResize=reload or exec */
	uint64_t hook_deadline_ns;
	bool hook_late;
	bool resize_restart; /* OnResize=restart is under way */
	unsigned resize_workers;
	uint64_t resizes_done, resizes_failed;
};

/* ---- task.c */

/** task_pend() - set a bit and wake the supervisor; never waits. The control thread, or itself. */
void task_pend(struct task *task, unsigned bits);

/** task_take_pool() - the latest pool state into task->pool. Supervisor. */
void task_take_pool(struct task *task);

/* ---- supervise.c */

/** task_supervise() - the coroutine; @arg: the task */
void task_supervise(void *arg);

/** task_feed() - an event, and all that follows from it. Supervisor. */
void task_feed(struct task *task, enum task_event event);

/* ---- answer.c */

/** task_answer() - answer those requests that the state answers. Supervisor. */
void task_answer(struct task *task);

/* ---- process.c; supervisor */

/** process_start() - start the run's leader. Return: 0; -errno with a sentence in task->fault. */
int process_start(struct task *task);

/** process_requota() - CPUQuota= as the configuration of the run has it; see quota, quota_fault */
void process_requota(struct task *task);

/** process_terminate() - KillSignal= to the group */
void process_terminate(struct task *task);

/** process_kill() - SIGKILL to the group, and to the cgroup where there is one */
void process_kill(struct task *task);

/** process_is_gone() - the leader was reaped, and nobody of its group or cgroup is left */
bool process_is_gone(struct task *task);

/** process_hook() - start a command for OnResize=. Return: 0, or -errno with a sentence. */
int process_hook(struct task *task, char *const *words, char *fault, size_t size);

/** process_forget() - close what is left of a child that was reaped */
void process_forget(struct task_child *child);

/** process_end() - how it ended, as text: "exited with code 3"; static size is 64 */
void process_end(int status, char *text, size_t size);

/* ---- resize.c; supervisor */

/** task_recount() - the count anew; writes the file when it has changed */
void task_recount(struct task *task);

/** task_resize() - tell what runs, if it has to be told and nothing is under way */
void task_resize(struct task *task);

/** task_resize_settle() - a restart for OnResize= may have come to its end */
void task_resize_settle(struct task *task);

/** task_hook_ended(), task_hook_late() - OnResize='s process was reaped; takes too long */
void task_hook_ended(struct task *task);
void task_hook_late(struct task *task);

/** task_hook_abort() - the task ends: so does the hook */
void task_hook_abort(struct task *task);

/* ---- status.c */

/** task_publish() - a new struct task_status. Supervisor, and the control thread in task_new(). */
void task_publish(struct task *task);

/** task_tell() - log and emit a change of state. Supervisor. */
void task_tell(struct task *task, enum task_state before);

/** task_free_status() - for struct published */
void task_free_status(void *status);

/** task_now_us() - now, of CLOCK_REALTIME */
uint64_t task_now_us(void);

/** task_action_text() - OnResize= as it was written: "signal:SIGHUP" */
void task_action_text(const struct task_config *config, char *text, size_t size);

/** task_text_json() - a string, with '?' for what is no UTF-8; null for NULL and "" */
json_t *task_text_json(const char *text);
