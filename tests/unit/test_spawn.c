/* Spawn: what the child is given, what it is not, and how each step fails. */

#include "daemon/process/spawn.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/unit/child.h"
#include "tests/unit/refuse.h"

/* ---- kernels that know less: a seccomp filter refuses what they would ------------------------ */

enum kernel {
	KERNEL_ALL,
	KERNEL_NO_CLONE3,       /* ENOSYS: before 5.3; gVisor and Docker's filter say so, too */
	KERNEL_CLONE3_EPERM,    /* as older Docker's filters */
	KERNEL_NO_CLONE_PIDFD,  /* neither clone3 nor that flag of clone */
	KERNEL_NO_PIDFD,        /* nor pidfd_open */
	KERNEL_NO_CLOSE_RANGE,  /* before 5.9: by /proc */
	KERNEL_NO_PROC_LISTING, /* and one by one */
	KERNELS
};

static void
boot(enum kernel kernel)
{
	switch (kernel) {
	case KERNEL_NO_PIDFD:
		refuse(SYS_pidfd_open, ENOSYS);
		/* fallthrough */
	case KERNEL_NO_CLONE_PIDFD:
		refuse_clone_with(0x1000, EINVAL);
		/* fallthrough */
	case KERNEL_NO_CLONE3:
		refuse(SYS_clone3, ENOSYS);
		break;
	case KERNEL_CLONE3_EPERM:
		refuse(SYS_clone3, EPERM);
		break;
	case KERNEL_NO_PROC_LISTING:
		refuse(SYS_getdents64, ENOSYS);
		/* fallthrough */
	case KERNEL_NO_CLOSE_RANGE:
		refuse(SYS_close_range, ENOSYS);
		break;
	default:
		break;
	}
}

/* Loop tests count through all ways to call and all kernels. */
enum { WAYS = FROMS * KERNELS };

static bool alone; /* nobody else opens files */
static bool has_pidfds = true;

static void
run_way(int way, void (*fn)(void *arg))
{
	enum kernel kernel = (enum kernel)(way / FROMS);
	int from = way % FROMS;

	/* libc makes no thread where clone3 gives EPERM. */
	if (kernel == KERNEL_CLONE3_EPERM && from != FROM_PLAIN)
		return;
	alone = from == FROM_PLAIN;
	has_pidfds = kernel != KERNEL_NO_PIDFD;
	boot(kernel);
	run_from(from, fn, NULL);
}

/* ---- to start and to listen ------------------------------------------------------------------ */

static int
end_of(const struct spawn_result *child)
{
	int status;

	ck_assert_int_eq(waitpid(child->pid, &status, 0), child->pid);
	if (has_pidfds)
		ck_assert_int_eq(close(child->pidfd), 0);
	else
		ck_assert_int_eq(child->pidfd, -1);
	return status;
}

/* Start it, with its stdout in a pipe, and wait for its end. Return: what it wrote. */
static char *
run(struct spawn_plan *plan, int *ret_status)
{
	struct spawn_result child;
	char *text = calloc(1, 65536);
	size_t len = 0;
	ssize_t n;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	plan->fd_stdout = fds[1];
	ck_assert_int_eq(spawn(plan, &child), 0);
	close(fds[1]);
	while ((n = read(fds[0], text + len, 65535 - len)) > 0)
		len += (size_t) n;
	close(fds[0]);
	*ret_status = end_of(&child);
	return text;
}

/* It must end with 0 and have written just @text. */
static void
writes(struct spawn_plan *plan, const char *text)
{
	int status;
	char *got = run(plan, &status);

	ck_assert_str_eq(got, text);
	ck_assert_int_eq(status, 0);
	free(got);
}

/* It must fail at @step with @error, leave no child behind, and not a descriptor either. */
static void
fails(const struct spawn_plan *plan, enum spawn_step step, int error)
{
	struct spawn_result child;
	int before = dup(0), after;

	close(before);
	ck_assert_int_eq(spawn(plan, &child), error);
	ck_assert_int_eq(child.step, step);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	after = dup(0);
	close(after);
	if (alone)
		ck_assert_int_eq(after, before);
}

