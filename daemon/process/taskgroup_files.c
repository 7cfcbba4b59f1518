/* Taskgroup, directories and values: by libcgroup if it can, else directly. */

#include "daemon/process/taskgroup_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
open_value(const char *dir, const char *name, int flags)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int) sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int
taskgroup_dir_make(const char *dir)
{
#ifdef HAVE_LIBCGROUP
	if (taskgroup_libcgroup_make(dir) == 0)
		return 0;
#endif
	return mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int
taskgroup_dir_remove(const char *dir)
{
	return rmdir(dir) < 0 ? -errno : 0;
}

/* The kernel takes a value in one write or not at all. */
int
taskgroup_value_write(const char *dir, const char *name, const char *text)
{
	int fd, r = 0;

#ifdef HAVE_LIBCGROUP
	if (taskgroup_libcgroup_write(dir, name, text) == 0)
		return 0;
#endif
	fd = open_value(dir, name, O_WRONLY);
	if (fd < 0)
		return fd;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

int
taskgroup_value_read(const char *dir, const char *name, char *text, size_t bytes)
{
	ssize_t n;
	int fd;

#ifdef HAVE_LIBCGROUP
	if (taskgroup_libcgroup_read(dir, name, text, bytes) == 0)
		return 0;
#endif
	fd = open_value(dir, name, O_RDONLY);
	if (fd < 0)
		return fd;
	n = read(fd, text, bytes - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int) n;
	text[n] = '\0';
	if (strchr(text, '\n') == NULL && (size_t) n == bytes - 1)
		return -E2BIG;
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static const char *
help_for(int error)
{
	switch (-error) {
	case EROFS:
		return "; the cgroups are mounted read-only: a container needs them writable "
		       "(docker "
		       "run --privileged), or leave quotas of tasks out";
	case EACCES:
	case EPERM:
		return "; run as root, or let systemd hand the cgroup over: Delegate=cpu in the "
		       "unit "
		       "(with User= only on cgroup v2)";
	case EBUSY:
		return "; processes that are not ours are in this cgroup: start corund in one of "
		       "its "
		       "own, such as a unit with Delegate=cpu";
	case ENOENT:
	case ENODEV:
		return "; the CPU controller is not handed over to this cgroup: Delegate=cpu in "
		       "the "
		       "unit, or --privileged for a container";
	default:
		return "";
	}
}

int
taskgroup_fault_set(struct taskgroup_fault *fault, int error, const char *doing, const char *dir,
		    const char *name)
{
	snprintf(fault->text, sizeof(fault->text), "cannot %s %.120s%s%s: %s%s", doing, dir,
		 name != NULL ? "/" : "", name != NULL ? name : "", strerror(-error),
		 help_for(error));
	return error;
}
