/*
 * Output - two pipes, a coroutine for each that reads it, one ring
 *
 * A reader ends at the end of its pipe, or when `over` is cancelled since somebody else keeps the
 * other end open; only after that its descriptor is closed. (Between two reads the number could be
 * given to another file, from which it would read.)
 *
 * The end to write to is blocking, as programs expect of stdout; ours is not. (The ends of a pipe
 * are two open files: the flag of one is not the other's.)
 *
 * The ring is under a plain lock, held for a copy of at most 64 KiB. A coroutine that is preempted
 * with it in hand keeps others waiting until its next turn; who must not wait for that, such as the
 * control thread, is told -ETIMEDOUT by output_tail() after a second.
 */

#include "daemon/process/output.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <corun/context.h>
#include <corun/coroutine.h>
#include <corun/io.h>
#include <corun/time.h>

#include "daemon/base/log.h"

enum {
	LINE_BYTES_MAX = 16 * 1024, /* what is longer is passed on in pieces */
	PATIENCE_S = 1,             /* for processes that keep the other end open */
};

struct stream {
	struct output *output;
	enum log_level level; /* of its lines */
	int read_fd;
	int write_fd;
	char name[80]; /* of the coroutine, for dumps */
	struct corun_coroutine *reader;

	/* the reader's */
	size_t used;
	bool in_pieces;               /* pieces of the line in buf went out already */
	char buf[LINE_BYTES_MAX + 1]; /* with its newline */
};

struct output {
	char *task;
	struct corun_context *over; /* read no more */
	_Atomic uint64_t lines;
	struct stream streams[2];

	pthread_mutex_t lock; /* of the two below */
	uint64_t written;     /* since ever; the next byte goes to written % OUTPUT_KEPT_BYTES */
	char kept[OUTPUT_KEPT_BYTES];
};

/* ---- the ring -------------------------------------------------------------------------------- */

/* The lock is held. */
static void
keep(struct output *output, const char *bytes, size_t n)
{
	size_t at, first;

	if (n > OUTPUT_KEPT_BYTES) {
		output->written += n - OUTPUT_KEPT_BYTES;
		bytes += n - OUTPUT_KEPT_BYTES;
		n = OUTPUT_KEPT_BYTES;
	}
	at = output->written % OUTPUT_KEPT_BYTES;
	first = n < OUTPUT_KEPT_BYTES - at ? n : OUTPUT_KEPT_BYTES - at;
	memcpy(output->kept + at, bytes, first);
	memcpy(output->kept, bytes + first, n - first);
	output->written += n;
}

/* To the log and to the ring: a line, or (without @ends) a piece of one that goes on. */
static void
pass_on(struct output *output, enum log_level level, const char *line, size_t len, bool ends)
{
	log_output(output->task, level, line, len);
	pthread_mutex_lock(&output->lock);
	keep(output, line, len);
	if (ends)
		keep(output, "\n", 1);
	pthread_mutex_unlock(&output->lock);
	if (ends)
		atomic_fetch_add_explicit(&output->lines, 1, memory_order_relaxed);
}

long
output_tail(struct output *output, char **ret)
{
	char *text = malloc(OUTPUT_KEPT_BYTES);
	struct timespec until;
	size_t n, at, first;
	const char *newline;

	if (text == NULL)
		return -ENOMEM;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	if (pthread_mutex_timedlock(&output->lock, &until) != 0) {
		free(text);
		return -ETIMEDOUT;
	}
	n = output->written < OUTPUT_KEPT_BYTES ? (size_t) output->written : OUTPUT_KEPT_BYTES;
	at = (output->written - n) % OUTPUT_KEPT_BYTES;
	first = n < OUTPUT_KEPT_BYTES - at ? n : OUTPUT_KEPT_BYTES - at;
	memcpy(text, output->kept + at, first);
	memcpy(text + first, output->kept, n - first);
	bool lost = output->written > n;
	pthread_mutex_unlock(&output->lock);

	newline = lost ? memchr(text, '\n', n) : NULL;
	if (newline != NULL && newline + 1 < text + n) {
		n -= (size_t) (newline + 1 - text);
		memmove(text, newline + 1, n);
	}
	*ret = text;
	return (long) n;
}

void
output_line(struct output *output, enum log_level level, const char *line, size_t len)
{
	pass_on(output, level, line, len, true);
}

uint64_t
output_lines(const struct output *output)
{
	return atomic_load_explicit(&output->lines, memory_order_relaxed);
}

/* ---- the readers ----------------------------------------------------------------------------- */

/* All lines in the buffer that are whole; the rest moves to its beginning. */
static void
pass_on_lines(struct stream *s)
{
	char *line = s->buf;
	char *end = s->buf + s->used;
	char *newline;

	while ((newline = memchr(line, '\n', (size_t) (end - line))) != NULL) {
		pass_on(s->output, s->level, line, (size_t) (newline - line), true);
		s->in_pieces = false;
		line = newline + 1;
	}
	s->used = (size_t) (end - line);
	memmove(s->buf, line, s->used);
	if (s->used > LINE_BYTES_MAX) {
		pass_on(s->output, s->level, s->buf, LINE_BYTES_MAX, false);
		s->in_pieces = true;
		s->used -= LINE_BYTES_MAX;
		memmove(s->buf, s->buf + LINE_BYTES_MAX, s->used);
	}
}

