#pragma once

/* Commands - one file each; corunctl.c has the table of them */

/* Exit codes, the same for all commands. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,    /* it could not be done; stderr says why */
	EXIT_USAGE = 2,     /* the command line or an option's value is wrong */
	EXIT_NO_DAEMON = 3, /* corund cannot be reached */
	EXIT_TIMED_OUT = 4, /* it did not answer, or what was asked for did not happen, in time */
};

/* One option: what getopt_long() takes and what --help says, in one place. */
struct command_option {
	const char *name;  /* without the dashes; NULL ends a table */
	const char *value; /* NULL: takes none; "N"; "[SECONDS]": may be left out */
	int key;           /* for command_take_fn; a letter is its short form, too; else 0x100 up */
	const char *help;  /* lines, without a newline at the end */
};

struct command {
	const char *name;
	const char *usage;        /* what follows the name on the command line */
	const char *summary;      /* one sentence */
	const char *notes;        /* lines for --help that are no options; or NULL */
	const char *words;        /* what the words after the name are: "the name of a task" */
	int words_min, words_max; /* how many of them; 0, 0: options only */
	const struct command_option *options;
	const struct command_option *shared_options; /* with other commands; or NULL */
	int (*run)(const struct command *command, int argc, char **argv); /* the exit code */
};

extern const struct command command_nproc;
extern const struct command command_cpu;
/* These ask the daemon. */
extern const struct command command_status;
extern const struct command command_tasks;
extern const struct command command_workers;
extern const struct command command_start;
extern const struct command command_stop;
extern const struct command command_restart;
extern const struct command command_logs;
extern const struct command command_events;
extern const struct command command_reload;
extern const struct command command_limit;
extern const struct command command_version;

/* One option of the command line. Return: 0, or an exit code after a message. */
typedef int command_take_fn(void *context, const struct command *command, int key,
			    const char *value);

/* What command_parse() returns when the command is to go on. */
enum { COMMAND_GO = -1 };

/**
 * command_parse() - go through the command line of a command
 * @take: called for each option but --help
 *
 * Options may stand before, between and after the words that are none. Afterwards the words are
 * argv[optind] to argv[argc - 1], as many as the command allows, and none of them is empty.
 *
 * Return: COMMAND_GO, or an exit code: the help was printed, or a message on stderr.
 */
int command_parse(const struct command *command, int argc, char **argv, command_take_fn *take,
		  void *context);

/**
 * command_usage_error() - say what is wrong with the command line, on stderr
 * Return: EXIT_USAGE
 */
int command_usage_error(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
