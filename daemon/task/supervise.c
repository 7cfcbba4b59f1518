/*
 * Supervise - the coroutine that carries out what the table says
 *
 *   wait (queue, or the earliest deadline)
 *     -> bits, request, time   become events       task_feed()
 *     -> event                 to the table        task_table_step()
 *     -> action                may give an event    do_action()
 *
 * It is the only one who changes the task's state. It parks in the queue only; starting a process
 * (users, files, exec) blocks its thread, declared as such, and what happens meanwhile waits.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "daemon/base/log.h"
#include "daemon/module/module.h"
#include "daemon/task/supervisor.h"
#include "daemon/task/workers_file.h"

#define NO_EVENT    TASK_N_EVENTS
#define KILL_NS     (10 * CORUN_S) /* what SIGKILL does not end by then is stuck in the kernel */
#define LOOK_NS     (5 * CORUN_MS)
#define LOOK_MAX_NS (200 * CORUN_MS)

static _Atomic(const char *) module_dir;

void
task_set_module_dir(const char *dir)
{
	const char *before = atomic_load(&module_dir);

	if (dir == NULL || (before != NULL && strcmp(before, dir) == 0))
		return;
	/* The old one is not freed: a start may be reading it. It changes with a reload at most. */
	dir = strdup(dir);
	if (dir != NULL)
		atomic_store(&module_dir, dir);
}

/* ---- the two kinds ----------------------------------------------------------------------------- */

static void
module_has_ended(void *arg, int result)
{
	struct task *task = arg;

	task->run.module_result = result;
	loop_post(&task->module_ended);
}

static unsigned
module_workers(void *arg)
{
	struct task *task = arg;

	return atomic_load(&task->workers);
}

static int
module_begin(struct task *task)
{
	struct module_start start = {
		.config = task->run.config,
		.dir = atomic_load(&module_dir),
		.output = atomic_load(&task->output),
		.workers = module_workers,
		.ended = module_has_ended,
		.arg = task,
	};
	char text[sizeof(task->fault) - 16] = "";
	int r = module_run(&start, &task->run.module, text, sizeof(text));

	if (r < 0)
		snprintf(task->fault, sizeof(task->fault), "cannot start: %s", text);
	return r;
}

static bool
is_module(const struct task *task)
{
	return task->run.lives && task->run.config->type == TASK_MODULE;
}

static int
begin(struct task *task)
{
	struct output *output;
	int r;

	if (atomic_load(&task->output) == NULL) {
		r = output_open(task->config->name, &output);
		if (r < 0) {
			snprintf(task->fault, sizeof(task->fault),
				 "cannot start: pipes for its output: %s", strerrordesc_np(-r));
			return r;
		}
		atomic_store(&task->output, output);
	}
	return task->run.config->type == TASK_MODULE ? module_begin(task) : process_start(task);
}

/* ---- actions ----------------------------------------------------------------------------------- */

static void
look_soon(struct task *task)
{
	task->look_in_ns = LOOK_NS;
	task->look_ns = corun_in(LOOK_NS);
}

static enum task_event
start(struct task *task, bool by_policy)
{
	struct task_end none = { 0 };

	task->timer_ns = CORUN_FOREVER;
	task->next_start_us = 0;
	task->fault[0] = '\0';
	task->hurry = false;
	task->run =
		(struct task_run){ .config = task_config_ref(task->config), .leader.pidfd = -1 };
	if (begin(task) < 0) {
		task_config_unref(task->run.config);
		task->run.config = NULL;
		return task_table_gone(task->life.goal, task->config->restart, &none);
	}
	task->run.lives = true;
	task->run.started_ns = corun_now();
	task->told = task->count.workers;
	task->starts++;
	if (by_policy)
		task->restarts++;
	return TASK_STARTED;
}

static enum task_event
terminate(struct task *task)
{
	/* The newest, also for a run with an older configuration: it may have been too short. */
	task->timer_ns = corun_in(task->config->timeout_stop_ns);
	task_hook_abort(task);
	if (is_module(task)) {
		module_cancel(task->run.module);
	} else {
		process_terminate(task);
		if (task->run.ended)
			look_soon(task);
	}
	return NO_EVENT;
}

static enum task_event
kill_it(struct task *task)
{
	log_line(LOG_LEVEL_WARNING, task->config->name, "%s; it is killed",
		 task->hurry ? "no more time to end" : "it has not ended within TimeoutStopSec=");
	process_kill(task);
	task->timer_ns = corun_in(KILL_NS);
	look_soon(task);
	return NO_EVENT;
}

static enum task_event
delay(struct task *task)
{
	uint64_t now_ns = corun_now(), delay_ns;
	uint64_t ran_ns = task->run.started_ns ? now_ns - task->run.started_ns : 0;
	uint32_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (uint32_t) now_ns;
	delay_ns = backoff_next(&task->backoff, task->config->restart_ns,
				task->config->restart_max_delay_ns, ran_ns, random);
	task->timer_ns = corun_in(delay_ns);
	task->next_start_us = task_now_us() + delay_ns / CORUN_US;
	return NO_EVENT;
}

