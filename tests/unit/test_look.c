#include "config.h"

#include <corun/cpu.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "runtime/cpu/affinity.h"

#include "tests/unit/tap.h"
#include "tests/unit/tree.h"

/* ---- the fixtures ---------------------------------------------------------------------------- */

#define ID "4f2a9c1e7b3d5f60819a2b4c6d8e0f13579bdf02468ace13579bdf02468ace1f"

struct look_case {
	const char *fixture;
	enum corun_cpu_hierarchy hierarchy;
	const char *mount_point;
	size_t n_levels;
	const char *decides; /* path of the deciding level, or NULL */
	uint64_t quota_us, period_us;
	unsigned workers;      /* of 8 CPUs, by the rules */
	unsigned leaf_workers; /* of 8 CPUs, by Go's reading */
	const char *fault;
	bool hybrid;
};

/* clang-format off */
static const struct look_case look_cases[] = {
	{ "bare-metal-v2", CORUN_CGROUP_V2, "/sys/fs/cgroup", 4, NULL, 0, 0, 8, 8, NULL, false },
	{ "systemd-delegate-v2", CORUN_CGROUP_V2, "/sys/fs/cgroup", 4,
	  "/system.slice/corund.service", 250000, 100000, 3, 8, NULL, false },
	{ "hybrid", CORUN_CGROUP_V1, "/sys/fs/cgroup/cpu,cpuacct", 3,
	  "/system.slice/corund.service", 150000, 100000, 2, 2, NULL, true },
	{ "docker-v1", CORUN_CGROUP_V1, "/sys/fs/cgroup/cpu,cpuacct", 1,
	  "/", 130000, 50000, 3, 3, NULL, false },
	{ "docker-v2", CORUN_CGROUP_V2, "/sys/fs/cgroup", 1, "/", 230000, 100000, 3, 3, NULL, false },
	{ "kubernetes-v2", CORUN_CGROUP_V2, "/sys/fs/cgroup", 1, "/", 150000, 100000, 2, 2, NULL, false },
	{ "kubernetes-v2-host-namespace", CORUN_CGROUP_V2, "/sys/fs/cgroup", 5,
	  "/kubepods/burstable/pod7c1f", 350000, 100000, 4, 4, NULL, false },
	{ "bind-mounted-v2", CORUN_CGROUP_V2, "/sys/fs/cgroup", 2, "/", 300000, 100000, 3, 8, NULL, false },
	/* 4 CPUs twice: the level nearer to the leaf decides */
	{ "nested-v2", CORUN_CGROUP_V2, "/sys/fs/cgroup", 6,
	  "/docker/outer/docker", 200000, 50000, 4, 8, NULL, false },
	{ "above-namespace-v2", CORUN_CGROUP_V2, "/sys/fs/cgroup", 2,
	  "/init.scope", 600000, 100000, 6, 6, NULL, false },
	{ "escaped-v2", CORUN_CGROUP_V2, "/my cgroup\t\\x", 1, "/", 300000, 100000, 3, 3, NULL, false },
	{ "deleted-v2", CORUN_CGROUP_V2, "/sys/fs/cgroup", 3,
	  "/system.slice", 700000, 100000, 7, 8, NULL, false },
	{ "no-cgroup", CORUN_CGROUP_NONE, NULL, 0, NULL, 0, 0, 8, 8, NULL, false },
	{ "not-mounted", CORUN_CGROUP_NONE, NULL, 0, NULL, 0, 0, 8, 8, NULL, false },
	{ "v1-without-cpu", CORUN_CGROUP_NONE, NULL, 0, NULL, 0, 0, 8, 8, NULL, false },
	{ "malformed-cgroup", CORUN_CGROUP_NONE, NULL, 0, NULL, 0, 0, 8, 8,
	  "/proc/self/cgroup, line 3: path does not start with '/'", false },
	{ "malformed-mountinfo", CORUN_CGROUP_NONE, NULL, 0, NULL, 0, 0, 8, 8,
	  "/proc/self/mountinfo, line 4: a line has no separator ' - '", false },
	{ "malformed-cpu-max", CORUN_CGROUP_V2, "/sys/fs/cgroup", 3, "/a", 300000, 100000, 3, 8, NULL, false },
	{ "malformed-cfs-period", CORUN_CGROUP_V1, "/sys/fs/cgroup/cpu", 3, "/a", 300000, 100000, 3, 8, NULL, false },
	{ "unreadable-cpu-max", CORUN_CGROUP_V2, "/sys/fs/cgroup", 3, "/a", 300000, 100000, 3, 8, NULL, false },
};
/* clang-format on */

