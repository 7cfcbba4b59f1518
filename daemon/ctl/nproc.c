/* corunctl nproc - the count, and nothing else, for scripts */

#include <stdio.h>

#include "daemon/report/complaints.h"
#include "daemon/ctl/look_options.h"

static int
take(void *context, const struct command *command, int key, const char *value)
{
	return look_options_take(context, command, key, value);
}

static int
run(const struct command *command, int argc, char **argv)
{
	const struct corun_cpu_view *view;
	struct look_options options;
	struct corun_cpu *cpu;
	int status;

	look_options_init(&options);
	status = command_parse(command, argc, argv, take, &options);
	if (status == COMMAND_GO)
		status = look_options_finish(&options, command);
	if (status != COMMAND_GO)
		return status;

	status = look_options_open(&options, command, &cpu);
	if (status != EXIT_OK)
		return status;
	view = corun_cpu_look(cpu);
	complaints_print(stderr, "corunctl nproc: ", options.env_error, view);
	printf("%u\n", corun_cpu_decide(&options.policy, view->cpus, &view->limit).workers);
	corun_cpu_close(cpu);
	return EXIT_OK;
}

const struct command command_nproc = {
	.name = "nproc",
	.usage = "[OPTION...]",
	.summary = "Print the number of workers, for make -j$(corunctl nproc).",
	.notes = "What cannot be read is told on stderr and counts as no limit; the exit code is\n"
		 "0 then too. CORUN_WORKERS in the environment counts before the rules, except\n"
		 "with --root.",
	.shared_options = look_option_rows,
	.run = run,
};
