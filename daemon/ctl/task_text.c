#include "daemon/ctl/task_text.h"

#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/escape.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"

/* ---- is it one? ------------------------------------------------------------------------------ */

const char *
task_fault(const json_t *task)
{
	if (!json_is_object(task))
		return "the task is no object";
	if (!field_text(task, "name"))
		return "the name of a task is missing";
	if (!field_text(task, "state"))
		return "the state of a task is missing";
	return NULL;
}

const char *
tasks_fault(const json_t *list)
{
	const json_t *tasks = json_object_get(list, "tasks");
	const char *fault = NULL;

	if (!json_is_array(tasks))
		return "'tasks' is missing, or no list";
	for (size_t i = 0; i < json_array_size(tasks) && !fault; i++)
		fault = task_fault(json_array_get(tasks, i));
	return fault;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Return: NULL if there is no such number. */
static const char *
number_text(const json_t *object, const char *name, char ret[static 24])
{
	if (!field_has_number(object, name))
		return NULL;
	snprintf(ret, 24, "%lld", field_number(object, name));
	return ret;
}

static void
add_row(struct table *table, const json_t *task)
{
	char since[WHEN_SIZE], pid[24], restarts[24], workers[24];

	table_add(table, (const char *[]){
				 field_text(task, "name"),
				 field_text(task, "state"),
				 when_short(field_text(task, "since"), since),
				 number_text(task, "pid", pid),
				 number_text(task, "restarts", restarts),
				 number_text(task, "workers", workers),
				 field_text(task, "on_resize"),
			 });
}

int
tasks_print(const json_t *list)
{
	static const char *const titles[] = { "NAME",     "STATE",   "SINCE",    "PID",
					      "RESTARTS", "WORKERS", "ON-RESIZE" };
	const json_t *tasks = json_object_get(list, "tasks");
	struct table table = { .n_columns = sizeof(titles) / sizeof(titles[0]), .titles = titles };

	for (size_t i = 0; i < json_array_size(tasks); i++)
		add_row(&table, json_array_get(tasks, i));
	return table_print(&table, stdout, terminal_width());
}

/* ---- one task -------------------------------------------------------------------------------- */

static void
print_line(FILE *out, const char *title, const char *text)
{
	if (!text)
		return;
	fprintf(out, "  %-11s ", title);
	escape_line(out, text);
	putc('\n', out);
}

static void
print_state(FILE *out, const json_t *task)
{
	const char *since = field_text(task, "since");
	char text[WHEN_SIZE], distance[WHEN_SIZE];

	fputs("  state       ", out);
	escape_line(out, field_text(task, "state"));
	if (since) {
		fputs(" since ", out);
		escape_line(out, when_text(since, text));
		if (*when_distance(since, distance))
			fprintf(out, " (%s)", distance);
	}
	putc('\n', out);
}

void
task_end_print(FILE *out, const json_t *end)
{
	if (field_text(end, "signal")) {
		fputs("killed by ", out);
		escape_line(out, field_text(end, "signal"));
	} else if (field_has_number(end, "code")) {
		fprintf(out, "exit code %lld", field_number(end, "code"));
	} else {
		fputs("how is not known", out);
	}
}

static void
print_last_end(FILE *out, const json_t *end)
{
	char text[WHEN_SIZE];

	if (!json_is_object(end))
		return;
	fputs("  last end    ", out);
	task_end_print(out, end);
	if (field_text(end, "time")) {
		fputs(", ", out);
		escape_line(out, when_text(field_text(end, "time"), text));
	}
	putc('\n', out);
}

static void
print_starts(FILE *out, const json_t *task)
{
	if (field_has_number(task, "starts"))
		fprintf(out, "  starts      %lld, of them %lld restart%s\n",
			field_number(task, "starts"), field_number(task, "restarts"),
			field_number(task, "restarts") == 1 ? "" : "s");
}

static void
print_workers(FILE *out, const json_t *task)
{
	if (field_has_number(task, "workers")) {
		fprintf(out, "  workers     %lld", field_number(task, "workers"));
		if (field_text(task, "workers_reason")) {
			fputs(", by ", out);
			escape_line(out, field_text(task, "workers_reason"));
		}
		putc('\n', out);
	}
	if (field_text(task, "on_resize")) {
		fputs("  on resize   ", out);
		escape_line(out, field_text(task, "on_resize"));
		if (field_has_number(task, "resizes_done"))
			fprintf(out, "; %lld done, %lld failed", field_number(task, "resizes_done"),
				field_number(task, "resizes_failed"));
		putc('\n', out);
	}
}

static void
print_stuck(FILE *out, const json_t *stuck)
{
	for (size_t i = 0; i < json_array_size(stuck); i++) {
		const json_t *coroutine = json_array_get(stuck, i);
		const char *name = field_text(coroutine, "name");
		const char *state = field_text(coroutine, "state");

		fprintf(out, "  stuck       coroutine %lld ", field_number(coroutine, "id"));
		escape_line(out, name ? name : "?");
		fputs(": ", out);
		escape_line(out, state ? state : "?");
		putc('\n', out);
	}
}

void
task_print(FILE *out, const json_t *task)
{
	char pid[24], when[WHEN_SIZE];

	escape_line(out, field_text(task, "name"));
	if (field_text(task, "description")) {
		fputs(" - ", out);
		escape_line(out, field_text(task, "description"));
	}
	putc('\n', out);
	print_state(out, task);
	print_line(out, "error", field_text(task, "error"));
	print_stuck(out, json_object_get(task, "stuck"));
	print_line(out, "type", field_text(task, "type"));
	print_line(out, "file", field_text(task, "file"));
	print_line(out, "pid", number_text(task, "pid", pid));
	print_line(out, "cgroup", field_text(task, "cgroup"));
	print_workers(out, task);
	print_starts(out, task);
	print_last_end(out, json_object_get(task, "last_end"));
	if (field_text(task, "next_start"))
		print_line(out, "next start", when_text(field_text(task, "next_start"), when));
}
