/* corunctl cpu - how the count came about; once, or each time that it changes */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ctl/capture.h"
#include "daemon/ctl/complaints.h"
#include "daemon/ctl/cpu_show.h"
#include "daemon/ctl/look_options.h"

enum {
	OPTION_WATCH = 0x200,
	OPTION_JSON,
	OPTION_CAPTURE,
	WATCH_SECONDS_MAX = 3600,
};

struct cpu_options {
	struct look_options look;
	bool json;
	bool watch;
	unsigned watch_seconds;
	const char *capture;
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	(void) number;
	interrupted = 1;
}

/* ---- throttling --------------------------------------------------------------------------------
 */

/* Of the level that decides; without one, of the nearest that counts at all. */
static const struct corun_cpu_level *
throttled_level(const struct corun_cpu_view *view)
{
	const struct corun_cpu_level *found = NULL;

	for (size_t i = 0; i < view->n_levels; i++) {
		const struct corun_cpu_level *level = &view->levels[i];

		if (level->has_stat && (level->decides || found == NULL))
			found = level;
	}
	return found;
}

/* The numbers of now, and in @t what they have grown by since those in @base (if it has any). */
static struct throttling
throttling_since(const struct corun_cpu_view *view, const struct throttling *base)
{
	const struct corun_cpu_level *level = throttled_level(view);
	struct throttling t = { .known = false };

	if (level == NULL)
		return t;
	t = (struct throttling){
		.known = true,
		.nr_periods = level->nr_periods,
		.nr_throttled = level->nr_throttled,
		.throttled_us = level->throttled_us,
	};
	/* Smaller than before: another cgroup decides now, and its numbers begin anew. */
	if (base->known && base->nr_periods <= t.nr_periods &&
	    base->nr_throttled <= t.nr_throttled && base->throttled_us <= t.throttled_us) {
		t.since_last_look = true;
		t.nr_periods -= base->nr_periods;
		t.nr_throttled -= base->nr_throttled;
		t.throttled_us -= base->throttled_us;
	}
	return t;
}

/* ---- once --------------------------------------------------------------------------------------
 */

static struct shown
look(const struct cpu_options *options, struct corun_cpu *cpu, const struct throttling *base)
{
	const struct corun_cpu_view *view = corun_cpu_look(cpu);

	return (struct shown){
		.options = &options->look,
		.view = view,
		.decision = corun_cpu_decide(&options->look.policy, view->cpus, &view->limit),
		.throttling = throttling_since(view, base),
	};
}

static int
show_once(const struct cpu_options *options, struct corun_cpu *cpu)
{
	const struct throttling nothing = { .known = false };
	struct shown shown = look(options, cpu, &nothing);

	if (!options->json) {
		cpu_show_text(&shown);
	} else if (cpu_show_json(&shown, false) < 0) {
		fputs("corunctl cpu: cannot write the output\n", stderr);
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

/* ---- --watch -----------------------------------------------------------------------------------
 */

/* What makes a new line: the answer, or what it is made of. */
struct answer {
	struct corun_cpu_decision decision;
	struct corun_cpu_limit limit;
	unsigned cpus;
	bool has_fault;
};

static struct answer
answer_of(const struct shown *shown)
{
	struct answer a;

	memset(&a, 0, sizeof(a)); /* compared as bytes */
	a.decision.workers = shown->decision.workers;
	a.decision.reason = shown->decision.reason;
	a.limit.limited = shown->view->limit.limited;
	a.limit.quota_us = shown->view->limit.quota_us;
	a.limit.period_us = shown->view->limit.period_us;
	a.cpus = shown->view->cpus;
	a.has_fault = shown->view->fault != NULL;
	return a;
}

static void
print_time(void)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32] = "";

	if (localtime_r(&now, &tm) != NULL)
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	printf("%s  ", text);
}

static void
print_change(const struct shown *shown, const struct answer *before)
{
	char limit[48];

	print_time();
	if (before != NULL && before->decision.workers != shown->decision.workers)
		printf("%u -> ", before->decision.workers);
	cpu_limit_text(&shown->view->limit, limit, sizeof(limit));
	printf("%u workers, by %s (limit %s, CPUs %u)", shown->decision.workers,
	       corun_cpu_reason_name(shown->decision.reason), limit, shown->view->cpus);
	if (shown->throttling.known && shown->throttling.since_last_look)
		printf(", throttled in %llu of %llu periods since the last look",
		       (unsigned long long) shown->throttling.nr_throttled,
		       (unsigned long long) shown->throttling.nr_periods);
	putchar('\n');
	complaints_print(stdout, "          ", shown->options, shown->view);
}

