/* Capture - through libarchive; capture_none.c stands in where that is left out */

#include "daemon/ctl/capture.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "daemon/report/quoted.h"
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

/* A tar file on its way. */
struct tape {
	struct archive *tar;
	const struct cpu_source *source;
	const struct corun_cpu_view *view; /* with all levels */
	unsigned files;
	FILE *missed; /* a line for each file that is there but could not be saved */
};

/* Return: 0; -1: archive_error_string() says why. */
static int
tape_add(struct tape *tape, const char *path, const char *text, size_t len)
{
	struct archive_entry *entry = archive_entry_new();
	int r = -1;

	if (!entry)
		return -1;
	/* Relative: it is to be unpacked into a folder. */
	archive_entry_copy_pathname(entry, path + strspn(path, "/"));
	archive_entry_set_size(entry, (int64_t) len);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, time(NULL), 0);
	/* A warning is about a name in another character set, which is kept as it is. */
	if (archive_write_header(tape->tar, entry) >= ARCHIVE_WARN &&
	    archive_write_data(tape->tar, text, len) == (la_ssize_t) len)
		r = 0;
	archive_entry_free(entry);
	tape->files++;
	return r;
}

/* Unpacked, a name with ".." would be outside of the folder, and tar refuses it. */
static bool
leads_up(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

/* The kernel's files have no size until they are read: the whole text first, then the entry. */
static int
tape_add_file(struct tape *tape, const char *path)
{
	char *text;
	size_t len;
	int r = leads_up(path) ? -EXDEV : cpu_source_read_all(tape->source, path, &text, &len);

	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		quoted_print(tape->missed, path);
		fprintf(tape->missed, ": %s\n", strerror(-r));
		return 0;
	}
	r = tape_add(tape, path, text, len);
	free(text);
	return r;
}

static int
tape_add_level(struct tape *tape, const struct corun_cpu_level *level)
{
	const char *dir = strcmp(level->dir, "/") == 0 ? "" : level->dir;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(level_files) / sizeof(level_files[0]); i++) {
		char *path;

		if (asprintf(&path, "%s/%s", dir, level_files[i]) < 0)
			return -1;
		r = tape_add_file(tape, path);
		free(path);
	}
	return r;
}

/* ---- the note: what is not in the kernel's files ----------------------------------------------
 */

/* The affinity mask as the kernel lists it, of this process. */
static void
note_affinity(FILE *out)
{
	struct cpu_source real;
	char *text;
	size_t len;

	if (cpu_source_init(&real, NULL) < 0)
		return;
	if (cpu_source_read_all(&real, "/proc/self/status", &text, &len) == 0) {
		const char *line = strstr(text, "\nCpus_allowed_list:");

		if (line)
			fprintf(out, "%.*s\n", (int) strcspn(line + 1, "\n"), line + 1);
		free(text);
	}
	cpu_source_fini(&real);
}

static void
note_command(FILE *out, const struct shown *shown)
{
	const struct corun_cpu_policy *policy = &shown->options->policy;

	if (policy->pin)
		fprintf(out, "CORUN_WORKERS=%u was in the environment; --root leaves it out.\n",
			policy->pin);
	fprintf(out,
		"The CPUs are not in these files; for the same answer:\n"
		"    corunctl cpu --root THIS-FOLDER --cpus %u",
		shown->report.view->cpus);
	if (policy->round != CORUN_ROUND_UP)
		fprintf(out, " --round %s", cpu_round_name(policy->round));
	if (policy->workers_min)
		fprintf(out, " --min %u", policy->workers_min);
	if (policy->workers_max)
		fprintf(out, " --max %u", policy->workers_max);
	fprintf(out, "%s\n", shown->options->look.leaf_only ? " --leaf-only" : "");
}

static int
tape_add_note(struct tape *tape, const struct shown *shown, const char *missed)
{
	struct utsname system;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int r;

	if (!out)
		return -1;
	fputs("Captured by corunctl " PACKAGE_VERSION, out);
	if (!shown->options->look.root && uname(&system) == 0)
		fprintf(out, " on Linux %s, %s", system.release, system.machine);
	fputs(".\n", out);
	note_command(out, shown);
	if (!shown->options->look.root)
		note_affinity(out);
	if (*missed)
		fprintf(out, "\nNot saved:\n%s", missed);
	fputs("\nWhat it said:\n", out);
	cpu_show_text(out, shown);
	r = fclose(out) == 0 ? tape_add(tape, "README", text, len) : -1;
	free(text);
	return r;
}

/* ---- writing it --------------------------------------------------------------------------------
 */

