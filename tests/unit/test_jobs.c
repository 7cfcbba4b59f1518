/* The modules jobs and burn. */

#include <errno.h>
#include <stddef.h>
#include <time.h>

#include "tests/unit/module.h"

#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
begin(struct hosted *h, const char *name, const char *const *pairs)
{
	char path[4096];

	built(path, sizeof(path), "contrib/modules", name);
	hosted_init(h, path, pairs);
	hosted_run(h);
}

static void
end(struct hosted *h)
{
	module_cancel(h->run);
	ck_assert_int_eq(hosted_wait(h), 0);
	hosted_free(h);
}

static void
every(void *arg)
{
	struct hosted h;
	uint64_t start_ns = corun_now();

	(void) arg;
	begin(&h, "jobs", KEYS("Every", "50ms", "Command", "echo it is $THREADS; exit 3"));
	ck_assert(hosted_said(&h, "starts\n"));
	ck_assert_uint_ge(corun_now() - start_ns, 50 * CORUN_MS);
	ck_assert(hosted_said(&h, "it is 7\n"));
	ck_assert(hosted_said(&h, "ended with exit code 3 after 0."));
	/* It goes on after a failure. */
	while (output_lines(h.start.output) < 9)
		corun_sleep(CORUN_MS);
	end(&h);
}

static void
at_start(void *arg)
{
	struct hosted h;

	(void) arg;
	begin(&h, "jobs", KEYS("Every", "1d", "Command", "echo ran", "RunAtStart", "yes"));
	ck_assert(hosted_said(&h, "ran\n"));
	ck_assert(hosted_said(&h, "ended with exit code 0"));
	ck_assert_uint_eq(corun_chan_len(h.ended), 0);
	end(&h);
}

/* The first run takes longer than two periods; the others end at once. */
static void
overlap(void *arg)
{
	static char folder[] = "/tmp/corun-jobs-XXXXXX";
	char command[400], file[100];
	struct hosted h;

	(void) arg;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (int queue = 0; queue <= 1; queue++) {
		snprintf(file, sizeof(file), "%s/%d", folder, queue);
		snprintf(command, sizeof(command), "test -e %s && exit; touch %s; sleep 0.5", file,
			 file);
		begin(&h, "jobs",
		      KEYS("Every", "200ms", "Command", command, "Overlap",
			   queue ? "queue" : "skip"));
		ck_assert(hosted_said(&h, "left out, since it still ran when it was due: "));
		/* At once, or when it is due again. */
		ck_assert(hosted_said(&h, queue ? "due: 1\nstarts\n" : "due: 2\nstarts\n"));
		end(&h);
		ck_assert_int_eq(unlink(file), 0);
	}
	ck_assert_int_eq(rmdir(folder), 0);
}

static void
too_long(void *arg)
{
	struct hosted h;

	(void) arg;
	begin(&h, "jobs",
	      KEYS("Every", "1h", "Command", "exec sleep 1000", "RunAtStart", "yes", "TimeoutSec",
		   "100ms"));
	ck_assert(hosted_said(&h, "ended with signal 15 after 0."));
	ck_assert(hosted_said(&h, "it took longer than TimeoutSec="));
	end(&h);
}

static void
stopped_while_it_runs(void *arg)
{
	struct hosted h;

	(void) arg;
	begin(&h, "jobs",
	      KEYS("Every", "1h", "Command", "echo up; exec sleep 1000", "RunAtStart", "yes"));
	ck_assert(hosted_said(&h, "up\n"));
	end(&h);
}

/* In a time zone of its own, in which a minute begins in two seconds. */
static void
at(void *arg)
{
	struct hosted h;
	time_t soon = time(NULL) + 2;
	struct tm tm;
	char schedule[64];

	(void) arg;
	gmtime_r(&soon, &tm);
	snprintf(schedule, sizeof(schedule), "TST+0:%02d:%02d", tm.tm_min, tm.tm_sec);
	ck_assert_int_eq(setenv("TZ", schedule, 1), 0);
	tzset();
	localtime_r(&soon, &tm);
	ck_assert_int_eq(tm.tm_min, 0);
	ck_assert_int_eq(tm.tm_sec, 0);
	snprintf(schedule, sizeof(schedule), "%02d:01 %02d:00", tm.tm_hour, tm.tm_hour);
	begin(&h, "jobs", KEYS("At", schedule, "Command", "date +now=%H:%M"));
	ck_assert_uint_eq(output_lines(h.start.output), 0);
	ck_assert(hosted_said(&h, "starts\n"));
	snprintf(schedule, sizeof(schedule), "now=%02d:00\n", tm.tm_hour);
	ck_assert(hosted_said(&h, schedule));
	ck_assert_int_ge(time(NULL), soon);
	end(&h);
}

