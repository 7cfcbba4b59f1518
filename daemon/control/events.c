/*
 * Events - a ring of finished lines
 *
 * An event is made anywhere and posted to the control thread, which alone numbers it: so numbers
 * have no gaps, and their order is the one in which the control thread heard of them. The time is
 * that of event_emit().
 */

#include "daemon/control/events.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/event.h"
#include "daemon/base/loop.h"
#include "daemon/report/text_json.h"

struct emitted {
	struct call call;
	const char *name;
	uint64_t realtime_us;
	json_t *fields;
};

struct line {
	char *text;
	size_t len;
};

static struct {
	struct line ring[EVENTS_KEPT]; /* event n is in slot n % EVENTS_KEPT */
	uint64_t last;
	void (*watcher)(void);
	_Atomic uint64_t lost;
} events;

/* Return: the line, allocated; NULL: no memory. */
static char *
line_of(uint64_t n, const struct emitted *e, size_t *ret_len)
{
	json_t *object = json_pack("{s:I, s:o, s:s}", "n", number_json(n), "time",
				   time_json(e->realtime_us), "event", e->name);
	char *text = NULL;

	if (object != NULL && json_object_update_missing(object, e->fields) == 0)
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (text != NULL) {
		*ret_len = strlen(text) + 1;
		text[*ret_len - 1] =
			'\n'; /* in the place of the NUL: lines are sent, not printed */
	}
	return text;
}

static void
number(struct call *call)
{
	struct emitted *e = (struct emitted *) call;
	struct line line = { .len = 0 };

	line.text = line_of(events.last + 1, e, &line.len);
	if (line.text == NULL) {
		atomic_fetch_add(&events.lost, 1);
	} else {
		struct line *slot = &events.ring[++events.last % EVENTS_KEPT];

		free(slot->text);
		*slot = line;
	}
	json_decref(e->fields);
	free(e);
	if (line.text != NULL && events.watcher != NULL)
		events.watcher();
}

void
event_emit(const char *name, json_t *fields)
{
	struct emitted *e = fields != NULL ? malloc(sizeof(*e)) : NULL;

	if (e == NULL) {
		json_decref(fields);
		atomic_fetch_add(&events.lost, 1);
		return;
	}
	*e = (struct emitted){
		.call = { .run = number },
		.name = name,
		.realtime_us = realtime_us(),
		.fields = fields,
	};
	loop_post(&e->call);
}

uint64_t
events_last(void)
{
	return events.last;
}

uint64_t
events_oldest(void)
{
	return events.last > EVENTS_KEPT ? events.last - EVENTS_KEPT + 1 : 1;
}

uint64_t
events_lost(void)
{
	return atomic_load(&events.lost);
}

const char *
events_get(uint64_t n, size_t *ret_len, uint64_t *ret_oldest)
{
	const struct line *slot = &events.ring[n % EVENTS_KEPT];

	*ret_oldest = events_oldest();
	if (n < *ret_oldest || n > events.last)
		return NULL;
	*ret_len = slot->len;
	return slot->text;
}

void
events_watch(void (*fn)(void))
{
	events.watcher = fn;
}

void
events_close(void)
{
	for (size_t i = 0; i < EVENTS_KEPT; i++)
		free(events.ring[i].text);
	memset(events.ring, 0, sizeof(events.ring));
	events.last = 0;
	events.watcher = NULL;
}
