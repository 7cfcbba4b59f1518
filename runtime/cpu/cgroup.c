/*
 * A place is found in two steps. /proc/self/cgroup says in which hierarchy and under which name;
 * mountinfo says where a part of that hierarchy is mounted:
 *
 *   name   /docker/4f2a/app       12:cpu,cpuacct:/docker/4f2a/app
 *   root   /docker/4f2a           the part of the hierarchy that the mount shows
 *   below              /app       what is left of the name
 *   point  /sys/fs/cgroup/cpu     folder = point + below
 *
 * In a cgroup namespace, names and roots outside of it start with "/..", once per level up. They
 * compare like other names, but what is left of a name must not start so: that place is above
 * the mount.
 */

#include "config.h"

#include "runtime/cpu/cgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A piece of text. */
struct span {
	const char *at;
	size_t len;
};

static bool
span_is(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

/*
 * Cut off what is before the first @mark and drop the mark.
 * Return: false if there is none; nothing is changed then.
 */
static bool
span_cut(struct span *rest, char mark, struct span *ret_head)
{
	const char *end = rest->len ? memchr(rest->at, mark, rest->len) : NULL;

	if (!end)
		return false;
	*ret_head = (struct span){ rest->at, (size_t) (end - rest->at) };
	rest->len -= ret_head->len + 1;
	rest->at = end + 1;
	return true;
}

/* "cpu" as a word of a list with commas: "cpu,cpuacct" has it, "cpuset" does not. */
static bool
has_cpu(struct span list)
{
	struct span word;

	while (span_cut(&list, ',', &word))
		if (span_is(word, "cpu"))
			return true;
	return span_is(list, "cpu");
}

static int
refuse(struct cpu_cgroup_fault *reterr, size_t line, const char *why)
{
	reterr->line = line;
	reterr->why = why;
	return -EINVAL;
}

/* ---- /proc/self/cgroup: ID:CONTROLLERS:PATH ------------------------------------------------- */

/* Whether a v2 hierarchy is named as well; a malformed line is nobody's business here. */
static bool
names_v2(struct span rest)
{
	struct span line;

	while (span_cut(&rest, '\n', &line))
		if (line.len >= 2 && memcmp(line.at, "0:", 2) == 0)
			return true;
	return false;
}

int
cpu_cgroup_parse_membership(const char *text, size_t len, struct cpu_cgroup_membership *ret,
			    struct cpu_cgroup_fault *reterr)
{
	struct cpu_cgroup_membership found = { .hierarchy = CORUN_CGROUP_NONE };
	struct span rest = { text, len }, line, id, controllers;
	size_t number = 0;

	while (rest.len > 0) {
		number++;
		if (!span_cut(&rest, '\n', &line))
			return refuse(reterr, number, "the line is not complete");
		/* Only the first two colons separate: a path may have more of them. */
		if (!span_cut(&line, ':', &id) || !span_cut(&line, ':', &controllers))
			return refuse(reterr, number, "a line needs two colons");
		if (line.len == 0)
			return refuse(reterr, number, "path is empty");
		if (line.at[0] != '/')
			return refuse(reterr, number, "path does not start with '/'");
		if (memchr(line.at, '\0', line.len))
			return refuse(reterr, number, "path contains a NUL byte");

		if (span_is(id, "0")) {
			found.hierarchy = CORUN_CGROUP_V2;
		} else if (has_cpu(controllers)) {
			found.hybrid = found.hierarchy == CORUN_CGROUP_V2 || names_v2(rest);
			found.hierarchy = CORUN_CGROUP_V1;
		} else {
			continue;
		}
		found.path = line.at;
		found.path_len = line.len;
		if (found.hierarchy == CORUN_CGROUP_V1)
			break;
	}
	*ret = found;
	return 0;
}

/* ---- /proc/self/mountinfo ------------------------------------------------------------------- */

/* The fields of one line that matter. */
struct mount_line {
	struct span root;
	struct span point;
	struct span fstype;
	struct span rest; /* source and super options */
};

/*
 *   36 35 98:0 /root /point rw,noatime shared:1 ... - cgroup cgroup rw,cpu
 *
 * Return: NULL, or what is wrong.
 */
static const char *
split_line(struct span line, struct mount_line *ret)
{
	struct span skipped;

	for (int i = 0; i < 3; i++)
		if (!span_cut(&line, ' ', &skipped))
			return "a line has too few fields";
	if (!span_cut(&line, ' ', &ret->root) || !span_cut(&line, ' ', &ret->point))
		return "a line has too few fields";

	/* The mount's options, then any number of optional fields, ended by " - ". */
	do {
		if (!span_cut(&line, ' ', &skipped))
			return "a line has no separator ' - '";
	} while (line.len < 2 || memcmp(line.at, "- ", 2) != 0);
	line.at += 2;
	line.len -= 2;

	if (!span_cut(&line, ' ', &ret->fstype))
		return "a line has nothing after the file system type";
	ret->rest = line;
	return NULL;
}

/*
 * Undo the kernel's escapes: a backslash and three digits. As in Go the digits may be 8 and 9, and
 * only the low eight bits count.
 *
 * @ret: freed by the caller; may hold NUL bytes
 * Return: 0; -EINVAL; -ENOMEM.
 */
static int
decode(struct span field, char **ret, size_t *ret_len)
{
	char *out = malloc(field.len + 1);
	size_t n = 0;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < field.len; i++) {
		unsigned value = 0;

		if (field.at[i] != '\\') {
			out[n++] = field.at[i];
			continue;
		}
		if (field.len - i < 4)
			goto bad;
		for (int digit = 0; digit < 3; digit++) {
			char c = field.at[++i];

			if (c < '0' || c > '9')
				goto bad;
			value = value * 8 + (unsigned) (c - '0');
		}
		out[n++] = (char) (unsigned char) value;
	}
	out[n] = '\0';
	*ret = out;
	*ret_len = n;
	return 0;
bad:
	free(out);
	return -EINVAL;
}

