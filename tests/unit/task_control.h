#pragma once

/*
 * A control thread for tests of tasks: loop, reaper and runtime as in corund, real processes; and
 * event_emit(), which records. What must be called in the control thread is, by in_control().
 */

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <jansson.h>

#include <corun/runtime.h>
#include <corun/time.h>

#include "daemon/base/event.h"
#include "daemon/base/loop.h"
#include "daemon/process/reaper.h"
#include "tests/unit/tap.h"

/* What is not there by then does not come any more. */
#define PATIENCE_NS (60 * CORUN_S)

static struct {
	pthread_t thread;
	sem_t ready;
	int signal_fd;
	char dir[64]; /* for files */
} control;

/* ---- events ------------------------------------------------------------------------------------ */

static struct {
	pthread_mutex_t lock;
	json_t *list;
} events = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
event_emit(const char *name, json_t *fields)
{
	ck_assert_ptr_nonnull(fields);
	json_object_set_new(fields, "event", json_string(name));
	pthread_mutex_lock(&events.lock);
	if (events.list == NULL)
		events.list = json_array();
	json_array_append_new(events.list, fields);
	pthread_mutex_unlock(&events.lock);
}

/* How many events @name of @task there are, with @key being @value unless that is NULL. */
static inline unsigned
events_of(const char *name, const char *task, const char *key, const char *value)
{
	unsigned n = 0;
	json_t *event;
	size_t i;

	pthread_mutex_lock(&events.lock);
	json_array_foreach(events.list, i, event)
	{
		const char *has = key != NULL ? json_string_value(json_object_get(event, key)) : "";

		if (strcmp(json_string_value(json_object_get(event, "event")), name) == 0 &&
		    strcmp(json_string_value(json_object_get(event, "task")), task) == 0 &&
		    (key == NULL || (has != NULL && strcmp(has, value) == 0)))
			n++;
	}
	pthread_mutex_unlock(&events.lock);
	return n;
}

/* ---- the thread -------------------------------------------------------------------------------- */

struct job {
	struct call call;
	void (*fn)(void *arg);
	void *arg;
	sem_t done;
};

static inline void
run_job(struct call *call)
{
	struct job *job = (struct job *) call;

	job->fn(job->arg);
	sem_post(&job->done);
}

static inline void
in_control(void (*fn)(void *arg), void *arg)
{
	struct job job = { .call.run = run_job, .fn = fn, .arg = arg };

	sem_init(&job.done, 0, 0);
	loop_post(&job.call);
	while (sem_wait(&job.done) < 0)
		;
	sem_destroy(&job.done);
}

static inline void
child_ended(void *arg, uint32_t ready)
{
	struct signalfd_siginfo info;

	(void) arg;
	(void) ready;
	while (read(control.signal_fd, &info, sizeof(info)) > 0)
		;
	reaper_run();
}

static inline void *
control_main(void *arg)
{
	struct loop_watch *watch;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	control.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	ck_assert_int_eq(loop_open(), 0);
	ck_assert_int_eq(loop_watch(control.signal_fd, EPOLLIN, child_ended, NULL, &watch), 0);
	sem_post(&control.ready);
	loop_run();
	loop_unwatch(watch);
	return arg;
}

static inline void
control_start(void)
{
	struct corun_options options = { .policy = { .pin = 2 }, .ignore_env = true };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	strcpy(control.dir, "/tmp/corun-task-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(control.dir));
	sem_init(&control.ready, 0, 0);
	ck_assert_int_eq(reaper_open(), 0);
	ck_assert_int_eq(corun_start(&options), 0);
	ck_assert_int_eq(pthread_create(&control.thread, NULL, control_main, NULL), 0);
	sem_wait(&control.ready);
}

static inline void
end_loop(void *arg)
{
	(void) arg;
	loop_end();
}

/* All tasks must have been removed. */
static inline void
control_stop(void)
{
	char command[128];

	ck_assert_int_eq(corun_stop(corun_in(PATIENCE_NS)), 0);
	in_control(end_loop, NULL);
	pthread_join(control.thread, NULL);
	loop_close();
	snprintf(command, sizeof(command), "rm -rf %s", control.dir);
	ck_assert_int_eq(system(command), 0);
}
