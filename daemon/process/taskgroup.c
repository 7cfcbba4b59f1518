/*
 * Taskgroup - one thread that does it, callers that wait
 *
 * A job lies on its caller's stack and is a letter to the thread, which is started by the first one
 * and stays. The caller waits by locking a mutex that it has locked already: the thread unlocks it.
 * (A mutex of the runtime parks a coroutine, blocks a plain thread, and may go away with the stack
 * as soon as it is locked.)
 *
 * Invariants:
 * 1. Only the thread touches files of cgroups, but for the two descriptors of a taskgroup, which
 *    starts read.
 * 2. Jobs are done one after the other: what a job finds out about a cgroup stays true for its time,
 *    as far as it is up to us.
 */

#include "daemon/process/taskgroup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <corun/sync.h>
#include <corun/time.h>

#include "daemon/base/mailbox.h"
#include "daemon/process/taskgroup_files.h"

enum {
	PERIOD_US = 100000,
	PERIOD_MIN_US = 1000,
	PERIOD_MAX_US = 1000000,
	QUOTA_MIN_US = 1000,
	PATIENCE_S = 2, /* for those that were killed to be gone */
	AGAIN_MS = 5,
};

struct taskgroup {
	enum corun_cpu_hierarchy hierarchy;
	char *dir;
	int dir_fd; /* -1 with v1 */
	int procs_fd;
};

struct job {
	struct letter letter;
	int (*run)(struct job *job);
	struct corun_mutex done;
	int result;

	/* what it is about; not all is used by all */
	const char *task;
	struct corun_cpu_limit quota;
	struct taskgroup *group;
	struct taskgroup_fault *fault;
};

/* ---- the thread ------------------------------------------------------------------------------ */

static struct {
	pthread_mutex_t lock; /* of starting it */
	bool started;
	struct mailbox jobs;
} worker = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *
worker_main(void *arg)
{
	(void) arg;
	for (;;) {
		struct letter *letter;

		mailbox_wait(&worker.jobs);
		letter = mailbox_take(&worker.jobs);
		while (letter != NULL) {
			struct job *job = (struct job *) letter;

			letter = letter->next; /* the job is gone once it is done */
			job->result = job->run(job);
			corun_mutex_unlock(&job->done);
		}
	}
	return NULL;
}

static int
start_thread(void)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int r = mailbox_open(&worker.jobs);

	if (r < 0)
		return r;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&thread, &attr, worker_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r < 0)
		mailbox_close(&worker.jobs);
	return r;
}

static int
need_thread(void)
{
	int r = 0;

	pthread_mutex_lock(&worker.lock);
	if (!worker.started) {
		r = start_thread();
		worker.started = r == 0;
	}
	pthread_mutex_unlock(&worker.lock);
	return r;
}

static int
do_job(struct job *job)
{
	int r = need_thread();

	if (r < 0) {
		if (job->fault != NULL)
			snprintf(job->fault->text, sizeof(job->fault->text),
				 "cannot start the thread that makes cgroups: %s", strerror(-r));
		return r;
	}
	corun_mutex_lock(&job->done);
	mailbox_put(&worker.jobs, &job->letter);
	corun_mutex_lock(&job->done);
	return job->result;
}

/* ---- where: once, in the thread -------------------------------------------------------------- */

static struct {
	enum corun_cpu_hierarchy hierarchy;
	char *base; /* NULL: not known yet */
} place;

/* From what the process's own cgroup is. */
static int
find_place_in(const struct corun_cpu_view *view, struct taskgroup_fault *fault)
{
	if (view->hierarchy == CORUN_CGROUP_NONE || view->n_levels == 0) {
		snprintf(fault->text, sizeof(fault->text),
			 "there is no cgroup with a CPU controller here: %s",
			 view->fault != NULL ? view->fault : "none is mounted that shows our own");
		return view->fault_error < 0 ? view->fault_error : -ENODEV;
	}
	place.hierarchy = view->hierarchy;
	if (view->hierarchy == CORUN_CGROUP_V2)
		return taskgroup_v2_prepare(view->levels[0].dir, &place.base, fault);
	place.base = strdup(view->levels[0].dir);
	return place.base != NULL
		       ? 0
		       : taskgroup_fault_set(fault, -ENOMEM, "use", view->levels[0].dir, NULL);
}

