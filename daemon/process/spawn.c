/*
 * Spawn - the parent's side
 *
 * Ways, from the best on: clone3 into the cgroup; clone3, and the child writes itself into
 * cgroup.procs; clone(2) with the same; clone(2) and pidfd_open(2). Each is tried for every start: a
 * refusal costs less than a microsecond, and nothing has to be remembered.
 *
 * Invariants:
 * 1. A child that did not come to exec is waited for here, before spawn() returns. The reaper does
 *    not take it away, nor can its number be given out again before: the caller has called
 *    reaper_begin() and not yet anything else, and so the reaper leaves strangers alone (reaper.c).
 * 2. While a child that has taken on another user's id shares our memory, we are not dumpable: the
 *    kernel clears that flag, which belongs to the memory, when the child changes its ids, and so
 *    that user's other processes cannot trace the child and with it write our memory. The flag is
 *    set again when no such child is left, by the last of the threads that stood still for one.
 * 3. Between corun_block_enter() and _exit() nothing of the runtime is called; start() is not
 *    inlined, so that the address of errno is the thread's on which it runs.
 */

#include "daemon/process/spawn.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <corun/coroutine.h>

#include "daemon/process/spawn_child.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

enum { STACK_BYTES = 32 * 1024 };

/* ---- the dumpable flag: invariant 2 ---------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	unsigned strangers; /* children that may have another user's id, and our memory */
	bool restore;
} dumpable = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
stranger_begins(void)
{
	pthread_mutex_lock(&dumpable.lock);
	if (dumpable.strangers++ == 0)
		dumpable.restore = prctl(PR_GET_DUMPABLE) == 1;
	pthread_mutex_unlock(&dumpable.lock);
}

static void
stranger_has_own_memory(void)
{
	pthread_mutex_lock(&dumpable.lock);
	if (--dumpable.strangers == 0 && dumpable.restore)
		prctl(PR_SET_DUMPABLE, 1);
	pthread_mutex_unlock(&dumpable.lock);
}

/* ---- the limit of open files ----------------------------------------------------------------- */

static struct {
	struct rlimit children; /* as it was */
	bool raised;
} nofile;

int
spawn_more_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	nofile.children = limit;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	nofile.raised = true;
	return 0;
}

/* ---- clone ----------------------------------------------------------------------------------- */

/* Does @error say that this way to clone is unknown or not allowed here, whatever is asked of it? */
static bool
way_is_closed(long error)
{
	return error == -ENOSYS || error == -EPERM || error == -EINVAL || error == -E2BIG;
}

static long
clone_best_way(struct spawn_child *child, void *stack)
{
	const struct spawn_plan *plan = child->plan;
	long pid = -ENOSYS;

	if (plan->cgroup_fd >= 0) {
		pid = spawn_child_clone(child, SPAWN_CLONE3_INTO_CGROUP, stack, STACK_BYTES);
		if (pid > 0 || pid == -EAGAIN || pid == -ENOMEM)
			return pid;
		if (!way_is_closed(pid) || plan->cgroup_procs_fd < 0) {
			child->step = SPAWN_CGROUP;
			return pid;
		}
	}
	child->join_cgroup = plan->cgroup_procs_fd >= 0;
	pid = spawn_child_clone(child, SPAWN_CLONE3, stack, STACK_BYTES);
	if (pid < 0 && way_is_closed(pid))
		pid = spawn_child_clone(child, SPAWN_CLONE2_PIDFD, stack, STACK_BYTES);
	if (pid < 0 && way_is_closed(pid))
		pid = spawn_child_clone(child, SPAWN_CLONE2, stack, STACK_BYTES);
	return pid;
}

/* All 64 signals, libc's own too, which pthread_sigmask() leaves out: see spawn_child.c, 3. */
static long
clone_without_signals(struct spawn_child *child, void *stack)
{
	const uint64_t all = ~UINT64_C(0);
	uint64_t before;
	long pid;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
	pid = clone_best_way(child, stack);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(all));
	return pid;
}

/* Return: the child's pid, or an errno. */
static long
clone_on_own_stack(struct spawn_child *child)
{
	size_t guard = (size_t) sysconf(_SC_PAGESIZE);
	char *stack = mmap(NULL, guard + STACK_BYTES, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	long pid;

	if (stack == MAP_FAILED)
		return -ENOMEM;
	if (mprotect(stack + guard, STACK_BYTES, PROT_READ | PROT_WRITE) == 0)
		pid = clone_without_signals(child, stack + guard);
	else
		pid = -ENOMEM;
	munmap(stack, guard + STACK_BYTES);
	return pid;
}

/* ---- start ----------------------------------------------------------------------------------- */

static void
wait_for(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* Who has no rights can still say that the child is to have the ids that we have. */
static bool
user_is_ours(const struct spawn_user *user)
{
	return geteuid() != 0 && user->uid == geteuid() && user->uid == getuid() &&
	       user->gid == getegid() && user->gid == getgid();
}

static __attribute__((noinline)) int
start(const struct spawn_plan *plan, struct spawn_result *ret)
{
	struct spawn_child child = {
		.plan = plan,
		.dir = plan->dir != NULL ? plan->dir : "/",
		.nofile = nofile.raised ? &nofile.children : NULL,
		.step = SPAWN_CLONE,
		.pidfd = -1,
	};
	long pid;

	if (plan->user != NULL && plan->user->set && !user_is_ours(plan->user))
		child.user = plan->user;
	if (child.user != NULL)
		stranger_begins();
	pid = clone_on_own_stack(&child);
	if (child.user != NULL)
		stranger_has_own_memory();
	ret->step = child.step;
	if (pid < 0)
		return (int) pid;
	if (child.step == SPAWN_CLONE) {
		/* It wrote elsewhere: an emulator that makes a fork of it. Or it was killed at once. */
		kill((pid_t) pid, SIGKILL);
		child.error = -ENOSYS;
	}
	if (child.error < 0) {
		wait_for((pid_t) pid);
		if (child.pidfd >= 0)
			close(child.pidfd);
		return child.error;
	}
	if (child.pidfd < 0) /* it was not asked for, or Linux before 5.2 took no notice */
		child.pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
	ret->pid = (pid_t) pid;
	ret->pidfd = child.pidfd;
	return 0;
}

int
spawn(const struct spawn_plan *plan, struct spawn_result *ret)
{
	int r;

	corun_block_enter();
	r = start(plan, ret);
	corun_block_exit();
	return r;
}

const char *
spawn_step_name(enum spawn_step step)
{
	switch (step) {
	case SPAWN_CLONE:
		return "making a process";
	case SPAWN_CGROUP:
		return "entering the cgroup";
	case SPAWN_SESSION:
		return "making a session";
	case SPAWN_DESCRIPTORS:
		return "setting up descriptors 0 to 2";
	case SPAWN_GROUPS:
		return "changing the supplementary groups";
	case SPAWN_GID:
		return "changing the group";
	case SPAWN_UID:
		return "changing the user";
	case SPAWN_DIR:
		return "changing the directory";
	case SPAWN_EXEC:
		return "exec";
	}
	return "an unknown step";
}
