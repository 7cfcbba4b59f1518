#include "daemon/ctl/complaints.h"

#include <string.h>

static void
complain_of_level(FILE *out, const char *prefix, const struct corun_cpu_level *level)
{
	const char *what;

	if (level->state == CORUN_LEVEL_UNREADABLE)
		what = "cannot be read";
	else if (level->state == CORUN_LEVEL_MALFORMED)
		what = "is malformed";
	else
		return;
	fprintf(out, "%sthe quota in %s %s (%s); %s\n", prefix, level->dir, what,
		strerror(-level->error),
		level->stale ? "its last good value counts" : "it counts as no limit");
}

void
complaints_print(FILE *out, const char *prefix, const struct look_options *options,
		 const struct corun_cpu_view *view)
{
	if (options->env_error != NULL)
		fprintf(out,
			"%sCORUN_WORKERS=%s is not a whole number from 1 to %d or \"auto\"; the "
			"rules decide\n",
			prefix, options->env_error, CORUN_WORKERS_MAX);
	if (view->fault != NULL)
		fprintf(out, "%s%s; no quota counts\n", prefix, view->fault);
	for (size_t i = 0; i < view->n_levels; i++)
		complain_of_level(out, prefix, &view->levels[i]);
}