static int
tape_add_all(struct tape *tape, const struct shown *shown)
{
	char *missed = NULL;
	size_t size = 0;
	int r;

	tape->missed = open_memstream(&missed, &size);
	if (!tape->missed)
		return -1;
	r = tape_add_file(tape, "/proc/self/cgroup");
	if (r == 0)
		r = tape_add_file(tape, "/proc/self/mountinfo");
	for (size_t i = 0; r == 0 && i < tape->view->n_levels; i++)
		r = tape_add_level(tape, &tape->view->levels[i]);
	if (fclose(tape->missed) != 0)
		r = -1;
	if (r == 0)
		r = tape_add_note(tape, shown, missed);
	free(missed);
	return r;
}

static int
fail(const char *name, const char *why)
{
	fprintf(stderr, "corunctl cpu: cannot write %s: %s\n", name, why);
	return -1;
}

/* The tar into an open descriptor. Return: how many files, or -1 after a message. */
static int
write_to(int fd, const char *name, struct tape *tape, const struct shown *shown)
{
	int r = -1;

	tape->tar = archive_write_new();
	if (!tape->tar)
		return fail(name, strerror(ENOMEM));
	/* This format keeps any bytes of a name; pax wants them in UTF-8. */
	archive_write_set_format_gnutar(tape->tar);
	archive_write_set_bytes_in_last_block(tape->tar, 1);
	if (archive_write_open_fd(tape->tar, fd) == ARCHIVE_OK && tape_add_all(tape, shown) == 0 &&
	    archive_write_close(tape->tar) == ARCHIVE_OK)
		r = (int) tape->files;
	else
		fail(name, archive_errno(tape->tar) > 0      ? strerror(archive_errno(tape->tar))
			   : archive_error_string(tape->tar) ? archive_error_string(tape->tar)
							     : strerror(ENOMEM));
	archive_write_free(tape->tar);
	return r;
}

/*
 * What is to be replaced: the file that a link leads to, not the link; and never a device, which
 * root could replace by accident.
 * Return: allocated; NULL after a message.
 */
static char *
target_of(const char *file)
{
	struct stat st;
	char *target;

	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode)) {
		fail(file,
		     S_ISDIR(st.st_mode) ? "it is a folder" : "it is no regular file; - is stdout");
		return NULL;
	}
	target = realpath(file, NULL);
	if (!target)
		target = strdup(file);
	if (!target)
		fail(file, strerror(ENOMEM));
	return target;
}

/* Into a new file beside it, which then takes its name: never half a file. */
static int
write_beside(const char *target, const char *temporary, int fd, struct tape *tape,
	     const struct shown *shown)
{
	mode_t mask = umask(0);
	int n;

	umask(mask);
	n = write_to(fd, target, tape, shown);
	if (n >= 0 && fchmod(fd, 0666 & ~mask) < 0)
		n = fail(target, strerror(errno));
	if (close(fd) < 0 && n >= 0)
		n = fail(target, strerror(errno));
	if (n >= 0 && rename(temporary, target) < 0)
		n = fail(target, strerror(errno));
	if (n < 0)
		unlink(temporary);
	return n;
}

static int
write_file(const char *file, struct tape *tape, const struct shown *shown)
{
	char *target = target_of(file), *temporary = NULL;
	int fd, n = -1;

	if (!target)
		return -1;
	if (asprintf(&temporary, "%s.XXXXXX", target) < 0) {
		temporary = NULL;
		fail(file, strerror(ENOMEM));
	} else {
		fd = mkostemp(temporary, O_CLOEXEC);
		n = fd < 0 ? fail(file, strerror(errno))
			   : write_beside(target, temporary, fd, tape, shown);
	}
	if (n >= 0)
		printf("%s: %d files\n", file, n);
	free(temporary);
	free(target);
	return n;
}

int
capture(const struct shown *shown, const char *file)
{
	struct corun_cpu_options all = shown->options->look;
	struct corun_cpu *cpu;
	struct tape tape = { 0 };
	struct cpu_source source;
	int r;

	/* With --leaf-only the view ends early, but whoever reads the files may not. */
	all.leaf_only = false;
	r = cpu_source_init(&source, all.root);
	if (r < 0) {
		fail(file, strerror(-r));
		return EXIT_FAILED;
	}
	r = corun_cpu_open(&all, &cpu);
	if (r < 0) {
		fail(file, strerror(-r));
	} else {
		tape.source = &source;
		tape.view = corun_cpu_look(cpu);
		r = strcmp(file, "-") == 0 ? write_to(STDOUT_FILENO, "to stdout", &tape, shown)
					   : write_file(file, &tape, shown);
		corun_cpu_close(cpu);
	}
	cpu_source_fini(&source);
	return r < 0 ? EXIT_FAILED : EXIT_OK;
}
