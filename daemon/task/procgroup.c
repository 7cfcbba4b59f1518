/*
 * Procgroup - signals to a child's process group
 *
 * A child is born into a session and a process group of its own, whose number is its pid. The group
 * outlives the child when it leaves others behind, and those are to be stopped, too. By then the
 * child may have been reaped (the reaper does not wait for us), so its number may be given to a
 * new process as soon as the group is empty. Hence:
 *
 *  1. No signal is ever sent to a number. Not even to that of a child that we have not heard to be
 *     reaped: the reaper runs in another thread.
 *  2. From Linux 6.9 a pidfd stands for the group that its process leads or led
 *     (PIDFD_SIGNAL_PROCESS_GROUP). It refers to the kernel's object, not to the number: when
 *     the number belongs to somebody else, the answer is ESRCH.
 *  3. Before, members are found in /proc by group and session, a pidfd is opened for each, and the
 *     member is looked at again through it: if the pidfd's process still lives after its group was
 *     read, then what was read was about that process. The number of a group is not given away while a
 *     member lives, so whoever is found belongs to the group that has this number now. That this
 *     is still ours holds as long as ours is not empty; the supervisor looks every fraction of a
 *     second and stops at the first ESRCH. What is left is a group that empties, and a number that
 *     comes round again to a process that makes a session of its own, within that time.
 *     Where there are no pidfds at all (before 5.3, or forbidden), numbers are all there is.
 *  4. Asking whether anybody is left by number (kill(2) with signal 0, before 6.9) harms nobody: a
 *     wrong "yes" ends in a wait that is bounded.
 */

#include "daemon/task/procgroup.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1u << 2)
#endif

/* Not inlined, so that the address of errno is not kept across a switch of the caller's. */
static __attribute__((noinline)) int
send_signal(int pidfd, int signal, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, flags) < 0 ? -errno : 0;
}

static __attribute__((noinline)) int
send_by_number(pid_t pid, int signal)
{
	return kill(pid, signal) < 0 ? -errno : 0;
}

/* A seccomp filter that does not know the call says EPERM before anybody looks at the descriptor. */
static bool
has_no_pidfds(int result)
{
	if (result == -EPERM)
		return send_signal(-1, 0, 0) == -EPERM;
	return result == -EBADF || result == -ENOSYS;
}

int
procgroup_signal_leader(int pidfd, pid_t pid, int signal)
{
	int r = send_signal(pidfd, signal, 0);

	return has_no_pidfds(r) ? send_by_number(pid, signal) : r;
}

/* "PID (name) state ppid pgrp session ..."; the name may hold anything, so from its last ')'. */
static bool
is_member(const char *pid, pid_t group)
{
	char path[64], stat[512], *rest;
	int pgrp = 0, session = 0;
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	n = fread(stat, 1, sizeof(stat) - 1, file);
	fclose(file);
	stat[n] = '\0';
	rest = strrchr(stat, ')');
	return rest != NULL && sscanf(rest, ") %*c %*d %d %d", &pgrp, &session) == 2 &&
	       pgrp == group && session == group;
}

static int
signal_member(const char *pid, pid_t group, int signal)
{
	int pidfd, r = -ESRCH;

	if (!is_member(pid, group))
		return -ESRCH;
	pidfd = (int) syscall(SYS_pidfd_open, atoi(pid), 0);
	if (pidfd < 0)
		return -errno;
	/* Read again: whoever lives after this had that group. */
	if (is_member(pid, group))
		r = send_signal(pidfd, signal, 0);
	close(pidfd);
	return r;
}

static __attribute__((noinline)) int
signal_members(pid_t group, int signal)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int result = -ESRCH;

	if (proc == NULL)
		return -errno;
	while ((entry = readdir(proc)) != NULL) {
		int r;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		r = signal_member(entry->d_name, group, signal);
		if (r == 0 || result == -ESRCH)
			result = r;
	}
	closedir(proc);
	return result;
}

int
procgroup_signal(int pidfd, pid_t pid, int signal)
{
	int r = send_signal(pidfd, signal, PIDFD_SIGNAL_PROCESS_GROUP);

	if (has_no_pidfds(r))
		return send_by_number(-pid, signal);
	return r == -EINVAL ? signal_members(pid, signal) : r;
}

bool
procgroup_is_empty(int pidfd, pid_t pid)
{
	int r = send_signal(pidfd, 0, PIDFD_SIGNAL_PROCESS_GROUP);

	if (r == -EINVAL || has_no_pidfds(r))
		r = send_by_number(-pid, 0);
	return r == -ESRCH;
}