static int
find_place(struct taskgroup_fault *fault)
{
	struct corun_cpu *cpu;
	int r;

	if (place.base != NULL)
		return 0;
	r = corun_cpu_open(NULL, &cpu);
	if (r < 0)
		return taskgroup_fault_set(fault, r, "look at", "/", NULL);
	r = find_place_in(corun_cpu_look(cpu), fault);
	corun_cpu_close(cpu);
	return r;
}

/* ---- quotas ---------------------------------------------------------------------------------- */

/* The same share of another period. */
static uint64_t
in_period(const struct corun_cpu_limit *quota, uint64_t period_us)
{
	return (uint64_t) ((unsigned __int128) quota->quota_us * period_us / quota->period_us);
}

/*
 * The same share in numbers that the kernel takes: a period of 1 ms to 1 s, a quota of 1 ms at
 * least; for which a small share gets a longer period, as with systemd.
 */
static struct corun_cpu_limit
fit(const struct corun_cpu_limit *quota)
{
	const struct corun_cpu_limit none = { .limited = false };
	uint64_t period_us = quota->period_us, quota_us = quota->quota_us;

	if (!quota->limited || period_us == 0)
		return none;
	if (period_us < PERIOD_MIN_US || period_us > PERIOD_MAX_US) {
		period_us = PERIOD_US;
		quota_us = in_period(quota, period_us);
	}
	while (quota_us < QUOTA_MIN_US && period_us < PERIOD_MAX_US) {
		period_us = period_us * 2 < PERIOD_MAX_US ? period_us * 2 : PERIOD_MAX_US;
		quota_us = in_period(quota, period_us);
	}
	if (quota_us < QUOTA_MIN_US)
		quota_us = QUOTA_MIN_US;
	return (struct corun_cpu_limit){ true, quota_us, period_us };
}

static int
set_quota(struct job *job)
{
	struct corun_cpu_limit quota = fit(&job->quota);

	if (job->group->hierarchy == CORUN_CGROUP_V2)
		return taskgroup_v2_set_quota(job->group->dir, &quota, job->fault);
	return taskgroup_v1_set_quota(job->group->dir, &quota, job->fault);
}

int
taskgroup_set_quota(struct taskgroup *group, const struct corun_cpu_limit *quota,
		    struct taskgroup_fault *fault)
{
	struct job job = { .run = set_quota, .group = group, .quota = *quota, .fault = fault };

	return do_job(&job);
}

/* ---- make ------------------------------------------------------------------------------------ */

static void
group_free(struct taskgroup *group)
{
	if (group->dir_fd >= 0)
		close(group->dir_fd);
	if (group->procs_fd >= 0)
		close(group->procs_fd);
	free(group->dir);
	free(group);
}

/* BASE/task-NAME; what is neither a letter, a digit nor one of :_.@- becomes \xNN, as systemd has it. */
static char *
dir_of(const char *task)
{
	size_t base_len = strlen(place.base);
	char *dir = malloc(base_len + sizeof("/task-") + 4 * strlen(task));
	char *to;

	if (dir == NULL)
		return NULL;
	/* "/" itself would be a mount at the root. */
	to = mempcpy(dir, place.base, strcmp(place.base, "/") == 0 ? 0 : base_len);
	to = stpcpy(to, "/task-");
	for (const char *c = task; *c != '\0'; c++) {
		if (isascii(*c) && (isalnum(*c) || strchr(":_.@-", *c) != NULL))
			*to++ = *c;
		else
			to += sprintf(to, "\\x%02x", (unsigned char) *c);
	}
	*to = '\0';
	return dir;
}

