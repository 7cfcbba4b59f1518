/* corunctl nproc - the count, and nothing else, for scripts */

#include <getopt.h>
#include <stdio.h>

#include "daemon/ctl/complaints.h"
#include "daemon/ctl/look_options.h"

static int
print_count(const struct command *command, const struct look_options *options)
{
	const struct corun_cpu_view *view;
	struct corun_cpu *cpu;
	int status = look_options_open(options, command, &cpu);

	if (status != 0)
		return status;
	view = corun_cpu_look(cpu);
	complaints_print(stderr, "corunctl nproc: ", options, view);
	printf("%u\n", corun_cpu_decide(&options->policy, view->cpus, &view->limit).workers);
	corun_cpu_close(cpu);
	return EXIT_OK;
}

static int
run(const struct command *command, int argc, char **argv)
{
	static const struct option longs[] = { LOOK_OPTIONS_LONG, { NULL, 0, NULL, 0 } };
	struct look_options options;
	int key;

	look_options_init(&options);
	opterr = 0;
	while ((key = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		int r;

		if (key == 'h') {
			command_help(command);
			return EXIT_OK;
		}
		if (key == ':')
			return command_usage_error(command, "%s needs a value", argv[optind - 1]);
		r = look_options_take(&options, command, key, optarg);
		if (r < 0)
			return command_usage_error(command, "unknown option '%s'",
						   argv[optind - 1]);
		if (r > 0)
			return r;
	}
	if (optind < argc)
		return command_usage_error(command, "unexpected '%s'", argv[optind]);
	look_options_finish(&options);
	return print_count(command, &options);
}

const struct command command_nproc = {
	.name = "nproc",
	.usage = "[OPTION...]",
	.summary = "Print the number of workers, for make -j$(corunctl nproc).",
	.details =
		"What cannot be read is told on stderr and counts as no limit; the exit code is\n"
		"0 then too. CORUN_WORKERS in the environment counts before the rules, except\n"
		"with --root.\n"
		"\n"
		"Options:\n" LOOK_OPTIONS_HELP,
	.run = run,
};