/* ---- what the child is given ----------------------------------------------------------------- */

static void
runs(void *arg)
{
	struct spawn_plan plan = plan_of(SHELL("echo \"$A $B\"; pwd; cat; exit 0"));

	(void) arg;
	plan.envp = ARGV("A=1", "B=zwei drei");
	writes(&plan, "1 zwei drei\n/\n");
	plan = plan_of(ARGV("/bin/pwd"));
	plan.dir = "/proc";
	writes(&plan, "/proc\n");
}

START_TEST(test_runs)
{
	run_way(_i, runs);
}
END_TEST

static void
tells_its_end(void *arg)
{
	struct spawn_plan plan = plan_of(SHELL("exit 7"));
	struct spawn_result child;
	struct pollfd p;

	(void) arg;
	ck_assert_int_eq(spawn(&plan, &child), 0);
	ck_assert_int_gt(child.pid, 0);
	if (has_pidfds) {
		ck_assert(fcntl(child.pidfd, F_GETFD) & FD_CLOEXEC);
		p = (struct pollfd){ .fd = child.pidfd, .events = POLLIN };
		ck_assert_int_eq(poll(&p, 1, 60000), 1);
	}
	ck_assert_int_eq(end_of(&child), 7 << 8);
}

START_TEST(test_tells_its_end)
{
	run_way(_i, tells_its_end);
}
END_TEST

/* Each of 0 to 2 may be meant for each other place. */
static void
swaps_descriptors(void *arg)
{
	struct spawn_plan plan = plan_of(SHELL("cat; echo to-2 >&2"));
	struct spawn_result child;
	char buf[32] = "";
	int a[2], b[2], saved[3];

	(void) arg;
	ck_assert_int_eq(pipe2(a, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(b, O_CLOEXEC), 0);
	for (int i = 0; i < 3; i++)
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 200);
	ck_assert_int_eq(write(a[1], "to-1\n", 5), 5);
	close(a[1]);
	/* Ours: 0 is the end to write, 2 the end to read. */
	dup2(b[1], 0);
	dup2(a[0], 2);
	close(b[1]);
	close(a[0]);
	plan.fd_stdin = 2;
	plan.fd_stdout = 0;
	plan.fd_stderr = 0;
	int r = spawn(&plan, &child);
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(end_of(&child), 0);
	ck_assert_int_eq(read(b[0], buf, sizeof(buf) - 1), 10);
	ck_assert_str_eq(buf, "to-1\nto-2\n");
	close(b[0]);
}

START_TEST(test_swaps_descriptors)
{
	run_way(_i, swaps_descriptors);
}
END_TEST

static void
leads_a_session(void *arg)
{
	/* pid, process group, session: fields 1, 5 and 6 of /proc/self/stat */
	struct spawn_plan plan = plan_of(SHELL("read -r p n s pp g id rest </proc/self/stat;"
					       "[ $$ = $g ] && [ $$ = $id ] && echo leads"));
	int status;
	char *text;

	(void) arg;
	plan.new_session = true;
	writes(&plan, "leads\n");
	plan.new_session = false;
	text = run(&plan, &status);
	ck_assert_str_eq(text, "");
	free(text);
}

START_TEST(test_leads_a_session)
{
	run_way(_i, leads_a_session);
}
END_TEST

/* ---- what it is not given -------------------------------------------------------------------- */

static void
leaks_no_descriptor(void *arg)
{
	struct spawn_plan plan = plan_of(ARGV("/bin/ls", "/proc/self/fd"));
	int fd = open("/dev/null", O_RDONLY);

	(void) arg;
	ck_assert_int_ge(fd, 0);
	/* With gaps, and not marked close-on-exec. */
	ck_assert_int_eq(dup2(fd, 77), 77);
	ck_assert_int_eq(dup2(fd, 1000), 1000);
	writes(&plan, "0\n1\n2\n3\n"); /* 3 is the folder that ls reads */
	ck_assert_int_eq(fcntl(77, F_GETFD), 0);
	ck_assert_int_eq(fcntl(1000, F_GETFD), 0);
}

