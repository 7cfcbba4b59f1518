#include "config.h"

#include "runtime/cpu/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "tests/unit/tree.h"

/* ---- parsers --------------------------------------------------------------------------------- */

struct v2_case {
	const char *text;
	int result;
	bool limited;
	uint64_t quota_us, period_us;
};

/* clang-format off */
static const struct v2_case v2_cases[] = {
	{ "max 100000\n", 0, false, 0, 0 },
	{ "500000 100000\n", 0, true, 500000, 100000 },
	{ "50000 100000\n", 0, true, 50000, 100000 },
	{ "250000 100000\n", 0, true, 250000, 100000 },
	{ "9223372036854775807 9223372036854775807\n", 0, true, INT64_MAX, INT64_MAX },
	{ "0 100000\n", 0, true, 0, 100000 },
	{ "+5 +10\n", 0, true, 5, 10 },
	{ "-0 1\n", 0, true, 0, 1 },
	{ "007 010\n", 0, true, 7, 10 },
	/* "max" is looked at before anything else */
	{ "max ", 0, false, 0, 0 },
	{ "max 100000", 0, false, 0, 0 },
	{ "max rubbish", 0, false, 0, 0 },
	{ "max -1\n", 0, false, 0, 0 },
	{ "max  100000\n", 0, false, 0, 0 },
	/* what follows the newline is ignored */
	{ "5 10\nrubbish", 0, true, 5, 10 },
	/* malformed */
	{ "", -EINVAL, false, 0, 0 },
	{ "\n", -EINVAL, false, 0, 0 },
	{ "max\n", -EINVAL, false, 0, 0 },
	{ "max", -EINVAL, false, 0, 0 },
	{ "MAX 100000\n", -EINVAL, false, 0, 0 },
	{ "maxx 100000\n", -EINVAL, false, 0, 0 },
	{ "500000\n", -EINVAL, false, 0, 0 },
	{ "500000 100000", -EINVAL, false, 0, 0 },
	{ "500000us 100000\n", -EINVAL, false, 0, 0 },
	{ "500000 100000us\n", -EINVAL, false, 0, 0 },
	{ "500000  100000\n", -EINVAL, false, 0, 0 },
	{ " 500000 100000\n", -EINVAL, false, 0, 0 },
	{ "500000 100000 \n", -EINVAL, false, 0, 0 },
	{ "500000\t100000\n", -EINVAL, false, 0, 0 },
	{ "500000 100000\r\n", -EINVAL, false, 0, 0 },
	{ "500000 \n", -EINVAL, false, 0, 0 },
	{ "500000\n100000 1\n", -EINVAL, false, 0, 0 },
	{ " 100000\n", -EINVAL, false, 0, 0 },
	{ "0x10 100\n", -EINVAL, false, 0, 0 },
	{ "1_0 100\n", -EINVAL, false, 0, 0 },
	{ "1.5 100\n", -EINVAL, false, 0, 0 },
	{ "- 100\n", -EINVAL, false, 0, 0 },
	{ "+ 100\n", -EINVAL, false, 0, 0 },
	{ "--1 100\n", -EINVAL, false, 0, 0 },
	{ "9223372036854775808 100000\n", -EINVAL, false, 0, 0 },
	{ "100000 9223372036854775808\n", -EINVAL, false, 0, 0 },
	{ "18446744073709551617 100000\n", -EINVAL, false, 0, 0 },
	/* defined here, where Go divides by it or goes on with a negative limit */
	{ "-1 100000\n", -EINVAL, false, 0, 0 },
	{ "-9223372036854775808 100000\n", -EINVAL, false, 0, 0 },
	{ "100000 0\n", -EINVAL, false, 0, 0 },
	{ "100000 -100000\n", -EINVAL, false, 0, 0 },
	/* 63 bytes are looked at, 64 are too many */
	{ "00000000000000000000000000000000000000000000000000000001000 10\n", 0, true, 1000, 10 },
	{ "000000000000000000000000000000000000000000000000000000001000 10\n", -EINVAL, false, 0, 0 },
	{ "max 0000000000000000000000000000000000000000000000000000001000\n", 0, false, 0, 0 },
	{ "max 00000000000000000000000000000000000000000000000000000001000\n", -EINVAL, false, 0, 0 },
};
/* clang-format on */

