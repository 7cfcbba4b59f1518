/*
 * The kernel itself: a cgroup v1 of the test's own, real quotas, and a process that moves. Needs
 * root and a mounted v1 hierarchy with the CPU controller; skipped elsewhere.
 */

#include "config.h"

#include <corun/cpu.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/unit/tap.h"
#include "tests/unit/tree.h"

/* The process's own cgroup, before any test; the tests' cgroups are made in it. */
static char base[PATH_MAX / 2];

static void
put(const char *file, const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s%s", base, name, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s: %m", path);
	ck_assert_msg(write(fd, text, strlen(text)) == (ssize_t) strlen(text), "%s: %m", path);
	ck_assert_int_eq(close(fd), 0);
}

static void
make(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	ck_assert_msg(mkdir(path, 0755) == 0, "mkdir %s: %m", path);
}

static void
unmake(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	ck_assert_msg(rmdir(path) == 0, "rmdir %s: %m", path);
}

/* Moves this process, with all of its threads. */
static void
enter(const char *name)
{
	put("/cgroup.procs", name, "0");
}

/* Named by main(), so that it can tidy up after a test that died. */
static char outer[32], leaf[64];
static struct corun_cpu *cpu;

static void
remove_leftovers(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", base, leaf);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/%s", base, outer);
	rmdir(path);
}

static void
setup(void)
{
	struct corun_cpu_options options = { .cpus = 8, .with_stat = true };

	remove_leftovers();
	make(outer);
	make(leaf);
	enter(leaf);
	ck_assert_int_eq(corun_cpu_open(&options, &cpu), 0);
}

static void
teardown(void)
{
	corun_cpu_close(cpu);
	enter("");
	unmake(leaf);
	unmake(outer);
}

static long
look(void)
{
	const struct corun_cpu_view *view = corun_cpu_look(cpu);

	ck_assert_msg(!view->fault, "%s", view->fault);
	ck_assert_int_eq(view->hierarchy, CORUN_CGROUP_V1);
	if (!view->limit.limited)
		return -1;
	return (long) (view->limit.quota_us * 100 / view->limit.period_us);
}

START_TEST(quota_changes)
{
	long around = look();
	const struct corun_cpu_level *level;

	put("/cpu.cfs_quota_us", leaf, "50000");
	ck_assert_int_eq(look(), 50);
	put("/cpu.cfs_period_us", leaf, "200000");
	ck_assert_int_eq(look(), 25);
	put("/cpu.cfs_quota_us", leaf, "-1");
	ck_assert_int_eq(look(), around);
	put("/cpu.cfs_quota_us", outer, "70000");
	ck_assert_int_eq(look(), 70);
	level = corun_cpu_look(cpu)->levels;
	ck_assert_int_eq(level[0].state, CORUN_LEVEL_UNLIMITED);
	ck_assert_int_eq(level[1].state, CORUN_LEVEL_LIMITED);
	ck_assert(level[1].decides);
	ck_assert(level[1].has_stat);
	put("/cpu.cfs_quota_us", outer, "-1");
	ck_assert_int_eq(look(), around);
}
END_TEST

/*
 * The cgroup is removed and made again under the same name between two looks: the open descriptor
 * says ENODEV, while /proc/self/cgroup shows no change.
 */
START_TEST(cgroup_made_again)
{
	char path[PATH_MAX], text[16];
	int fd;

	put("/cpu.cfs_quota_us", leaf, "50000");
	ck_assert_int_eq(look(), 50);
	snprintf(path, sizeof(path), "%s/%s/cpu.cfs_quota_us", base, leaf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	for (int i = 0; i < 3; i++) {
		enter("");
		unmake(leaf);
		make(leaf);
		put("/cpu.cfs_quota_us", leaf, "80000");
		enter(leaf);
		/* this is what the kernel does; if it ever changes, the test proves nothing */
		ck_assert_int_eq(pread(fd, text, sizeof(text), 0), -1);
		ck_assert_int_eq(errno, ENODEV);
		ck_assert_int_eq(look(), 80);
	}
	close(fd);
}
END_TEST

START_TEST(process_moves)
{
	put("/cpu.cfs_quota_us", outer, "90000");
	put("/cpu.cfs_quota_us", leaf, "60000");
	ck_assert_int_eq(look(), 60);
	enter(outer);
	ck_assert_int_eq(look(), 90);
	enter(leaf);
	ck_assert_int_eq(look(), 60);
}
END_TEST

/* A child that burns CPU time under a quota: its throttling is seen. */
START_TEST(throttling)
{
	const struct corun_cpu_level *level;
	uint64_t before;
	pid_t child;

	put("/cpu.cfs_quota_us", leaf, "5000");
	ck_assert_int_eq(look(), 5);
	before = corun_cpu_look(cpu)->levels[0].throttled_us;
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		for (volatile unsigned long i = 0;; i++)
			;
	/* Throttled as this process is, each look takes a while; the case has a time limit. */
	do {
		level = corun_cpu_look(cpu)->levels;
		ck_assert(level[0].has_stat);
		usleep(1000);
	} while (level[0].nr_throttled == 0 || level[0].throttled_us <= before);
	ck_assert_uint_ge(level[0].nr_periods, level[0].nr_throttled);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

/* Return: why not, or NULL. */
static const char *
cannot_run(void)
{
	const struct corun_cpu_view *view;
	struct corun_cpu *own;
	char path[PATH_MAX];

	if (corun_cpu_open(NULL, &own) < 0)
		return "no memory";
	view = corun_cpu_look(own);
	base[0] = '\0';
	if (view->hierarchy == CORUN_CGROUP_V1)
		snprintf(base, sizeof(base), "%s", view->levels[0].dir);
	corun_cpu_close(own);
	if (!base[0])
		return "the CPU controller is not on cgroup v1 here";
	snprintf(path, sizeof(path), "%s/%s", base, outer);
	if (mkdir(path, 0755) < 0)
		return "cannot make a cgroup here";
	return rmdir(path) < 0 ? "cannot remove a cgroup here" : NULL;
}

int
main(void)
{
	Suite *suite = suite_create("live");
	TCase *tcase = tcase_create("live");
	const char *why;
	int r;

	snprintf(outer, sizeof(outer), "corun-test-%d", (int) getpid());
	snprintf(leaf, sizeof(leaf), "%s/leaf", outer);
	why = cannot_run();
	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, quota_changes);
	tcase_add_test(tcase, cgroup_made_again);
	tcase_add_test(tcase, process_moves);
	tcase_add_test(tcase, throttling);
	suite_add_tcase(suite, tcase);
	r = tap_run(suite);
	remove_leftovers();
	return r;
}
