/* corunctl - the table of commands, and what is said when none of them is meant */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/command.h"
#include "daemon/report/nearest.h"
#include "daemon/ctl/output.h"

static const struct command *const commands[] = {
	&command_nproc,  &command_cpu,
#ifdef WITH_DAEMON
	&command_status, &command_tasks,  &command_limit,   &command_workers,
	&command_start,  &command_stop,   &command_restart, &command_logs,
	&command_events, &command_reload, &command_version,
#endif
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void
help(FILE *out)
{
	fputs("Usage: corunctl COMMAND [OPTION...]\n"
	      "How much CPU this process may use, and how many workers that makes.\n"
#ifdef WITH_DAEMON
	      "All commands but nproc and cpu ask corund, the daemon.\n"
#endif
	      "\n"
	      "Commands:\n",
	      out);
	for (int i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "  -h, --help     this text; after a command, what that one takes\n"
	      "  -V, --version  the version\n"
	      "\n"
	      "Exit codes: 0 done; 1 it could not be done; 2 the command line is wrong"
#ifdef WITH_DAEMON
	      ";\n"
	      "3 corund cannot be reached; 4 it was not done in time"
#endif
	      ".\n",
	      out);
}

static int
unknown(const char *name)
{
	const char *names[N_COMMANDS];
	const char *near;

	for (int i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i]->name;
	near = nearest(name, names, N_COMMANDS);
	fprintf(stderr, "corunctl: unknown %s '%s'", name[0] == '-' ? "option" : "command", name);
	if (near && name[0] != '-')
		fprintf(stderr, "; did you mean '%s'?", near);
	fputs("\nTry 'corunctl --help'.\n", stderr);
	return EXIT_USAGE;
}

/* What was printed may not have arrived: a full disk must not look like success. */
static int
close_stdout(int status)
{
	int r = output_flush();

	if (r == 0 || r == -EPIPE)
		return status;
	fprintf(stderr, "corunctl: cannot write to standard output: %s\n", strerror(-r));
	return status == EXIT_OK ? EXIT_FAILED : status;
}

/*
 * A caller may have closed the standard descriptors. Then the next file opened would get such a
 * number and the output would go there; so they are taken, in a way that still makes use of
 * them an error.
 */
static void
take_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(EXIT_FAILED);
}

int
main(int argc, char **argv)
{
	take_standard_descriptors();
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
