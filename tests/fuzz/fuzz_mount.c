/* /proc/self/mountinfo, with the process's place before it: the first line is its cgroup line */

#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "runtime/cpu/cgroup.h"

static void
try_place(const char *text, size_t size, const struct cpu_cgroup_membership *who)
{
	struct cpu_cgroup_mount mount;
	struct cpu_cgroup_fault fault = { 0 };
	size_t root_len, len;
	int r = cpu_cgroup_parse_mount(text, size, who, &mount, &fault);

	if (r < 0)
		PROMISE(fault.line > 0 && fault.line <= size && fault.why);
	if (r <= 0)
		return;
	PROMISE(mount.root[0] == '/' && mount.point[0] == '/');
	PROMISE(mount.below[0] == '/' || mount.below[0] == '\0');
	PROMISE(!strstr(mount.below, "/../"));

	/* root and below make up the path again, but for slashes at its end */
	root_len = strcmp(mount.root, "/") == 0 ? 0 : strlen(mount.root);
	len = strlen(mount.below);
	PROMISE(root_len + len <= who->path_len);
	PROMISE(memcmp(who->path, mount.root, root_len) == 0);
	PROMISE(memcmp(who->path + root_len, mount.below, len) == 0);

	/* the way up ends */
	while (len > 0) {
		size_t up = cpu_cgroup_parent(mount.below, len);

		PROMISE(up < len);
		len = up;
	}
	cpu_cgroup_mount_free(&mount);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "/", "/a/b", "/docker/outer",
					     "/../../../../init.scope" };
	const char *text = (const char *) data;
	const char *end = size ? memchr(text, '\n', size) : NULL;
	struct cpu_cgroup_membership who;
	struct cpu_cgroup_fault fault;

	if (end && cpu_cgroup_parse_membership(text, (size_t) (end + 1 - text), &who, &fault) == 0)
		try_place(end + 1, size - (size_t) (end + 1 - text), &who);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		who.path = paths[i];
		who.path_len = strlen(paths[i]);
		who.hierarchy = CORUN_CGROUP_V1;
		try_place(text, size, &who);
		who.hierarchy = CORUN_CGROUP_V2;
		try_place(text, size, &who);
	}
	return 0;
}