#define N_LOOK ((int) (sizeof(look_cases) / sizeof(look_cases[0])))

static struct corun_cpu *
open_fixture(const char *name, bool leaf_only)
{
	const char *top = getenv("CORUN_TOP_SRCDIR");
	struct corun_cpu_options options = { .cpus = 8, .leaf_only = leaf_only, .with_stat = true };
	struct corun_cpu *cpu;
	char root[PATH_MAX];

	snprintf(root, sizeof(root), "%s/tests/fixtures/%s", top ? top : ".", name);
	options.root = root;
	ck_assert_msg(corun_cpu_open(&options, &cpu) == 0, "cannot open %s", root);
	return cpu;
}

static void
check_view(const struct look_case *c, const struct corun_cpu_view *view)
{
	const char *decides = NULL;

	ck_assert_int_eq(view->hierarchy, c->hierarchy);
	ck_assert_int_eq(view->hybrid, c->hybrid);
	ck_assert_pstr_eq(view->mount_point, c->mount_point);
	ck_assert_uint_eq(view->n_levels, c->n_levels);
	ck_assert_pstr_eq(view->fault, c->fault);
	ck_assert_int_eq(view->fault_error, c->fault ? -EINVAL : 0);
	ck_assert_uint_eq(view->cpus, 8);
	ck_assert(view->cpus_given);
	for (size_t i = 0; i < view->n_levels; i++) {
		if (!view->levels[i].decides)
			continue;
		ck_assert_msg(!decides, "%s and %s decide", decides, view->levels[i].path);
		decides = view->levels[i].path;
	}
	ck_assert_pstr_eq(decides, c->decides);
	ck_assert_int_eq(view->limit.limited, c->period_us > 0);
	ck_assert_uint_eq(view->limit.quota_us, c->quota_us);
	ck_assert_uint_eq(view->limit.period_us, c->period_us);
	ck_assert_uint_eq(corun_cpu_decide(NULL, view->cpus, &view->limit).workers, c->workers);
}

START_TEST(fixture)
{
	const struct look_case *c = &look_cases[_i];
	struct corun_cpu *cpu = open_fixture(c->fixture, false);

	/* the second look takes other ways: descriptors are open, the place is known */
	check_view(c, corun_cpu_look(cpu));
	check_view(c, corun_cpu_look(cpu));
	corun_cpu_close(cpu);
}
END_TEST

START_TEST(fixture_leaf_only)
{
	const struct look_case *c = &look_cases[_i];
	struct corun_cpu *cpu = open_fixture(c->fixture, true);
	const struct corun_cpu_view *view = corun_cpu_look(cpu);

	ck_assert_uint_eq(view->n_levels, c->n_levels ? 1 : 0);
	ck_assert_uint_eq(corun_cpu_decide(NULL, view->cpus, &view->limit).workers,
			  c->leaf_workers);
	corun_cpu_close(cpu);
}
END_TEST

START_TEST(levels_in_detail)
{
	struct corun_cpu *cpu = open_fixture("systemd-delegate-v2", false);
	const struct corun_cpu_view *view = corun_cpu_look(cpu);
	const struct corun_cpu_level *level = view->levels;

	ck_assert_str_eq(view->cgroup_path, "/system.slice/corund.service/supervisor");
	ck_assert_str_eq(view->mount_root, "/");
	ck_assert_str_eq(level[0].path, "/system.slice/corund.service/supervisor");
	ck_assert_str_eq(level[0].dir, "/sys/fs/cgroup/system.slice/corund.service/supervisor");
	ck_assert_int_eq(level[0].state, CORUN_LEVEL_NO_FILE);
	ck_assert(!level[0].has_stat);
	ck_assert_int_eq(level[1].state, CORUN_LEVEL_LIMITED);
	ck_assert(level[1].has_stat);
	ck_assert_uint_eq(level[1].nr_periods, 120);
	ck_assert_uint_eq(level[1].nr_throttled, 33);
	ck_assert_uint_eq(level[1].throttled_us, 1234567);
	ck_assert_int_eq(level[2].state, CORUN_LEVEL_UNLIMITED);
	ck_assert_str_eq(level[3].path, "/");
	ck_assert_str_eq(level[3].dir, "/sys/fs/cgroup");
	ck_assert_int_eq(level[3].state, CORUN_LEVEL_NO_FILE);
	corun_cpu_close(cpu);

	cpu = open_fixture("hybrid", false);
	level = corun_cpu_look(cpu)->levels;
	ck_assert_uint_eq(level[0].throttled_us, 4500001);
	corun_cpu_close(cpu);

	cpu = open_fixture("malformed-cpu-max", false);
	level = corun_cpu_look(cpu)->levels;
	ck_assert_int_eq(level[0].state, CORUN_LEVEL_MALFORMED);
	ck_assert_int_eq(level[0].error, -EINVAL);
	corun_cpu_close(cpu);

	cpu = open_fixture("unreadable-cpu-max", false);
	level = corun_cpu_look(cpu)->levels;
	ck_assert_int_eq(level[0].state, CORUN_LEVEL_UNREADABLE);
	ck_assert_int_eq(level[0].error, -EISDIR);
	corun_cpu_close(cpu);
}
END_TEST

