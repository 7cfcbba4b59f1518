#pragma once

/*
 * Stream - GET /v1/events: a cursor into the ring of events
 *
 * A client that is slow costs a cursor and one line, not a queue: what the ring has overtaken is
 * told as {"dropped":n}.
 */

#include "daemon/control/request.h"

/**
 * stream_begin() - answer @request with events from now on
 * Return: 0; -EBUSY (too many streams), -ENOMEM: answered.
 */
int stream_begin(struct request *request, uint64_t next, bool follow);

/** stream_end() - nothing more after the present line */
void stream_end(struct stream *stream);

/** stream_send() - queue the response that never ends */
enum MHD_Result stream_send(struct request *request);

/** stream_free() - NULL is fine */
void stream_free(struct stream *stream);