START_TEST(test_leaks_no_descriptor)
{
	if (_i / FROMS == KERNEL_NO_PROC_LISTING) {
		/* ls is refused getdents64, too: the shell asks for each number. */
		boot(KERNEL_NO_PROC_LISTING);
		ck_assert_int_eq(dup2(0, 77), 77);
		ck_assert_int_eq(dup2(0, 1000), 1000);
		struct spawn_plan plan = plan_of(SHELL("for fd in 3 4 5 6 77 1000; do"
						       " [ ! -e /proc/self/fd/$fd ] || echo $fd;"
						       "done"));
		writes(&plan, "");
		return;
	}
	run_way(_i, leaks_no_descriptor);
}
END_TEST

static void
handler(int sig)
{
	(void) sig;
}

static void
starts_with_default_signals(void *arg)
{
	struct spawn_plan plan =
		plan_of(ARGV("/bin/sed", "-n", "/^Sig[BIC]/p", "/proc/self/status"));
	struct sigaction sa, after;
	sigset_t all, before, now;

	(void) arg;
	corun_pin(); /* a signal mask is the thread's */
	/* Blocked, ignored, caught: each in the first and in the real-time signals. */
	sigfillset(&all);
	sigdelset(&all, SIGURG);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGRTMAX, SIG_IGN);
	sa = (struct sigaction){ .sa_handler = handler, .sa_flags = SA_RESTART };
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGRTMIN + 3, &sa, NULL);
	writes(&plan, "SigBlk:\t0000000000000000\n"
		      "SigIgn:\t0000000000000000\n"
		      "SigCgt:\t0000000000000000\n");
	/* Ours are as they were. */
	pthread_sigmask(SIG_SETMASK, &before, &now);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP && sig != SIGURG)
			ck_assert(sigismember(&now, sig));
	sigaction(SIGUSR1, NULL, &after);
	ck_assert(after.sa_handler == handler);
	corun_unpin();
}

START_TEST(test_starts_with_default_signals)
{
	run_way(_i, starts_with_default_signals);
}
END_TEST

/* We may open many; a child has the limit that we were started with. */
static void
keeps_the_limit_of_files(void *arg)
{
	struct spawn_plan plan = plan_of(SHELL("ulimit -Sn; ulimit -Hn"));

	(void) arg;
	writes(&plan, "150\n300\n");
}

START_TEST(test_keeps_the_limit_of_files)
{
	struct rlimit limit = { 150, 300 };

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(spawn_more_descriptors(), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 300);
	run_way(_i, keeps_the_limit_of_files);
}
END_TEST

/* ---- users ----------------------------------------------------------------------------------- */

enum { STRANGER = 4242 };

static void
changes_the_user(void *arg)
{
	struct spawn_plan plan =
		plan_of(SHELL("grep -E '^(Uid|Gid|Groups)' /proc/self/status | tr -s '\\t ' ' '"));
	gid_t groups[] = { 7, 8 };
	struct spawn_user user = { true, STRANGER, STRANGER + 1, 2, groups };

	(void) arg;
	plan.user = &user;
	prctl(PR_SET_DUMPABLE, 1);
	writes(&plan, "Uid: 4242 4242 4242 4242\nGid: 4243 4243 4243 4243\nGroups: 7 8 \n");
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 1);
	ck_assert_int_eq(getuid(), 0);
}

START_TEST(test_changes_the_user)
{
	if (geteuid() == 0)
		run_way(_i, changes_the_user);
}
END_TEST

