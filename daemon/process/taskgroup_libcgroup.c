/*
 * Taskgroup by libcgroup
 *
 * What 2.0.2 does well: make directories of v1, write and read values of both. It names cgroups by a
 * controller and a path below the controller's first mount; a directory that is not below that (a
 * bind mount, another cgroup namespace) it cannot name.
 *
 * Not asked of it: directories of v2, since it means to see to subtree_control as well, by rules of
 * its own; and to remove one, since it says that it did when somebody is in there (with
 * CGFLAG_DELETE_EMPTY_ONLY), or first moves him to the cgroup above (without).
 */

#include "daemon/process/taskgroup_files.h"

#include <errno.h>
#include <libcgroup.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

enum { CGROUP2_MAGIC = 0x63677270 };

static void
no_logger(void *arg, int level, const char *format, va_list args)
{
	(void) arg, (void) level, (void) format, (void) args;
}

/* Where the CPU controller is mounted, as libcgroup sees it; NULL: it does not. */
static const char *
mount_point(void)
{
	static bool asked;
	static char *point;

	if (!asked) {
		asked = true;
		cgroup_set_logger(no_logger, CGROUP_LOG_ERROR, NULL);
		if (cgroup_init() != 0 || cgroup_get_subsys_mount_point("cpu", &point) != 0)
			point = NULL;
	}
	return point;
}

/* What libcgroup calls @dir; NULL: it has no name for it. */
static const char *
name_of(const char *dir)
{
	const char *point = mount_point();
	size_t len;

	if (point == NULL)
		return NULL;
	len = strlen(point);
	return strncmp(dir, point, len) == 0 && dir[len] == '/' ? dir + len + 1 : NULL;
}

static bool
is_v1(void)
{
	struct statfs fs;

	return statfs(mount_point(), &fs) == 0 && fs.f_type != CGROUP2_MAGIC;
}

/* A handle; nothing is read or made yet. @ret_cpu: its CPU controller. */
static struct cgroup *
handle_of(const char *dir, struct cgroup_controller **ret_cpu)
{
	const char *name = name_of(dir);
	struct cgroup *group = name != NULL ? cgroup_new_cgroup(name) : NULL;

	if (group == NULL)
		return NULL;
	*ret_cpu = cgroup_add_controller(group, "cpu");
	if (*ret_cpu == NULL)
		cgroup_free(&group);
	return group;
}

int
taskgroup_libcgroup_make(const char *dir)
{
	struct cgroup_controller *cpu;
	struct cgroup *group = handle_of(dir, &cpu);
	int r;

	if (group == NULL)
		return -ENOSYS;
	r = is_v1() ? cgroup_create_cgroup(group, 1) : ECGFAIL;
	cgroup_free(&group);
	return r == 0 ? 0 : -ENOSYS;
}

int
taskgroup_libcgroup_write(const char *dir, const char *name, const char *text)
{
	struct cgroup_controller *cpu;
	struct cgroup *group;
	int r;

	if (strncmp(name, "cpu.", 4) != 0)
		return -ENOSYS; /* a file of the hierarchy, not a value of the controller */
	group = handle_of(dir, &cpu);
	if (group == NULL)
		return -ENOSYS;
	r = cgroup_add_value_string(cpu, name, text);
	if (r == 0)
		r = cgroup_modify_cgroup(group);
	cgroup_free(&group);
	return r == 0 ? 0 : -ENOSYS;
}

int
taskgroup_libcgroup_read(const char *dir, const char *name, char *text, size_t bytes)
{
	const char *path = name_of(dir);
	char *file = strdup(name); /* it wants one that it might change */
	void *handle = NULL;
	int r = ECGFAIL;

	if (path != NULL && file != NULL && strncmp(name, "cpu.", 4) == 0) {
		r = cgroup_read_value_begin("cpu", path, file, &handle, text, (int) bytes);
		if (handle != NULL)
			cgroup_read_value_end(&handle);
	}
	free(file);
	if (r != 0)
		return -ENOSYS;
	text[strcspn(text, "\n")] = '\0';
	return 0;
}
