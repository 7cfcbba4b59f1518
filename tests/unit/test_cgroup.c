#include "config.h"

#include "runtime/cpu/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

/*
 * A copy of the text without anything behind it, so that a sanitizer sees each byte read too far.
 */
static char *
exact_copy(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	return copy;
}

/* ---- /proc/self/cgroup ----------------------------------------------------------------------- */

struct membership_case {
	const char *text;
	enum corun_cpu_hierarchy hierarchy; /* expected, if line is 0 */
	const char *path;
	bool hybrid;
	size_t line;     /* of the fault; 0: none */
	const char *why; /* a part of it */
};

/* clang-format off */
static const struct membership_case membership_cases[] = {
	{ "", CORUN_CGROUP_NONE, NULL, false, 0, NULL },
	{ "2:cpu,cpuacct:/a/b/cpu\n1:blkio:/a/b/blkio\n", CORUN_CGROUP_V1, "/a/b/cpu", false, 0, NULL },
	{ "0::/a/b/c\n", CORUN_CGROUP_V2, "/a/b/c", false, 0, NULL },
	{ "0::/\n", CORUN_CGROUP_V2, "/", false, 0, NULL },
	/* v1 before v2, whichever comes first */
	{ "2:cpu,cpuacct:/a/b/cpu\n1:blkio:/a/b/blkio\n0::/a/b/v2\n", CORUN_CGROUP_V1, "/a/b/cpu", true, 0, NULL },
	{ "0::/a/b/v2\n2:cpu:/a/b/cpu\n", CORUN_CGROUP_V1, "/a/b/cpu", true, 0, NULL },
	/* the last v2 line; the kernel writes only one */
	{ "0::/a\n0::/b\n", CORUN_CGROUP_V2, "/b", false, 0, NULL },
	/* "cpu" as a whole word of the list */
	{ "3:cpuset:/x\n2:cpuacct:/x\n", CORUN_CGROUP_NONE, NULL, false, 0, NULL },
	{ "3::/x\n4:,:/x\n", CORUN_CGROUP_NONE, NULL, false, 0, NULL },
	{ "3:memory,cpu:/x\n", CORUN_CGROUP_V1, "/x", false, 0, NULL },
	{ "3:memory,cpu,block:/x\n", CORUN_CGROUP_V1, "/x", false, 0, NULL },
	{ "3:memory,cpuacct,block:/x\n", CORUN_CGROUP_NONE, NULL, false, 0, NULL },
	{ "3:CPU:/x\n", CORUN_CGROUP_NONE, NULL, false, 0, NULL },
	{ "3:name=cpu:/x\n", CORUN_CGROUP_NONE, NULL, false, 0, NULL },
	/* v2 is the id "0" and nothing else; other ids are not looked at */
	{ "00::/x\n", CORUN_CGROUP_NONE, NULL, false, 0, NULL },
	{ "0:cpu:/x\n", CORUN_CGROUP_V2, "/x", false, 0, NULL },
	{ "abc:cpu:/x\n", CORUN_CGROUP_V1, "/x", false, 0, NULL },
	{ ":cpu:/x\n", CORUN_CGROUP_V1, "/x", false, 0, NULL },
	/* only the first two colons separate */
	{ "0::/system.slice:cri-containerd:4f2a\n", CORUN_CGROUP_V2, "/system.slice:cri-containerd:4f2a", false, 0, NULL },
	{ "1:cpu:/:\n", CORUN_CGROUP_V1, "/:", false, 0, NULL },
	/* raw paths */
	{ "0::/a b\\040c\n", CORUN_CGROUP_V2, "/a b\\040c", false, 0, NULL },
	{ "0::/gone (deleted)\n", CORUN_CGROUP_V2, "/gone (deleted)", false, 0, NULL },
	{ "0::/../../../../init.scope\n", CORUN_CGROUP_V2, "/../../../../init.scope", false, 0, NULL },
	{ "0::/\xff\xfe\n", CORUN_CGROUP_V2, "/\xff\xfe", false, 0, NULL },
	{ "0::/a\r\n", CORUN_CGROUP_V2, "/a\r", false, 0, NULL },
	/* malformed */
	{ "\n", 0, NULL, false, 1, "two colons" },
	{ "0\n", 0, NULL, false, 1, "two colons" },
	{ "0:\n", 0, NULL, false, 1, "two colons" },
	{ "0::\n", 0, NULL, false, 1, "empty" },
	{ "0::a\n", 0, NULL, false, 1, "start with" },
	{ "0::/a", 0, NULL, false, 1, "complete" },
	{ "5:memory:/x\n4:pids:/x\n0::x\n", 0, NULL, false, 3, "start with" },
	{ "5:memory:x\n0::/x\n", 0, NULL, false, 1, "start with" },
	{ "0::/x\n\n", 0, NULL, false, 2, "two colons" },
	{ "0::/x\n1:pids:/x", 0, NULL, false, 2, "complete" },
	/* what follows the v1 line is not looked at */
	{ "1:cpu:/x\nrubbish\n0:", CORUN_CGROUP_V1, "/x", false, 0, NULL },
};
/* clang-format on */

