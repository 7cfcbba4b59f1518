#pragma once

/*
 * Every test of I/O is run in each way in which its calls may be made: by coroutines in a pool of
 * each size, by plain threads beside a pool, and by plain threads without a runtime.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include <corun/io.h>

#include "tests/unit/pool.h"

enum { WAYS = POOLS + 2 };

/* A call that is still waiting then has missed what it waited for. */
#define LOST corun_in(20 * CORUN_S)

static bool ways_plain;

static inline void
way_run(int way, void (*fn)(void *arg), void *arg)
{
	ways_plain = way >= POOLS;
	if (!ways_plain) {
		pool_run(way, fn, arg);
		return;
	}
	if (way == POOLS)
		pool_start(1);
	fn(arg);
	if (way == POOLS)
		pool_stop();
}

/* A second one who acts: a coroutine, or a plain thread. */
struct party {
	void (*fn)(void *arg);
	void *arg;
	struct corun_coroutine *co;
	pthread_t thread;
};

static inline void *
party_main(void *arg)
{
	struct party *p = arg;

	p->fn(p->arg);
	return NULL;
}

static inline void
party_start(struct party *p, void (*fn)(void *arg), void *arg)
{
	*p = (struct party){ .fn = fn, .arg = arg };
	if (ways_plain)
		want_eq(pthread_create(&p->thread, NULL, party_main, p), 0);
	else
		p->co = spawn(fn, arg);
}

static inline void
party_join(struct party *p)
{
	if (ways_plain)
		want_eq(pthread_join(p->thread, NULL), 0);
	else
		join(p->co);
}

static inline void
pipe_new(int fds[2])
{
	want_eq(corun_pipe(fds), 0);
}

static inline void
pipe_close(int fds[2])
{
	want_eq(corun_close(fds[0]), 0);
	want_eq(corun_close(fds[1]), 0);
}

/*
 * The same file under a number that nobody else gets: the runtime opens files of its own, and
 * whatever is closed below may be one of them a moment later.
 */
static inline int
move_up(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 500);

	want(high >= 500);
	want_eq(corun_close(fd), 0);
	return high;
}

static inline void
pair_new(int type, int fds[2])
{
	want_eq(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

/* Write until there is no room. Return: how many bytes it took. */
static inline size_t
fill(int fd)
{
	static const char zeros[4096];
	size_t n = 0;
	ssize_t r;

	while ((r = corun_write(fd, zeros, sizeof(zeros), CORUN_NOW)) > 0)
		n += (size_t) r;
	want_eq(r, -ETIMEDOUT);
	return n;
}
