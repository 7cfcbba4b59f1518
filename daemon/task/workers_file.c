/* Workers file - a worker count as a file; see workers_file.h */

#include "daemon/task/workers_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *runtime_dir;

void
workers_file_set_dir(const char *dir)
{
	free(runtime_dir);
	runtime_dir = dir != NULL ? strdup(dir) : NULL;
}

char *
workers_file_path(const char *task)
{
	char *path;
	int n;

	if (runtime_dir == NULL)
		return NULL;
	if (task == NULL)
		n = asprintf(&path, "%s/workers", runtime_dir);
	else
		n = asprintf(&path, "%s/tasks/%s.workers", runtime_dir, task);
	return n < 0 ? NULL : path;
}

static int
make_dir(void)
{
	char *dir;
	int r = 0;

	if (asprintf(&dir, "%s/tasks", runtime_dir) < 0)
		return -ENOMEM;
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		r = -errno;
	free(dir);
	return r;
}

static int
write_number(const char *path, unsigned workers)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int r = 0;

	if (fd < 0)
		return -errno;
	/* For all to read, whatever the umask. */
	if (fchmod(fd, 0644) < 0 || dprintf(fd, "%u\n", workers) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

static int
replace(const char *path, unsigned workers)
{
	char *fresh;
	int r;

	if (asprintf(&fresh, "%s.new", path) < 0)
		return -ENOMEM;
	r = write_number(fresh, workers);
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(fresh);
	free(fresh);
	return r;
}

int
workers_file_write(const char *task, unsigned workers)
{
	char *path;
	int r = 0;

	if (runtime_dir == NULL)
		return 0;
	if (task != NULL)
		r = make_dir();
	if (r < 0)
		return r;
	path = workers_file_path(task);
	if (path == NULL)
		return -ENOMEM;
	r = replace(path, workers);
	free(path);
	return r;
}

void
workers_file_remove(const char *task)
{
	char *path = workers_file_path(task);

	if (path == NULL)
		return;
	unlink(path);
	free(path);
}
