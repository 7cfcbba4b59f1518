/* Spawn, what is looked up before: users, groups, programs. */

#include "daemon/process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ENTRY_BYTES = 4096,         /* of a line of passwd or group, at first */
	ENTRY_BYTES_MAX = 16 << 20, /* a group may have very many members */
};

/* ---- users and groups ------------------------------------------------------------------------ */

/*
 * Is @text a decimal number? Then it is an id and never a name. Return: whether; @ret_id is -1 for
 * one that is out of range, or that the system calls take for "leave it as it is".
 */
static bool
is_id(const char *text, long *ret_id)
{
	unsigned long id;

	if (*text == '\0' || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	id = strtoul(text, NULL, 10);
	*ret_id = errno != 0 || id >= UINT32_MAX ? -1 : (long) id;
	return true;
}

/* An entry is copied into a buffer, whose size only trying shows. */
struct entry {
	char *buf;
	size_t bytes;
	struct passwd user;
	struct group group;
};

static int
grow(struct entry *entry)
{
	size_t bytes = entry->bytes == 0 ? ENTRY_BYTES : entry->bytes * 2;
	char *buf = bytes <= ENTRY_BYTES_MAX ? realloc(entry->buf, bytes) : NULL;

	if (buf == NULL)
		return -ENOMEM;
	entry->buf = buf;
	entry->bytes = bytes;
	return 0;
}

/* "There is none" is 0 without an entry, and by some modules also one of these. */
static int
no_entry(int error)
{
	if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
		return -ENOENT;
	return -error;
}

static int
find_user(struct entry *entry, const char *name, long id, bool by_id)
{
	struct passwd *found = NULL;
	int r, error;

	do {
		r = grow(entry);
		if (r < 0)
			return r;
		if (by_id)
			error = getpwuid_r((uid_t) id, &entry->user, entry->buf, entry->bytes,
					   &found);
		else
			error = getpwnam_r(name, &entry->user, entry->buf, entry->bytes, &found);
	} while (error == ERANGE);
	return found != NULL ? 0 : no_entry(error);
}

static int
find_group(struct entry *entry, const char *name)
{
	struct group *found = NULL;
	int r, error;

	do {
		r = grow(entry);
		if (r < 0)
			return r;
		error = getgrnam_r(name, &entry->group, entry->buf, entry->bytes, &found);
	} while (error == ERANGE);
	return found != NULL ? 0 : no_entry(error);
}

static int
look_up_gid(const char *group, gid_t *ret)
{
	struct entry entry = { 0 };
	long id;
	int r;

	if (is_id(group, &id)) {
		if (id < 0)
			return -ESRCH;
		*ret = (gid_t) id;
		return 0;
	}
	r = find_group(&entry, group);
	if (r == 0)
		*ret = entry.group.gr_gid;
	free(entry.buf);
	return r == -ENOENT ? -ESRCH : r;
}

/* The groups that list @name as a member, and @gid. */
static int
look_up_groups(const char *name, gid_t gid, struct spawn_user *user)
{
	int n = 16;

	for (;;) {
		int room = n;
		gid_t *groups = reallocarray(user->groups, (size_t) room, sizeof(*groups));

		if (groups == NULL)
			return -ENOMEM;
		user->groups = groups;
		if (getgrouplist(name, gid, groups, &n) >= 0) {
			user->n_groups = (size_t) n;
			return 0;
		}
		if (n <= room)
			n = room * 2;
		if (n > NGROUPS_MAX * 2)
			return -E2BIG;
	}
}

static int
fill_user(struct spawn_user *to, struct entry *entry, const char *user, const char *group)
{
	long id = 0;
	bool by_id = is_id(user, &id);
	int r;

	if (by_id && id < 0)
		return -ENOENT;
	r = find_user(entry, user, id, by_id);
	if (r < 0 && !(by_id && r == -ENOENT))
		return r;
	to->uid = r == 0 ? entry->user.pw_uid : (uid_t) id;
	if (group != NULL) {
		int gr = look_up_gid(group, &to->gid);

		if (gr < 0)
			return gr;
	} else if (r == 0) {
		to->gid = entry->user.pw_gid;
	} else {
		return -ESRCH;
	}
	/* A number that nobody has a name for is in no group but its own. */
	return r == 0 ? look_up_groups(entry->user.pw_name, to->gid, to) : 0;
}

int
spawn_look_up_user(const char *user, const char *group, struct spawn_user *ret)
{
	struct spawn_user found = { .set = true };
	struct entry entry = { 0 };
	int r = fill_user(&found, &entry, user, group);

	free(entry.buf);
	if (r < 0)
		spawn_free_user(&found);
	else
		*ret = found;
	return r;
}

void
spawn_free_user(struct spawn_user *user)
{
	free(user->groups);
	*user = (struct spawn_user){ 0 };
}

/* ---- programs -------------------------------------------------------------------------------- */

/* Return: 0: it can be executed; -ENOENT; -EACCES; ... */
static int
look_at(const char *file)
{
	struct stat st;

	if (stat(file, &st) < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, file, X_OK, AT_EACCESS) < 0)
		return -EACCES;
	return 0;
}

/* "DIR/NAME", absolute. Return: 0, -ENOMEM, or what getcwd(3) says. */
static int
join(const char *dir, size_t dir_len, const char *name, char **ret)
{
	char *here = NULL;
	int n;

	if (dir_len == 0 || dir[0] != '/') {
		here = getcwd(NULL, 0);
		if (here == NULL)
			return -errno;
	}
	n = asprintf(ret, "%s%s%.*s%s%s", here != NULL ? here : "", here != NULL ? "/" : "",
		     (int) dir_len, dir, dir_len > 0 ? "/" : "", name);
	free(here);
	return n < 0 ? -ENOMEM : 0;
}

/* Try "DIR/NAME"; @ret is set if that is it. */
static int
try_dir(const char *dir, size_t dir_len, const char *name, char **ret)
{
	char *file;
	int r = join(dir, dir_len, name, &file);

	if (r < 0)
		return r;
	r = look_at(file);
	if (r < 0)
		free(file);
	else
		*ret = file;
	return r;
}

int
spawn_find_program(const char *name, const char *path, char **ret)
{
	bool denied = false;

	if (*name == '\0')
		return -ENOENT;
	if (*name == '/') {
		int r = look_at(name);

		if (r < 0)
			return r;
		*ret = strdup(name);
		return *ret == NULL ? -ENOMEM : 0;
	}
	if (strchr(name, '/') != NULL)
		return try_dir("", 0, name, ret);
	for (;;) {
		size_t len = strcspn(path, ":");
		int r = try_dir(path, len, name, ret);

		if (r == 0 || r == -ENOMEM)
			return r;
		denied = denied || r == -EACCES;
		if (path[len] == '\0')
			return denied ? -EACCES : -ENOENT;
		path += len + 1;
	}
}