static int
open_files(struct taskgroup *group, struct taskgroup_fault *fault)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/cgroup.procs", group->dir);
	group->procs_fd = open(path, O_WRONLY | O_CLOEXEC);
	if (group->procs_fd < 0)
		return taskgroup_fault_set(fault, -errno, "open", group->dir, "cgroup.procs");
	if (group->hierarchy == CORUN_CGROUP_V1)
		return 0;
	group->dir_fd = open(group->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group->dir_fd < 0)
		return taskgroup_fault_set(fault, -errno, "open", group->dir, NULL);
	return 0;
}

static int
fill(struct job *job)
{
	struct taskgroup *group = job->group;
	int r;

	group->hierarchy = place.hierarchy;
	group->dir = dir_of(job->task);
	if (group->dir == NULL)
		return taskgroup_fault_set(job->fault, -ENOMEM, "name a cgroup below", place.base,
					   NULL);
	r = taskgroup_dir_make(group->dir);
	if (r < 0)
		return taskgroup_fault_set(job->fault, r, "make", group->dir, NULL);
	r = set_quota(job);
	if (r == 0)
		r = open_files(group, job->fault);
	if (r < 0)
		taskgroup_dir_remove(group->dir); /* unless somebody is in it from before */
	return r;
}

static int
make(struct job *job)
{
	int r = find_place(job->fault);

	if (r < 0)
		return r;
	job->group = calloc(1, sizeof(*job->group));
	if (job->group == NULL)
		return taskgroup_fault_set(job->fault, -ENOMEM, "make a cgroup below", place.base,
					   NULL);
	job->group->dir_fd = job->group->procs_fd = -1;
	r = fill(job);
	if (r < 0)
		group_free(job->group);
	return r;
}

int
taskgroup_make(const char *task, const struct corun_cpu_limit *quota, struct taskgroup **ret,
	       struct taskgroup_fault *fault)
{
	struct job job = { .run = make, .task = task, .quota = *quota, .fault = fault };
	int r = do_job(&job);

	if (r == 0)
		*ret = job.group;
	return r;
}

const char *
taskgroup_path(const struct taskgroup *group)
{
	return group->dir;
}

int
taskgroup_dir_fd(const struct taskgroup *group)
{
	return group->dir_fd;
}

int
taskgroup_procs_fd(const struct taskgroup *group)
{
	return group->procs_fd;
}

/* ---- members ---------------------------------------------------------------------------------- */

static int
kill_all(struct job *job)
{
	if (job->group->hierarchy == CORUN_CGROUP_V2 &&
	    taskgroup_value_write(job->group->dir, "cgroup.kill", "1") == 0)
		return 0;
	return taskgroup_members_kill(job->group->dir);
}

int
taskgroup_kill(struct taskgroup *group)
{
	struct job job = { .run = kill_all, .group = group };

	return do_job(&job);
}

static int
is_empty(struct job *job)
{
	return taskgroup_members_none(job->group->dir);
}

int
taskgroup_empty(struct taskgroup *group)
{
	struct job job = { .run = is_empty, .group = group };

	return do_job(&job);
}

/* Who has ended may be counted as in it for some moments more. */
static int
remove_dir(struct job *job)
{
	uint64_t until_ns = corun_in(PATIENCE_S * CORUN_S);
	int r;

	while ((r = taskgroup_dir_remove(job->group->dir)) == -EBUSY && is_empty(job) == 1 &&
	       corun_now() < until_ns)
		corun_sleep(AGAIN_MS * CORUN_MS);
	return r;
}

int
taskgroup_remove(struct taskgroup *group)
{
	struct job job = { .run = remove_dir, .group = group };
	int r = do_job(&job);

	group_free(group);
	return r;
}

/* ---- the end --------------------------------------------------------------------------------- */

static int
leave(struct job *job)
{
	int r;

	(void) job;
	if (place.base == NULL || place.hierarchy != CORUN_CGROUP_V2)
		return 0;
	r = taskgroup_v2_leave(place.base);
	free(place.base);
	place.base = NULL; /* whoever makes one now begins anew */
	return r;
}

int
taskgroup_leave(void)
{
	struct job job = { .run = leave };
	bool started;

	pthread_mutex_lock(&worker.lock);
	started = worker.started;
	pthread_mutex_unlock(&worker.lock);
	return started ? do_job(&job) : 0;
}
