/* corunctl cpu - how the count came about; once, or each time that it changes */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/capture.h"
#include "daemon/ctl/cpu_show.h"
#include "daemon/ctl/cpu_watch.h"
#include "daemon/ctl/look_options.h"

enum {
	OPTION_WATCH = 0x200,
	OPTION_JSON,
	OPTION_CAPTURE,
	WATCH_SECONDS_MAX = 3600,
};

static const struct command_option option_rows[] = {
	{ "watch", "[SECONDS]", OPTION_WATCH,
	  "look again each second, or each so many, and tell\n"
	  "each change, until Ctrl-C" },
	{ "json", NULL, OPTION_JSON, "as a JSON object; with --watch, one a line" },
	{ "capture", "FILE", OPTION_CAPTURE,
	  "save the files that decided as a tar file (-: stdout),\n"
	  "for a bug report; --root reads them back" },
	{ NULL, NULL, 0, NULL },
};

struct cpu_options {
	struct look_options look;
	bool json;
	unsigned watch_seconds; /* 0: once */
	const char *capture;
};

static int
take(void *context, const struct command *command, int key, const char *value)
{
	struct cpu_options *options = context;

	switch (key) {
	case OPTION_WATCH:
		options->watch_seconds = value ? look_options_number(value, WATCH_SECONDS_MAX) : 1;
		if (options->watch_seconds == 0)
			return command_usage_error(
				command,
				"--watch='%s': want a whole number of seconds from 1 to %d", value,
				WATCH_SECONDS_MAX);
		return 0;
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

/* Do they fit together? Return: COMMAND_GO or EXIT_USAGE. */
static int
finish(struct cpu_options *options, const struct command *command)
{
	if (options->capture && (options->watch_seconds || options->json))
		return command_usage_error(command,
					   "--capture goes with neither --watch nor --json");
	if (options->capture && !*options->capture)
		return command_usage_error(command, "--capture '': want the name of a file, or -");
	if (options->capture && strcmp(options->capture, "-") == 0 && isatty(STDOUT_FILENO))
		return command_usage_error(command,
					   "--capture -: a terminal cannot show a tar file");
	return look_options_finish(&options->look, command);
}

struct shown
shown_of(const struct look_options *options, const struct corun_cpu_view *view)
{
	return (struct shown){
		.options = options,
		.report = {
			.view = view,
			.policy = options->policy,
			.leaf_only = options->look.leaf_only,
			.decision = corun_cpu_decide(&options->policy, view->cpus, &view->limit),
			.limit = view->limit,
			.pinned_by = "CORUN_WORKERS",
			.max_option = "--max ",
			.env_error = options->env_error,
		},
	};
}

int
cpu_show_json(FILE *out, const struct shown *shown, bool compact)
{
	json_t *object = cpu_report_json(&shown->report);
	int r;

	if (!object)
		return -ENOMEM;
	r = json_dumpf(object, out, compact ? JSON_COMPACT : JSON_INDENT(2));
	json_decref(object);
	if (r != 0 || putc('\n', out) == EOF)
		return -EIO;
	return 0;
}

static int
show_once(const struct cpu_options *options, struct corun_cpu *cpu)
{
	struct shown shown = shown_of(&options->look, corun_cpu_look(cpu));

	if (options->capture)
		return capture(&shown, options->capture);
	if (!options->json)
		cpu_show_text(stdout, &shown);
	else if (cpu_show_json(stdout, &shown, false) == -ENOMEM) {
		fputs("corunctl cpu: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct cpu_options options = { .watch_seconds = 0 };
	struct corun_cpu *cpu;
	int status;

	look_options_init(&options.look);
	options.look.look.with_stat = true;
	status = command_parse(command, argc, argv, take, &options);
	if (status == COMMAND_GO)
		status = finish(&options, command);
	if (status != COMMAND_GO)
		return status;

	status = look_options_open(&options.look, command, &cpu);
	if (status != EXIT_OK)
		return status;
	if (options.watch_seconds)
		status = cpu_watch(cpu, &options.look, options.watch_seconds, options.json);
	else
		status = show_once(&options, cpu);
	corun_cpu_close(cpu);
	return status;
}

const struct command command_cpu = {
	.name = "cpu",
	.usage = "[OPTION...]",
	.summary = "Explain the number of workers: quota, CPUs, rounding, what decides.",
	.options = option_rows,
	.shared_options = look_option_rows,
	.run = run,
};
