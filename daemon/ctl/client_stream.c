/*
 * A stream: an answer that comes line by line, until somebody ends it.
 *
 * libcurl's multi interface waits for the connection and, in the same poll(2), for a signal and for
 * the reader of stdout to go away. The signals are blocked and come through a descriptor, so that
 * none is lost between a check and a wait.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ctl/client_private.h"

enum {
	LINE_MAX_BYTES = 16 << 20,
	WAIT_MS = 1000, /* libcurl wakes earlier when something happens */
};

struct stream {
	struct client *client;
	bool follow;
	client_line_fn *take;
	void *arg;
	int signals;   /* a signalfd */
	bool stopped;  /* by whoever takes the lines, or by a signal */
	bool too_long; /* a line */
	bool no_memory;
	struct client_buffer
		buffer; /* what is left of the last line; of an error, the whole body */
};

/* ---- lines ----------------------------------------------------------------------------------- */

static bool
append(struct stream *stream, const char *data, size_t n)
{
	int r = client_buffer_add(&stream->buffer, data, n, LINE_MAX_BYTES);

	stream->too_long = r == -EFBIG;
	stream->no_memory = r == -ENOMEM;
	return r == 0;
}

static bool
is_success(struct stream *stream)
{
	long status = 0;

	curl_easy_getinfo(stream->client->curl, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status < 300;
}

static size_t
on_data(char *data, size_t size, size_t n, void *arg)
{
	struct stream *stream = arg;
	size_t left = size * n;
	bool lines = is_success(stream);

	while (left > 0) {
		char *end = lines ? memchr(data, '\n', left) : NULL;
		size_t part = end ? (size_t) (end - data) : left;

		if (!append(stream, data, part))
			return 0;
		if (!end)
			break;
		if (!stream->take(stream->arg, stream->buffer.data, stream->buffer.size)) {
			stream->stopped = true;
			return 0;
		}
		stream->buffer.size = 0;
		data += part + 1;
		left -= part + 1;
	}
	return size * n;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static time_t
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Is there no more reason to go on? */
static bool
is_over(const struct stream *stream)
{
	struct pollfd fds[] = {
		{ .fd = stream->signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 }, /* errors and a hang-up come anyhow */
	};

	return poll(fds, 2, 0) > 0;
}

/* Return: of the transfer; CURLE_WRITE_ERROR with stream->stopped set: it was to end. */
static CURLcode
drive(struct stream *stream, CURLM *multi)
{
	struct curl_waitfd extra[] = {
		{ .fd = stream->signals, .events = CURL_WAIT_POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 },
	};
	time_t deadline = now_s() + (time_t) stream->client->timeout_s;

	for (;;) {
		int running = 0, left = 0;
		long status = 0;
		CURLMsg *message;

		if (curl_multi_perform(multi, &running) != CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
		message = curl_multi_info_read(multi, &left);
		if (message)
			return message->data.result;
		if (is_over(stream)) {
			stream->stopped = true;
			return CURLE_WRITE_ERROR;
		}
		curl_easy_getinfo(stream->client->curl, CURLINFO_RESPONSE_CODE, &status);
		if ((status == 0 || !stream->follow) && now_s() >= deadline)
			return CURLE_OPERATION_TIMEDOUT;
		if (curl_multi_poll(multi, extra, 2, WAIT_MS, NULL) != CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
	}
}

static CURLcode
perform_multi(struct client *client, void *arg)
{
	CURLM *multi = curl_multi_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (multi && curl_multi_add_handle(multi, client->curl) == CURLM_OK) {
		code = drive(arg, multi);
		curl_multi_remove_handle(multi, client->curl);
	}
	curl_multi_cleanup(multi);
	return code;
}

/* ---- how it ended ---------------------------------------------------------------------------- */

/* The answer was an error: it is in the buffer. */
static enum client_stream_end
refused(struct stream *stream, int *ret_status)
{
	struct answer answer = { .body = stream->buffer.data, .size = stream->buffer.size };

	curl_easy_getinfo(stream->client->curl, CURLINFO_RESPONSE_CODE, &answer.status);
	if (answer.body)
		answer.json = json_loadb(answer.body, answer.size, JSON_DECODE_ANY, NULL);
	*ret_status = client_check(stream->client, &answer);
	json_decref(answer.json);
	return CLIENT_STREAM_FAILED;
}

static enum client_stream_end
end_of(struct stream *stream, CURLcode code, int *ret_status)
{
	if (stream->stopped)
		return CLIENT_STREAM_STOPPED;
	if (stream->too_long) {
		*ret_status = client_misfit(stream->client, "a line has more than 16 MiB");
		return CLIENT_STREAM_FAILED;
	}
	if (stream->no_memory)
		code = CURLE_OUT_OF_MEMORY;
	if (code == CURLE_OK)
		return is_success(stream) ? stream->buffer.size > 0 ? CLIENT_STREAM_BROKEN
								    : CLIENT_STREAM_ENDED
					  : refused(stream, ret_status);
	if (is_success(stream) && code != CURLE_OUT_OF_MEMORY && code != CURLE_OPERATION_TIMEDOUT)
		return CLIENT_STREAM_BROKEN;
	*ret_status = client_failed(stream->client, code);
	return CLIENT_STREAM_FAILED;
}

enum client_stream_end
client_stream(struct client *client, const char *path, bool follow, client_line_fn *take, void *arg,
	      int *ret_status)
{
	struct stream stream = { .client = client, .follow = follow, .take = take, .arg = arg };
	enum client_stream_end end;
	sigset_t ours;
	CURLcode code;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	signal(SIGPIPE, SIG_IGN);
	stream.signals = signalfd(-1, &ours, SFD_CLOEXEC);
	if (stream.signals < 0) {
		*ret_status = client_say(client, "cannot wait for signals: %s", strerror(errno));
		return CLIENT_STREAM_FAILED;
	}
	code = client_request(client, "GET", path, NULL, on_data, &stream, perform_multi, &stream);
	end = end_of(&stream, code, ret_status);
	close(stream.signals);
	free(stream.buffer.data);
	return end;
}