/* What was lacking its newline. */
static void
pass_on_rest(struct stream *s)
{
	if (s->used > 0 || s->in_pieces)
		pass_on(s->output, s->level, s->buf, s->used, true);
	s->used = 0;
	s->in_pieces = false;
}

/* It cannot wait: no memory, no epoll watch. A task that nobody reads would stand still for good. */
static void
sleep_upon(struct stream *s, int error, bool *said)
{
	if (!*said)
		log_line(LOG_LEVEL_WARNING, s->output->task,
			 "cannot read its %s: %s; trying again every second",
			 s->level == LOG_LEVEL_NOTICE ? "stderr" : "stdout", strerror(-error));
	*said = true;
	corun_context_wait(s->output->over, corun_in(CORUN_S));
}

static void
read_stream(void *arg)
{
	struct stream *s = arg;
	struct corun_context *over = s->output->over;
	bool said = false;

	while (corun_context_error(over) == 0) {
		ssize_t n = corun_read_ctx(s->read_fd, s->buf + s->used, sizeof(s->buf) - s->used,
					   over);

		if (n == 0 || n == -ECANCELED || n == -ESRCH)
			break;
		if (n < 0) {
			sleep_upon(s, (int) n, &said);
			continue;
		}
		said = false;
		s->used += (size_t) n;
		pass_on_lines(s);
	}
	pass_on_rest(s);
}

/* ---- open and close -------------------------------------------------------------------------- */

int
output_stdout(const struct output *output)
{
	return output->streams[0].write_fd;
}

int
output_stderr(const struct output *output)
{
	return output->streams[1].write_fd;
}

void
output_own(const struct output *output, uid_t uid, gid_t gid)
{
	for (int i = 0; i < 2; i++)
		if (fchown(output->streams[i].write_fd, uid, gid) < 0)
			break;
}

static int
make_pipe(struct stream *s)
{
	int fds[2];
	int r = corun_pipe(fds);

	if (r < 0)
		return r;
	s->read_fd = fds[0];
	s->write_fd = fds[1];
	return fcntl(s->write_fd, F_SETFL, O_WRONLY) < 0 ? -errno : 0;
}

static int
stream_open(struct stream *s, struct output *output, bool is_stderr)
{
	struct corun_attr attr = { .name = s->name };
	int r;

	s->output = output;
	s->level = is_stderr ? LOG_LEVEL_NOTICE : LOG_LEVEL_INFO;
	snprintf(s->name, sizeof(s->name), "%s of %.64s", is_stderr ? "stderr" : "stdout",
		 output->task);
	r = make_pipe(s);
	if (r == 0)
		r = corun_spawn(&s->reader, &attr, read_stream, s);
	return r;
}

/* Return: does somebody else still hold the other end, after @deadline_ns? */
static bool
stream_close(struct stream *s, uint64_t deadline_ns)
{
	bool held = false;

	if (s->write_fd >= 0)
		corun_close(s->write_fd);
	if (s->reader != NULL) {
		held = corun_join(s->reader, deadline_ns) == -ETIMEDOUT;
		if (held) {
			corun_context_cancel(s->output->over, -ECANCELED);
			corun_join(s->reader, CORUN_FOREVER);
		}
	}
	if (s->read_fd >= 0)
		corun_close(s->read_fd);
	return held;
}

static void
output_free(struct output *output)
{
	pthread_mutex_destroy(&output->lock);
	corun_context_unref(output->over);
	free(output->task);
	free(output);
}

int
output_open(const char *task, struct output **ret)
{
	struct output *output = calloc(1, sizeof(*output));
	int r = -ENOMEM;

	if (output == NULL)
		return -ENOMEM;
	pthread_mutex_init(&output->lock, NULL);
	for (int i = 0; i < 2; i++)
		output->streams[i].read_fd = output->streams[i].write_fd = -1;
	output->task = strdup(task);
	if (output->task != NULL)
		r = corun_context_new(&output->over, NULL, CORUN_FOREVER);
	if (r == 0)
		r = stream_open(&output->streams[0], output, false);
	if (r == 0)
		r = stream_open(&output->streams[1], output, true);
	if (r == 0) {
		*ret = output;
		return 0;
	}
	for (int i = 0; i < 2; i++)
		stream_close(&output->streams[i], CORUN_FOREVER);
	output_free(output);
	return r;
}

void
output_close(struct output *output)
{
	uint64_t deadline_ns = corun_in(PATIENCE_S * CORUN_S);
	bool held = false;

	/* Both first: a process may hold the two and end upon the loss of either. */
	for (int i = 0; i < 2; i++) {
		corun_close(output->streams[i].write_fd);
		output->streams[i].write_fd = -1;
	}
	for (int i = 0; i < 2; i++)
		held = stream_close(&output->streams[i], deadline_ns) || held;
	if (held)
		log_line(LOG_LEVEL_WARNING, output->task,
			 "a process that it left behind still has its output open; "
			 "what it writes from now on is lost");
	output_free(output);
}
