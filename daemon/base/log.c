/* Log - a mailbox of lines and the thread that writes them */

#include "daemon/base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <corun/time.h>

#include "daemon/base/mailbox.h"

enum {
	TASKS_BYTES_MAX = 4 << 20, /* buffered lines of tasks; there is more room for our own */
	BUFFERED_BYTES_MAX = TASKS_BYTES_MAX + (1 << 20),
	LINE_BYTES = 1024, /* of the daemon's own; longer ones are cut */
};

struct line {
	struct letter letter;
	size_t len;
	char text[];
};

static struct {
	struct mailbox box;
	pthread_t thread;
	_Atomic bool running;
	_Atomic bool stop;
	_Atomic bool ended;
	_Atomic size_t buffered; /* bytes of lines that are not written yet */
	_Atomic uint64_t dropped;
	_Atomic int level;
	bool journal;
} logs = { .level = LOG_LEVEL_INFO };

/* ---- the thread that writes ------------------------------------------------------------------ */

/* A descriptor that another process made non-blocking is waited for. */
static void
write_all(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n > 0) {
			text += n;
			len -= (size_t) n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

			poll(&p, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			atomic_fetch_add(&logs.dropped, 1);
			return;
		}
	}
}

static void
say_dropped(uint64_t *said)
{
	uint64_t dropped = atomic_load(&logs.dropped);
	char text[80];
	int len;

	if (dropped == *said)
		return;
	len = snprintf(text, sizeof(text), "%scorund: %llu lines were lost: the log is too slow\n",
		       logs.journal ? "<4>" : "", (unsigned long long) (dropped - *said));
	*said = dropped;
	write_all(text, (size_t) len);
}

static void *
writer(void *arg)
{
	uint64_t said = 0;
	bool stopping;

	(void) arg;
	do {
		struct letter *letter;

		mailbox_wait(&logs.box);
		stopping = atomic_load(&logs.stop);
		letter = mailbox_take(&logs.box);
		while (letter != NULL) {
			struct line *line = (struct line *) letter;

			letter = letter->next;
			write_all(line->text, line->len);
			atomic_fetch_sub(&logs.buffered, line->len);
			free(line);
		}
		say_dropped(&said);
	} while (!stopping);
	atomic_store(&logs.ended, true);
	return NULL;
}

/* Is stderr the journal? systemd says so by the file's device and inode. */
static bool
stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat there;

	/* Whoever inherits the variable may have redirected stderr. */
	return text != NULL && sscanf(text, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &there) == 0 && there.st_dev == dev && there.st_ino == ino;
}

int
log_open(void)
{
	sigset_t all, before;
	int r = mailbox_open(&logs.box);

	if (r < 0)
		return r;
	logs.journal = stderr_is_journal();
	atomic_store(&logs.stop, false);
	atomic_store(&logs.ended, false);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&logs.thread, NULL, writer, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r < 0)
		mailbox_close(&logs.box);
	else
		atomic_store(&logs.running, true);
	return r;
}

void
log_close(void)
{
	uint64_t until_ns = corun_in(2 * CORUN_S);

	if (!atomic_load(&logs.running))
		return;
	atomic_store(&logs.running, false);
	atomic_store(&logs.stop, true);
	mailbox_wake(&logs.box);
	while (!atomic_load(&logs.ended) && corun_now() < until_ns)
		usleep(1000);
	if (atomic_load(&logs.ended)) {
		pthread_join(logs.thread, NULL);
		mailbox_close(&logs.box);
	} else {
		pthread_detach(logs.thread);
	}
}

void
log_set_level(enum log_level level)
{
	atomic_store(&logs.level, level);
}

uint64_t
log_dropped(void)
{
	return atomic_load(&logs.dropped);
}

/* ---- who has something to say ---------------------------------------------------------------- */

/* "<6>WHO: TEXT\n" */
static void
put(enum log_level level, const char *who, const char *text, size_t len, size_t most)
{
	size_t who_len = strlen(who);
	size_t whole = 3 + who_len + 2 + len + 1;
	struct line *line = NULL;

	if (atomic_fetch_add(&logs.buffered, whole) + whole <= most)
		line = malloc(sizeof(*line) + whole);
	if (line == NULL) {
		atomic_fetch_sub(&logs.buffered, whole);
		atomic_fetch_add(&logs.dropped, 1);
		return;
	}
	char *to = line->text;
	if (logs.journal)
		to += sprintf(to, "<%d>", (int) level);
	to = mempcpy(to, who, who_len);
	to = mempcpy(to, ": ", 2);
	to = mempcpy(to, text, len);
	*to++ = '\n';
	line->len = (size_t) (to - line->text);
	atomic_fetch_sub(&logs.buffered, whole - line->len);
	if (atomic_load(&logs.running)) {
		mailbox_put(&logs.box, &line->letter);
	} else {
		write_all(line->text, line->len);
		atomic_fetch_sub(&logs.buffered, line->len);
		free(line);
	}
}

void
log_vline(enum log_level level, const char *task, const char *format, va_list args)
{
	char text[LINE_BYTES];
	size_t len = 0;

	if ((int) level > atomic_load(&logs.level))
		return;
	if (task != NULL)
		len = (size_t) snprintf(text, sizeof(text) / 2, "%.255s: ", task);
	vsnprintf(text + len, sizeof(text) - len, format, args);
	len = strlen(text);
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\n')
			text[i] = ' ';
	put(level, "corund", text, len, BUFFERED_BYTES_MAX);
}

void
log_line(enum log_level level, const char *task, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vline(level, task, format, args);
	va_end(args);
}

void
log_output(const char *task, enum log_level level, const char *line, size_t len)
{
	if (level == LOG_LEVEL_DEBUG && atomic_load(&logs.level) < LOG_LEVEL_DEBUG)
		return;
	put(level, task, line, len, TASKS_BYTES_MAX);
}
