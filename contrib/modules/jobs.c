/*
 * Jobs - a module that runs a command again and again
 *
 * run() waits for the next time, runs the command and waits for its end, so two runs of a job never
 * overlap; what became due meanwhile is left out or made up for (Overlap=). One task is one job.
 *
 * Every= counts by the monotonic clock, from the start of the task. At= goes by the wall clock in
 * local time: it is looked at twice a minute, so that a clock that was set, or daylight saving
 * time, makes a job late by half a minute at most. A time that the clock leaves out is run as much
 * later; one that it shows twice is run once.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <corun/context.h>
#include <corun/coroutine.h>
#include <corun/module.h>
#include <corun/time.h>

#include "contrib/modules/values.h"

enum { TIMES_MAX = 48, MINUTES_OF_DAY = 24 * 60, LOOK_S = 30 };

/* ---- Every= and At= ------------------------------------------------------------------------------- */

struct schedule {
	uint64_t every_ns;      /* 0: by the clock */
	unsigned at[TIMES_MAX]; /* minutes since midnight */
	size_t n_at;
};

/* "HH:MM" up to a blank. Return: what is behind it, or NULL. */
static const char *
parse_time(const char *text, unsigned *ret_minutes)
{
	unsigned hour, minute;
	int len = 0;

	if (sscanf(text, "%2u:%2u%n", &hour, &minute, &len) != 2 || hour > 23 || minute > 59)
		return NULL;
	if (len == 0 || !isdigit((unsigned char) text[0]) ||
	    (text[len] != '\0' && text[len] != ' '))
		return NULL;
	*ret_minutes = hour * 60 + minute;
	return text + len + strspn(text + len, " ");
}

static bool
parse_every(const char *text, struct schedule *ret)
{
	return value_span(text, &ret->every_ns) && ret->every_ns >= CORUN_MS &&
	       ret->every_ns != UINT64_MAX;
}

static bool
parse_at(const char *text, struct schedule *ret)
{
	ret->n_at = 0;
	do {
		if (ret->n_at == TIMES_MAX)
			return false;
		text = parse_time(text, &ret->at[ret->n_at++]);
	} while (text != NULL && *text != '\0');
	return text != NULL;
}

static int
check_every(const char *value, char *why, size_t size)
{
	struct schedule schedule;

	if (parse_every(value, &schedule))
		return 0;
	snprintf(why, size, "is no period; 30 (seconds), 5min, 1h 30min or 1d would be");
	return -1;
}

static int
check_at(const char *value, char *why, size_t size)
{
	struct schedule schedule;

	if (parse_at(value, &schedule))
		return 0;
	snprintf(why, size, "is no time of the day; 03:30 would be, or several: 03:30 15:30");
	return -1;
}

static int
check_overlap(const char *value, char *why, size_t size)
{
	if (strcmp(value, "skip") == 0 || strcmp(value, "queue") == 0)
		return 0;
	snprintf(why, size, "is neither skip nor queue");
	return -1;
}

static int
check_command(const char *value, char *why, size_t size)
{
	if (value[0] != '\0')
		return 0;
	snprintf(why, size, "is empty");
	return -1;
}

static const struct corun_module_option options[] = {
	{ .key = "Every", .check = check_every, .summary = "How often. Either this or At=." },
	{ .key = "At",
	  .check = check_at,
	  .summary = "At which times of the day: HH:MM ..., local time." },
	{ .key = "Command",
	  .required = 1,
	  .check = check_command,
	  .summary = "What: a command line for /bin/sh." },
	{ .key = "RunAtStart",
	  .fallback = "no",
	  .check = value_check_yes,
	  .summary = "Run it when the task starts, too." },
	{ .key = "Overlap",
	  .fallback = "skip",
	  .check = check_overlap,
	  .summary = "What becomes due while it still runs: skip leaves it out, queue runs it once "
		     "more afterwards." },
	{ .key = "TimeoutSec",
	  .fallback = "infinity",
	  .check = value_check_span,
	  .summary = "A run that takes longer is told to end (SIGTERM, SIGKILL 5 s later)." },
	{ .key = NULL },
};

/* ---- when ------------------------------------------------------------------------------------ */

/* The first time of the schedule after @now, by the wall clock. */
static time_t
next_at(const struct schedule *schedule, time_t now)
{
	struct tm today;
	time_t next = 0;

	localtime_r(&now, &today);
	for (size_t i = 0; i < 2 * schedule->n_at; i++) {
		struct tm tm = today;
		time_t t;

		tm.tm_mday += i >= schedule->n_at; /* tomorrow */
		tm.tm_hour = (int) schedule->at[i % schedule->n_at] / 60;
		tm.tm_min = (int) schedule->at[i % schedule->n_at] % 60;
		tm.tm_sec = 0;
		tm.tm_isdst = -1;
		t = mktime(&tm);
		if (t > now && (next == 0 || t < next))
			next = t;
	}
	return next;
}

struct job {
	struct corun_module_task *task;
	struct schedule schedule;
	struct corun_context *ctx;
	uint64_t due_ns; /* Every=: the next time */
	time_t due;      /* At=: the same */
	bool queue;
	uint64_t timeout_ns;
};

