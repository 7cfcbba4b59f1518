/*
 * Spawn child - everything between clone and exec
 *
 * The child shares the daemon's memory (CLONE_VM) and runs while one thread of the daemon stands
 * still (CLONE_VFORK) and all others go on. So it sees a world in which any lock may be held, by a
 * thread that it does not have, and in which all that it writes stays behind.
 *
 * Invariants:
 * 1. Nothing is called outside of this file: no libc, no errno, no thread-local storage, no lock.
 *    tests/lint/spawn_symbols.sh holds the undefined symbols of the object against a short list.
 *    Therefore the attribute UNSEEN: sanitizers and stack protectors call functions of their own.
 * 2. Nothing is written but the child's own stack and the last two fields of struct spawn_child.
 * 3. All signals are blocked until just before exec, and all dispositions are the default before
 *    they are unblocked: no handler of the daemon ever runs in the child, with the daemon's memory
 *    in its hands.
 * 4. A step is written down before it begins. So SPAWN_CLONE, after the child has called exec,
 *    means that its memory was not ours: see spawn.c.
 *
 * There is no pipe for the step and the errno: with shared memory they are simply there when the
 * thread goes on, it costs two descriptors less for each start, and there is no way that does
 * without CLONE_VM: whoever allows clone(2) at all allows these flags, since posix_spawn(3) of
 * glibc and musl uses the same.
 *
 * The child's steps are ordered so that each still has the rights and descriptors it needs: the
 * cgroup first (its descriptor is gone afterwards), then the session, descriptors 0 to 2, groups,
 * gid, uid, and the directory with the rights of the new user, as a shell of his would see it.
 */

#include "daemon/process/spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP UINT64_C(0x200000000)
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define CLOEXEC_RANGE 4 /* CLOSE_RANGE_CLOEXEC */

/* What older compilers do not know they do not need, or spawn_symbols.sh says so. */
#if __has_attribute(no_stack_protector)
#define NO_STACK_PROTECTOR __attribute__((no_stack_protector))
#else
#define NO_STACK_PROTECTOR
#endif
#if __has_attribute(disable_sanitizer_instrumentation)
#define NO_TSAN_CALLS __attribute__((disable_sanitizer_instrumentation)) /* clang's */
#else
#define NO_TSAN_CALLS
#endif
#define UNSEEN                                                                                     \
	NO_STACK_PROTECTOR NO_TSAN_CALLS __attribute__((no_instrument_function))                   \
	__attribute__((no_sanitize("address", "thread", "undefined")))

enum {
	N_SIGNALS = 64,
	SIGSET_BYTES = N_SIGNALS / 8, /* the kernel's, not libc's */
	FIRST_FD = 3,                 /* what the program does not get begins here */
};

/* ---- system calls ---------------------------------------------------------------------------- */

typedef void child_fn(void *arg);

#if defined(__x86_64__)

UNSEEN static inline long
sys4(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
}

/* The child goes on with @fn(@arg) on its own stack, where nothing of this function is. */
UNSEEN static long
sys_clone(long nr, long a, long b, long c, child_fn *fn, void *arg)
{
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	register child_fn *r12 __asm__("r12") = fn;
	register void *r13 __asm__("r13") = arg;
	long ret;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "movq %%r13, %%rdi\n\t"
			 "callq *%%r12\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r12), "r"(r13)
			 : "rcx", "r11", "cc", "memory");
	return ret;
}

#elif defined(__aarch64__)

UNSEEN static inline long
sys4(long nr, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}

UNSEEN static long
sys_clone(long nr, long a, long b, long c, child_fn *fn, void *arg)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;
	register child_fn *x20 __asm__("x20") = fn;
	register void *x21 __asm__("x21") = arg;

	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x0, x21\n\t"
			 "blr x20\n\t"
			 "brk 1\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x20), "r"(x21)
			 : "cc", "memory");
	return x0;
}

#else

/*
 * Elsewhere libc's two functions that do nothing beside. They write errno, which is the standing
 * thread's: spawn.c does not look at it.
 */
