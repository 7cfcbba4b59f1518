/* Capture - through libarchive; capture_none.c stands in where that is left out */

#include "daemon/ctl/capture.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ctl/command.h"
#include "runtime/cpu/source.h"

/* Of each level; those that are not there are left out. */
static const char *const level_files[] = {
	"cpu.max",
	"cpu.max.burst",
	"cpu.cfs_quota_us",
	"cpu.cfs_period_us",
	"cpu.stat",
	"cpu.weight",
	"cpu.shares",
	"cpuset.cpus",
	"cpuset.cpus.effective",
	"cpuset.effective_cpus",
	"cgroup.controllers",
	"cgroup.subtree_control",
};

static int
add(struct archive *tar, const char *path, const char *text, size_t len)
{
	struct archive_entry *entry = archive_entry_new();
	int r = -1;

	if (entry == NULL)
		return -1;
	/* Relative: it is to be unpacked into a folder. */
	archive_entry_set_pathname(entry, path + strspn(path, "/"));
	archive_entry_set_size(entry, (int64_t) len);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, time(NULL), 0);
	if (archive_write_header(tar, entry) == ARCHIVE_OK &&
	    archive_write_data(tar, text, len) == (la_ssize_t) len)
		r = 0;
	archive_entry_free(entry);
	return r;
}

/* The kernel's files have no size until they are read: the whole text first, then the entry. */
static int
add_file(struct archive *tar, const struct cpu_source *source, const char *path)
{
	char *text;
	size_t len;
	int r;

	if (cpu_source_read_all(source, path, &text, &len) < 0)
		return 0; /* not there, or not readable: that is how it will look unpacked */
	r = add(tar, path, text, len);
	free(text);
	return r;
}

static int
add_level(struct archive *tar, const struct cpu_source *source, const struct corun_cpu_level *level)
{
	const char *dir = strcmp(level->dir, "/") == 0 ? "" : level->dir;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(level_files) / sizeof(level_files[0]); i++) {
		char *path;

		if (asprintf(&path, "%s/%s", dir, level_files[i]) < 0)
			return -1;
		r = add_file(tar, source, path);
		free(path);
	}
	return r;
}

static int
add_note(struct archive *tar, const struct corun_cpu_view *view)
{
	char *text;
	int len = asprintf(&text,
			   "Captured by corunctl " PACKAGE_VERSION
			   ". The CPUs are not in these files; "
			   "to see the same answer:\n"
			   "    corunctl cpu --root THIS-FOLDER --cpus %u\n",
			   view->cpus);
	int r;

	if (len < 0)
		return -1;
	r = add(tar, "README", text, (size_t) len);
	free(text);
	return r;
}

static int
write_all(struct archive *tar, const struct cpu_source *source, const struct corun_cpu_view *view)
{
	int r = add_file(tar, source, "/proc/self/cgroup");

	if (r == 0)
		r = add_file(tar, source, "/proc/self/mountinfo");
	for (size_t i = 0; r == 0 && i < view->n_levels; i++)
		r = add_level(tar, source, &view->levels[i]);
	return r == 0 ? add_note(tar, view) : r;
}

/* The tar into an open descriptor. Return: 0, or -1 after a message. */
static int
write_to(int fd, const char *name, const struct cpu_source *source,
	 const struct corun_cpu_view *view)
{
	struct archive *tar = archive_write_new();
	int r = -1;

	if (tar == NULL) {
		fputs("corunctl cpu: out of memory\n", stderr);
		return -1;
	}
	archive_write_set_format_pax_restricted(tar);
	archive_write_set_bytes_in_last_block(tar, 1);
	if (archive_write_open_fd(tar, fd) == ARCHIVE_OK && write_all(tar, source, view) == 0 &&
	    archive_write_close(tar) == ARCHIVE_OK)
		r = 0;
	else
		fprintf(stderr, "corunctl cpu: cannot write %s: %s\n", name,
			archive_error_string(tar) != NULL ? archive_error_string(tar)
							  : "out of memory");
	archive_write_free(tar);
	return r;
}

/* Into a new file beside it, which then takes its name: never half a file. */
static int
write_file(const char *file, const struct cpu_source *source, const struct corun_cpu_view *view)
{
	char *temporary;
	int fd, r = -1;

	if (asprintf(&temporary, "%s.XXXXXX", file) < 0) {
		fputs("corunctl cpu: out of memory\n", stderr);
		return -1;
	}
	fd = mkstemp(temporary);
	if (fd < 0) {
		fprintf(stderr, "corunctl cpu: cannot write %s: %s\n", file, strerror(errno));
		free(temporary);
		return -1;
	}
	if (write_to(fd, file, source, view) == 0) {
		if (close(fd) == 0 && rename(temporary, file) == 0)
			r = 0;
		else
			fprintf(stderr, "corunctl cpu: cannot write %s: %s\n", file,
				strerror(errno));
	} else {
		close(fd);
	}
	if (r < 0)
		unlink(temporary);
	free(temporary);
	return r;
}

int
capture(const struct corun_cpu_view *view, const char *root, const char *file)
{
	struct cpu_source source;
	int r = cpu_source_init(&source, root);

	if (r < 0) {
		fprintf(stderr, "corunctl cpu: cannot open %s: %s\n", root != NULL ? root : "/",
			strerror(-r));
		return EXIT_FAILED;
	}
	r = strcmp(file, "-") == 0
		    ? write_to(STDOUT_FILENO, "the tar file to stdout", &source, view)
		    : write_file(file, &source, view);
	cpu_source_fini(&source);
	return r == 0 ? EXIT_OK : EXIT_FAILED;
}
