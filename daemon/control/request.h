#pragma once

/*
 * Request - one HTTP request, from its head to its answer
 *
 * A handler (routes.h) ends in exactly one of three ways: it answers, it hands an errand to somebody
 * and the connection is suspended until that comes back, or it begins a stream. All of this happens
 * in the control thread.
 */

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/loop.h"
#include "daemon/control/server.h"

enum {
	BODY_MAX = 64 * 1024,
	NAME_MAX_LEN = 255,
};

struct route;
struct stream;
struct request;

/*
 * What was handed on for a request. It outlives the request if it comes back late, or after the
 * client has gone: then nobody asks any more.
 */
struct errand {
	struct request *asker; /* NULL: nobody waits */
};

struct request {
	struct MHD_Connection *connection;
	const struct server_hooks *hooks;
	const struct route *route;   /* NULL: the answer is an error already */
	char name[NAME_MAX_LEN + 1]; /* what stands for {name} in the path */
	char *body;                  /* ends with a NUL that does not count */
	size_t body_len;
	size_t body_seen; /* of which only the first BODY_MAX are kept */

	bool answered; /* the next four are set */
	int status;
	const char *type; /* Content-Type */
	char *answer;     /* allocated; NULL: no memory */
	size_t answer_len;
	const char *allow; /* for 405: Allow */

	struct errand *errand;   /* under way */
	struct loop_timer timer; /* of the errand, or of request_poll() */
	uint64_t poll_until_ns;  /* the handler's */
	struct stream *stream;   /* GET /v1/events */

	bool suspended;
	struct loop_watch *hang_up;      /* while suspended: does the client leave? */
	struct request *next, *previous; /* of all that are under way */
};

/** request_answer() - with a text of any type; @text was allocated and is taken over */
void request_answer(struct request *request, int status, const char *type, char *text, size_t len);

/** request_answer_json() - @body's reference is taken; NULL: no memory */
void request_answer_json(struct request *request, int status, json_t *body);

/** request_fail() - with {"error": a sentence} */
void request_fail(struct request *request, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * request_wait() - suspend it until @errand comes back
 * @errand: allocated; the asker is filled in
 * @timeout_ns: then the answer is 504, and the errand has no asker any more
 */
void request_wait(struct request *request, struct errand *errand, uint64_t timeout_ns);

/**
 * request_of_errand() - the errand is back: whom to answer
 * Return: NULL: nobody. Else the caller answers now, and the request forgets the errand.
 */
struct request *request_of_errand(struct errand *errand);

/** request_poll() - suspend it; call @fn(request) each millisecond or so until it is answered */
void request_poll(struct request *request, void (*fn)(void *request));

/** request_query() - the argument @key of the query; NULL: not given */
const char *request_query(const struct request *request, const char *key);

/**
 * request_query_number() - a whole decimal number in the query
 * Return: 0 (also if it is not given: *@ret stays); -EINVAL: answered with 400.
 */
int request_query_number(struct request *request, const char *key, uint64_t least, uint64_t most,
			 uint64_t *ret);

/** request_suspend() - as a stream that has nothing new */
void request_suspend(struct request *request);

/** request_resume() - go on with it, if it is suspended */
void request_resume(struct request *request);

/** request_fd() - the descriptor of its connection */
int request_fd(const struct request *request);

/* ---- for the server alone -------------------------------------------------------------------- */

struct request *request_new(struct MHD_Connection *connection, const struct server_hooks *hooks);

/** request_take_body() - keep @len more bytes of the body. Return: false: it is far too large. */
bool request_take_body(struct request *request, const char *data, size_t len);

/** request_send() - queue the answer */
enum MHD_Result request_send(struct request *request);

/** request_free() - it is over, whatever became of it */
void request_free(struct request *request);

/** requests_end() - answer all that wait with 503, end all streams */
void requests_end(void);

/** requests_wake_streams() - there is something new */
void requests_wake_streams(void);

/** server_resumed() - a connection is to go on: soon, not from within this call */
void server_resumed(void);