static enum task_event
do_action(struct task *task, enum task_action action, enum task_event event)
{
	switch (action) {
	case TASK_DO_START:
		return start(task, event == TASK_DUE);
	case TASK_DO_TERMINATE:
		return terminate(task);
	case TASK_DO_KILL:
		return kill_it(task);
	case TASK_DO_DELAY:
		return delay(task);
	case TASK_DO_NOTHING:
		break;
	}
	return NO_EVENT;
}

static void
note_stuck(struct task *task)
{
	if (is_module(task))
		snprintf(task->fault, sizeof(task->fault),
			 "the module did not end when it was told to; it cannot be started until "
			 "it has");
	else if (task->run.ended)
		snprintf(task->fault, sizeof(task->fault),
			 "processes that it left behind did not end when they were killed");
	else
		snprintf(task->fault, sizeof(task->fault),
			 "process %d did not end when it was killed", (int) task->run.leader.pid);
}

/* ---- events ------------------------------------------------------------------------------------ */

static void
enter(struct task *task, enum task_state before)
{
	if (task->life.state == before)
		return;
	task->since_us = task_now_us();
	if (task->life.state == TASK_STUCK) {
		note_stuck(task);
		task->timer_ns = CORUN_FOREVER;
	}
	if (task->life.state == TASK_STOPPED || task->life.state == TASK_FAILED)
		task->timer_ns = CORUN_FOREVER;
	/* Why it could not be started is of no interest once it is not to be. */
	if (task->life.state == TASK_STOPPED && (before == TASK_WAITING || before == TASK_FAILED))
		task->fault[0] = '\0';
	task_publish(task);
	task_tell(task, before);
}

void
task_feed(struct task *task, enum task_event event)
{
	while (event != NO_EVENT) {
		enum task_state before = task->life.state;
		struct task_step step = task_table_step(task->life, event);

		task->life = step.life;
		/* A start may take long: show it before, and all others with what they have done. */
		if (step.action == TASK_DO_START)
			enter(task, before);
		before = step.action == TASK_DO_START ? task->life.state : before;
		event = do_action(task, step.action, event);
		enter(task, before);
		task_resize_settle(task);
		task_answer(task);
	}
}

static void
note_end(struct task *task)
{
	struct task_run *run = &task->run;

	task->end = (struct task_end){ .any = true, .realtime_us = task_now_us() };
	if (run->config->type == TASK_MODULE) {
		task->end.code = run->module_result;
		if (run->module_result != 0)
			snprintf(task->fault, sizeof(task->fault), "%s", module_fault(run->module));
	} else if (WIFSIGNALED(run->leader.status)) {
		task->end.code = -1;
		task->end.signal = WTERMSIG(run->leader.status);
	} else {
		task->end.code = WEXITSTATUS(run->leader.status);
	}
}

/* Nothing of it lives: what was started is done with. */
static void
gone(struct task *task)
{
	enum restart_policy policy = task->config->restart;

	task->run.lives = false;
	task->look_ns = CORUN_FOREVER;
	task->timer_ns = CORUN_FOREVER;
	if (task->life.state == TASK_STUCK)
		task->fault[0] = '\0';
	if (task->run.module != NULL)
		module_run_free(task->run.module);
	task->run.module = NULL;
	process_forget(&task->run.leader);
	task_config_unref(task->run.config);
	task->run.config = NULL;
	task_feed(task, task_table_gone(task->life.goal, policy, &task->end));
}

/* The leader has ended; is that all? */
static void
look(struct task *task)
{
	if (!task->run.lives || !task->run.ended) {
		task->look_ns = CORUN_FOREVER;
		return;
	}
	if (task->run.config->type == TASK_MODULE || process_is_gone(task)) {
		gone(task);
		return;
	}
	/* Those who end together with it are still to be reaped: look twice before saying so. */
	if (task->look_in_ns > LOOK_NS)
		task_feed(task, TASK_LEFT);
	task->look_ns = corun_in(task->look_in_ns);
	task->look_in_ns = task->look_in_ns * 2 < LOOK_MAX_NS ? task->look_in_ns * 2 : LOOK_MAX_NS;
}

static void
take_end(struct task *task)
{
	if (!task->run.lives || task->run.ended)
		return;
	task->run.ended = true;
	task->run.leader.reaped = true;
	note_end(task);
	task_hook_abort(task);
	task->look_in_ns = LOOK_NS;
	look(task);
}

/* ---- what has come ----------------------------------------------------------------------------- */

static void
take_config(struct task *task)
{
	struct task_config *fresh = atomic_exchange(&task->fresh_config, NULL);
	bool restart;

	if (fresh == NULL)
		return;
	restart = task_config_restart_needed(task->config, fresh);
	task_config_unref(task->config);
	task->config = fresh;
	backoff_reset(&task->backoff);
	/* A module has borrowed the one that it was started with. */
	if (!restart && task->run.lives && task->run.config->type == TASK_PROCESS) {
		task_config_unref(task->run.config);
		task->run.config = task_config_ref(fresh);
		process_requota(task);
	}
	task_recount(task);
	/* What was stopped by hand stays so, and what is ending starts with the new one if at all. */
	if (task->life.state == TASK_WAITING || task->life.state == TASK_FAILED ||
	    (restart && task->life.state == TASK_RUNNING))
		task_feed(task, TASK_ASKED_RESTART);
	else
		task_publish(task);
}

