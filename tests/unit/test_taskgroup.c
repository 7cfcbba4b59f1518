/*
 * Taskgroup: real cgroups below this machine's own, v1 or v2; and where there can be none, what is
 * said about it. The same with and without libcgroup.
 */

#include "daemon/process/taskgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "tests/unit/child.h"

/* Below which they are made here; and is it v1? */
static char base[128];
static bool base_is_v1;

static const struct corun_cpu_limit no_quota = { .limited = false };

static struct corun_cpu_limit
quota(uint64_t quota_us, uint64_t period_us)
{
	return (struct corun_cpu_limit){ true, quota_us, period_us };
}

/* Of this test alone: others may run beside it. */
static const char *
name_of(int i)
{
	static char names[16][64];

	snprintf(names[i], sizeof(names[i]), "corun-test-%d-%d", getpid(), i);
	return names[i];
}

static struct taskgroup *
make(const char *task, struct corun_cpu_limit limit)
{
	struct taskgroup_fault fault = { "" };
	struct taskgroup *group;
	int r = taskgroup_make(task, &limit, &group, &fault);

	ck_assert_msg(r == 0, "%d: %s", r, fault.text);
	return group;
}

static void
read_value(const char *dir, const char *name, char *text, size_t bytes)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "no %s", path);
	ck_assert_ptr_nonnull(fgets(text, (int) bytes, file));
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

static void
write_value(const char *dir, const char *name, const char *text)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static bool
is_v1(const struct taskgroup *group)
{
	return taskgroup_dir_fd(group) < 0;
}

/* What the kernel says of it, in the words of v2. */
static void
quota_is(const struct taskgroup *group, const char *wanted)
{
	char text[64], quota_us[24], period_us[24];
	const char *dir = taskgroup_path(group);

	if (is_v1(group)) {
		read_value(dir, "cpu.cfs_quota_us", quota_us, sizeof(quota_us));
		read_value(dir, "cpu.cfs_period_us", period_us, sizeof(period_us));
		snprintf(text, sizeof(text), "%s %s",
			 strcmp(quota_us, "-1") == 0 ? "max" : quota_us, period_us);
	} else {
		read_value(dir, "cpu.max", text, sizeof(text));
	}
	ck_assert_str_eq(text, wanted);
}

static void
run_in(const struct taskgroup *group, const char *script, struct spawn_result *child)
{
	struct spawn_plan plan = plan_of(SHELL(script));

	plan.cgroup_fd = taskgroup_dir_fd(group);
	plan.cgroup_procs_fd = taskgroup_procs_fd(group);
	ck_assert_int_eq(spawn(&plan, child), 0);
	close(child->pidfd);
}

static int
end_of(const struct spawn_result *child)
{
	int status;

	ck_assert_int_eq(waitpid(child->pid, &status, 0), child->pid);
	return status;
}

static void
is_removed(struct taskgroup *group)
{
	char *dir = strdup(taskgroup_path(group));
	uint64_t until_ns = corun_in(PATIENCE);

	while (taskgroup_empty(group) != 1) {
		ck_assert_msg(corun_now() < until_ns, "%s is not empty", dir);
		corun_sleep(CORUN_MS);
	}
	ck_assert_int_eq(taskgroup_remove(group), 0);
	ck_assert_int_eq(access(dir, F_OK), -1);
	free(dir);
}

/* ---- quotas ---------------------------------------------------------------------------------- */

static void
sets_quotas(void *arg)
{
	static const struct {
		struct corun_cpu_limit quota;
		const char *is;
	} rows[] = {
		{ { true, 250000, 100000 }, "250000 100000" },
		{ { false, 0, 0 }, "max 100000" }, /* the period stays */
		{ { true, 50000, 100000 }, "50000 100000" },
		{ { true, 20000, 10000 }, "20000 10000" },
		{ { true, 9000, 10000 }, "9000 10000" },
		{ { true, 250000, 100000 }, "250000 100000" },
		/* Less than a millisecond: the same share of a longer period, or the least. */
		{ { true, 500, 100000 }, "1000 200000" },
		{ { true, 1, 100000 }, "1000 1000000" },
		{ { true, 0, 100000 }, "1000 1000000" },
		/* Periods out of range. */
		{ { true, 5000000, 2000000 }, "250000 100000" },
		{ { true, 50, 100 }, "50000 100000" },
		{ { true, 50, 0 }, "max 100000" },
	};
	struct taskgroup_fault fault;
	struct taskgroup *group = make(name_of(0), quota(150000, 100000));

	(void) arg;
	quota_is(group, "150000 100000");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(taskgroup_set_quota(group, &rows[i].quota, &fault), 0);
		quota_is(group, rows[i].is);
	}
	is_removed(group);
	group = make(name_of(1), no_quota);
	quota_is(group, "max 100000");
	is_removed(group);
}

