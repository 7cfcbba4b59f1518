#include "daemon/control/levels.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/report/complaints.h"
#include "daemon/report/quoted.h"

/* A level that was bad at the look before. */
struct bad {
	char *dir;
	enum corun_cpu_level_state state;
};

static struct {
	struct bad *bad;
	size_t n;
	char *fault; /* of the whole look, or NULL */
} before;

static bool
is_bad(const struct corun_cpu_level *level)
{
	return level->state == CORUN_LEVEL_UNREADABLE || level->state == CORUN_LEVEL_MALFORMED;
}

static const struct bad *
find_bad(const char *dir)
{
	for (size_t i = 0; i < before.n; i++)
		if (strcmp(before.bad[i].dir, dir) == 0)
			return &before.bad[i];
	return NULL;
}

static void
log_level(enum log_level priority, const struct corun_cpu_level *level)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return;
	if (is_bad(level)) {
		complaints_of_level(out, "", level);
	} else {
		fputs("the quota in ", out);
		quoted_print(out, level->dir);
		fputs(" can be read again", out);
	}
	if (fclose(out) == 0)
		log_line(priority, NULL, "%.*s", (int) strcspn(text, "\n"), text);
	free(text);
}

static void
log_fault(const char *fault)
{
	bool was = before.fault != NULL;

	if (fault != NULL ? was && strcmp(fault, before.fault) == 0 : !was)
		return;
	if (fault != NULL)
		log_line(LOG_LEVEL_WARNING, NULL, "%s", fault);
	else
		log_line(LOG_LEVEL_NOTICE, NULL, "the process's cgroup can be found again");
	free(before.fault);
	before.fault = fault != NULL ? strdup(fault) : NULL;
}

static void
remember(const struct corun_cpu_view *view)
{
	for (size_t i = 0; i < before.n; i++)
		free(before.bad[i].dir);
	free(before.bad);
	before.n = 0;
	before.bad = calloc(view->n_levels + 1, sizeof(*before.bad));
	for (size_t i = 0; before.bad != NULL && i < view->n_levels; i++) {
		struct bad *bad = &before.bad[before.n];

		if (!is_bad(&view->levels[i]))
			continue;
		bad->state = view->levels[i].state;
		bad->dir = strdup(view->levels[i].dir);
		if (bad->dir == NULL)
			return;
		before.n++;
	}
}

void
levels_log(const struct corun_cpu_view *view)
{
	bool any_bad = before.n > 0;

	log_fault(view->fault);
	for (size_t i = 0; i < view->n_levels; i++) {
		const struct corun_cpu_level *level = &view->levels[i];
		const struct bad *was = find_bad(level->dir);

		any_bad = any_bad || is_bad(level);
		if (is_bad(level) && (was == NULL || was->state != level->state))
			log_level(LOG_LEVEL_WARNING, level);
		else if (!is_bad(level) && was != NULL)
			log_level(LOG_LEVEL_NOTICE, level);
	}
	if (any_bad)
		remember(view);
}

void
levels_forget(void)
{
	const struct corun_cpu_view none = { .n_levels = 0 };

	remember(&none);
	free(before.bad);
	before.bad = NULL;
	free(before.fault);
	before.fault = NULL;
}