#define N_MEMBERSHIP ((int) (sizeof(membership_cases) / sizeof(membership_cases[0])))

START_TEST(membership)
{
	const struct membership_case *c = &membership_cases[_i];
	size_t len = strlen(c->text);
	char *text = exact_copy(c->text, len);
	struct cpu_cgroup_membership got = { 0 };
	struct cpu_cgroup_fault fault = { 0 };
	int r = cpu_cgroup_parse_membership(text, len, &got, &fault);

	if (c->line) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_uint_eq(fault.line, c->line);
		ck_assert_msg(strstr(fault.why, c->why), "\"%s\"", fault.why);
	} else {
		ck_assert_int_eq(r, 0);
		ck_assert_int_eq(got.hierarchy, c->hierarchy);
		ck_assert_int_eq(got.hybrid, c->hybrid);
	}
	if (c->path) {
		ck_assert_uint_eq(got.path_len, strlen(c->path));
		ck_assert_mem_eq(got.path, c->path, got.path_len);
	}
	free(text);
}
END_TEST

START_TEST(membership_nul)
{
	static const char text[] = "0::/a\0b\n";
	struct cpu_cgroup_membership got;
	struct cpu_cgroup_fault fault = { 0 };

	ck_assert_int_eq(cpu_cgroup_parse_membership(text, sizeof(text) - 1, &got, &fault),
			 -EINVAL);
	ck_assert_uint_eq(fault.line, 1);
	ck_assert_msg(strstr(fault.why, "NUL"), "\"%s\"", fault.why);
}
END_TEST

/* ---- /proc/self/mountinfo -------------------------------------------------------------------- */

#define BASE                                                                                       \
	"22 1 8:1 / / rw,relatime - ext4 /dev/root rw\n"                                           \
	"20 22 0:19 / /proc rw,nosuid,nodev,noexec - proc proc rw\n"                               \
	"21 22 0:20 / /sys rw,nosuid,nodev,noexec - sysfs sysfs rw\n"
#define V2 "25 21 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
#define V1(root, point, list)                                                                      \
	"56 22 0:40 " root " " point " rw shared:4 master:1 - cgroup cgroup rw," list "\n"
#define V1_ALL                                                                                     \
	V1("/", "/sys/fs/cgroup/memory", "memory")                                                 \
	V1("/", "/sys/fs/cgroup/cpuset", "cpuset")                                                 \
	V1("/", "/sys/fs/cgroup/cpuacct", "cpuacct")                                               \
	V1("/", "/sys/fs/cgroup/cpu", "cpu,cpuacct")
#define V2_AT(root, point) "25 21 0:22 " root " " point " rw - cgroup2 cgroup2 rw\n"
#define NAMESPACES         BASE V2_AT("/../../..", "/mnt") V2_AT("/../../../..", "/sys/fs/cgroup")

struct mount_case {
	const char *text;
	enum corun_cpu_hierarchy hierarchy;
	const char *path;
	int result; /* 1, 0, -EINVAL */
	const char *root, *point, *below;
	size_t line;
};