/* ---- changes between two looks --------------------------------------------------------------- */

#define V2_MOUNT "30 24 0:26 / /cg rw - cgroup2 cgroup2 rw\n"
#define V1_MOUNT "31 24 0:27 / /v1 rw - cgroup cgroup rw,cpu\n"

static struct tree tree;
static struct corun_cpu *cpu;

static void
setup(void)
{
	struct corun_cpu_options options = { .cpus = 8 };

	tree_make(&tree);
	tree_write(&tree, "proc/self/cgroup", "0::/a/b\n");
	tree_write(&tree, "proc/self/mountinfo", V2_MOUNT);
	tree_write(&tree, "cg/a/cpu.max", "500000 100000\n");
	tree_write(&tree, "cg/a/b/cpu.max", "max 100000\n");
	options.root = tree.root;
	ck_assert_int_eq(corun_cpu_open(&options, &cpu), 0);
}

static void
teardown(void)
{
	corun_cpu_close(cpu);
	tree_remove(&tree);
}

/* The limit of a new look in hundredths of a CPU; -1 for none. */
static long
look(void)
{
	const struct corun_cpu_view *view = corun_cpu_look(cpu);

	if (!view->limit.limited)
		return -1;
	return (long) (view->limit.quota_us * 100 / view->limit.period_us);
}

START_TEST(quota_changes)
{
	static const long quotas[] = { 300, 100, 300, 50, 0, 700 };
	char text[64];

	ck_assert_int_eq(look(), 500);
	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
		snprintf(text, sizeof(text), "%ld000 100000\n", quotas[i]);
		tree_write(&tree, "cg/a/b/cpu.max", text);
		ck_assert_int_eq(look(), quotas[i] < 500 ? quotas[i] : 500);
	}
	tree_write(&tree, "cg/a/b/cpu.max", "max 100000\n");
	ck_assert_int_eq(look(), 500);
	tree_write(&tree, "cg/a/cpu.max", "max 100000\n");
	ck_assert_int_eq(look(), -1);
	/* the root of what is visible counts as well, once it has a file */
	tree_write(&tree, "cg/cpu.max", "200000 100000\n");
	ck_assert_int_eq(look(), 200);
}
END_TEST

/* One level fails and keeps its last value; the others go on. */
START_TEST(levels_fail_alone)
{
	const struct corun_cpu_view *view;

	tree_write(&tree, "cg/a/b/cpu.max", "300000 100000\n");
	ck_assert_int_eq(look(), 300);
	tree_write(&tree, "cg/a/b/cpu.max", "nonsense");
	tree_write(&tree, "cg/a/cpu.max", "400000 100000\n");
	ck_assert_int_eq(look(), 300);
	view = corun_cpu_look(cpu);
	ck_assert_int_eq(view->levels[0].state, CORUN_LEVEL_MALFORMED);
	ck_assert(view->levels[0].stale);
	ck_assert(view->levels[0].decides);
	ck_assert_int_eq(view->levels[1].state, CORUN_LEVEL_LIMITED);
	tree_write(&tree, "cg/a/cpu.max", "200000 100000\n");
	ck_assert_int_eq(look(), 200);
	tree_delete(&tree, "cg/a/b/cpu.max");
	tree_write(&tree, "cg/a/cpu.max", "max 100000\n");
	ck_assert_int_eq(look(), -1);
}
END_TEST