START_TEST(test_sets_quotas)
{
	run_from(_i, sets_quotas, NULL);
}
END_TEST

/* ---- members --------------------------------------------------------------------------------- */

static void
holds_processes(void *arg)
{
	struct taskgroup *group = make(name_of(0), quota(100000, 100000));
	struct spawn_result child, child2;
	char script[256];

	(void) arg;
	snprintf(script, sizeof(script), "grep -q '/task-%s$' /proc/self/cgroup", name_of(0));
	run_in(group, script, &child);
	ck_assert_int_eq(end_of(&child), 0);
	ck_assert_int_eq(taskgroup_empty(group), 1);

	/* One that has children, and one that takes no notice of signals. */
	run_in(group, "sleep 1000 & sleep 1000 & wait", &child);
	run_in(group, "trap '' TERM; sleep 1000; exit 1", &child2);
	ck_assert_int_eq(taskgroup_empty(group), 0);
	ck_assert_int_eq(taskgroup_kill(group), 0);
	ck_assert_int_eq(end_of(&child), SIGKILL);
	ck_assert_int_eq(end_of(&child2), SIGKILL);
	is_removed(group);
}

START_TEST(test_holds_processes)
{
	run_from(_i, holds_processes, NULL);
}
END_TEST

/* From an earlier run, with somebody in it. */
static void
finds_it_again(void *arg)
{
	struct taskgroup *group = make(name_of(0), quota(100000, 100000)), *again;
	struct spawn_result child;

	(void) arg;
	run_in(group, "sleep 1000", &child);
	ck_assert_int_eq(taskgroup_remove(group), -EBUSY); /* the handle is gone, it is not */
	again = make(name_of(0), quota(200000, 100000));
	quota_is(again, "200000 100000");
	ck_assert_int_eq(taskgroup_empty(again), 0);
	ck_assert_int_eq(taskgroup_kill(again), 0);
	ck_assert_int_eq(end_of(&child), SIGKILL);
	is_removed(again);
}

START_TEST(test_finds_it_again)
{
	run_from(_i, finds_it_again, NULL);
}
END_TEST

static void
escapes_names(void *arg)
{
	char task[96];
	const char *dir;
	struct taskgroup *group;

	(void) arg;
	snprintf(task, sizeof(task), "../%s a%%\xc3\xa4@1", name_of(0));
	group = make(task, quota(100000, 100000));
	dir = taskgroup_path(group);
	ck_assert_ptr_nonnull(strstr(dir, "/task-..\\x2fcorun-test-"));
	ck_assert_str_eq(strstr(dir, "-0") + 2, "\\x20a\\x25\\xc3\\xa4@1");
	ck_assert_int_eq(access(dir, F_OK), 0);
	quota_is(group, "100000 100000");
	is_removed(group);
}

START_TEST(test_escapes_names)
{
	run_from(FROM_COROUTINE, escapes_names, NULL);
}
END_TEST

/* ---- many ------------------------------------------------------------------------------------ */

static void
make_and_remove(void *arg)
{
	const char *task = arg;

	for (int i = 0; i < 10; i++) {
		struct taskgroup *group = make(task, quota(100000, 100000));
		struct spawn_result child;

		run_in(group, "exit 0", &child);
		ck_assert_int_eq(end_of(&child), 0);
		is_removed(group);
	}
}

static void
make_many(void *arg)
{
	struct corun_coroutine *co[8];

	(void) arg;
	for (int i = 0; i < 8; i++) {
		void *name = (void *) (uintptr_t) name_of(i);

		ck_assert_int_eq(corun_spawn(&co[i], NULL, make_and_remove, name), 0);
	}
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(corun_join(co[i], corun_in(PATIENCE)), 0);
}

START_TEST(test_many_at_once)
{
	run_from(FROM_COROUTINE, make_many, NULL);
}
END_TEST

/* ---- the end --------------------------------------------------------------------------------- */

/* All is as before: we are where we were started, and can be again. */
START_TEST(test_leaves)
{
	struct taskgroup *group;
	char leaf[256];

	ck_assert_int_eq(taskgroup_leave(), 0); /* nothing was made yet */
	snprintf(leaf, sizeof(leaf), "%s/supervisor", base);
	for (int i = 0; i < 2; i++) {
		group = make(name_of(0), no_quota);
		ck_assert_int_eq(access(leaf, F_OK) == 0, !base_is_v1);
		is_removed(group);
		ck_assert_int_eq(taskgroup_leave(), 0);
		ck_assert_int_eq(access(leaf, F_OK), -1);
	}
	/* As systemd does; the kernel would refuse it if the controller were still given on. */
	write_value(base, "cgroup.procs", "0");
}
END_TEST