static bool
is_ending(const struct task *task)
{
	return task->life.state == TASK_STOPPING || task->life.state == TASK_KILLING;
}

static void
take_pending(struct task *task)
{
	unsigned bits = atomic_exchange(&task->pending, 0);

	if (bits & PENDING_POOL) {
		task_take_pool(task);
		task_recount(task);
	}
	if (bits & PENDING_HOOK_ENDED)
		task_hook_ended(task);
	if (bits & PENDING_ENDED)
		take_end(task);
	if (bits & PENDING_CONFIG)
		take_config(task);
	if (bits & PENDING_REMOVE) {
		task->leaving = true;
		task_feed(task, TASK_ASKED_STOP);
	}
	if (bits & PENDING_ABANDON)
		task->abandoned = true;
	if (bits & PENDING_LEFT)
		task->left = true;
	if ((bits & PENDING_HURRY) && is_ending(task)) {
		task->hurry = true;
		if (task->life.state == TASK_STOPPING)
			task->timer_ns = CORUN_NOW;
	}
}

static void
take_request(struct task *task, struct task_request *request)
{
	static const enum task_event events[] = { [TASK_START] = TASK_ASKED_START,
						  [TASK_STOP] = TASK_ASKED_STOP,
						  [TASK_RESTART] = TASK_ASKED_RESTART };

	request->done.letter.next = task->waiters;
	task->waiters = &request->done.letter;
	if (request->verb != TASK_STOP && task->life.state != TASK_RUNNING)
		backoff_reset(&task->backoff);
	if (task->leaving && request->verb != TASK_STOP)
		task_answer(task); /* it came in before the removal; a start would undo that */
	else
		task_feed(task, events[request->verb]);
}

static void
take_time(struct task *task)
{
	uint64_t now_ns = corun_now();

	if (now_ns >= task->hook_deadline_ns)
		task_hook_late(task);
	if (now_ns >= task->look_ns)
		look(task);
	if (now_ns < task->timer_ns)
		return;
	task->timer_ns = CORUN_FOREVER;
	if (task->life.state == TASK_WAITING)
		task_feed(task, TASK_DUE);
	else if (task->life.state == TASK_STOPPING)
		task_feed(task, is_module(task) ? TASK_GIVEN_UP : TASK_LATE);
	else if (task->life.state == TASK_KILLING)
		task_feed(task, TASK_GIVEN_UP);
}

static uint64_t
next_deadline(const struct task *task)
{
	uint64_t deadline_ns = task->timer_ns;

	if (task->look_ns < deadline_ns)
		deadline_ns = task->look_ns;
	if (task->hook_deadline_ns < deadline_ns)
		deadline_ns = task->hook_deadline_ns;
	return deadline_ns;
}

/* ---- the coroutine ----------------------------------------------------------------------------- */

static void
refuse_rest(struct task *task)
{
	struct task_request *request;
	bool look = false;

	while (corun_chan_try_recv(task->queue, &request) == 1) {
		if (request == NULL) {
			look = true;
			continue;
		}
		request->done.letter.next = task->waiters;
		task->waiters = &request->done.letter;
	}
	task_answer(task);
	/* What it was sent for is pending, and no other letter comes as long as something is. */
	if (look)
		take_pending(task);
}

/* Before others hear that it is gone: another task may be made with its name at once. */
static void
remove_traces(struct task *task, bool group_too)
{
	corun_block_enter();
	workers_file_remove(task->config->name);
	corun_block_exit();
	if (!group_too || task->group == NULL)
		return;
	taskgroup_remove(task->group);
	task->group = NULL;
}

/* Return: true: the coroutine may end. */
static bool
try_leave(struct task *task)
{
	enum task_state state = task->life.state;
	bool at_rest = state == TASK_STOPPED && !task->hook.lives;

	if (!task->leaving || (state != TASK_STOPPED && !(state == TASK_STUCK && task->abandoned)))
		return false;
	if (!task->told_leave) {
		task->told_leave = true;
		refuse_rest(task);
		remove_traces(task, at_rest);
		loop_post(&task->leave);
	}
	return at_rest && task->left;
}

static void
clean_up(struct task *task)
{
	struct output *output = atomic_load(&task->output);

	if (task->group != NULL)
		taskgroup_remove(task->group);
	if (output != NULL)
		output_close(output);
}

void
task_supervise(void *arg)
{
	struct task *task = arg;

	task_recount(task);
	while (!try_leave(task)) {
		struct task_request *request = NULL;
		int r = corun_chan_recv(task->queue, &request, next_deadline(task));

		take_pending(task);
		if (r == 1 && request != NULL)
			take_request(task, request);
		take_time(task);
		task_resize(task);
	}
	clean_up(task);
	loop_post(&task->free);
}
