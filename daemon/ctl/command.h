#pragma once

/* Commands - one file each; corunctl.c has the table of them */

/* Exit codes, the same for all commands. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* it could not be done; stderr says why */
	EXIT_USAGE = 2,  /* the command line or an option's value is wrong */
};

struct command {
	const char *name;
	const char *usage;   /* what follows the name on the command line */
	const char *summary; /* one sentence */
	const char *details; /* options, one a line, for --help */
	int (*run)(const struct command *command, int argc, char **argv); /* the exit code */
};

extern const struct command command_nproc;
extern const struct command command_cpu;

void command_help(const struct command *command);

/**
 * command_usage_error() - say what is wrong with the command line, on stderr
 * Return: EXIT_USAGE
 */
int command_usage_error(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