/* ---- what does not work ---------------------------------------------------------------------- */

static void
fails(int error, const char *word, const char *other_word)
{
	struct corun_cpu_limit limit = quota(100000, 100000);
	struct taskgroup_fault fault = { "" };
	struct taskgroup *group;

	ck_assert_int_eq(taskgroup_make(name_of(0), &limit, &group, &fault), error);
	ck_assert_msg(strstr(fault.text, word) && strstr(fault.text, other_word),
		      "'%s' and '%s' are not both in: %s", word, other_word, fault.text);
}

START_TEST(test_without_right)
{
	ck_assert_int_eq(setresgid(4242, 4242, 4242), 0);
	ck_assert_int_eq(setresuid(4242, 4242, 4242), 0);
	fails(-EACCES, "cannot make /", "Delegate=cpu");
}
END_TEST

/* As in a container. */
START_TEST(test_read_only)
{
	char dir[128];

	strcpy(dir, base);
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	while (mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0) {
		/* Not a mount itself: one above it is. */
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_ptr_nonnull(strrchr(dir, '/'));
		*strrchr(dir, '/') = '\0';
	}
	fails(-EROFS, "cannot make /", "docker run --privileged");
}
END_TEST

/*
 * v1 refuses more than the cgroup above has (v2 takes it and gives less). Where we are is asked once
 * in a process: so it is asked after we have moved.
 */
START_TEST(test_more_than_above)
{
	struct corun_cpu_limit less = quota(40000, 100000), more = quota(60000, 100000);
	struct taskgroup_fault fault = { "" };
	struct taskgroup *group;
	char dir[256];

	if (!base_is_v1)
		return;
	snprintf(dir, sizeof(dir), "%s/%s", base, name_of(0));
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	write_value(dir, "cpu.cfs_quota_us", "50000");
	write_value(dir, "cgroup.procs", "0");
	fails(-EINVAL, "cpu.cfs_quota_us", "a cgroup above it allows less");
	group = make(name_of(1), less);
	ck_assert_int_eq(strncmp(taskgroup_path(group), dir, strlen(dir)), 0);
	quota_is(group, "40000 100000");
	ck_assert_int_eq(taskgroup_set_quota(group, &more, &fault), -EINVAL);
	quota_is(group, "40000 100000");
	is_removed(group);
	write_value(base, "cgroup.procs", "0");
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* Can there be cgroups here? A process of its own finds out. */
static bool
can_be_run(struct taskgroup_fault *fault)
{
	struct corun_cpu_limit limit = no_quota;
	struct taskgroup *group;
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) < 0 || (pid = fork()) < 0)
		return false;
	if (pid == 0) {
		int r = taskgroup_make("corun-test", &limit, &group, fault);

		if (r < 0) {
			r = write(fds[1], fault->text, sizeof(fault->text)) < 0;
			_exit(1);
		}
		snprintf(fault->text, sizeof(fault->text), "%d%s", is_v1(group),
			 taskgroup_path(group));
		r = write(fds[1], fault->text, sizeof(fault->text)) < 0;
		taskgroup_remove(group);
		_exit(r);
	}
	close(fds[1]);
	if (read(fds[0], fault->text, sizeof(fault->text)) < 0)
		return false;
	close(fds[0]);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

int
main(void)
{
	struct taskgroup_fault fault = { "" };
	Suite *suite = suite_create("taskgroup");
	TCase *tc = tcase_create("taskgroup");

	if (!can_be_run(&fault)) {
		printf("1..0 # SKIP %s\n", fault.text);
		return 0;
	}
	base_is_v1 = fault.text[0] == '1';
	*strrchr(fault.text, '/') = '\0';
	snprintf(base, sizeof(base), "%.127s", fault.text + 1);
	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_loop_test(tc, test_sets_quotas, 0, FROMS);
	tcase_add_loop_test(tc, test_holds_processes, 0, FROMS);
	tcase_add_loop_test(tc, test_finds_it_again, 0, FROMS);
	tcase_add_test(tc, test_escapes_names);
	tcase_add_test(tc, test_many_at_once);
	tcase_add_test(tc, test_leaves);
	tcase_add_test(tc, test_without_right);
	tcase_add_test(tc, test_read_only);
	tcase_add_test(tc, test_more_than_above);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