START_TEST(process_moves)
{
	const struct corun_cpu_view *view;

	ck_assert_int_eq(look(), 500);
	tree_write(&tree, "cg/c/cpu.max", "100000 100000\n");
	tree_write(&tree, "proc/self/cgroup", "0::/c\n");
	ck_assert_int_eq(look(), 100);
	view = corun_cpu_look(cpu);
	ck_assert_str_eq(view->cgroup_path, "/c");
	ck_assert_uint_eq(view->n_levels, 2);
	/* back, deeper; the shared level's last good value goes along */
	tree_write(&tree, "cg/a/cpu.max", "400000 100000\n");
	tree_write(&tree, "proc/self/cgroup", "0::/a/b\n");
	ck_assert_int_eq(look(), 400);
	tree_write(&tree, "cg/a/cpu.max", "nonsense");
	tree_write(&tree, "proc/self/cgroup", "0::/a/d\n");
	ck_assert_int_eq(look(), 400);
	ck_assert(corun_cpu_look(cpu)->levels[1].stale);
	/* to another hierarchy, and to none */
	tree_write(&tree, "proc/self/cgroup", "5:cpu:/x\n0::/a/b\n");
	ck_assert_int_eq(look(), -1);
	view = corun_cpu_look(cpu);
	ck_assert_int_eq(view->hierarchy, CORUN_CGROUP_NONE);
	ck_assert_str_eq(view->cgroup_path, "/x");
	ck_assert_ptr_null(view->fault);
	/* a mount that comes later is found, though the name stays the same */
	tree_write(&tree, "v1/x/cpu.cfs_quota_us", "300000\n");
	tree_write(&tree, "v1/x/cpu.cfs_period_us", "100000\n");
	tree_write(&tree, "proc/self/mountinfo", V2_MOUNT V1_MOUNT);
	ck_assert_int_eq(look(), 300);
	ck_assert(corun_cpu_look(cpu)->hybrid);
	tree_write(&tree, "proc/self/cgroup", "");
	ck_assert_int_eq(look(), -1);
	ck_assert_uint_eq(corun_cpu_look(cpu)->n_levels, 0);
	tree_write(&tree, "proc/self/cgroup", "0::/a/b\n");
	tree_write(&tree, "cg/a/cpu.max", "250000 100000\n");
	ck_assert_int_eq(look(), 250);
	tree_delete(&tree, "proc/self/cgroup");
	ck_assert_int_eq(look(), -1);
	ck_assert_ptr_null(corun_cpu_look(cpu)->fault);
}
END_TEST

/* What was known stays in force while the look-up itself fails, and is still read. */
START_TEST(lookup_fails_later)
{
	const struct corun_cpu_view *view;

	ck_assert_int_eq(look(), 500);
	tree_write(&tree, "proc/self/cgroup", "0::nonsense\n");
	ck_assert_int_eq(look(), 500);
	tree_write(&tree, "cg/a/cpu.max", "300000 100000\n");
	ck_assert_int_eq(look(), 300);
	view = corun_cpu_look(cpu);
	ck_assert_str_eq(view->fault, "/proc/self/cgroup, line 1: path does not start with '/'");
	ck_assert_int_eq(view->fault_error, -EINVAL);
	ck_assert_uint_eq(view->n_levels, 3);
	ck_assert_str_eq(view->cgroup_path, "/a/b");

	tree_write(&tree, "proc/self/cgroup", "0::/elsewhere\n");
	tree_write(&tree, "proc/self/mountinfo", "rubbish\n");
	ck_assert_int_eq(look(), 300);
	ck_assert_str_eq(corun_cpu_look(cpu)->fault,
			 "/proc/self/mountinfo, line 1: a line has too few fields");
	tree_write(&tree, "proc/self/mountinfo", V2_MOUNT);
	ck_assert_int_eq(look(), -1);
	ck_assert_ptr_null(corun_cpu_look(cpu)->fault);
	ck_assert_int_eq(corun_cpu_look(cpu)->fault_error, 0);

	tree_delete(&tree, "proc/self/cgroup");
	tree_mkdir(&tree, "proc/self/cgroup");
	view = corun_cpu_look(cpu);
	ck_assert_int_eq(view->fault_error, -EISDIR);
	ck_assert_msg(strstr(view->fault, "/proc/self/cgroup: "), "%s", view->fault);
	tree_delete(&tree, "proc/self/cgroup");
}
END_TEST

