#include "daemon/report/complaints.h"

#include <string.h>

#include "daemon/report/quoted.h"

void
complaints_of_level(FILE *out, const char *prefix, const struct corun_cpu_level *level)
{
	bool malformed = level->state == CORUN_LEVEL_MALFORMED;

	if (!malformed && level->state != CORUN_LEVEL_UNREADABLE)
		return;
	fprintf(out, "%sthe quota in ", prefix);
	quoted_print(out, level->dir);
	if (malformed)
		fputs(" is malformed", out);
	else
		fprintf(out, " cannot be read: %s", strerror(-level->error));
	fprintf(out, "; %s\n",
		level->stale ? "its last good value counts" : "it counts as no limit");
}

static void
complain_of_env(FILE *out, const char *prefix, const char *text)
{
	fprintf(out, "%sCORUN_WORKERS=", prefix);
	quoted_print(out, text);
	fprintf(out, " is not a whole number from 1 to %d or \"auto\"; the rules decide\n",
		CORUN_WORKERS_MAX);
}

void
complaints_print(FILE *out, const char *prefix, const char *env_error,
		 const struct corun_cpu_view *view)
{
	if (env_error)
		complain_of_env(out, prefix, env_error);
	if (view->fault) {
		fputs(prefix, out);
		quoted_print(out, view->fault);
		fprintf(out, "; %s\n",
			view->n_levels ? "the cgroup found before counts" : "no quota counts");
	}
	for (size_t i = 0; i < view->n_levels; i++)
		complaints_of_level(out, prefix, &view->levels[i]);
}
