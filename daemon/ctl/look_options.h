#pragma once

/* Look options - what nproc and cpu both take: where to look, and by which rules to decide */

#include <stdbool.h>

#include <corun/cpu.h>

#include "daemon/ctl/command.h"

struct look_options {
	struct corun_cpu_options look;
	struct corun_cpu_policy policy;
	const char *env_error; /* CORUN_WORKERS is malformed: its text; else NULL */
};

enum look_option_key {
	LOOK_OPTION_ROOT = 0x100,
	LOOK_OPTION_CPUS,
	LOOK_OPTION_LEAF_ONLY,
	LOOK_OPTION_ROUND,
	LOOK_OPTION_MIN,
	LOOK_OPTION_MAX,
};

/* For getopt_long(); the last line of both lists is the command's own. */
/* clang-format off */
#define LOOK_OPTIONS_LONG                                                                          \
	{ "root", required_argument, NULL, LOOK_OPTION_ROOT },                                     \
	{ "cpus", required_argument, NULL, LOOK_OPTION_CPUS },                                     \
	{ "leaf-only", no_argument, NULL, LOOK_OPTION_LEAF_ONLY },                                 \
	{ "round", required_argument, NULL, LOOK_OPTION_ROUND },                                   \
	{ "min", required_argument, NULL, LOOK_OPTION_MIN },                                       \
	{ "max", required_argument, NULL, LOOK_OPTION_MAX },                                       \
	{ "help", no_argument, NULL, 'h' }

#define LOOK_OPTIONS_HELP                                                                          \
	"      --root DIR         a folder that stands for the kernel: DIR/proc/self/cgroup,\n"    \
	"                         DIR/proc/self/mountinfo, DIR/sys/fs/cgroup/...\n"                \
	"      --cpus N           so many CPUs, instead of asking the kernel\n"                    \
	"      --leaf-only        Go's rule: only the process's own cgroup, no ancestors\n"        \
	"      --round up|down|nearest\n"                                                          \
	"                         how a limit becomes a whole number (default: up)\n"              \
	"      --min N            a quota alone never gives less (default: 2)\n"                   \
	"      --max N            never more than N\n"                                             \
	"  -h, --help             this text\n"
/* clang-format on */

/** look_options_init() - the defaults */
void look_options_init(struct look_options *options);

/**
 * look_options_take() - one option that getopt_long() gave
 * @value: its argument, or NULL
 * Return: 0; EXIT_USAGE after a message; -1: not one of these.
 */
int look_options_take(struct look_options *options, const struct command *command, int key,
		      const char *value);

/**
 * look_options_finish() - read CORUN_WORKERS, unless --root asks about another system
 * Afterwards env_error may be set: the caller says so, and the rules count.
 */
void look_options_finish(struct look_options *options);

/**
 * look_options_open() - corun_cpu_open(), with a message on stderr if it fails
 * Return: 0 or EXIT_FAILED
 */
int look_options_open(const struct look_options *options, const struct command *command,
		      struct corun_cpu **ret_cpu);
