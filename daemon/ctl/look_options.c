#include "daemon/ctl/look_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS_MAX = 1 << 20 };

enum {
	LOOK_OPTION_ROOT = 0x100,
	LOOK_OPTION_CPUS,
	LOOK_OPTION_LEAF_ONLY,
	LOOK_OPTION_ROUND,
	LOOK_OPTION_MIN,
	LOOK_OPTION_MAX,
};

const struct command_option look_option_rows[] = {
	{ "root", "DIR", LOOK_OPTION_ROOT,
	  "a folder that stands for the kernel:\n"
	  "DIR/proc/self/cgroup, DIR/proc/self/mountinfo,\n"
	  "DIR/sys/fs/cgroup/..." },
	{ "cpus", "N", LOOK_OPTION_CPUS, "so many CPUs, instead of asking the kernel" },
	{ "leaf-only", NULL, LOOK_OPTION_LEAF_ONLY,
	  "Go's rule: only the process's own cgroup counts,\n"
	  "not those above it" },
	{ "round", "up|down|nearest", LOOK_OPTION_ROUND,
	  "how a limit becomes a whole number (default: up)" },
	{ "min", "N", LOOK_OPTION_MIN, "a quota alone never gives less (default: 2)" },
	{ "max", "N", LOOK_OPTION_MAX, "never more than N" },
	{ NULL, NULL, 0, NULL },
};

void
look_options_init(struct look_options *options)
{
	memset(options, 0, sizeof(*options));
}

unsigned
look_options_number(const char *text, unsigned most)
{
	unsigned long n = 0;

	if (*text == '\0')
		return 0;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return 0;
		n = n * 10 + (unsigned long) (*p - '0');
		if (n > most)
			return 0;
	}
	return (unsigned) n;
}

static int
take_number(const struct command *command, const char *name, const char *text, unsigned most,
	    unsigned *ret)
{
	unsigned n = look_options_number(text, most);

	if (n == 0)
		return command_usage_error(command, "--%s '%s': want a whole number from 1 to %u",
					   name, text, most);
	*ret = n;
	return 0;
}

static int
take_round(const struct command *command, const char *text, enum corun_cpu_round *ret)
{
	if (strcmp(text, "up") == 0)
		*ret = CORUN_ROUND_UP;
	else if (strcmp(text, "down") == 0)
		*ret = CORUN_ROUND_DOWN;
	else if (strcmp(text, "nearest") == 0)
		*ret = CORUN_ROUND_NEAREST;
	else
		return command_usage_error(command, "--round '%s': want up, down or nearest", text);
	return 0;
}

int
look_options_take(struct look_options *options, const struct command *command, int key,
		  const char *value)
{
	switch (key) {
	case LOOK_OPTION_ROOT:
		if (!*value)
			return command_usage_error(command, "--root '': want the name of a folder");
		options->look.root = value;
		return 0;
	case LOOK_OPTION_CPUS:
		return take_number(command, "cpus", value, CPUS_MAX, &options->look.cpus);
	case LOOK_OPTION_LEAF_ONLY:
		options->look.leaf_only = true;
		return 0;
	case LOOK_OPTION_ROUND:
		return take_round(command, value, &options->policy.round);
	case LOOK_OPTION_MIN:
		return take_number(command, "min", value, CORUN_WORKERS_MAX,
				   &options->policy.workers_min);
	default: /* LOOK_OPTION_MAX */
		return take_number(command, "max", value, CORUN_WORKERS_MAX,
				   &options->policy.workers_max);
	}
}

int
look_options_finish(struct look_options *options, const struct command *command)
{
	const struct corun_cpu_policy *policy = &options->policy;
	const char *text = getenv("CORUN_WORKERS");

	if (policy->workers_max && policy->workers_min > policy->workers_max)
		return command_usage_error(command, "--min %u is above --max %u",
					   policy->workers_min, policy->workers_max);
	if (options->look.root)
		options->env_ignored = text;
	else if (corun_workers_parse(text, &options->policy.pin) < 0)
		options->env_error = text;
	return COMMAND_GO;
}

int
look_options_open(const struct look_options *options, const struct command *command,
		  struct corun_cpu **ret_cpu)
{
	int r = corun_cpu_open(&options->look, ret_cpu);

	if (r < 0) {
		fprintf(stderr, "corunctl %s: cannot open %s: %s\n", command->name,
			options->look.root != NULL ? options->look.root : "/", strerror(-r));
		return EXIT_FAILED;
	}
	return 0;
}
