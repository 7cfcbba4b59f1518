#pragma once

/*
 * Source - the folder that is taken for the kernel: the real / or a tree of files
 *
 * With a tree, no path leads out of it: neither an absolute one, nor "..", nor a symbolic link.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cpu_source {
	int root_fd; /* -1: the real root, as this process sees it */
};

/**
 * cpu_source_init() - choose the folder
 * @root: NULL for the real root
 * Return: 0, or the negative errno of opening @root (-ENOENT, -ENOTDIR, -EACCES ...).
 */
int cpu_source_init(struct cpu_source *source, const char *root);
void cpu_source_fini(struct cpu_source *source);

/**
 * cpu_source_open() - open a file for reading
 * @path: absolute, within the source
 *
 * Does not block on opening, whatever the file turns out to be.
 *
 * Return: a descriptor (close on exec) that the caller closes, or a negative errno.
 */
int cpu_source_open(const struct cpu_source *source, const char *path);

/**
 * cpu_source_walk() - the same where the kernel lacks openat2(2), component by component
 *
 * Follows no symbolic link at all: a link is -ELOOP or -ENOTDIR. ".." is -EXDEV.
 */
int cpu_source_walk(int root_fd, const char *path);

/**
 * cpu_source_read_all() - the whole content of a file, however long
 * @ret_text: freed by the caller; a NUL follows the last byte
 *
 * Return: 0; -EFBIG (over 64 MiB: no file of the kernel's); -ENOMEM; any errno of open or read.
 */
int cpu_source_read_all(const struct cpu_source *source, const char *path, char **ret_text,
			size_t *ret_len);

/**
 * cpu_source_read_again() - a fresh value from an open file: one read from its beginning
 * Return: the number of bytes, or a negative errno.
 */
ssize_t cpu_source_read_again(int fd, char *buf, size_t size);

/**
 * cpu_source_unlinked() - whether an open file seems to have lost its name
 *
 * In a tree of fixtures a file is often replaced by rename(2). The open descriptor then shows the
 * old content for ever, where a cgroup's says ENODEV. Not to be relied on: some file systems give
 * all of their files no name.
 */
bool cpu_source_unlinked(int fd);
