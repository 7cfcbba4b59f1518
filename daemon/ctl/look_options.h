#pragma once

/* Look options - what nproc and cpu both take: where to look, and by which rules to decide */

#include <stdbool.h>

#include <corun/cpu.h>

#include "daemon/ctl/command.h"

struct look_options {
	struct corun_cpu_options look;
	struct corun_cpu_policy policy;
	const char *env_error;   /* CORUN_WORKERS is malformed: its text; else NULL */
	const char *env_ignored; /* CORUN_WORKERS is set, but --root was given: its text */
};

/* The rows for struct command, ending with an empty one. */
extern const struct command_option look_option_rows[];

/** look_options_init() - the defaults */
void look_options_init(struct look_options *options);

/**
 * look_options_take() - one option that command_parse() gave
 * @value: its argument, or NULL
 * Return: 0; EXIT_USAGE after a message.
 */
int look_options_take(struct look_options *options, const struct command *command, int key,
		      const char *value);

/**
 * look_options_finish() - after the last option: do they fit together, and read CORUN_WORKERS
 *
 * CORUN_WORKERS is of this system, so --root, which asks about another, leaves it out. Afterwards
 * env_error may be set: the caller says so, and the rules count.
 *
 * Return: COMMAND_GO; EXIT_USAGE after a message.
 */
int look_options_finish(struct look_options *options, const struct command *command);

/**
 * look_options_open() - corun_cpu_open(), with a message on stderr if it fails
 * Return: 0 or EXIT_FAILED
 */
int look_options_open(const struct look_options *options, const struct command *command,
		      struct corun_cpu **ret_cpu);

/**
 * look_options_number() - a whole decimal number from 1 to @most, and nothing else
 * Return: 0: it is none.
 */
unsigned look_options_number(const char *text, unsigned most);