static bool
show_look(const struct cpu_options *options, const struct shown *shown, const struct answer *before,
	  bool terminal)
{
	struct answer now = answer_of(shown);
	bool changed = before == NULL || memcmp(&now, before, sizeof(now)) != 0;

	if (options->json)
		return !changed || cpu_show_json(shown, true) == 0;
	if (terminal) {
		fputs("\033[H\033[J", stdout);
		print_time();
		fputs("every look; Ctrl-C ends\n\n", stdout);
		cpu_show_text(shown);
	} else if (changed) {
		print_change(shown, before);
	}
	return fflush(stdout) == 0;
}

/* Until the next look. Return: false if a signal came or nobody reads stdout any more. */
static bool
pause_for(unsigned seconds, const sigset_t *unblocked)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = 0 };
	struct timespec ts = { .tv_sec = (time_t) seconds };

	if (interrupted)
		return false;
	if (ppoll(&out, 1, &ts, unblocked) == 0)
		return true;
	return !interrupted && !(out.revents & (POLLERR | POLLNVAL));
}

static int
watch(const struct cpu_options *options, struct corun_cpu *cpu)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct throttling base = { .known = false };
	struct answer before;
	bool first = true, terminal = isatty(STDOUT_FILENO) && !options->json;
	sigset_t ours, unblocked;

	/* Blocked but in ppoll(): a signal ends the pause, whenever it comes. */
	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, &unblocked);
	sigdelset(&unblocked, SIGINT);
	sigdelset(&unblocked, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);

	do {
		const struct throttling nothing = { .known = false };
		struct shown shown = look(options, cpu, &base);

		if (!show_look(options, &shown, first ? NULL : &before, terminal))
			return errno == EPIPE ? EXIT_OK : EXIT_FAILED;
		before = answer_of(&shown);
		base = throttling_since(shown.view, &nothing);
		first = false;
	} while (pause_for(options->watch_seconds, &unblocked));
	return EXIT_OK;
}

/* ---- the command line --------------------------------------------------------------------------
 */

static int
take_seconds(const struct command *command, const char *text, unsigned *ret)
{
	char *end;
	long n;

	if (text == NULL) {
		*ret = 1;
		return 0;
	}
	n = strtol(text, &end, 10);
	if (end == text || *end != '\0' || n < 1 || n > WATCH_SECONDS_MAX)
		return command_usage_error(
			command, "--watch=%s: want a whole number of seconds from 1 to %d", text,
			WATCH_SECONDS_MAX);
	*ret = (unsigned) n;
	return 0;
}

static int
take_option(struct cpu_options *options, const struct command *command, int key, const char *value)
{
	switch (key) {
	case OPTION_WATCH:
		options->watch = true;
		return take_seconds(command, value, &options->watch_seconds);
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_CAPTURE:
		options->capture = value;
		return 0;
	default:
		return look_options_take(&options->look, command, key, value);
	}
}

static int
run_with(const struct command *command, const struct cpu_options *options)
{
	struct corun_cpu *cpu;
	int status = look_options_open(&options->look, command, &cpu);

	if (status != 0)
		return status;
	if (options->capture != NULL)
		status = capture(corun_cpu_look(cpu), options->look.look.root, options->capture);
	else if (options->watch)
		status = watch(options, cpu);
	else
		status = show_once(options, cpu);
	corun_cpu_close(cpu);
	return status;
}

static int
run(const struct command *command, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "watch", optional_argument, NULL, OPTION_WATCH },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "capture", required_argument, NULL, OPTION_CAPTURE },
		LOOK_OPTIONS_LONG,
		{ NULL, 0, NULL, 0 },
	};
	struct cpu_options options = { .watch_seconds = 1 };
	int key;

	look_options_init(&options.look);
	options.look.look.with_stat = true;
	opterr = 0;
	while ((key = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		int r;

		if (key == 'h') {
			command_help(command);
			return EXIT_OK;
		}
		if (key == ':')
			return command_usage_error(command, "%s needs a value", argv[optind - 1]);
		r = take_option(&options, command, key, optarg);
		if (r < 0)
			return command_usage_error(command, "unknown option '%s'",
						   argv[optind - 1]);
		if (r > 0)
			return r;
	}
	if (optind < argc)
		return command_usage_error(command, "unexpected '%s'", argv[optind]);
	if (options.capture != NULL && (options.watch || options.json))
		return command_usage_error(command,
					   "--capture goes with neither --watch nor --json");
	look_options_finish(&options.look);
	return run_with(command, &options);
}

const struct command command_cpu = {
	.name = "cpu",
	.usage = "[OPTION...]",
	.summary = "Explain the number of workers: quota, CPUs, rounding, what decides.",
	.details =
		"Options:\n"
		"      --watch[=SECONDS]  look again each second, or each so many, and tell each\n"
		"                         change, until Ctrl-C\n"
		"      --json             as a JSON object; with --watch, one a line\n"
		"      --capture FILE     save the files that decided as a tar file (-: stdout),\n"
		"                         for a bug report; --root reads them back\n" //
	LOOK_OPTIONS_HELP,
	.run = run,
};