/* Without the right to: another user is refused, the one we are is fine. */
static void
lacks_the_right(void *arg)
{
	struct spawn_plan plan = plan_of(SHELL("id -u"));
	gid_t groups[] = { STRANGER };
	struct spawn_user user = { true, STRANGER + 1, STRANGER, 1, groups };

	(void) arg;
	plan.user = &user;
	fails(&plan, SPAWN_GROUPS, -EPERM);
	user.uid = STRANGER;
	writes(&plan, "4242\n");
}

START_TEST(test_lacks_the_right)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(setresgid(STRANGER, STRANGER, STRANGER), 0);
	ck_assert_int_eq(setresuid(STRANGER, STRANGER, STRANGER), 0);
	run_way(_i, lacks_the_right);
}
END_TEST

START_TEST(test_looks_up_users)
{
	struct spawn_user user = { 0 };

	ck_assert_int_eq(spawn_look_up_user("root", NULL, &user), 0);
	ck_assert(user.set && user.uid == 0 && user.gid == 0 && user.n_groups >= 1);
	spawn_free_user(&user);
	ck_assert_ptr_null(user.groups);
	ck_assert_int_eq(spawn_look_up_user("0", "daemon", &user), 0);
	ck_assert(user.uid == 0 && user.gid != 0);
	spawn_free_user(&user);
	ck_assert_int_eq(spawn_look_up_user("4242", "4243", &user), 0);
	ck_assert(user.uid == 4242 && user.gid == 4243 && user.n_groups == 0);
	spawn_free_user(&user);
	ck_assert_int_eq(spawn_look_up_user("4242", NULL, &user), -ESRCH);
	ck_assert_int_eq(spawn_look_up_user("no-such-user", NULL, &user), -ENOENT);
	ck_assert_int_eq(spawn_look_up_user("root", "no-such-group", &user), -ESRCH);
	ck_assert_int_eq(spawn_look_up_user("4294967295", "0", &user), -ENOENT);
	ck_assert_int_eq(spawn_look_up_user("99999999999999999999", "0", &user), -ENOENT);
	ck_assert_int_eq(spawn_look_up_user("root", "4294967295", &user), -ESRCH);
}
END_TEST

/* ---- steps that fail ------------------------------------------------------------------------- */

static void
each_step_fails(void *arg)
{
	struct spawn_plan good = plan_of(ARGV("/bin/true"));
	struct spawn_plan plan = good;

	(void) arg;
	plan.file = "/no/such/file";
	fails(&plan, SPAWN_EXEC, -ENOENT);
	plan.file = "/bin";
	fails(&plan, SPAWN_EXEC, -EACCES);
	plan.file = "/etc/passwd";
	fails(&plan, SPAWN_EXEC, -EACCES);
	plan = good;
	plan.dir = "/no/such/dir";
	fails(&plan, SPAWN_DIR, -ENOENT);
	plan.dir = "/etc/passwd";
	fails(&plan, SPAWN_DIR, -ENOTDIR);
	plan = good;
	plan.fd_stderr = 900; /* not open */
	fails(&plan, SPAWN_DESCRIPTORS, -EBADF);
	plan = good;
	plan.cgroup_procs_fd = 900;
	fails(&plan, SPAWN_CGROUP, -EBADF);
	plan = good;
	writes(&plan, "");
}

START_TEST(test_each_step_fails)
{
	run_way(_i, each_step_fails);
}
END_TEST

START_TEST(test_steps_have_names)
{
	for (int step = SPAWN_CLONE; step <= SPAWN_EXEC; step++)
		ck_assert_str_ne(spawn_step_name((enum spawn_step) step), "an unknown step");
}
END_TEST

START_TEST(test_no_process_left)
{
	struct spawn_plan plan = plan_of(ARGV("/bin/true"));
	struct spawn_result child;
	struct rlimit before, none;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &none), 0);
	/* It does not hold for root. */
	ck_assert_int_eq(setresuid(STRANGER, STRANGER, STRANGER), 0);
	ck_assert_int_eq(spawn(&plan, &child), -EAGAIN);
	ck_assert_int_eq(child.step, SPAWN_CLONE);
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &before), 0);
	ck_assert_int_eq(spawn(&plan, &child), 0);
	ck_assert_int_eq(end_of(&child), 0);
}
END_TEST