#define N_V2 ((int) (sizeof(v2_cases) / sizeof(v2_cases[0])))

static char *
exact_copy(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	return copy;
}

START_TEST(parse_v2)
{
	const struct v2_case *c = &v2_cases[_i];
	size_t len = strlen(c->text);
	char *text = exact_copy(c->text, len);
	struct corun_cpu_limit got = { true, 4711, 4712 };

	ck_assert_int_eq(cpu_quota_parse_v2(text, len, &got), c->result);
	if (c->result == 0) {
		ck_assert_int_eq(got.limited, c->limited);
		ck_assert_uint_eq(got.quota_us, c->quota_us);
		ck_assert_uint_eq(got.period_us, c->period_us);
	} else {
		ck_assert_uint_eq(got.quota_us, 4711);
	}
	free(text);
}
END_TEST

struct number_case {
	const char *text;
	int result;
	int64_t value;
};

/* clang-format off */
static const struct number_case number_cases[] = {
	{ "-1\n", 0, -1 },
	{ "500000\n", 0, 500000 },
	{ "0\n", 0, 0 },
	{ "+7\n", 0, 7 },
	{ "9223372036854775807\n", 0, INT64_MAX },
	{ "-9223372036854775808\n", 0, INT64_MIN },
	{ "5\n6\n", 0, 5 },
	{ "500000", -EINVAL, 0 },
	{ "", -EINVAL, 0 },
	{ "\n", -EINVAL, 0 },
	{ "\n5\n", -EINVAL, 0 },
	{ "123max\n", -EINVAL, 0 },
	{ "max\n", -EINVAL, 0 },
	{ "1000 5000\n", -EINVAL, 0 },
	{ " 5\n", -EINVAL, 0 },
	{ "5 \n", -EINVAL, 0 },
	{ "9223372036854775808\n", -EINVAL, 0 },
	{ "-9223372036854775809\n", -EINVAL, 0 },
	{ "99999999999999999999999999999999999\n", -EINVAL, 0 },
	{ "00000000000000000000000000000000000000000000000000000000000005\n", 0, 5 },
	{ "000000000000000000000000000000000000000000000000000000000000005\n", -EINVAL, 0 },
};
/* clang-format on */

#define N_NUMBER ((int) (sizeof(number_cases) / sizeof(number_cases[0])))

START_TEST(parse_number)
{
	const struct number_case *c = &number_cases[_i];
	size_t len = strlen(c->text);
	char *text = exact_copy(c->text, len);
	int64_t got = 4711;

	ck_assert_int_eq(cpu_quota_parse_number(text, len, &got), c->result);
	ck_assert_int_eq(got, c->result == 0 ? c->value : 4711);
	free(text);
}
END_TEST

START_TEST(parse_nul)
{
	static const char v2[] = "5\0 10\n", v1[] = "5\0\n";
	struct corun_cpu_limit limit;
	int64_t value;

	ck_assert_int_eq(cpu_quota_parse_v2(v2, sizeof(v2) - 1, &limit), -EINVAL);
	ck_assert_int_eq(cpu_quota_parse_number(v1, sizeof(v1) - 1, &value), -EINVAL);
}
END_TEST

struct stat_case {
	const char *text;
	int result;
	struct cpu_quota_stat stat;
};

