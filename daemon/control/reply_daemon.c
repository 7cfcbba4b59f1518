/* What is answered about the daemon as a whole */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <corun/coroutine.h>
#include <corun/runtime.h>
#include <corun/stats.h>
#include <corun/time.h>

#include "daemon/base/log.h"
#include "daemon/control/events.h"
#include "daemon/control/pool.h"
#include "daemon/control/routes.h"
#include "daemon/control/stream.h"
#include "daemon/control/workers_json.h"
#include "daemon/process/reaper.h"
#include "daemon/report/text_json.h"
#include "daemon/task/tasks.h"

enum { API_VERSION = 1 };

void
reply_version(struct request *request)
{
	request_answer_json(request, 200,
			    json_pack("{s:s, s:s, s:i, s:i}", "name", "corund", "version",
				      PACKAGE_VERSION, "api", API_VERSION, "pid", (int) getpid()));
}

/* ---- status ---------------------------------------------------------------------------------- */

static json_t *
scheduler_json(void)
{
	struct corun_stats stats;
	json_t *object = json_object();

	corun_stats(&stats);
#define STATS_FIELD(name, kind, sentence)                                                          \
	json_object_set_new(object, #name, json_integer(number_json(stats.name)));
	CORUN_STATS(STATS_FIELD)
#undef STATS_FIELD
	return object;
}

static json_t *
tasks_count_json(void)
{
	size_t all, running, failed;

	tasks_counts(&all, &running, &failed);
	return json_pack("{s:I, s:I, s:I}", "all", (json_int_t) all, "running",
			 (json_int_t) running, "failed", (json_int_t) failed);
}

void
reply_status(struct request *request)
{
	double uptime_s = (double) (corun_now() - server_started_ns()) / 1e9;

	request_answer_json(
		request, 200,
		json_pack("{s:s, s:i, s:s, s:o, s:f, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o}",
			  "version", PACKAGE_VERSION, "pid", (int) getpid(), "state",
			  request->hooks->state(), "started", time_json(server_started_us()),
			  "uptime_s", uptime_s, "config", text_json(request->hooks->config_file),
			  "socket", text_json(server_path()), "workers", workers_json(pool_state()),
			  "tasks", tasks_count_json(), "log_dropped", number_json(log_dropped()),
			  "events", number_json(events_last()), "events_lost",
			  number_json(events_lost()), "orphans_reaped",
			  number_json(reaper_orphans()), "scheduler", scheduler_json()));
}

void
reply_cpu(struct request *request)
{
	const char *text = pool_cpu_json();
	char *copy = text != NULL ? strdup(text) : NULL;

	request_answer(request, 200, "application/json", copy, copy != NULL ? strlen(copy) : 0);
}

/* ---- reload ---------------------------------------------------------------------------------- */

enum { RELOAD_TIMEOUT_S = 120 };

static void
reload_done(void *arg, int status, char *body)
{
	struct errand *errand = arg;
	struct request *request = request_of_errand(errand);

	if (request != NULL)
		request_answer(request, status, "application/json", body,
			       body != NULL ? strlen(body) : 0);
	else
		free(body);
	free(errand);
}

void
reply_reload(struct request *request)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (errand == NULL) {
		request_fail(request, 500, "no memory");
		return;
	}
	request_wait(request, errand, RELOAD_TIMEOUT_S * CORUN_S);
	request->hooks->reload(reload_done, errand);
}

/* ---- events ---------------------------------------------------------------------------------- */

void
reply_events(struct request *request)
{
	uint64_t since = events_last(), follow = 1;

	if (request_query_number(request, "since", 0, INT64_MAX, &since) < 0 ||
	    request_query_number(request, "follow", 0, 1, &follow) < 0)
		return;
	/* A number that is not there yet is of a daemon before this one: all of these are new. */
	stream_begin(request, since <= events_last() ? since + 1 : events_oldest(), follow != 0);
}