/* ---- born in a cgroup ------------------------------------------------------------------------ */

/* A v2 directory of ours, if that can be had. */
static int
make_v2(char *dir, size_t bytes)
{
	static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (int i = 0; i < 2; i++) {
		snprintf(dir, bytes, "%s/cgroup.controllers", mounts[i]);
		if (access(dir, F_OK) < 0)
			continue;
		snprintf(dir, bytes, "%s/corun-test-%d", mounts[i], getpid());
		if (mkdir(dir, 0755) == 0)
			return open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
}

START_TEST(test_born_in_cgroup)
{
	struct spawn_plan plan =
		plan_of(SHELL("sed -n 's/^0::.*\\(corun-test-\\).*/\\1/p' /proc/self/cgroup"));
	char dir[256], procs[300];
	int fd = make_v2(dir, sizeof(dir));

	if (fd < 0) {
		printf("# no cgroup v2 to write to\n");
		return;
	}
	boot((enum kernel) _i);
	has_pidfds = _i != KERNEL_NO_PIDFD;
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	plan.cgroup_fd = fd;
	plan.cgroup_procs_fd = open(procs, O_WRONLY | O_CLOEXEC);
	int status;
	char *text = run(&plan, &status);
	/* Without clone3 and without cgroup.procs there is no way in, and it must not run outside. */
	close(plan.cgroup_procs_fd);
	plan.cgroup_procs_fd = -1;
	plan.fd_stdout = -1;
	struct spawn_result child;
	int r = spawn(&plan, &child);
	if (r == 0)
		end_of(&child);
	rmdir(dir);
	ck_assert_str_eq(text, "corun-test-\n");
	free(text);
	if (_i != KERNEL_ALL) {
		ck_assert_int_lt(r, 0);
		ck_assert_int_eq(child.step, SPAWN_CGROUP);
	} else {
		ck_assert_int_eq(r, 0);
	}
	close(fd);
	/* It is gone now. */
	plan.cgroup_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_lt(spawn(&plan, &child), 0);
	ck_assert_int_eq(child.step, SPAWN_CGROUP);
	close(plan.cgroup_fd);
}
END_TEST

/* ---- many ------------------------------------------------------------------------------------ */

enum { STARTERS = 8, STARTS = 25 };

static void
start_many(void *arg)
{
	struct spawn_plan plan = plan_of(SHELL("exit 3"));
	struct spawn_plan bad = plan_of(ARGV("/no/such/file"));
	struct spawn_result children[STARTS], none;

	(void) arg;
	for (int i = 0; i < STARTS; i++) {
		ck_assert_int_eq(spawn(&plan, &children[i]), 0);
		ck_assert_int_eq(spawn(&bad, &none), -ENOENT);
	}
	for (int i = 0; i < STARTS; i++)
		ck_assert_int_eq(end_of(&children[i]), 3 << 8);
}

static void
start_very_many(void *arg)
{
	struct corun_coroutine *co[STARTERS];

	(void) arg;
	for (int i = 0; i < STARTERS; i++)
		ck_assert_int_eq(corun_spawn(&co[i], NULL, start_many, NULL), 0);
	for (int i = 0; i < STARTERS; i++)
		ck_assert_int_eq(corun_join(co[i], corun_in(PATIENCE)), 0);
}

START_TEST(test_many_at_once)
{
	run_from(FROM_COROUTINE, start_very_many, NULL);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

/* Users are changed by several at a time: the flag of the memory is right afterwards. */
static void
start_strangers(void *arg)
{
	struct spawn_plan plan = plan_of(ARGV("/bin/true"));
	struct spawn_user user = { .set = true, .uid = STRANGER, .gid = STRANGER };
	struct spawn_result child;

	(void) arg;
	plan.user = &user;
	for (int i = 0; i < STARTS; i++) {
		ck_assert_int_eq(spawn(&plan, &child), 0);
		ck_assert_int_eq(end_of(&child), 0);
	}
}

static void
start_strangers_at_once(void *arg)
{
	struct corun_coroutine *co[STARTERS];

	(void) arg;
	for (int i = 0; i < STARTERS; i++)
		ck_assert_int_eq(corun_spawn(&co[i], NULL, start_strangers, NULL), 0);
	for (int i = 0; i < STARTERS; i++)
		ck_assert_int_eq(corun_join(co[i], corun_in(PATIENCE)), 0);
}

START_TEST(test_dumpable_stays)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, _i), 0);
	run_from(FROM_COROUTINE, start_strangers_at_once, NULL);
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE), _i);
}
END_TEST

