/*
 * Task - the handle: what the control thread calls
 *
 * Nothing here waits for the supervisor. Invariants:
 *
 *  1. Requests go through the queue, and are refused when it is full. Everything else is a bit in
 *     task.pending, set before the supervisor is woken; the wake may be lost only when the queue is
 *     full, and then the supervisor is awake: it looks at the bits after each thing that it takes.
 *  2. The supervisor is woken by the control thread only (a module's end is posted there first; the
 *     one exception is the supervisor itself). So when free_last() runs, which the supervisor posts
 *     as its last deed, nobody touches the task any more.
 *  3. A request that was accepted is answered exactly once: the supervisor drains the queue before it
 *     ends, and none is accepted once task_remove() was called.
 *  4. Removal goes back and forth: the supervisor posts `leave`, the control thread runs the
 *     caller's `gone`, from when on it makes no more calls (they use the output), and says so
 *     (PENDING_LEFT); then the supervisor closes what is left, once nothing of the task lives.
 */

#include "daemon/task/supervisor.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE_CAPACITY = 32, BOX_FRESH = 4 };

#define task_of(call, member) ((struct task *) ((char *) (call) -offsetof(struct task, member)))

/* ---- to the supervisor ------------------------------------------------------------------------- */

void
task_pend(struct task *task, unsigned bits)
{
	struct task_request *look = NULL;

	if (atomic_fetch_or(&task->pending, bits) == 0)
		corun_chan_try_send(task->queue, &look);
}

static void
put_pool(struct task *task, const struct corun_pool_state *pool)
{
	struct pool_box *box = &task->pool_box;

	box->places[box->writer] = *pool;
	box->writer = atomic_exchange(&box->middle, box->writer | BOX_FRESH) & ~BOX_FRESH;
}

void
task_take_pool(struct task *task)
{
	struct pool_box *box = &task->pool_box;

	if (!(atomic_load(&box->middle) & BOX_FRESH))
		return;
	box->reader = atomic_exchange(&box->middle, box->reader) & ~BOX_FRESH;
	task->pool = box->places[box->reader];
}

void
task_pool_changed(struct task *task, const struct corun_pool_state *pool)
{
	put_pool(task, pool);
	task_pend(task, PENDING_POOL);
}

void
task_reconfigure(struct task *task, struct task_config *config)
{
	struct task_config *unseen;

	task_config_unref(task->control_config);
	task->control_config = task_config_ref(config);
	unseen = atomic_exchange(&task->fresh_config, task_config_ref(config));
	if (unseen != NULL)
		task_config_unref(unseen);
	task_pend(task, PENDING_CONFIG);
}

void
task_hurry(struct task *task)
{
	if (!task->was_gone)
		task_pend(task, PENDING_HURRY);
}

/* ---- requests ---------------------------------------------------------------------------------- */

static void
refuse(struct task *task, struct task_request *request, int result)
{
	request->result = result;
	snprintf(request->text, sizeof(request->text),
		 result == -ESHUTDOWN ? "task '%s' is being removed"
				      : "task '%s' has too many requests waiting; try again later",
		 task->control_config->name);
	loop_post(&request->done);
}

void
task_ask(struct task *task, struct task_request *request)
{
	request->result = 0;
	request->text[0] = '\0';
	if (task->removing)
		refuse(task, request, -ESHUTDOWN);
	else if (corun_chan_try_send(task->queue, &request) < 0)
		refuse(task, request, -EAGAIN);
}

/* ---- its beginning and its end ----------------------------------------------------------------- */

static void
free_task(struct task *task)
{
	struct task_config *unseen = atomic_load(&task->fresh_config);

	corun_chan_free(task->queue);
	published_free(&task->status);
	if (unseen != NULL)
		task_config_unref(unseen);
	task_config_unref(task->control_config);
	task_config_unref(task->config);
	free(task);
}

static void
leave(struct call *call)
{
	struct task *task = task_of(call, leave);

	task->was_gone = true;
	task->gone->run(task->gone);
	task_pend(task, PENDING_LEFT);
}

static void
free_last(struct call *call)
{
	free_task(task_of(call, free));
}

static void
module_ended(struct call *call)
{
	task_pend(task_of(call, module_ended), PENDING_ENDED);
}

int
task_new(struct task_config *config, const struct corun_pool_state *pool, struct task **ret)
{
	static const struct corun_attr attr = { .name = "task" };
	struct task *task = calloc(1, sizeof(*task));
	struct corun_coroutine *co;
	int r;

	if (task == NULL)
		return -ENOMEM;
	r = corun_chan_new(&task->queue, sizeof(struct task_request *), QUEUE_CAPACITY);
	if (r < 0) {
		free(task);
		return r;
	}
	task->control_config = task_config_ref(config);
	task->config = task_config_ref(config);
	task->status.destroy = task_free_status;
	task->pool_box.reader = 1;
	task->pool_box.writer = 2;
	task->pool = *pool;
	task->timer_ns = task->look_ns = task->hook_deadline_ns = CORUN_FOREVER;
	task->run.leader.pidfd = task->hook.pidfd = -1;
	task->since_us = task_now_us();
	task->leave.run = leave;
	task->free.run = free_last;
	task->module_ended.run = module_ended;
	task->count = task_count(pool, &config->workers, NULL);
	task->workers = task->count.workers;
	task_publish(task);
	r = published_latest(&task->status) == NULL ? -ENOMEM
						    : corun_spawn(&co, &attr, task_supervise, task);
	if (r < 0) {
		free_task(task);
		return r;
	}
	corun_detach(co);
	*ret = task;
	return 0;
}

void
task_remove(struct task *task, struct call *gone)
{
	task->removing = true;
	task->gone = gone;
	task_pend(task, PENDING_REMOVE);
}

void
task_abandon(struct task *task)
{
	task_pend(task, PENDING_ABANDON);
}

/* ---- what it is -------------------------------------------------------------------------------- */

const struct task_config *
task_config(const struct task *task)
{
	return task->control_config;
}

const struct task_status *
task_status(struct task *task)
{
	struct task_status *status = published_latest(&task->status);
	struct output *output = atomic_load(&task->output);

	/* What was published is the reader's alone; and lines come without a change of state. */
	if (output != NULL)
		status->lines = output_lines(output);
	return status;
}

long
task_output_tail(struct task *task, char **ret)
{
	struct output *output = atomic_load(&task->output);

	if (output != NULL)
		return output_tail(output, ret);
	*ret = calloc(1, 1);
	return *ret == NULL ? -ENOMEM : 0;
}
