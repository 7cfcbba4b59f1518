#include "daemon/ctl/event_text.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/escape.h"
#include "daemon/ctl/task_text.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/worker_text.h"

static void
print_text(FILE *out, const json_t *event, const char *name)
{
	const char *text = field_text(event, name);

	escape_line(out, text ? text : "?");
}

static void
print_error(FILE *out, const json_t *event)
{
	if (!field_text(event, "error"))
		return;
	fputs(": ", out);
	print_text(out, event, "error");
}

/* ---- one function for each kind of event ----------------------------------------------------- */

static void
print_daemon(FILE *out, const json_t *event)
{
	fputs("corund: ", out);
	print_text(out, event, "state");
}

static void
print_workers(FILE *out, const json_t *event)
{
	if (field_has_number(event, "before") &&
	    field_number(event, "before") != field_number(event, "workers"))
		fprintf(out, "%lld -> ", field_number(event, "before"));
	workers_print(out, event);
}

static void
print_task(FILE *out, const json_t *event)
{
	const char *before = field_text(event, "before");
	const char *state = field_text(event, "state");
	bool ended = json_is_object(json_object_get(event, "last_end")) && state &&
		     strcmp(state, "running") != 0 && strcmp(state, "starting") != 0;

	fputs("task ", out);
	print_text(out, event, "task");
	fputs(": ", out);
	if (before && state && strcmp(before, state) != 0) {
		print_text(out, event, "before");
		fputs(" -> ", out);
	}
	print_text(out, event, "state");
	if (field_has_number(event, "pid"))
		fprintf(out, ", process %lld", field_number(event, "pid"));
	if (ended) {
		fputs("; its last end: ", out);
		task_end_print(out, json_object_get(event, "last_end"));
	}
	print_error(out, event);
}

static void
print_resize_action(FILE *out, const json_t *event)
{
	fputs("task ", out);
	print_text(out, event, "task");
	fprintf(out, ": told of %lld worker%s by ", field_number(event, "workers"),
		field_number(event, "workers") == 1 ? "" : "s");
	print_text(out, event, "action");
	if (json_is_false(json_object_get(event, "ok")))
		fputs(", which failed", out);
	print_error(out, event);
}

/* "; added a, b" */
static void
print_names(FILE *out, const json_t *event, const char *name)
{
	const json_t *names = json_object_get(event, name);

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *text = json_string_value(json_array_get(names, i));

		if (i == 0)
			fprintf(out, "; %s", name);
		fputs(i == 0 ? " " : ", ", out);
		escape_line(out, text ? text : "?");
	}
}

/* "FILE:LINE: TEXT" of each, on the one line of the event */
static void
print_config_errors(FILE *out, const json_t *event)
{
	const json_t *errors = json_object_get(event, "errors");

	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *error = json_array_get(errors, i);

		fputs(i == 0 ? ": " : "; ", out);
		if (field_text(error, "file")) {
			print_text(out, error, "file");
			if (field_number(error, "line") > 0)
				fprintf(out, ":%lld", field_number(error, "line"));
			fputs(": ", out);
		}
		print_text(out, error, "text");
	}
}

static void
print_config(FILE *out, const json_t *event)
{
	fputs("configuration ", out);
	if (json_is_false(json_object_get(event, "ok"))) {
		fputs("is wrong, and the one before stays", out);
		print_error(out, event);
		print_config_errors(out, event);
		return;
	}
	fputs("read again", out);
	print_names(out, event, "added");
	print_names(out, event, "changed");
	print_names(out, event, "removed");
}

/* What a newer daemon may send: all of it. */
static void
print_other(FILE *out, const json_t *event)
{
	char *text = json_dumps(event, JSON_COMPACT);

	escape_line(out, text ? text : "?");
	free(text);
}

/* ---- the line -------------------------------------------------------------------------------- */

void
event_print(FILE *out, const json_t *event)
{
	static const struct {
		const char *event;
		void (*print)(FILE *out, const json_t *event);
	} kinds[] = {
		{ "daemon", print_daemon }, { "workers", print_workers },
		{ "task", print_task },     { "resize-action", print_resize_action },
		{ "config", print_config },
	};
	const char *name = field_text(event, "event");
	void (*print)(FILE * out, const json_t *event) = print_other;
	char time[WHEN_SIZE];

	if (field_has_number(event, "dropped")) {
		fprintf(out, "(%lld events are missing here: they were not kept)\n",
			field_number(event, "dropped"));
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (name && strcmp(name, kinds[i].event) == 0)
			print = kinds[i].print;
	fprintf(out, "%lld  ", field_number(event, "n"));
	escape_line(out, when_text(field_text(event, "time"), time));
	fputs("  ", out);
	print(out, event);
	putc('\n', out);
}