/* clang-format off */
static const struct mount_case mount_cases[] = {
	{ "", CORUN_CGROUP_V2, "/", 0, NULL, NULL, NULL, 0 },
	{ BASE, CORUN_CGROUP_V2, "/", 0, NULL, NULL, NULL, 0 },
	{ BASE V2, CORUN_CGROUP_NONE, "/", 0, NULL, NULL, NULL, 0 },
	{ BASE V1_ALL, CORUN_CGROUP_V1, "/", 1, "/", "/sys/fs/cgroup/cpu", "", 0 },
	{ BASE V2, CORUN_CGROUP_V2, "/", 1, "/", "/sys/fs/cgroup", "", 0 },
	/* the version comes from /proc/self/cgroup, not from what is mounted */
	{ BASE V2 V1_ALL, CORUN_CGROUP_V1, "/", 1, "/", "/sys/fs/cgroup/cpu", "", 0 },
	{ BASE V1_ALL V2, CORUN_CGROUP_V2, "/", 1, "/", "/sys/fs/cgroup", "", 0 },
	{ BASE V2, CORUN_CGROUP_V1, "/", 0, NULL, NULL, NULL, 0 },
	{ BASE V1_ALL, CORUN_CGROUP_V2, "/", 0, NULL, NULL, NULL, 0 },
	{ BASE V1("/", "/c", "cpu"), CORUN_CGROUP_V1, "/", 1, "/", "/c", "", 0 },
	{ BASE V1("/", "/c", "cpuacct,cpu"), CORUN_CGROUP_V1, "/", 1, "/", "/c", "", 0 },
	{ BASE V1("/", "/c", "cpuset"), CORUN_CGROUP_V1, "/", 0, NULL, NULL, NULL, 0 },
	/* the super options are the rest of the line, spaces and all */
	{ "56 22 0:40 / /c rw - cgroup my source rw,cpu\n", CORUN_CGROUP_V1, "/", 1, "/", "/c", "", 0 },
	/* roots, component by component */
	{ BASE V2, CORUN_CGROUP_V2, "/sandbox/container", 1, "/", "/sys/fs/cgroup", "/sandbox/container", 0 },
	{ BASE V2_AT("/sand", "/1") V2_AT("/stone", "/2") V2_AT("/sandbox/container/group", "/3")
	  V2_AT("/sandbox", "/4") V2_AT("/", "/5"),
	  CORUN_CGROUP_V2, "/sandbox/container", 1, "/sandbox", "/4", "/container", 0 },
	{ BASE V2_AT("/sandbox", "/x") V1("/sand", "/1", "cpu") V1("/stone", "/2", "cpu")
	  V1("/sandbox", "/3", "memory") V1("/sandbox", "/4", "cpu,cpuacct") V1("/", "/5", "cpu"),
	  CORUN_CGROUP_V1, "/sandbox/container", 1, "/sandbox", "/4", "/container", 0 },
	{ V2_AT("/a/b", "/c"), CORUN_CGROUP_V2, "/a/b", 1, "/a/b", "/c", "", 0 },
	{ V2_AT("/a/b", "/c"), CORUN_CGROUP_V2, "/a", 0, NULL, NULL, NULL, 0 },
	{ V2_AT("/a/b", "/c"), CORUN_CGROUP_V2, "/", 0, NULL, NULL, NULL, 0 },
	{ V2_AT("/a/b", "/c"), CORUN_CGROUP_V2, "/a/bc", 0, NULL, NULL, NULL, 0 },
	{ V2_AT("/", "/first") V2_AT("/", "/second"), CORUN_CGROUP_V2, "/x", 1, "/", "/first", "/x", 0 },
	/* cgroup namespaces */
	{ NAMESPACES, CORUN_CGROUP_V2, "/../../../../init.scope", 1, "/../../../..", "/sys/fs/cgroup", "/init.scope", 0 },
	{ NAMESPACES, CORUN_CGROUP_V2, "/../../../..", 1, "/../../../..", "/sys/fs/cgroup", "", 0 },
	{ NAMESPACES, CORUN_CGROUP_V2, "/../../../../..", 0, NULL, NULL, NULL, 0 },
	{ BASE V2, CORUN_CGROUP_V2, "/..", 0, NULL, NULL, NULL, 0 },
	{ BASE V2, CORUN_CGROUP_V2, "/../x", 0, NULL, NULL, NULL, 0 },
	{ BASE V2, CORUN_CGROUP_V2, "/..x", 1, "/", "/sys/fs/cgroup", "/..x", 0 },
	{ BASE V2, CORUN_CGROUP_V2, "/a/../../../etc", 0, NULL, NULL, NULL, 0 },
	{ BASE V2, CORUN_CGROUP_V2, "/a/..", 0, NULL, NULL, NULL, 0 },
	/* escapes */
	{ V2_AT("/", "/sys/tab\\011tab"), CORUN_CGROUP_V2, "/", 1, "/", "/sys/tab\ttab", "", 0 },
	{ V2_AT("/tab\\011tab", "/c"), CORUN_CGROUP_V2, "/tab\ttab/container", 1, "/tab\ttab", "/c", "/container", 0 },
	{ V2_AT("/", "/a\\040b\\012c\\134d"), CORUN_CGROUP_V2, "/", 1, "/", "/a b\nc\\d", "", 0 },
	{ V2_AT("/", "/a\\134"), CORUN_CGROUP_V2, "/", 1, "/", "/a\\", "", 0 },
	{ V2_AT("/", "\\057a"), CORUN_CGROUP_V2, "/", 1, "/", "/a", "", 0 },
	{ V2_AT("/", "/a\\134040"), CORUN_CGROUP_V2, "/", 1, "/", "/a\\040", "", 0 },
	{ V2_AT("/", "/a\xff\\040\xfe"), CORUN_CGROUP_V2, "/", 1, "/", "/a\xff \xfe", "", 0 },
	{ V2_AT("/", "/a\\377\\999"), CORUN_CGROUP_V2, "/", 1, "/", "/a\377\x91", "", 0 },
	{ V2_AT("/", "/a\\04"), CORUN_CGROUP_V2, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ V2_AT("/", "/a\\"), CORUN_CGROUP_V2, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ V2_AT("/", "/a\\04a"), CORUN_CGROUP_V2, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ V2_AT("/\\1", "/a"), CORUN_CGROUP_V2, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ V2_AT("/", "/a\\000b"), CORUN_CGROUP_V2, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ V1("/\\1", "/c", "cpu"), CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ V1("/", "/c/\\1", "cpu"), CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	/* an escape is looked at only where it matters */
	{ "22 1 8:1 /\\1 /\\1 rw - ext4 d rw\n" V2, CORUN_CGROUP_V2, "/", 1, "/", "/sys/fs/cgroup", "", 0 },
	{ V2_AT("/other", "/\\1") V2, CORUN_CGROUP_V2, "/a", 1, "/", "/sys/fs/cgroup", "/a", 0 },
	/* a bind mount that covers a container's folder; the name of a removed cgroup */
	{ V2_AT("/docker/4f2a", "/sys/fs/cgroup"), CORUN_CGROUP_V2, "/docker/4f2a/w", 1, "/docker/4f2a", "/sys/fs/cgroup", "/w", 0 },
	{ V2, CORUN_CGROUP_V2, "/gone (deleted)", 1, "/", "/sys/fs/cgroup", "/gone (deleted)", 0 },
	/* odd slashes, which no kernel writes */
	{ V2, CORUN_CGROUP_V2, "/a/", 1, "/", "/sys/fs/cgroup", "/a", 0 },
	{ V2, CORUN_CGROUP_V2, "///", 1, "/", "/sys/fs/cgroup", "", 0 },
	/* the last line may lack its newline */
	{ "25 21 0:22 / /c rw - cgroup2 cgroup2 rw", CORUN_CGROUP_V2, "/", 1, "/", "/c", "", 0 },
	{ "25 21 0:22 / /c rw - cgroup2 ", CORUN_CGROUP_V2, "/", 1, "/", "/c", "", 0 },
	/* malformed lines before the match count, also of other file systems */
	{ "\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22 1 8:1\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22 1 8:1 /\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22 1 8:1 / /cgroup\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22 1 8:1 / /cgroup rw\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22 1 8:1 / /cgroup rw -\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22 1 8:1 / /cgroup rw - \n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22 1 8:1 / /cgroup rw - cgroup\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22 1 8:1 / /cgroup rw - cgroup cgroup\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22 1 8:1 a /cgroup rw - cgroup cgroup cpu\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22 1 8:1 / cgroup rw - cgroup cgroup cpu\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ "22 1 8:1  /cgroup rw - cgroup cgroup cpu\n", CORUN_CGROUP_V1, "/", -EINVAL, NULL, NULL, NULL, 1 },
	{ BASE "\n" V2, CORUN_CGROUP_V2, "/", -EINVAL, NULL, NULL, NULL, 4 },
	{ BASE V2 "\n", CORUN_CGROUP_V2, "/", 1, "/", "/sys/fs/cgroup", "", 0 },
	{ BASE V2_AT("/other", "/o") "22 1\n" V2, CORUN_CGROUP_V2, "/x", -EINVAL, NULL, NULL, NULL, 5 },
	/* other file systems need no super options, and no source */
	{ "22 1 8:1 / / rw - ext4 \n" V2, CORUN_CGROUP_V2, "/", 1, "/", "/sys/fs/cgroup", "", 0 },
};
/* clang-format on */

#define N_MOUNT ((int) (sizeof(mount_cases) / sizeof(mount_cases[0])))

static struct cpu_cgroup_membership
member_of(enum corun_cpu_hierarchy hierarchy, const char *path)
{
	return (struct cpu_cgroup_membership){ .hierarchy = hierarchy,
					       .path = path,
					       .path_len = strlen(path) };
}

START_TEST(mount)
{
	const struct mount_case *c = &mount_cases[_i];
	size_t len = strlen(c->text);
	char *text = exact_copy(c->text, len);
	struct cpu_cgroup_membership who = member_of(c->hierarchy, c->path);
	struct cpu_cgroup_mount got = { 0 };
	struct cpu_cgroup_fault fault = { 0 };
	int r = cpu_cgroup_parse_mount(text, len, &who, &got, &fault);

	ck_assert_int_eq(r, c->result);
	if (r == 1) {
		ck_assert_str_eq(got.root, c->root);
		ck_assert_str_eq(got.point, c->point);
		ck_assert_str_eq(got.below, c->below);
		cpu_cgroup_mount_free(&got);
	}
	ck_assert_uint_eq(fault.line, c->line);
	ck_assert_int_eq(fault.why != NULL, r < 0);
	free(text);
}
END_TEST

/* An overlay of many layers: one line of 1 MiB before the one that counts. */
START_TEST(mount_after_long_line)
{
	static const char head[] = "262 31 0:72 / /merged rw - overlay overlay rw,lowerdir=";
	size_t len = sizeof(head) - 1 + (1 << 20) + 1 + strlen(V2);
	char *text = malloc(len + 1);
	struct cpu_cgroup_membership who = member_of(CORUN_CGROUP_V2, "/x");
	struct cpu_cgroup_mount got;
	struct cpu_cgroup_fault fault;

	ck_assert_ptr_nonnull(text);
	strcpy(text, head);
	memset(text + sizeof(head) - 1, 'l', 1 << 20);
	strcpy(text + sizeof(head) - 1 + (1 << 20), "\n" V2);
	ck_assert_int_eq(cpu_cgroup_parse_mount(text, len, &who, &got, &fault), 1);
	ck_assert_str_eq(got.point, "/sys/fs/cgroup");
	ck_assert_str_eq(got.below, "/x");
	cpu_cgroup_mount_free(&got);
	free(text);
}
END_TEST

/* Each byte of a mount point escaped: four times as long as what it stands for. */
START_TEST(mount_of_escapes)
{
	char text[4 * 4000 + 100], want[4001];
	size_t n = (size_t) sprintf(text, "25 21 0:22 / \\057");
	struct cpu_cgroup_membership who = member_of(CORUN_CGROUP_V2, "/");
	struct cpu_cgroup_mount got;
	struct cpu_cgroup_fault fault;

	want[0] = '/';
	for (int i = 1; i < 4000; i++) {
		unsigned byte = (unsigned) i % 255 + 1;

		want[i] = (char) (unsigned char) byte;
		n += (size_t) sprintf(text + n, "\\%03o", byte);
	}
	want[4000] = '\0';
	n += (size_t) sprintf(text + n, " rw - cgroup2 cgroup2 rw");
	ck_assert_int_eq(cpu_cgroup_parse_mount(text, n, &who, &got, &fault), 1);
	ck_assert_str_eq(got.point, want);
	cpu_cgroup_mount_free(&got);
}
END_TEST

/* ---- the way up ------------------------------------------------------------------------------ */

struct chain_case {
	const char *below;
	const char *levels[5]; /* leaf first, until "" */
};

static const struct chain_case chain_cases[] = {
	{ "", { "" } },
	{ "/a", { "/a", "" } },
	{ "/a/b/c", { "/a/b/c", "/a/b", "/a", "" } },
	{ "/a//b", { "/a//b", "/a", "" } },
	{ "//a", { "//a", "" } },
};

#define N_CHAIN ((int) (sizeof(chain_cases) / sizeof(chain_cases[0])))

START_TEST(chain)
{
	const struct chain_case *c = &chain_cases[_i];
	size_t len = strlen(c->below);

	for (int i = 0;; i++) {
		ck_assert_uint_eq(len, strlen(c->levels[i]));
		ck_assert_mem_eq(c->below, c->levels[i], len);
		if (len == 0)
			break;
		len = cpu_cgroup_parent(c->below, len);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cgroup");
	TCase *tcase = tcase_create("cgroup");

	tcase_add_loop_test(tcase, membership, 0, N_MEMBERSHIP);
	tcase_add_test(tcase, membership_nul);
	tcase_add_loop_test(tcase, mount, 0, N_MOUNT);
	tcase_add_test(tcase, mount_after_long_line);
	tcase_add_test(tcase, mount_of_escapes);
	tcase_add_loop_test(tcase, chain, 0, N_CHAIN);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
