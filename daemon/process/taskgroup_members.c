/*
 * Taskgroup, who is in it: by cgroup.procs
 *
 * A number read from there is signalled only by a descriptor of the process, taken before the number
 * was seen to be in there: by then it may be another process's, but not one that is outside. Seeing
 * takes reading the whole file, so it is done for many at a time.
 */

#include "daemon/process/taskgroup_files.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <corun/time.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

enum {
	PATIENCE_S = 2, /* for those that were killed to be gone */
	AGAIN_MS = 5,
	BATCH = 64, /* descriptors at a time */
};

/* Who is in it. Return: how many; @ret is allocated. */
static long
members(const char *dir, pid_t **ret)
{
	char path[PATH_MAX];
	pid_t *pids = NULL;
	long n = 0, room = 0;
	FILE *procs;
	int pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	procs = fopen(path, "re");
	if (procs == NULL)
		return -errno;
	while (fscanf(procs, "%d", &pid) == 1) {
		if (n == room) {
			pid_t *more =
				reallocarray(pids, (size_t) (room = room * 2 + 16), sizeof(*pids));

			if (more == NULL) {
				n = -ENOMEM;
				break;
			}
			pids = more;
		}
		pids[n++] = pid;
	}
	if (n >= 0 && ferror(procs))
		n = -EIO;
	fclose(procs);
	if (n <= 0)
		free(pids);
	else
		*ret = pids;
	return n;
}

static bool
is_among(pid_t pid, const pid_t *pids, long n)
{
	for (long i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

static void
kill_member(int fd, pid_t pid)
{
	if (fd >= 0)
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	else
		kill(pid, SIGKILL); /* Linux before 5.3: as near as it gets */
}

/* SIGKILL to those of @pids that are members once we hold them; @n: up to BATCH. */
static void
kill_members(const char *dir, const pid_t *pids, long n)
{
	int fds[BATCH];
	bool ended[BATCH];
	pid_t *now;
	long n_now;

	for (long i = 0; i < n; i++) {
		fds[i] = (int) syscall(SYS_pidfd_open, pids[i], 0);
		ended[i] = fds[i] < 0 && errno != ENOSYS && errno != EPERM;
	}
	n_now = members(dir, &now);
	for (long i = 0; i < n; i++) {
		if (n_now > 0 && !ended[i] && is_among(pids[i], now, n_now))
			kill_member(fds[i], pids[i]);
		if (fds[i] >= 0)
			close(fds[i]);
	}
	if (n_now > 0)
		free(now);
}

int
taskgroup_members_kill(const char *dir)
{
	uint64_t until_ns = corun_in(PATIENCE_S * CORUN_S);

	for (;;) {
		pid_t *pids;
		long n = members(dir, &pids);

		if (n <= 0)
			return (int) n;
		for (long i = 0; i < n; i += BATCH)
			kill_members(dir, pids + i, n - i < BATCH ? n - i : BATCH);
		free(pids);
		if (corun_now() > until_ns)
			return -EBUSY;
		corun_sleep(AGAIN_MS * CORUN_MS);
	}
}

int
taskgroup_members_none(const char *dir)
{
	pid_t *pids;
	long n = members(dir, &pids);

	if (n > 0)
		free(pids);
	return n < 0 ? (int) n : n == 0;
}
