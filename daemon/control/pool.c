/*
 * Pool - from the governor's thread to the control thread
 *
 * On each look the governor's thread makes everything that can be asked for and gives it away as one
 * object: nobody reads the view of a look while the next one changes it. What is different from
 * before goes to the control thread as a call, too, with the reason as a sentence; there it is logged,
 * made an event, and told to the tasks. So an answer may know of a change some microseconds before
 * the log does, and never the other way round.
 */

#include "daemon/control/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/event.h"
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/base/publish.h"
#include "daemon/control/levels.h"
#include "daemon/report/cpu_report.h"

/* What a look gave. */
struct look {
	struct corun_pool_state state;
	char *cpu_json; /* NULL: no memory */
};

struct change {
	struct call call;
	struct corun_pool_state now;
	unsigned before; /* workers; 0: this is the first */
	char *because;
};

static void
free_look(void *value)
{
	struct look *look = value;

	free(look->cpu_json);
	free(look);
}

static struct {
	struct published looks;
	struct published policy;        /* struct corun_cpu_policy; read by who looks */
	bool any;                       /* the next one is set; both are of who looks */
	struct corun_pool_state posted; /* the last that the control thread was told of */
	void (*watcher)(const struct corun_pool_state *now);
} pool = { .looks = { .destroy = free_look }, .policy = { .destroy = free } };

void
pool_set_policy(const struct corun_cpu_policy *policy)
{
	struct corun_cpu_policy *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		return;
	*copy = *policy;
	publish(&pool.policy, copy);
}

/* ---- in the control thread ------------------------------------------------------------------- */

static json_t *
change_json(const struct change *change)
{
	const struct corun_pool_state *now = &change->now;

	return json_pack("{s:i, s:o, s:s, s:b, s:o, s:i}", "workers", (int) now->workers, "before",
			 change->before ? json_integer(change->before) : json_null(), "reason",
			 corun_cpu_reason_name(now->reason), "pinned", now->pinned, "limit",
			 cpu_limit_json(&now->limit), "cpus", (int) now->cpus);
}

static void
tell_change(struct call *call)
{
	struct change *change = (struct change *) call;
	const struct corun_pool_state *now = &change->now;
	const char *because =
		change->because ? change->because : corun_cpu_reason_name(now->reason);
	const char *plural = now->workers == 1 ? "" : "s";

	if (change->before == 0 || change->before == now->workers)
		log_line(LOG_LEVEL_INFO, NULL, "%u worker%s: %s", now->workers, plural, because);
	else
		log_line(LOG_LEVEL_NOTICE, NULL, "%u worker%s (was %u): %s", now->workers, plural,
			 change->before, because);
	event_emit("workers", change_json(change));
	if (pool.watcher != NULL)
		pool.watcher(now);
	free(change->because);
	free(change);
}

const struct corun_pool_state *
pool_state(void)
{
	const struct look *look = published_latest(&pool.looks);

	return look != NULL ? &look->state : NULL;
}

const char *
pool_cpu_json(void)
{
	const struct look *look = published_latest(&pool.looks);

	return look != NULL ? look->cpu_json : NULL;
}

void
pool_watch(void (*fn)(const struct corun_pool_state *now))
{
	pool.watcher = fn;
}

/* ---- in the governor's thread ---------------------------------------------------------------- */

static struct cpu_report
report_of(const struct corun_cpu_view *view, const struct corun_pool_state *state)
{
	const struct corun_cpu_policy *policy = published_latest(&pool.policy);
	struct cpu_report report = {
		.view = view,
		.policy = policy != NULL ? *policy : (struct corun_cpu_policy){ .pin = 0 },
		.decision = { .workers = state->workers, .reason = state->reason },
		.limit = state->limit,
		.pinned_by = "a request, CORUN_WORKERS or Workers=",
		.max_option = "WorkersMax=",
	};

	report.policy.pin = state->pinned ? state->workers : 0;
	return report;
}

static char *
json_text(const struct cpu_report *report)
{
	json_t *object = cpu_report_json(report);
	char *text = object != NULL ? json_dumps(object, JSON_INDENT(2)) : NULL;

	json_decref(object);
	return text;
}

static char *
because_text(const struct cpu_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	cpu_because(out, report);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static bool
same(const struct corun_pool_state *a, const struct corun_pool_state *b)
{
	return a->workers == b->workers && a->reason == b->reason && a->pinned == b->pinned &&
	       a->cpus == b->cpus && corun_cpu_limit_cmp(&a->limit, &b->limit) == 0;
}

/* Without memory for it, the next look tries again. */
static void
post_change(const struct cpu_report *report, const struct corun_pool_state *state)
{
	struct change *change = malloc(sizeof(*change));

	if (change == NULL)
		return;
	*change = (struct change){
		.call = { .run = tell_change },
		.now = *state,
		.before = pool.any ? pool.posted.workers : 0,
		.because = because_text(report),
	};
	pool.posted = *state;
	pool.any = true;
	loop_post(&change->call);
}

void
pool_on_look(const struct corun_cpu_view *view, const struct corun_pool_state *state, void *arg)
{
	struct cpu_report report = report_of(view, state);
	struct look *look = malloc(sizeof(*look));

	(void) arg;
	if (look != NULL) {
		*look = (struct look){ .state = *state, .cpu_json = json_text(&report) };
		publish(&pool.looks, look);
	}
	levels_log(view);
	if (!pool.any || !same(state, &pool.posted))
		post_change(&report, state);
}

void
pool_close(void)
{
	published_free(&pool.looks);
	published_free(&pool.policy);
	levels_forget();
	pool.any = false;
	pool.watcher = NULL;
}