/*
 * Go on to the first time that is still to come. Return: how many have passed.
 * (Of At= it is told only whether there are any.)
 */
static uint64_t
pass_by(struct job *job)
{
	uint64_t now_ns = corun_now(), every_ns = job->schedule.every_ns, n;
	time_t now = time(NULL), due = job->due;

	if (every_ns == 0) {
		job->due = next_at(&job->schedule, now);
		return due != 0 && due <= now;
	}
	if (now_ns < job->due_ns)
		return 0;
	n = (now_ns - job->due_ns) / every_ns + 1;
	job->due_ns += n * every_ns;
	return n;
}

/* Wait for the next time. Return: 0, or what the task was told to end with. */
static int
wait_until_due(struct job *job)
{
	int r = 0;

	if (job->schedule.every_ns != 0)
		return corun_context_wait(job->ctx, job->due_ns);
	for (time_t now = time(NULL); r == 0 && now < job->due; now = time(NULL)) {
		time_t left = job->due - now;
		uint64_t s = left < LOOK_S ? (uint64_t) left : LOOK_S;

		/* The clock was set back: the time may not be the next any more. */
		if (left > 25 * 3600)
			job->due = next_at(&job->schedule, now);
		r = corun_context_wait(job->ctx, corun_in(s * CORUN_S));
	}
	return r;
}

/* ---- what ------------------------------------------------------------------------------------ */

static void
say_end(struct job *job, int status, uint64_t ns, bool late)
{
	char how[64], why[64] = "";
	bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (WIFEXITED(status))
		snprintf(how, sizeof(how), "exit code %d", WEXITSTATUS(status));
	else
		snprintf(how, sizeof(how), "signal %d", WTERMSIG(status));
	if (late)
		snprintf(why, sizeof(why), ": it took longer than TimeoutSec=");
	corun_module_log(job->task, good ? CORUN_MODULE_INFO : CORUN_MODULE_ERR,
			 "ended with %s after %" PRIu64 ".%03" PRIu64 " s%s", how, ns / CORUN_S,
			 ns % CORUN_S / CORUN_MS, why);
}

/* Once. Return: 0, also if it failed; or an error of corun_module_process(). */
static int
run_command(struct job *job)
{
	const char *argv[] = { "/bin/sh", "-c", corun_module_option(job->task, "Command"), NULL };
	const struct corun_module_process process = { .argv = argv };
	uint64_t start_ns = corun_now();
	uint64_t deadline_ns =
		job->timeout_ns == UINT64_MAX ? CORUN_FOREVER : corun_in(job->timeout_ns);
	struct corun_context *ctx;
	int status, r = corun_context_new(&ctx, job->ctx, deadline_ns);

	if (r < 0)
		return r;
	corun_module_log(job->task, CORUN_MODULE_INFO, "starts");
	r = corun_module_process(job->task, &process, ctx, &status);
	if (r == 0)
		say_end(job, status, corun_now() - start_ns,
			corun_context_error(ctx) == -ETIMEDOUT);
	corun_context_unref(ctx);
	return r;
}

/* What became due while it ran. Return: is it to be run again at once? */
static bool
again(struct job *job)
{
	uint64_t passed = pass_by(job);

	if (passed == 0)
		return false;
	if (!job->queue || passed > 1)
		corun_module_log(job->task, CORUN_MODULE_WARNING,
				 "left out, since it still ran when it was due: %" PRIu64,
				 passed - job->queue);
	return job->queue;
}

static int
get_schedule(struct corun_module_task *task, struct schedule *ret)
{
	const char *every = corun_module_option(task, "Every");
	const char *at = corun_module_option(task, "At");

	if ((every != NULL) == (at != NULL)) {
		corun_module_fail(task,
				  "section [Module] has %s Every= %s At=; it must have one of them",
				  at ? "both" : "neither", at ? "and" : "nor");
		return -EINVAL;
	}
	if (every != NULL)
		parse_every(every, ret);
	else
		parse_at(at, ret);
	return 0;
}

static int
run(struct corun_module_task *task)
{
	struct job job = { .task = task, .ctx = corun_module_context(task) };
	bool due = value_yes(corun_module_option(task, "RunAtStart"));
	int r = 0;

	if (get_schedule(task, &job.schedule) < 0)
		return -EINVAL;
	value_span(corun_module_option(task, "TimeoutSec"), &job.timeout_ns);
	job.queue = strcmp(corun_module_option(task, "Overlap"), "queue") == 0;
	job.due_ns = corun_in(job.schedule.every_ns);
	pass_by(&job);
	while (corun_context_error(job.ctx) == 0) {
		if (!due && wait_until_due(&job) < 0)
			break;
		if (!due)
			pass_by(&job);
		r = run_command(&job);
		if (r < 0)
			break;
		due = again(&job);
	}
	/* Told to end is no failure. */
	if (corun_context_error(job.ctx) < 0)
		return 0;
	corun_module_fail(task, "cannot run the command: %s", strerror(-r));
	return r;
}

CORUN_MODULE = {
	CORUN_MODULE_HEADER,        .name = "jobs",
	.version = PACKAGE_VERSION, .summary = "runs a command again and again",
	.options = options,         .run = run,
};