/* clang-format off */
static const struct stat_case stat_cases[] = {
	{ "nr_periods 10\nnr_throttled 4\nthrottled_time 700000\n", 0, { 10, 4, 700 } },
	{ "nr_periods 10\nnr_throttled 4\nthrottled_time 1999\nnr_bursts 0\nburst_time 0\n", 0, { 10, 4, 1 } },
	{ "usage_usec 8\nuser_usec 6\nsystem_usec 2\nnr_periods 120\nnr_throttled 33\nthrottled_usec 1234567\n", 0, { 120, 33, 1234567 } },
	{ "throttled_usec 1\nnr_throttled 2\nnr_periods 3\n", 0, { 3, 2, 1 } },
	{ "nr_periods 9223372036854775807\nnr_throttled 0\nthrottled_usec 0\n", 0, { INT64_MAX, 0, 0 } },
	{ "\n\nodd\nnr_periods 1\nnr_throttled 1\nthrottled_usec 1\n", 0, { 1, 1, 1 } },
	{ "usage_usec 8\nuser_usec 6\nsystem_usec 2\n", -ENODATA, { 0 } },
	{ "", -ENODATA, { 0 } },
	{ "nr_periods 1\nnr_throttled 1\n", -ENODATA, { 0 } },
	{ "nr_periods 1\nnr_throttled 1\nthrottled_usec 1", -ENODATA, { 0 } },
	{ "nr_periods_x 1\nnr_throttled 1\nthrottled_usec 1\n", -ENODATA, { 0 } },
	{ "nr_periods 1\nnr_throttled x\nthrottled_usec 1\n", -EINVAL, { 0 } },
	{ "nr_periods -1\nnr_throttled 1\nthrottled_usec 1\n", -EINVAL, { 0 } },
	{ "nr_periods \nnr_throttled 1\nthrottled_usec 1\n", -EINVAL, { 0 } },
	{ "nr_periods 99999999999999999999\nnr_throttled 1\nthrottled_usec 1\n", -EINVAL, { 0 } },
};
/* clang-format on */

#define N_STAT ((int) (sizeof(stat_cases) / sizeof(stat_cases[0])))

START_TEST(parse_stat)
{
	const struct stat_case *c = &stat_cases[_i];
	size_t len = strlen(c->text);
	char *text = exact_copy(c->text, len);
	struct cpu_quota_stat got = { 0 };

	ck_assert_int_eq(cpu_quota_parse_stat(text, len, &got), c->result);
	ck_assert_uint_eq(got.nr_periods, c->stat.nr_periods);
	ck_assert_uint_eq(got.nr_throttled, c->stat.nr_throttled);
	ck_assert_uint_eq(got.throttled_us, c->stat.throttled_us);
	free(text);
}
END_TEST

/* ---- the files of one level ------------------------------------------------------------------ */

static struct tree tree;
static struct cpu_source source;
static struct cpu_quota quota;

static void
level_setup(enum corun_cpu_hierarchy hierarchy, bool keep_open)
{
	tree_make(&tree);
	ck_assert_int_eq(cpu_source_init(&source, tree.root), 0);
	cpu_quota_init(&quota, hierarchy, strdup("/a"), strdup("/cg/a"));
	quota.keep_open = keep_open;
}

static void
level_teardown(void)
{
	cpu_quota_fini(&quota);
	cpu_source_fini(&source);
	tree_remove(&tree);
}

/* Look, and compare; a limit of quota 0 and period 0 is none. */
static void
expect(enum corun_cpu_level_state state, int error, uint64_t quota_us, uint64_t period_us,
       bool stale)
{
	struct corun_cpu_level level = { .error = 4711 };

	cpu_quota_read(&quota, &source, &level);
	ck_assert_int_eq(level.state, state);
	ck_assert_int_eq(level.error, error);
	ck_assert_int_eq(level.limit.limited, period_us > 0);
	ck_assert_uint_eq(level.limit.quota_us, quota_us);
	ck_assert_uint_eq(level.limit.period_us, period_us);
	ck_assert_int_eq(level.stale, stale);
}

