/* corunctl limit - what the daemon saw of its CPU limit at its last look; `cpu` looks by itself */

#include <stdio.h>
#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/escape.h"
#include "daemon/ctl/when.h"

static void
print_row(const char *title, const char *text)
{
	printf("%-12s ", title);
	escape_line(stdout, text != NULL ? text : "none");
	putchar('\n');
}

/* "2.3 CPUs", or why there is no such number */
static void
print_level(const json_t *level)
{
	const char *cpus = field_text(json_object_get(level, "limit"), "cpus");
	const char *state = field_text(level, "state");

	fputs("  ", stdout);
	escape_line(stdout, field_text(level, "dir") != NULL ? field_text(level, "dir") : "?");
	fputs(": ", stdout);
	escape_line(stdout, cpus != NULL ? cpus : state != NULL ? state : "?");
	fputs(cpus != NULL ? " CPUs" : "", stdout);
	if (json_is_true(json_object_get(level, "stale")))
		printf(" (the last good value; now %s)", state != NULL ? state : "?");
	if (json_is_true(json_object_get(level, "decides")))
		fputs(", which decides", stdout);
	if (field_number(level, "nr_throttled") > 0)
		printf("; throttled in %lld of %lld periods", field_number(level, "nr_throttled"),
		       field_number(level, "nr_periods"));
	putchar('\n');
}

static int
show(struct client *client, const json_t *cpu)
{
	const json_t *levels = json_object_get(cpu, "levels"), *notes;
	const json_t *item;
	char when[WHEN_SIZE];
	size_t i;

	if (!field_has_number(cpu, "workers") || field_text(cpu, "because") == NULL ||
	    !json_is_array(levels))
		return client_misfit(client, "'workers', 'because' or 'levels' is missing");
	printf("%-12s %lld: ", "workers", field_number(cpu, "workers"));
	escape_line(stdout, field_text(cpu, "because"));
	putchar('\n');
	if (field_text(cpu, "time") != NULL)
		print_row("looked at", when_text(field_text(cpu, "time"), when));
	print_row("hierarchy", field_text(cpu, "hierarchy"));
	print_row("cgroup", field_text(cpu, "cgroup"));
	printf("%-12s %lld\n", "CPUs", field_number(cpu, "cpus"));
	if (field_text(cpu, "fault") != NULL)
		print_row("fault", field_text(cpu, "fault"));
	printf("%-12s %zu, the daemon's own first\n", "levels", json_array_size(levels));
	json_array_foreach(levels, i, item) print_level(item);
	notes = json_object_get(cpu, "notes");
	json_array_foreach(notes, i, item) if (json_is_string(item))
		print_row("note", json_string_value(item));
	return EXIT_OK;
}

static int
run(const struct command *command, int argc, char **argv)
{
	return client_show(command, argc, argv, "/v1/cpu", show);
}

const struct command command_limit = {
	.name = "limit",
	.usage = "[OPTION...]",
	.summary = "Show what corund saw of its CPU limit: each level, and what decides.",
	.shared_options = client_option_rows,
	.run = run,
};