/* ".." as a whole component, anywhere: a name that leads out of what is mounted. */
static bool
has_dotdot(const char *path, size_t len)
{
	struct span rest = { path, len }, name;

	while (span_cut(&rest, '/', &name))
		if (span_is(name, ".."))
			return true;
	return span_is(rest, "..");
}

/*
 * What is left of @path below @root, component by component: "/sand" is no root of "/sandbox".
 * Return: false if the mount does not show the path.
 */
static bool
strip_root(struct span path, const char *root, size_t root_len, struct span *ret_below)
{
	if (root_len == 1) /* "/" */
		root_len = 0;
	if (path.len < root_len || memcmp(path.at, root, root_len) != 0)
		return false;
	path.at += root_len;
	path.len -= root_len;
	if (path.len > 0 && path.at[0] != '/')
		return false;
	if (has_dotdot(path.at, path.len))
		return false;
	path.len = cpu_cgroup_trim(path.at, path.len);
	*ret_below = path;
	return true;
}

/*
 * One line of mountinfo against the wanted place.
 * Return: 1 and *ret; 0 (not this one); -ENOMEM; -EINVAL and *ret_why.
 */
static int
match_line(struct span line, const struct cpu_cgroup_membership *who, struct cpu_cgroup_mount *ret,
	   const char **ret_why)
{
	bool v1 = who->hierarchy == CORUN_CGROUP_V1;
	struct span path = { who->path, who->path_len }, source, below;
	struct cpu_cgroup_mount mount = { 0 };
	struct mount_line fields;
	size_t root_len, point_len;
	int r;

	*ret_why = split_line(line, &fields);
	if (*ret_why)
		return -EINVAL;
	if (!span_is(fields.fstype, v1 ? "cgroup" : "cgroup2"))
		return 0;
	if (v1) {
		*ret_why = "a cgroup mount has no super options";
		if (!span_cut(&fields.rest, ' ', &source))
			return -EINVAL;
		if (!has_cpu(fields.rest))
			return 0;
	}

	r = decode(fields.root, &mount.root, &root_len);
	*ret_why = "the mount's root has a bad escape";
	if (r < 0)
		return r;
	r = -EINVAL;
	*ret_why = "the mount's root does not start with '/'";
	if (mount.root[0] != '/')
		goto out;
	r = 0;
	if (!strip_root(path, mount.root, root_len, &below))
		goto out;

	r = decode(fields.point, &mount.point, &point_len);
	*ret_why = "the mount point has a bad escape";
	if (r < 0)
		goto out;
	r = -EINVAL;
	*ret_why = "the mount point does not start with '/'";
	if (mount.point[0] != '/')
		goto out;
	*ret_why = "the mount point contains a NUL byte";
	if (strlen(mount.point) != point_len)
		goto out;

	mount.below = strndup(below.at, below.len);
	r = mount.below ? 1 : -ENOMEM;
out:
	if (r == 1)
		*ret = mount;
	else
		cpu_cgroup_mount_free(&mount);
	return r;
}

int
cpu_cgroup_parse_mount(const char *text, size_t len, const struct cpu_cgroup_membership *who,
		       struct cpu_cgroup_mount *ret, struct cpu_cgroup_fault *reterr)
{
	struct span rest = { text, len }, line;
	size_t number = 0;

	if (who->hierarchy == CORUN_CGROUP_NONE)
		return 0;
	while (rest.len > 0) {
		const char *why;
		int r;

		number++;
		if (!span_cut(&rest, '\n', &line)) {
			line = rest;
			rest.len = 0;
		}
		r = match_line(line, who, ret, &why);
		if (r == -EINVAL)
			return refuse(reterr, number, why);
		if (r != 0)
			return r;
	}
	return 0;
}

void
cpu_cgroup_mount_free(struct cpu_cgroup_mount *mount)
{
	free(mount->root);
	free(mount->point);
	free(mount->below);
	*mount = (struct cpu_cgroup_mount){ 0 };
}

/* ---- the way up ------------------------------------------------------------------------------ */

size_t
cpu_cgroup_trim(const char *below, size_t len)
{
	while (len > 0 && below[len - 1] == '/')
		len--;
	return len;
}

size_t
cpu_cgroup_parent(const char *below, size_t len)
{
	len = cpu_cgroup_trim(below, len);
	while (len > 0 && below[len - 1] != '/')
		len--;
	return cpu_cgroup_trim(below, len);
}