static void
refused_values(void *arg)
{
	static const struct {
		const char *key, *value;
	} wrong[] = { { "Every", "0" },  { "Every", "infinity" }, { "Every", "day" },
		      { "Every", "" },   { "Every", "-5" },       { "At", "3" },
		      { "At", "24:00" }, { "At", "3:60" },        { "At", "03:30,04:30" },
		      { "At", "" },      { "At", "03:30 x" } };
	char path[4096];

	(void) arg;
	built(path, sizeof(path), "contrib/modules", "jobs");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct hosted h;

		hosted_init(&h, path, KEYS(wrong[i].key, wrong[i].value, "Command", "true"));
		ck_assert_int_eq(module_run(&h.start, &h.run, h.fault, sizeof(h.fault)), -EINVAL);
		ck_assert_msg(strstr(h.fault, wrong[i].key[0] == 'A' ? " is no time of the day; "
								     : " is no period; ") != NULL,
			      "%s", h.fault);
		hosted_free(&h);
	}
	for (int both = 0; both <= 1; both++) {
		struct hosted h;

		begin(&h, "jobs",
		      KEYS("Command", "true", both ? "Every" : NULL, "1h", "At", "03:30"));
		ck_assert_int_eq(hosted_wait(&h), -EINVAL);
		ck_assert_str_eq(
			module_fault(h.run),
			both ? "section [Module] has both Every= and At=; it must have one of them"
			     : "section [Module] has neither Every= nor At=; it must have one of "
			       "them");
		hosted_free(&h);
	}
}

/* ---- burn ------------------------------------------------------------------------------------ */

static void
burners(void *arg)
{
	static const char *const checkpoints[] = { "yes", "no" };

	(void) arg;
	for (int i = 0; i < 2; i++) {
		struct hosted h;

		begin(&h, "burn", KEYS("Checkpoint", checkpoints[i], "SliceSec", "50ms"));
		ck_assert(hosted_said(&h, "7 coroutines burn CPU time\n"));
		while (module_alive(h.run, NULL, 0) != 7)
			corun_sleep(CORUN_MS);
		end(&h);
	}
}

/* They fill all workers and call nothing: this coroutine and the log run all the same. */
static void
burns_for_ever(void *arg)
{
	struct hosted h;
	struct task_coroutine alive[8];

	(void) arg;
	begin(&h, "burn", KEYS("Spin", "forever", "Coroutines", "3"));
	ck_assert(hosted_said(&h, "3 coroutines burn CPU time\n"));
	while (module_alive(h.run, alive, 8) != 3)
		corun_sleep(CORUN_MS);
	module_cancel(h.run);
	corun_sleep(100 * CORUN_MS);
	ck_assert_uint_eq(module_alive(h.run, alive, 8), 3);
	ck_assert_uint_eq(corun_chan_len(h.ended), 0);
	_exit(EXIT_SUCCESS); /* what is stuck keeps its memory, and that is no leak */
}

#define IN_RUNTIME(name, fn)                                                                       \
	START_TEST(name)                                                                           \
	{                                                                                          \
		in_runtime(2, fn);                                                                 \
	}                                                                                          \
	END_TEST

IN_RUNTIME(runs_every_time, every)
IN_RUNTIME(runs_at_start, at_start)
IN_RUNTIME(runs_by_the_clock, at)
IN_RUNTIME(skips_or_queues, overlap)
IN_RUNTIME(ends_what_takes_too_long, too_long)
IN_RUNTIME(ends_with_its_task, stopped_while_it_runs)
IN_RUNTIME(wrong_values, refused_values)
IN_RUNTIME(burners_end_when_told, burners)
IN_RUNTIME(burners_that_call_nothing, burns_for_ever)

int
main(void)
{
	Suite *suite = suite_create("jobs");
	TCase *tcase = tcase_create("jobs");

	tcase_add_test(tcase, runs_every_time);
	tcase_add_test(tcase, runs_at_start);
	tcase_add_test(tcase, runs_by_the_clock);
	tcase_add_test(tcase, skips_or_queues);
	tcase_add_test(tcase, ends_what_takes_too_long);
	tcase_add_test(tcase, ends_with_its_task);
	tcase_add_test(tcase, wrong_values);
	tcase_add_test(tcase, burners_end_when_told);
	tcase_add_test(tcase, burners_that_call_nothing);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