/* ---- programs -------------------------------------------------------------------------------- */

static void
finds(const char *name, const char *path, const char *file)
{
	char *found = NULL;

	ck_assert_int_eq(spawn_find_program(name, path, &found), 0);
	ck_assert_str_eq(found, file);
	free(found);
}

START_TEST(test_finds_programs)
{
	char dir[] = "/tmp/corun-test-XXXXXX";
	char *found = NULL;
	char file[64];

	finds("sh", "/no/such/dir:/bin:/usr/bin", "/bin/sh");
	finds("/bin/sh", "", "/bin/sh");
	ck_assert_int_eq(spawn_find_program("sh", "/no/such/dir", &found), -ENOENT);
	ck_assert_int_eq(spawn_find_program("", "/bin", &found), -ENOENT);
	ck_assert_int_eq(spawn_find_program("/etc/passwd", "/bin", &found), -EACCES);
	ck_assert_int_eq(spawn_find_program("/bin", "/bin", &found), -EACCES);
	ck_assert_int_eq(spawn_find_program("passwd", "/etc:/no", &found), -EACCES);
	ck_assert_int_eq(spawn_find_program("x", "/etc/passwd", &found), -ENOENT);

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/sh", dir);
	close(open(file, O_CREAT | O_WRONLY, 0755));
	ck_assert_int_eq(chdir(dir), 0);
	finds("sh", ":/bin", file);
	finds("sh", "/bin:", "/bin/sh");
	snprintf(file, sizeof(file), "%s/./sh", dir);
	finds("./sh", "/bin", file);
	unlink("sh");
	rmdir(dir);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spawn");
	TCase *tc = tcase_create("spawn");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_loop_test(tc, test_runs, 0, WAYS);
	tcase_add_loop_test(tc, test_tells_its_end, 0, WAYS);
	tcase_add_loop_test(tc, test_swaps_descriptors, 0, WAYS);
	tcase_add_loop_test(tc, test_leads_a_session, 0, WAYS);
	tcase_add_loop_test(tc, test_leaks_no_descriptor, 0, WAYS);
	tcase_add_loop_test(tc, test_starts_with_default_signals, 0, WAYS);
	tcase_add_loop_test(tc, test_keeps_the_limit_of_files, 0, WAYS);
	tcase_add_loop_test(tc, test_changes_the_user, 0, WAYS);
	tcase_add_loop_test(tc, test_lacks_the_right, 0, WAYS);
	tcase_add_test(tc, test_looks_up_users);
	tcase_add_loop_test(tc, test_each_step_fails, 0, WAYS);
	tcase_add_test(tc, test_steps_have_names);
	tcase_add_test(tc, test_no_process_left);
	tcase_add_loop_test(tc, test_born_in_cgroup, 0, KERNEL_NO_CLOSE_RANGE);
	tcase_add_test(tc, test_many_at_once);
	tcase_add_loop_test(tc, test_dumpable_stays, 0, 2);
	tcase_add_test(tc, test_finds_programs);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