/* A life: with the descriptor kept open (1) and without (0). */
START_TEST(level_v2)
{
	level_setup(CORUN_CGROUP_V2, _i);
	expect(CORUN_LEVEL_NO_FILE, 0, 0, 0, false);
	/* it appears with the first limit */
	tree_write(&tree, "cg/a/cpu.max", "max 100000\n");
	expect(CORUN_LEVEL_UNLIMITED, 0, 0, 0, false);
	tree_write(&tree, "cg/a/cpu.max", "250000 100000\n");
	expect(CORUN_LEVEL_LIMITED, 0, 250000, 100000, false);
	tree_write(&tree, "cg/a/cpu.max", "0 100000\n");
	expect(CORUN_LEVEL_LIMITED, 0, 0, 100000, false);
	/* what makes no sense leaves the last good value */
	tree_write(&tree, "cg/a/cpu.max", "300000 100000\n");
	expect(CORUN_LEVEL_LIMITED, 0, 300000, 100000, false);
	tree_write(&tree, "cg/a/cpu.max", "nonsense\n");
	expect(CORUN_LEVEL_MALFORMED, -EINVAL, 300000, 100000, true);
	tree_write(&tree, "cg/a/cpu.max", "");
	expect(CORUN_LEVEL_MALFORMED, -EINVAL, 300000, 100000, true);
	tree_write(&tree, "cg/a/cpu.max", "max 100000\n");
	expect(CORUN_LEVEL_UNLIMITED, 0, 0, 0, false);
	tree_write(&tree, "cg/a/cpu.max", "-5 100000\n");
	expect(CORUN_LEVEL_MALFORMED, -EINVAL, 0, 0, true);
	/* replaced by rename, removed, a folder in its place */
	tree_replace(&tree, "cg/a/cpu.max", "400000 100000\n");
	expect(CORUN_LEVEL_LIMITED, 0, 400000, 100000, false);
	tree_replace(&tree, "cg/a/cpu.max", "500000 100000\n");
	expect(CORUN_LEVEL_LIMITED, 0, 500000, 100000, false);
	tree_delete(&tree, "cg/a/cpu.max");
	tree_mkdir(&tree, "cg/a/cpu.max");
	expect(CORUN_LEVEL_UNREADABLE, -EISDIR, 500000, 100000, true);
	tree_delete(&tree, "cg/a/cpu.max");
	expect(CORUN_LEVEL_NO_FILE, 0, 0, 0, false);
	/* no limit was the last good answer */
	tree_mkdir(&tree, "cg/a/cpu.max");
	expect(CORUN_LEVEL_UNREADABLE, -EISDIR, 0, 0, true);
	tree_delete(&tree, "cg/a/cpu.max");
	tree_write(&tree, "cg/a/cpu.max", "600000 100000\n");
	expect(CORUN_LEVEL_LIMITED, 0, 600000, 100000, false);
	level_teardown();
}
END_TEST

START_TEST(level_v1)
{
	level_setup(CORUN_CGROUP_V1, _i);
	expect(CORUN_LEVEL_NO_FILE, 0, 0, 0, false);
	tree_write(&tree, "cg/a/cpu.cfs_period_us", "100000\n");
	expect(CORUN_LEVEL_NO_FILE, 0, 0, 0, false);
	tree_write(&tree, "cg/a/cpu.cfs_quota_us", "-1\n");
	expect(CORUN_LEVEL_UNLIMITED, 0, 0, 0, false);
	tree_write(&tree, "cg/a/cpu.cfs_quota_us", "150000\n");
	expect(CORUN_LEVEL_LIMITED, 0, 150000, 100000, false);
	tree_write(&tree, "cg/a/cpu.cfs_period_us", "50000\n");
	expect(CORUN_LEVEL_LIMITED, 0, 150000, 50000, false);
	tree_write(&tree, "cg/a/cpu.cfs_period_us", "0\n");
	expect(CORUN_LEVEL_MALFORMED, -EINVAL, 150000, 50000, true);
	tree_write(&tree, "cg/a/cpu.cfs_period_us", "-1\n");
	expect(CORUN_LEVEL_MALFORMED, -EINVAL, 150000, 50000, true);
	tree_write(&tree, "cg/a/cpu.cfs_period_us", "50000");
	expect(CORUN_LEVEL_MALFORMED, -EINVAL, 150000, 50000, true);
	tree_write(&tree, "cg/a/cpu.cfs_quota_us", "1 2\n");
	expect(CORUN_LEVEL_MALFORMED, -EINVAL, 150000, 50000, true);
	tree_write(&tree, "cg/a/cpu.cfs_quota_us", "0\n");
	tree_write(&tree, "cg/a/cpu.cfs_period_us", "50000\n");
	expect(CORUN_LEVEL_LIMITED, 0, 0, 50000, false);
	/* any negative number is no limit, and the period does not matter then */
	tree_write(&tree, "cg/a/cpu.cfs_quota_us", "-7\n");
	tree_write(&tree, "cg/a/cpu.cfs_period_us", "nonsense\n");
	expect(CORUN_LEVEL_UNLIMITED, 0, 0, 0, false);
	/* a quota without its period */
	tree_write(&tree, "cg/a/cpu.cfs_quota_us", "100000\n");
	tree_delete(&tree, "cg/a/cpu.cfs_period_us");
	expect(CORUN_LEVEL_UNREADABLE, -ENOENT, 0, 0, true);
	tree_mkdir(&tree, "cg/a/cpu.cfs_period_us");
	expect(CORUN_LEVEL_UNREADABLE, -EISDIR, 0, 0, true);
	tree_delete(&tree, "cg/a/cpu.cfs_period_us");
	tree_write(&tree, "cg/a/cpu.cfs_period_us", "100000\n");
	expect(CORUN_LEVEL_LIMITED, 0, 100000, 100000, false);
	tree_delete(&tree, "cg/a/cpu.cfs_quota_us");
	expect(CORUN_LEVEL_NO_FILE, 0, 0, 0, false);
	level_teardown();
}
END_TEST

