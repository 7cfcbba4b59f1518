/*
 * corunctl cpu --watch
 *
 * A value that differs is looked at again after a moment, and counts once two looks agree: on
 * cgroup v1, quota and period are written one after the other.
 */

#include "daemon/ctl/cpu_watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/report/complaints.h"
#include "daemon/ctl/cpu_show.h"
#include "daemon/ctl/output.h"

#define NS_PER_S  UINT64_C(1000000000)
#define SETTLE_NS (NS_PER_S / 10)

enum { SETTLE_LOOKS = 5 };

struct watch {
	struct corun_cpu *cpu;
	const struct look_options *options;
	uint64_t period_ns;
	bool json;
	bool terminal;
	sigset_t while_waiting; /* the signals that are blocked then: not ours */

	struct throttling_memory last; /* of the look before */
	bool has_last;
	char *answer;     /* the one shown, in a form to compare; NULL: none yet */
	unsigned workers; /* in it */
	char *changed;    /* on a terminal: the last change of the count, or NULL */
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	(void) number;
	interrupted = 1;
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t) ts.tv_sec * NS_PER_S + (uint64_t) ts.tv_nsec;
}

/* Return: false if a signal came or nobody reads stdout any more. */
static bool
wait_until(const struct watch *watch, uint64_t deadline_ns)
{
	for (;;) {
		/* Asks for nothing: errors and a hang-up are reported anyhow. */
		struct pollfd out = { .fd = STDOUT_FILENO, .events = 0 };
		uint64_t now = now_ns();
		uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
		struct timespec ts = { .tv_sec = (time_t) (left / NS_PER_S),
				       .tv_nsec = (long) (left % NS_PER_S) };
		int r;

		if (interrupted)
			return false;
		r = ppoll(&out, 1, &ts, &watch->while_waiting);
		if (r == 0)
			return true;
		if (r > 0 || errno != EINTR)
			return false;
	}
}

/* ---- looking --------------------------------------------------------------------------------- */

static struct shown
look(const struct watch *watch)
{
	struct shown shown = shown_of(watch->options, corun_cpu_look(watch->cpu));

	shown.report.last = watch->has_last ? &watch->last : NULL;
	return shown;
}

/*
 * All that makes a new answer, as a text: the count, its cause and what could not be read. Not
 * the counters of throttling: they change with each look.
 * Return: allocated; NULL: no memory.
 */
static char *
answer_of(const struct shown *shown)
{
	const struct corun_cpu_view *view = shown->report.view;
	char *answer = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&answer, &size);

	if (!out)
		return NULL;
	fprintf(out, "%u %u %" PRIu64 " %" PRIu64 " %s\n", shown->report.decision.workers,
		view->cpus, view->limit.quota_us, view->limit.period_us,
		view->cgroup_path ? view->cgroup_path : "");
	cpu_because(out, &shown->report);
	complaints_print(out, "\n", shown->report.env_error, view);
	if (fclose(out) != 0) {
		free(answer);
		return NULL;
	}
	return answer;
}

/*
 * Look until two looks agree, or agree with what is shown already.
 * @ret_answer: allocated, or NULL: no memory
 * Return: false if it is to end.
 */
static bool
look_settled(const struct watch *watch, struct shown *ret_shown, char **ret_answer)
{
	char *answer;

	*ret_shown = look(watch);
	answer = answer_of(ret_shown);
	for (int i = 0; i < SETTLE_LOOKS && answer && watch->answer; i++) {
		char *before = answer;
		bool same;

		if (strcmp(answer, watch->answer) == 0)
			break;
		if (!wait_until(watch, now_ns() + SETTLE_NS)) {
			free(answer);
			return false;
		}
		*ret_shown = look(watch);
		answer = answer_of(ret_shown);
		same = answer && strcmp(answer, before) == 0;
		free(before);
		if (same)
			break;
	}
	*ret_answer = answer;
	return true;
}

/* ---- showing --------------------------------------------------------------------------------- */

static void
print_time(FILE *out, bool with_date)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32] = "";

	if (!localtime_r(&now, &tm))
		return;
	if (with_date)
		strftime(text, sizeof(text), "%F %T  ", &tm);
	else
		strftime(text, sizeof(text), "%T  ", &tm);
	fputs(text, out);
}

