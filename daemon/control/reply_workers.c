/*
 * The worker count
 *
 * Pinning it needs no wait. But what others see of it comes from the governor, so the answer waits
 * until that has told the new count: a GET after the PUT never shows the old one. Going back to the
 * rules reads files: that is done in a coroutine.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <corun/coroutine.h>
#include <corun/runtime.h>
#include <corun/stats.h>
#include <corun/time.h>

#include "daemon/control/pool.h"
#include "daemon/control/routes.h"
#include "daemon/control/workers_json.h"
#include "daemon/report/cpu_report.h"
#include "daemon/report/text_json.h"

enum {
	TOLD_TIMEOUT_S = 1,
	AUTO_TIMEOUT_S = 10,
};

json_t *
workers_json(const struct corun_pool_state *pool)
{
	struct corun_stats stats;

	if (pool == NULL)
		return NULL;
	corun_stats(&stats);
	return json_pack("{s:i, s:s, s:b, s:i, s:o, s:I, s:I}", "workers", (int) pool->workers,
			 "reason", corun_cpu_reason_name(pool->reason), "pinned", pool->pinned,
			 "cpus", (int) pool->cpus, "limit", cpu_limit_json(&pool->limit),
			 "retiring", number_json(stats.workers_retiring), "idle",
			 number_json(stats.workers_idle));
}

void
reply_workers(struct request *request)
{
	request_answer_json(request, 200, workers_json(pool_state()));
}

/* ---- a pin ----------------------------------------------------------------------------------- */

static void
answer_when_told(void *arg)
{
	struct request *request = arg;
	const struct corun_pool_state *pool = pool_state();
	bool told = pool != NULL && pool->pinned && pool->workers == corun_workers();

	if (told || corun_now() >= request->poll_until_ns)
		reply_workers(request);
	else
		request_poll(request, answer_when_told);
}

static void
pin(struct request *request, json_int_t n)
{
	int r = n >= 1 && n <= CORUN_WORKERS_MAX ? corun_set_workers((unsigned) n) : -EINVAL;

	if (r == -EINVAL) {
		request_fail(request, 400,
			     "\"workers\": %lld: want a whole number from 1 to %d, or \"auto\"",
			     (long long) n, CORUN_WORKERS_MAX);
	} else if (r < 0) {
		request_fail(request, 500, "the worker count cannot be set: %s", strerror(-r));
	} else {
		request->poll_until_ns = corun_in(TOLD_TIMEOUT_S * CORUN_S);
		answer_when_told(request);
	}
}

/* ---- back to the rules ----------------------------------------------------------------------- */

struct rules_errand {
	struct call call;
	struct errand errand;
	int result;
};

static void
rules_done(struct call *call)
{
	struct rules_errand *rules = (struct rules_errand *) call;
	struct request *request = request_of_errand(&rules->errand);

	if (request != NULL && rules->result >= 0)
		reply_workers(request);
	else if (request != NULL)
		request_fail(request, 500, "the quota cannot be followed again: %s",
			     strerror(-rules->result));
	free(rules);
}

/* A coroutine: it parks until the governor has looked. */
static void
follow_rules(void *arg)
{
	struct rules_errand *rules = arg;

	rules->result = corun_set_default_workers();
	loop_post(&rules->call);
}

static void
unpin(struct request *request)
{
	struct rules_errand *rules = calloc(1, sizeof(*rules));

	if (rules == NULL || corun_go(follow_rules, rules) < 0) {
		free(rules);
		request_fail(request, 500, "no memory for a coroutine");
		return;
	}
	rules->call.run = rules_done;
	request_wait(request, &rules->errand, AUTO_TIMEOUT_S * CORUN_S);
}

/* ---- which ----------------------------------------------------------------------------------- */

void
reply_set_workers(struct request *request)
{
	json_error_t error;
	json_t *body = json_loadb(request->body != NULL ? request->body : "", request->body_len,
				  JSON_REJECT_DUPLICATES, &error);
	json_t *workers = json_object_get(body, "workers");

	if (body == NULL)
		request_fail(request, 400, "the body is no JSON: line %d, column %d: %s",
			     error.line, error.column, error.text);
	else if (workers == NULL || json_object_size(body) != 1)
		request_fail(request, 400,
			     "want an object with just \"workers\": {\"workers\": 4} or "
			     "{\"workers\": \"auto\"}");
	else if (json_is_integer(workers))
		pin(request, json_integer_value(workers));
	else if (json_is_string(workers) && strcmp(json_string_value(workers), "auto") == 0)
		unpin(request);
	else
		request_fail(request, 400,
			     "\"workers\": want a whole number from 1 to %d, or \"auto\"",
			     CORUN_WORKERS_MAX);
	json_decref(body);
}
