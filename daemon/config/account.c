#include "daemon/config/account.h"

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY_MAX = 1 << 20 };

bool
config_is_id(const char *text)
{
	unsigned long long id;

	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		return false;
	errno = 0;
	id = strtoull(text, NULL, 10);
	return errno == 0 && id < UINT32_MAX; /* the greatest means "none" to the kernel */
}

/* One try with @size bytes for the strings. */
static int
look_up_user(const char *user, struct config_account *ret, size_t size)
{
	struct passwd *found;
	int r = getpwnam_r(user, &ret->entry, ret->memory, size, &found);

	if (!found && r != ERANGE && config_is_id(user))
		r = getpwuid_r((uid_t) strtoul(user, NULL, 10), &ret->entry, ret->memory, size,
			       &found);
	if (found)
		return 0;
	/* getpwnam(3): "not found" comes as any of these. */
	return r == 0 || r == ENOENT || r == ESRCH || r == EBADF || r == EPERM ? -ENOENT : -r;
}

int
config_account_look_up(const char *user, struct config_account *ret)
{
	int r = -ERANGE;

	ret->memory = NULL;
	for (size_t size = 1024; r == -ERANGE && size <= MEMORY_MAX; size *= 4) {
		free(ret->memory);
		ret->memory = malloc(size);
		r = ret->memory ? look_up_user(user, ret, size) : -ENOMEM;
	}
	if (r < 0)
		free(ret->memory);
	return r;
}

int
config_group_check(const char *group)
{
	int r = ERANGE;

	if (config_is_id(group))
		return 0;
	for (size_t size = 1024; r == ERANGE && size <= MEMORY_MAX; size *= 4) {
		char *memory = malloc(size);
		struct group entry, *found = NULL;

		if (!memory)
			return -ENOMEM;
		r = getgrnam_r(group, &entry, memory, size, &found);
		free(memory);
		if (found)
			return 0;
	}
	return r == 0 || r == ENOENT || r == ESRCH || r == EBADF || r == EPERM ? -ENOENT : -r;
}