/* A process without a free descriptor must not believe that it owns the machine. */
START_TEST(no_descriptor_left)
{
	const struct corun_cpu_view *view;
	struct rlimit limit;
	int taken[64], n = 0;

	ck_assert_int_eq(look(), 500);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (n < 64 && (taken[n] = open("/dev/null", O_RDONLY)) >= 0)
		n++;
	ck_assert_int_eq(errno, EMFILE);

	view = corun_cpu_look(cpu);
	ck_assert_int_eq(view->fault_error, -EMFILE);
	ck_assert_uint_eq(view->limit.quota_us, 500000);
	ck_assert_int_eq(view->levels[1].state, CORUN_LEVEL_LIMITED);
	/* the one that had no file, and so no descriptor */
	ck_assert_int_eq(view->levels[2].state, CORUN_LEVEL_UNREADABLE);
	ck_assert_int_eq(view->levels[2].error, -EMFILE);

	while (n > 0)
		close(taken[--n]);
	view = corun_cpu_look(cpu);
	ck_assert_ptr_null(view->fault);
	ck_assert_int_eq(view->levels[2].state, CORUN_LEVEL_NO_FILE);
}
END_TEST

static int
count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* 1,500 levels: all of them count. */
START_TEST(deep_path)
{
	char path[4096] = "", text[4200], name[4200];
	size_t len = 0;

	for (int i = 0; i < 1500; i++)
		len += (size_t) snprintf(path + len, sizeof(path) - len, "/d");
	snprintf(text, sizeof(text), "0::%s\n", path);
	tree_write(&tree, "proc/self/cgroup", text);
	snprintf(name, sizeof(name), "cg%s/cpu.max", path);
	tree_write(&tree, name, "600000 100000\n");
	tree_write(&tree, "cg/d/d/cpu.max", "300000 100000\n");
	ck_assert_int_eq(look(), 300);
	tree_write(&tree, name, "200000 100000\n");
	ck_assert_int_eq(look(), 200);
	ck_assert_uint_eq(corun_cpu_look(cpu)->n_levels, 1501);
}
END_TEST

/* 60 levels with a file each: few of them keep a descriptor, and the others are read all the same.
 */
START_TEST(few_descriptors)
{
	char path[256] = "", text[300], name[300];
	int before = count_descriptors();
	size_t len = 0;

	for (int i = 0; i < 60; i++) {
		len += (size_t) snprintf(path + len, sizeof(path) - len, "/d");
		snprintf(name, sizeof(name), "cg%s/cpu.max", path);
		tree_write(&tree, name, "600000 100000\n");
	}
	snprintf(text, sizeof(text), "0::%s\n", path);
	tree_write(&tree, "proc/self/cgroup", text);
	ck_assert_int_eq(look(), 600);
	ck_assert_int_eq(count_descriptors(), before + 32);
	tree_write(&tree, "cg/d/cpu.max", "100000 100000\n");
	ck_assert_int_eq(look(), 100);
	ck_assert_int_eq(count_descriptors(), before + 32);
}
END_TEST

/* Neither file is there, or only one: no cgroup, and no fault. */
START_TEST(proc_files_missing)
{
	tree_delete(&tree, "proc/self/mountinfo");
	ck_assert_int_eq(look(), -1);
	ck_assert_ptr_null(corun_cpu_look(cpu)->fault);
	ck_assert_str_eq(corun_cpu_look(cpu)->cgroup_path, "/a/b");
	tree_delete(&tree, "proc/self/cgroup");
	ck_assert_int_eq(look(), -1);
	ck_assert_ptr_null(corun_cpu_look(cpu)->fault);
	ck_assert_ptr_null(corun_cpu_look(cpu)->cgroup_path);
}
END_TEST

START_TEST(path_too_long)
{
	char text[8200] = "0::/";

	memset(text + 4, 'e', 8000);
	strcpy(text + 8004, "\n");
	tree_write(&tree, "proc/self/cgroup", text);
	ck_assert_int_eq(look(), -1);
	ck_assert_int_eq(corun_cpu_look(cpu)->fault_error, -ENAMETOOLONG);
}
END_TEST

