#include "daemon/control/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/events.h"

enum {
	BLOCK_BYTES = 4096,
	STREAMS_MAX = 32, /* half of the connections: the others are for those who ask */
};

struct stream {
	struct request *request;
	uint64_t next;  /* the event that comes after the present line */
	uint64_t until; /* the last one, or UINT64_MAX */
	bool ended;
	char *line; /* being sent; a copy, for the ring may overtake it */
	size_t len, sent;
};

static unsigned n_streams;

int
stream_begin(struct request *request, uint64_t next, bool follow)
{
	struct stream *stream;

	if (n_streams >= STREAMS_MAX) {
		request_fail(request, 503, "%d clients read events already; there may be no more",
			     STREAMS_MAX);
		return -EBUSY;
	}
	stream = calloc(1, sizeof(*stream));
	if (stream == NULL) {
		request_fail(request, 500, "no memory");
		return -ENOMEM;
	}
	n_streams++;
	stream->request = request;
	stream->next = next;
	stream->until = follow ? UINT64_MAX : events_last();
	request->stream = stream;
	return 0;
}

void
stream_end(struct stream *stream)
{
	stream->ended = true;
}

void
stream_free(struct stream *stream)
{
	if (stream == NULL)
		return;
	n_streams--;
	free(stream->line);
	free(stream);
}

static int
take_line(struct stream *stream, const char *text, size_t len)
{
	char *line = malloc(len);

	if (line == NULL)
		return -ENOMEM;
	memcpy(line, text, len);
	free(stream->line);
	stream->line = line;
	stream->len = len;
	stream->sent = 0;
	return 1;
}

/* Return: 1: there is a line to send; 0: nothing is there; -ENOMEM. */
static int
next_line(struct stream *stream)
{
	uint64_t oldest, dropped;
	const char *text;
	char note[64];
	size_t len;
	int r;

	if (stream->ended || stream->next > stream->until)
		return 0;
	text = events_get(stream->next, &len, &oldest);
	if (text != NULL) {
		r = take_line(stream, text, len);
		stream->next += r == 1;
		return r;
	}
	if (stream->next >= oldest)
		return 0;
	dropped = oldest - stream->next;
	stream->next = oldest;
	len = (size_t) snprintf(note, sizeof(note), "{\"dropped\":%" PRIu64 "}\n", dropped);
	return take_line(stream, note, len);
}

static ssize_t
read_stream(void *arg, uint64_t position, char *buffer, size_t size)
{
	struct stream *stream = arg;
	size_t n = 0;

	(void) position;
	while (n < size) {
		size_t left = stream->len - stream->sent;
		size_t part = left < size - n ? left : size - n;

		if (left == 0) {
			int r = next_line(stream);

			if (r < 0)
				return MHD_CONTENT_READER_END_WITH_ERROR;
			if (r == 0)
				break;
			continue;
		}
		memcpy(buffer + n, stream->line + stream->sent, part);
		stream->sent += part;
		n += part;
	}
	if (n > 0)
		return (ssize_t) n;
	if (stream->ended || stream->next > stream->until)
		return MHD_CONTENT_READER_END_OF_STREAM;
	request_suspend(stream->request);
	return 0;
}

enum MHD_Result
stream_send(struct request *request)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, request->stream, NULL);
	enum MHD_Result r;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/x-ndjson");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	r = MHD_queue_response(request->connection, 200, response);
	MHD_destroy_response(response);
	return r;
}