/* "8 -> 3", or "3" if that is no change. */
static void
print_count(FILE *out, const struct watch *watch, const struct shown *shown)
{
	if (watch->answer && watch->workers != shown->report.decision.workers)
		fprintf(out, "%u -> ", watch->workers);
	fprintf(out, "%u worker%s: ", shown->report.decision.workers,
		shown->report.decision.workers == 1 ? "" : "s");
	cpu_because(out, &shown->report);
}

static void
show_line(const struct watch *watch, const struct shown *shown)
{
	const struct corun_cpu_level *level = cpu_deciding_level(shown->report.view);

	print_time(stdout, true);
	print_count(stdout, watch, shown);
	if (level) {
		struct throttling t = throttling_of(level, shown->report.last);

		if (t.known && t.since_last_look && t.nr_throttled)
			printf("; throttled in %" PRIu64 " of %" PRIu64
			       " periods since the last look",
			       t.nr_throttled, t.nr_periods);
	}
	putchar('\n');
	complaints_print(stdout, "                     ", shown->report.env_error,
			 shown->report.view);
}

/* Keep the last change of the count for the screen. */
static void
note_change(struct watch *watch, const struct shown *shown)
{
	size_t size = 0;
	FILE *out;

	if (!watch->answer || watch->workers == shown->report.decision.workers)
		return;
	free(watch->changed);
	watch->changed = NULL;
	out = open_memstream(&watch->changed, &size);
	if (!out)
		return;
	print_time(out, false);
	print_count(out, watch, shown);
	fclose(out);
}

/* Over what stands there: clearing the whole screen first would flicker. */
static void
show_screen(const struct watch *watch, const struct shown *shown)
{
	char *page = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&page, &size);

	if (!out)
		return;
	print_time(out, false);
	fprintf(out, "every %" PRIu64 " s; Ctrl-C ends\n\n", watch->period_ns / NS_PER_S);
	cpu_show_text(out, shown);
	if (watch->changed)
		fprintf(out, "\nlast change  %s\n", watch->changed);
	if (fclose(out) == 0) {
		fputs("\033[H", stdout);
		for (const char *p = page; *p; p++) {
			if (*p == '\n')
				fputs("\033[K", stdout);
			putchar(*p);
		}
		fputs("\033[J", stdout);
	}
	free(page);
}

/* Return: false if stdout does not take it. */
static bool
show(struct watch *watch, const struct shown *shown, char *answer)
{
	bool changed = !answer || !watch->answer || strcmp(answer, watch->answer) != 0;

	if (watch->terminal) {
		note_change(watch, shown);
		show_screen(watch, shown);
	} else if (changed && watch->json) {
		cpu_show_json(stdout, shown, true);
	} else if (changed) {
		show_line(watch, shown);
	}
	free(watch->answer);
	watch->answer = answer;
	watch->workers = shown->report.decision.workers;
	return output_flush() == 0;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static bool
is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

/* Our signals are blocked but while waiting, so that none comes between a check and a wait. */
static void
catch_signals(struct watch *watch)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, &watch->while_waiting);
	sigdelset(&watch->while_waiting, SIGINT);
	sigdelset(&watch->while_waiting, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int
cpu_watch(struct corun_cpu *cpu, const struct look_options *options, unsigned seconds, bool json)
{
	struct watch watch = {
		.cpu = cpu,
		.options = options,
		.period_ns = seconds * NS_PER_S,
		.json = json,
		.terminal = !json && is_terminal(),
	};
	uint64_t deadline_ns = now_ns();
	struct shown shown;
	char *answer;

	catch_signals(&watch);
	while (look_settled(&watch, &shown, &answer)) {
		if (!show(&watch, &shown, answer))
			break; /* main() says why */
		throttling_remember(&watch.last, shown.report.view);
		watch.has_last = true;
		/* After the machine slept, one look is enough for all that were missed. */
		deadline_ns += watch.period_ns;
		if (deadline_ns < now_ns())
			deadline_ns = now_ns() + watch.period_ns;
		if (!wait_until(&watch, deadline_ns))
			break;
	}
	throttling_forget(&watch.last);
	free(watch.changed);
	free(watch.answer);
	return EXIT_OK;
}