/* Looking goes on for years: no descriptor may be left behind. */
START_TEST(nothing_leaks)
{
	int before;

	look();
	before = count_descriptors();
	for (int i = 0; i < 300; i++) {
		tree_write(&tree, "proc/self/cgroup", i % 3 ? "0::/a/b\n" : "0::/a\n");
		tree_replace(&tree, "cg/a/cpu.max", i % 2 ? "max 100000\n" : "x");
		look();
	}
	tree_write(&tree, "proc/self/cgroup", "0::/a/b\n");
	tree_replace(&tree, "cg/a/cpu.max", "100000 100000\n");
	ck_assert_int_eq(look(), 100);
	ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

START_TEST(open_fails)
{
	struct corun_cpu_options options = { .root = "/no/such/folder" };
	struct corun_cpu *other = NULL;

	ck_assert_int_eq(corun_cpu_open(&options, &other), -ENOENT);
	options.root = "/dev/null";
	ck_assert_int_eq(corun_cpu_open(&options, &other), -ENOTDIR);
	ck_assert_ptr_null(other);
	corun_cpu_close(NULL);
}
END_TEST

/* ---- affinity -------------------------------------------------------------------------------- */

static int
set_affinity(pid_t tid, int cpu_number)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu_number, &one);
	return sched_setaffinity(tid, sizeof(one), &one);
}

static int
first_cpu(void)
{
	cpu_set_t all;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all))
			return i;
	return 0;
}

static unsigned
cpus_now(void)
{
	struct corun_cpu *own;
	unsigned cpus;

	ck_assert_int_eq(corun_cpu_open(NULL, &own), 0);
	ck_assert(!corun_cpu_look(own)->cpus_given);
	cpus = corun_cpu_look(own)->cpus;
	corun_cpu_close(own);
	return cpus;
}

static void *
narrow_own_mask(void *ret)
{
	ck_assert_int_eq(set_affinity(0, first_cpu()), 0);
	*(unsigned *) ret = cpus_now();
	return NULL;
}

static void *
look_from_here(void *ret)
{
	*(unsigned *) ret = cpus_now();
	return NULL;
}

/* A thread that binds itself to one CPU does not bind the process; its first thread does. */
START_TEST(affinity_of_first_thread)
{
	int all = cpu_affinity_count(0, 0);
	unsigned seen = 0;
	pthread_t thread;

	ck_assert_int_ge(all, 1);
	ck_assert_uint_eq(cpus_now(), (unsigned) all);
	ck_assert_int_eq(pthread_create(&thread, NULL, narrow_own_mask, &seen), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(seen, (unsigned) all);

	ck_assert_int_eq(set_affinity(0, first_cpu()), 0);
	ck_assert_uint_eq(cpus_now(), 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, look_from_here, &seen), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(seen, 1);
}
END_TEST

/* The kernel refuses a buffer that is too small; one of 1 byte is so on every machine. */
START_TEST(affinity_buffer_grows)
{
	cpu_set_t mask;

	ck_assert_int_eq(sched_getaffinity(0, 1, &mask), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(cpu_affinity_count(0, 1), cpu_affinity_count(0, 0));
	ck_assert_int_eq(cpu_affinity_count(0, 1 << 16), cpu_affinity_count(0, 0));
	ck_assert_int_eq(cpu_affinity_count(-1, 0), -ESRCH);
	ck_assert_int_eq(cpu_affinity_count(0x7ffffff0, 0), -ESRCH);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("look");
	TCase *fixtures = tcase_create("fixtures");
	TCase *changes = tcase_create("changes");
	TCase *affinity = tcase_create("affinity");

	tcase_add_loop_test(fixtures, fixture, 0, N_LOOK);
	tcase_add_loop_test(fixtures, fixture_leaf_only, 0, N_LOOK);
	tcase_add_test(fixtures, levels_in_detail);
	tcase_add_test(fixtures, open_fails);
	suite_add_tcase(suite, fixtures);

	tcase_add_checked_fixture(changes, setup, teardown);
	tcase_set_timeout(changes, 60);
	tcase_add_test(changes, quota_changes);
	tcase_add_test(changes, levels_fail_alone);
	tcase_add_test(changes, process_moves);
	tcase_add_test(changes, lookup_fails_later);
	tcase_add_test(changes, no_descriptor_left);
	tcase_add_test(changes, deep_path);
	tcase_add_test(changes, few_descriptors);
	tcase_add_test(changes, proc_files_missing);
	tcase_add_test(changes, path_too_long);
	tcase_add_test(changes, nothing_leaks);
	suite_add_tcase(suite, changes);

	tcase_add_test(affinity, affinity_of_first_thread);
	tcase_add_test(affinity, affinity_buffer_grows);
	suite_add_tcase(suite, affinity);
	return tap_run(suite);
}