START_TEST(level_without_good_value)
{
	level_setup(CORUN_CGROUP_V2, true);
	tree_write(&tree, "cg/a/cpu.max", "nonsense\n");
	expect(CORUN_LEVEL_MALFORMED, -EINVAL, 0, 0, false);
	tree_delete(&tree, "cg/a/cpu.max");
	tree_mkdir(&tree, "cg/a/cpu.max");
	expect(CORUN_LEVEL_UNREADABLE, -EISDIR, 0, 0, false);
	level_teardown();
}
END_TEST

/* A fifo in a tree of fixtures must not hold up the caller for ever. */
START_TEST(level_of_a_fifo)
{
	char path[PATH_MAX];

	level_setup(CORUN_CGROUP_V2, true);
	tree_mkdir(&tree, "cg/a");
	tree_path(&tree, "cg/a/cpu.max", path, sizeof(path));
	ck_assert_int_eq(mkfifo(path, 0644), 0);
	expect(CORUN_LEVEL_UNREADABLE, -ESPIPE, 0, 0, false);
	level_teardown();
}
END_TEST

START_TEST(level_stat)
{
	struct corun_cpu_level level = { 0 };

	level_setup(CORUN_CGROUP_V2, true);
	cpu_quota_read_stat(&quota, &source, &level);
	ck_assert(!level.has_stat);
	tree_write(&tree, "cg/a/cpu.stat", "nr_periods 5\nnr_throttled 4\nthrottled_usec 3\n");
	cpu_quota_read_stat(&quota, &source, &level);
	ck_assert(level.has_stat);
	ck_assert_uint_eq(level.nr_periods, 5);
	ck_assert_uint_eq(level.nr_throttled, 4);
	ck_assert_uint_eq(level.throttled_us, 3);
	tree_write(&tree, "cg/a/cpu.stat", "usage_usec 5\n");
	cpu_quota_read_stat(&quota, &source, &level);
	ck_assert(!level.has_stat);
	ck_assert_uint_eq(level.nr_periods, 0);
	level_teardown();
}
END_TEST

/* ---- no way out of the tree ------------------------------------------------------------------ */

