#pragma once

/* A folder of a test's own that stands for the kernel; removed by tree_remove(). */

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

struct tree {
	char root[PATH_MAX / 4];
};

static inline void
tree_make(struct tree *tree)
{
	const char *tmp = getenv("TMPDIR");

	ck_assert_int_lt(snprintf(tree->root, sizeof(tree->root), "%s/corun-tree-XXXXXX",
				  tmp ? tmp : "/tmp"),
			 (int) sizeof(tree->root));
	ck_assert_ptr_nonnull(mkdtemp(tree->root));
}

static inline void
tree_path(const struct tree *tree, const char *name, char *ret, size_t size)
{
	ck_assert_int_lt(snprintf(ret, size, "%s/%s", tree->root, name), (int) size);
}

/* The folders above a name. */
static inline void
tree_make_parents(const struct tree *tree, const char *name)
{
	char path[PATH_MAX];

	tree_path(tree, name, path, sizeof(path));
	for (char *slash = path + strlen(tree->root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		ck_assert_msg(mkdir(path, 0755) == 0 || errno == EEXIST, "mkdir %s: %m", path);
		*slash = '/';
	}
}

/* Put a file there with this content; an older one is written over in place. */
static inline void
tree_write(const struct tree *tree, const char *name, const char *content)
{
	char path[PATH_MAX];
	FILE *file;

	tree_make_parents(tree, name);
	tree_path(tree, name, path, sizeof(path));
	file = fopen(path, "w");
	ck_assert_msg(file != NULL, "%s: %m", path);
	ck_assert_int_ge(fputs(content, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* The same, but by a new file that takes the name of the old one. */
static inline void
tree_replace(const struct tree *tree, const char *name, const char *content)
{
	char path[PATH_MAX], fresh[PATH_MAX];

	tree_write(tree, "fresh", content);
	tree_path(tree, "fresh", fresh, sizeof(fresh));
	tree_path(tree, name, path, sizeof(path));
	ck_assert_int_eq(rename(fresh, path), 0);
}

/* A folder, also where a file is expected. */
static inline void
tree_mkdir(const struct tree *tree, const char *name)
{
	char path[PATH_MAX];

	tree_make_parents(tree, name);
	tree_path(tree, name, path, sizeof(path));
	ck_assert_msg(mkdir(path, 0755) == 0, "mkdir %s: %m", path);
}

static inline void
tree_delete(const struct tree *tree, const char *name)
{
	char path[PATH_MAX];

	tree_path(tree, name, path, sizeof(path));
	ck_assert_msg(remove(path) == 0, "remove %s: %m", path);
}

static inline int
tree_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void) st, (void) kind, (void) ftw;
	return remove(path);
}

static inline void
tree_remove(const struct tree *tree)
{
	ck_assert_int_eq(nftw(tree->root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}