#define BY_LIBC 1

#include <sched.h>
#include <unistd.h>

UNSEEN static long
sys4(long nr, long a, long b, long c, long d)
{
	long ret = syscall(nr, a, b, c, d);

	return ret == -1 ? -errno : ret;
}

#endif

UNSEEN static inline long
sys3(long nr, long a, long b, long c)
{
	return sys4(nr, a, b, c, 0);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

UNSEEN static void
set_cloexec(int fd)
{
	sys3(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
}

/* The number that a directory entry is named; -1: it is none, such as ".". */
UNSEEN static int
number(const char *name)
{
	int n = 0;

	if (*name == '\0')
		return -1;
	for (; *name != '\0'; name++) {
		if (*name < '0' || *name > '9' || n > (INT_MAX - 9) / 10)
			return -1;
		n = n * 10 + (*name - '0');
	}
	return n;
}

/* Those that /proc shows. Return: 0; an error: it cannot be read. */
UNSEEN static long
set_cloexec_listed(void)
{
	struct entry {
		uint64_t inode;
		int64_t offset;
		uint16_t bytes;
		uint8_t type;
		char name[];
	};
	_Alignas(struct entry) char buf[2048];
	long dir = sys4(SYS_openat, AT_FDCWD, (long) "/proc/self/fd",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long n;

	if (dir < 0)
		return dir;
	while ((n = sys3(SYS_getdents64, dir, (long) buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *entry = (const struct entry *) (buf + at);
			int fd = number(entry->name);

			if (fd >= FIRST_FD)
				set_cloexec(fd);
			at += entry->bytes;
		}
	}
	sys3(SYS_close, dir, 0, 0);
	return n;
}

/* Those from FIRST_FD on are closed by exec: until then the child's steps may need them. */
UNSEEN static void
set_cloexec_all(void)
{
	struct rlimit limit;

	if (sys3(SYS_close_range, FIRST_FD, ~0U, CLOEXEC_RANGE) == 0)
		return;
	if (set_cloexec_listed() == 0)
		return;
	if (sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long) &limit) < 0)
		limit.rlim_max = INT_MAX;
	for (int fd = FIRST_FD; (rlim_t) fd < limit.rlim_max && fd < INT_MAX; fd++)
		set_cloexec(fd);
}

/* They are moved out of the way first: each of them may be any of 0 to 2 itself. */
UNSEEN static long
set_descriptors(const struct spawn_plan *plan)
{
	long fds[FIRST_FD];

	fds[0] = plan->fd_stdin;
	fds[1] = plan->fd_stdout;
	fds[2] = plan->fd_stderr;
	for (int i = 0; i < FIRST_FD; i++) {
		if (fds[i] < 0)
			fds[i] = sys4(SYS_openat, AT_FDCWD, (long) "/dev/null", O_RDWR, 0);
		if (fds[i] >= 0 && fds[i] < FIRST_FD)
			fds[i] = sys3(SYS_fcntl, fds[i], F_DUPFD, FIRST_FD);
		if (fds[i] < 0)
			return fds[i];
	}
	for (int i = 0; i < FIRST_FD; i++) {
		long r = sys3(SYS_dup3, fds[i], i, 0);

		if (r < 0)
			return r;
	}
	set_cloexec_all();
	return 0;
}

/* ---- the steps ------------------------------------------------------------------------------- */

UNSEEN static void
reset_signals(void)
{
	/* What the kernel takes, of which all machines have a handler, flags and a mask: zero. */
	static const unsigned long by_default[8];
	static const uint64_t none;

	for (int sig = 1; sig <= N_SIGNALS; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			sys4(SYS_rt_sigaction, sig, (long) by_default, 0, SIGSET_BYTES);
	sys4(SYS_rt_sigprocmask, SIG_SETMASK, (long) &none, 0, SIGSET_BYTES);
}

/* Return: the errno of the step in @child->step. */
UNSEEN static long
take_steps(struct spawn_child *child)
{
	const struct spawn_plan *plan = child->plan;
	const struct spawn_user *user = child->user;
	long r;

	child->step = SPAWN_CGROUP;
	if (child->join_cgroup) {
		r = sys3(SYS_write, plan->cgroup_procs_fd, (long) "0", 1);
		if (r < 0)
			return r;
	}
	child->step = SPAWN_SESSION;
	if (plan->new_session) {
		r = sys3(SYS_setsid, 0, 0, 0);
		if (r < 0)
			return r;
	}
	child->step = SPAWN_DESCRIPTORS;
	r = set_descriptors(plan);
	if (r < 0)
		return r;
	if (user != NULL) {
		child->step = SPAWN_GROUPS;
		r = sys3(SYS_setgroups, (long) user->n_groups, (long) user->groups, 0);
		if (r < 0)
			return r;
		child->step = SPAWN_GID;
		r = sys3(SYS_setresgid, user->gid, user->gid, user->gid);
		if (r < 0)
			return r;
		child->step = SPAWN_UID;
		r = sys3(SYS_setresuid, user->uid, user->uid, user->uid);
		if (r < 0)
			return r;
	}
	child->step = SPAWN_DIR;
	r = sys3(SYS_chdir, (long) child->dir, 0, 0);
	if (r < 0)
		return r;
	child->step = SPAWN_EXEC;
	if (child->nofile != NULL)
		sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, (long) child->nofile, 0);
	reset_signals();
	return sys3(SYS_execve, (long) plan->file, (long) plan->argv, (long) plan->envp);
}

UNSEEN static void
child_main(void *arg)
{
	struct spawn_child *child = arg;

	child->error = (int) take_steps(child);
	for (;;)
		sys3(SYS_exit_group, 127, 0, 0);
}

/* ---- in the parent --------------------------------------------------------------------------- */

#ifdef BY_LIBC

static int
child_main_libc(void *arg)
{
	child_main(arg);
	return 0;
}

long
spawn_child_clone(struct spawn_child *child, enum spawn_way way, void *stack, size_t stack_bytes)
{
	int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
	int pid;

	if (way != SPAWN_CLONE2 && way != SPAWN_CLONE2_PIDFD)
		return -ENOSYS;
	if (way == SPAWN_CLONE2_PIDFD)
		flags |= CLONE_PIDFD;
	pid = clone(child_main_libc, (char *) stack + stack_bytes, flags, child, &child->pidfd);
	return pid < 0 ? -errno : pid;
}

#else

UNSEEN long
spawn_child_clone(struct spawn_child *child, enum spawn_way way, void *stack, size_t stack_bytes)
{
	uint64_t flags = CLONE_VM | CLONE_VFORK;
	uint64_t args[11]; /* struct clone_args, of which older headers know less */

	if (way != SPAWN_CLONE2)
		flags |= CLONE_PIDFD;
	if (way == SPAWN_CLONE2 || way == SPAWN_CLONE2_PIDFD)
		return sys_clone(SYS_clone, (long) (flags | SIGCHLD),
				 (long) ((char *) stack + stack_bytes), (long) &child->pidfd,
				 child_main, child);
	args[0] = flags;
	args[1] = (uintptr_t) &child->pidfd;
	args[2] = 0; /* child_tid */
	args[3] = 0; /* parent_tid */
	args[4] = SIGCHLD;
	args[5] = (uintptr_t) stack;
	args[6] = stack_bytes;
	args[7] = 0; /* tls: unused without CLONE_SETTLS */
	args[8] = 0; /* set_tid */
	args[9] = 0; /* set_tid_size */
	args[10] = 0;
	if (way == SPAWN_CLONE3_INTO_CGROUP) {
		args[0] |= CLONE_INTO_CGROUP;
		args[10] = (uint64_t) child->plan->cgroup_fd;
	}
	/* Without the flag the structure of Linux 5.3 is enough: it ended with tls. */
	return sys_clone(SYS_clone3, (long) args,
			 way == SPAWN_CLONE3_INTO_CGROUP ? sizeof(args) : 8 * sizeof(args[0]), 0,
			 child_main, child);
}

#endif
