#pragma once

/* Routes - one table of what can be asked, for the server, the manual page and its test */

#include <stdio.h>

#include "daemon/control/request.h"

struct route {
	const char *method;
	const char *path; /* {name} stands for one segment */
	void (*handle)(struct request *request);
	bool changes;      /* not for everybody */
	bool takes_body;   /* of JSON */
	const char *query; /* the arguments it takes, separated by spaces; NULL: none */
	const char *sentence;
};

extern const struct route routes[];
extern const size_t n_routes;

/**
 * routes_find() - the row for @method and @path
 * @ret_name:  what stands for {name}
 * @ret_allow: if the path is there with other methods: which, static storage; else NULL
 *
 * HEAD counts as GET. Return: NULL: none.
 */
const struct route *routes_find(const char *method, const char *path,
				char ret_name[static NAME_MAX_LEN + 1], const char **ret_allow);

/** routes_nearest() - the path that was probably meant; NULL */
const char *routes_nearest(const char *path);

/** routes_print_roff() - the table as it stands in corund-api(7) */
void routes_print_roff(FILE *out);

/* ---- the handlers ---------------------------------------------------------------------------- */

void reply_version(struct request *request);
void reply_status(struct request *request);
void reply_cpu(struct request *request);
void reply_workers(struct request *request);
void reply_set_workers(struct request *request);
void reply_reload(struct request *request);
void reply_events(struct request *request);
void reply_tasks(struct request *request);
void reply_task(struct request *request);
void reply_task_output(struct request *request);
void reply_task_start(struct request *request);
void reply_task_stop(struct request *request);
void reply_task_restart(struct request *request);
