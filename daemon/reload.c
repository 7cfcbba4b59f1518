/*
 * Reload - in two halves
 *
 * A coroutine reads and checks the files and has the governor take the new policy: both may block.
 * Then the control thread, which owns the tasks, changes them. A configuration with an error changes
 * nothing at all.
 */

#include "daemon/reload.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <corun/coroutine.h>
#include <corun/runtime.h>

#include "daemon/base/event.h"
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/control/pool.h"
#include "daemon/systemd/service.h"
#include "daemon/task/tasks.h"

struct reading {
	struct call call;
	struct config *config; /* NULL: it is wrong */
	struct config_errors errors;
	int result;
	void (*done)(void *arg, int status, char *body);
	void *arg;
};

static struct {
	const char *file;
	struct config *config;
	bool running;
	bool again;     /* once more after it: what it has read may be old */
	bool cancelled; /* the daemon stops */
} state;

void
reload_open(const char *file, struct config *config)
{
	state.file = file;
	state.config = config;
}

void
reload_close(void)
{
	config_free(state.config);
	state.config = NULL;
}

const struct config *
reload_config(void)
{
	return state.config;
}

bool
reload_running(void)
{
	return state.running;
}

static void
answer(struct reading *r, int status, json_t *body)
{
	if (r->done != NULL)
		r->done(r->arg, status, body != NULL ? json_dumps(body, JSON_INDENT(2)) : NULL);
	json_decref(body);
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static json_t *
errors_json(const struct config_errors *errors)
{
	json_t *list = json_array();

	for (size_t i = 0; i < errors->n; i++) {
		const struct config_error *e = &errors->list[i];

		if (e->note)
			continue;
		json_array_append_new(list, json_pack("{s:s?, s:i, s:s}", "file", e->file, "line",
						      (int) e->line, "text", e->text));
	}
	return list;
}

/* The errors, or else the notes. */
static void
log_errors(const struct config_errors *errors, bool notes)
{
	enum log_level level = notes ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERR;

	for (size_t i = 0; i < errors->n; i++) {
		const struct config_error *e = &errors->list[i];
		const char *file = e->file != NULL ? e->file : "configuration";

		if (e->note != notes)
			continue;
		if (e->line != 0)
			log_line(level, NULL, "%s:%u: %s", file, e->line, e->text);
		else
			log_line(level, NULL, "%s: %s", file, e->text);
	}
}

static void
refuse(struct reading *r)
{
	log_errors(&r->errors, false);
	log_line(LOG_LEVEL_ERR, NULL, "the configuration was not reloaded: %s",
		 r->errors.n > 0 ? "see the errors above" : strerror(-r->result));
	event_emit("config", json_pack("{s:b, s:o}", "ok", 0, "errors", errors_json(&r->errors)));
	answer(r, 422,
	       json_pack("{s:s, s:o}", "error",
			 "the new configuration has errors; the old one stays in force", "errors",
			 errors_json(&r->errors)));
}

/* ---- what changes ---------------------------------------------------------------------------- */

static json_t *
names_json(char *const *names)
{
	json_t *list = json_array();

	for (; names != NULL && *names != NULL; names++)
		json_array_append_new(list, json_string(*names));
	return list;
}

static json_t *
change_json(const struct tasks_change *change)
{
	return json_pack("{s:o, s:o, s:o, s:I}", "added", names_json(change->added), "removed",
			 names_json(change->removed), "changed", names_json(change->changed),
			 "unchanged", (json_int_t) change->n_unchanged);
}

static void
accept(struct reading *r)
{
	struct tasks_change change = { .n_unchanged = 0 };
	json_t *body, *event;
	int result = tasks_reload(r->config, &change);

	config_note_kept(state.config, r->config, &r->errors);
	log_errors(&r->errors, true);
	if (result < 0)
		log_line(LOG_LEVEL_ERR, NULL, "not all tasks could be reloaded: %s",
			 strerror(-result));
	log_set_level((enum log_level) r->config->log_level);
	config_free(state.config);
	state.config = r->config;
	r->config = NULL;
	body = change_json(&change);
	event = change_json(&change);
	json_object_set_new(event, "ok", json_true());
	event_emit("config", event);
	log_line(LOG_LEVEL_NOTICE, NULL,
		 "configuration reloaded: %zu tasks added, %zu removed, %zu changed, %zu as before",
		 json_array_size(json_object_get(body, "added")),
		 json_array_size(json_object_get(body, "removed")),
		 json_array_size(json_object_get(body, "changed")), change.n_unchanged);
	tasks_change_free(&change);
	answer(r, 200, body);
}

/* It came while the daemon stops: a task that were made now would never be told to end. */
static void
drop(struct reading *r)
{
	log_line(LOG_LEVEL_NOTICE, NULL, "the configuration was not reloaded: the daemon stops");
	config_free(r->config);
	answer(r, 503, json_pack("{s:s}", "error", "the daemon is stopping"));
}

static void
finish(struct call *call)
{
	struct reading *r = (struct reading *) call;

	if (state.cancelled)
		drop(r);
	else if (r->config != NULL)
		accept(r);
	else
		refuse(r);
	state.running = false;
	if (!state.cancelled)
		service_ready("running");
	config_errors_free(&r->errors);
	free(r);
	if (state.again && !state.cancelled) {
		state.again = false;
		reload(NULL, NULL);
	}
}

/* ---- the coroutine that reads ---------------------------------------------------------------- */

static void
read_config(void *arg)
{
	struct reading *r = arg;

	corun_block_enter();
	r->result = config_load(state.file, &r->errors, &r->config);
	corun_block_exit();
	if (r->result < 0) {
		r->config = NULL;
	} else {
		pool_set_policy(&r->config->workers.policy);
		corun_set_policy(&r->config->workers.policy);
	}
	loop_post(&r->call);
}

void
reload(void (*done)(void *arg, int status, char *body), void *arg)
{
	struct reading *r = calloc(1, sizeof(*r));
	struct reading none = { .done = done, .arg = arg };
	int result = r != NULL ? 0 : -ENOMEM;

	if (state.running) {
		free(r);
		answer(&none, 409, json_pack("{s:s}", "error", "a reload is under way already"));
		return;
	}
	if (r != NULL) {
		r->call.run = finish;
		r->done = done;
		r->arg = arg;
		service_reloading();
		state.running = true;
		result = corun_go(read_config, r);
	}
	if (result == 0)
		return;
	if (r != NULL)
		service_ready("running");
	state.running = false;
	free(r);
	answer(&none, 503, json_pack("{s:s}", "error", "no memory to reload"));
}

void
reload_again(void)
{
	state.again = true;
}

void
reload_cancel(void)
{
	state.cancelled = true;
}
