/* corunctl - the table of commands, and what is said when none of them is meant */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/nearest.h"

static const struct command *const commands[] = {
	&command_nproc,
	&command_cpu,
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void
help(FILE *out)
{
	fputs("Usage: corunctl COMMAND [OPTION...]\n"
	      "How much CPU this process may use, and how many workers that makes.\n"
	      "\n"
	      "Commands:\n",
	      out);
	for (int i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "  -h, --help     this text; after a command, what that one takes\n"
	      "  -V, --version  the version\n"
	      "\n"
	      "Exit codes: 0 done; 1 it could not be done; 2 the command line is wrong.\n",
	      out);
}

void
command_help(const struct command *command)
{
	printf("Usage: corunctl %s %s\n%s\n\n%s", command->name, command->usage, command->summary,
	       command->details);
}

int
command_usage_error(const struct command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "corunctl %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry 'corunctl %s --help'.\n", command->name);
	return EXIT_USAGE;
}

static int
unknown(const char *name)
{
	const char *names[N_COMMANDS];
	const char *near;

	for (int i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i]->name;
	near = nearest(name, names, N_COMMANDS);
	if (near != NULL)
		fprintf(stderr, "corunctl: unknown command '%s'; did you mean '%s'?\n", name, near);
	else
		fprintf(stderr, "corunctl: unknown command '%s'\n", name);
	fputs("Try 'corunctl --help'.\n", stderr);
	return EXIT_USAGE;
}

/* What was printed may not have arrived: a full disk must not look like success. */
static int
close_stdout(int status)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE) {
		fprintf(stderr, "corunctl: cannot write the output: %s\n", strerror(errno));
		return status == EXIT_OK ? EXIT_FAILED : status;
	}
	return status;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help(stdout);
		return close_stdout(EXIT_OK);
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("corunctl " PACKAGE_VERSION);
		return close_stdout(EXIT_OK);
	}
	for (int i = 0; i < N_COMMANDS; i++) {
		if (strcmp(argv[1], commands[i]->name) == 0)
			return close_stdout(commands[i]->run(commands[i], argc - 1, argv + 1));
	}
	return unknown(argv[1]);
}