static int
open_both_ways(const char *path, bool walk)
{
	int fd = walk ? cpu_source_walk(source.root_fd, path) : cpu_source_open(&source, path);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

START_TEST(source_stays_below)
{
	char inside[PATH_MAX], outside[PATH_MAX];
	struct tree other;

	level_setup(CORUN_CGROUP_V2, true);
	tree_make(&other);
	tree_write(&other, "secret", "x");
	tree_write(&tree, "a/b/file", "x");

	ck_assert_int_eq(open_both_ways("/a/b/file", _i), 0);
	ck_assert_int_eq(open_both_ways("//a///b/file", _i), 0);
	ck_assert_int_eq(open_both_ways("/a/b/./file", _i), 0);
	ck_assert_int_eq(open_both_ways("/a/none", _i), -ENOENT);
	ck_assert_int_eq(open_both_ways("/a/b/file/x", _i), -ENOTDIR);

	/* by "..", by an absolute link, by a relative link, by a link in the middle */
	tree_path(&other, "secret", outside, sizeof(outside));
	ck_assert_int_lt(open_both_ways(outside, _i), 0);
	tree_path(&tree, "a/absolute", inside, sizeof(inside));
	ck_assert_int_eq(symlink(outside, inside), 0);
	ck_assert_int_lt(open_both_ways("/a/absolute", _i), 0);
	tree_path(&tree, "a/up", inside, sizeof(inside));
	ck_assert_int_eq(symlink("../..", inside), 0);
	snprintf(outside, sizeof(outside), "/a/up/%s/secret", strrchr(other.root, '/') + 1);
	ck_assert_int_lt(open_both_ways(outside, _i), 0);
	snprintf(outside, sizeof(outside), "/../%s/secret", strrchr(other.root, '/') + 1);
	ck_assert_int_lt(open_both_ways(outside, _i), 0);

	tree_remove(&other);
	level_teardown();
}
END_TEST

/* A link within the tree works where the kernel can keep it in. */
START_TEST(source_walk_refuses_links)
{
	char inside[PATH_MAX];

	level_setup(CORUN_CGROUP_V2, true);
	tree_write(&tree, "a/b/file", "x");
	tree_path(&tree, "a/link", inside, sizeof(inside));
	ck_assert_int_eq(symlink("b/file", inside), 0);
	ck_assert_int_eq(open_both_ways("/a/link", true), -ELOOP);
	ck_assert_int_eq(open_both_ways("/a/../a/b/file", true), -EXDEV);
	level_teardown();
}
END_TEST

START_TEST(source_reads_any_length)
{
	const size_t sizes[] = { 0, 1, 16382, 16383, 16384, 16385, 100000, 1 << 20 };
	char *text, *content = malloc((1 << 20) + 1);
	size_t len;

	ck_assert_ptr_nonnull(content);
	level_setup(CORUN_CGROUP_V2, true);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t j = 0; j < sizes[i]; j++)
			content[j] = (char) ('a' + j % 26);
		content[sizes[i]] = '\0';
		tree_write(&tree, "file", content);
		ck_assert_int_eq(cpu_source_read_all(&source, "/file", &text, &len), 0);
		ck_assert_uint_eq(len, sizes[i]);
		ck_assert_int_eq(memcmp(text, content, len + 1), 0);
		free(text);
	}
	ck_assert_int_eq(cpu_source_read_all(&source, "/", &text, &len), -EISDIR);
	free(content);
	level_teardown();
}
END_TEST

START_TEST(source_refuses_endless_files)
{
	struct cpu_source real;
	size_t len;
	char *text;

	ck_assert_int_eq(cpu_source_init(&real, NULL), 0);
	ck_assert_int_eq(cpu_source_read_all(&real, "/dev/zero", &text, &len), -EFBIG);
	cpu_source_fini(&real);
	ck_assert_int_eq(cpu_source_init(&real, "/no/such/folder"), -ENOENT);
	ck_assert_int_eq(cpu_source_init(&real, "/dev/null"), -ENOTDIR);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("quota");
	TCase *parsers = tcase_create("parsers");
	TCase *level = tcase_create("level");
	TCase *below = tcase_create("source");

	tcase_add_loop_test(parsers, parse_v2, 0, N_V2);
	tcase_add_loop_test(parsers, parse_number, 0, N_NUMBER);
	tcase_add_test(parsers, parse_nul);
	tcase_add_loop_test(parsers, parse_stat, 0, N_STAT);
	suite_add_tcase(suite, parsers);

	tcase_add_loop_test(level, level_v2, 0, 2);
	tcase_add_loop_test(level, level_v1, 0, 2);
	tcase_add_test(level, level_without_good_value);
	tcase_add_test(level, level_of_a_fifo);
	tcase_add_test(level, level_stat);
	suite_add_tcase(suite, level);

	tcase_add_loop_test(below, source_stays_below, 0, 2);
	tcase_add_test(below, source_walk_refuses_links);
	tcase_add_test(below, source_reads_any_length);
	tcase_add_test(below, source_refuses_endless_files);
	suite_add_tcase(suite, below);
	return tap_run(suite);
}
