#include "daemon/config/explain.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/words.h"

enum { BUFFER_BYTES_MAX = 1 << 20 };

static const char path_standard[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* A variable whose name is @name, or begins so where it ends with '*', stays with the daemon. */
static const char *const kept_back[] = {
	"NOTIFY_SOCKET",
	"WATCHDOG_*",
	"LISTEN_*",
	"JOURNAL_STREAM",
};

static bool
is_kept_back(const char *variable)
{
	size_t len = strcspn(variable, "=");

	for (size_t i = 0; i < sizeof(kept_back) / sizeof(kept_back[0]); i++) {
		size_t n = strlen(kept_back[i]);

		if (kept_back[i][n - 1] == '*'
			    ? len >= n - 1 && memcmp(variable, kept_back[i], n - 1) == 0
			    : len == n && memcmp(variable, kept_back[i], n) == 0)
			return true;
	}
	return false;
}

/* Takes over @variable, "NAME=VALUE"; it replaces one of the same name. */
static int
put(char ***env, char *variable)
{
	size_t len = variable ? strcspn(variable, "=") : 0;

	for (size_t i = 0; variable && i < config_words_count(*env); i++)
		if (strncmp((*env)[i], variable, len) == 0 && (*env)[i][len] == '=') {
			free((*env)[i]);
			(*env)[i] = variable;
			return 0;
		}
	return config_words_add(env, variable);
}

static int
put_pair(char ***env, const char *name, const char *value)
{
	char *variable;

	if (asprintf(&variable, "%s=%s", name, value) < 0)
		variable = NULL;
	return put(env, variable);
}

/* The entry of a user by name, or else by number; the strings of it are in *@buffer. */
static int
look_up(const char *user, struct passwd *entry, char **buffer, size_t size)
{
	struct passwd *found = NULL;
	char *more = realloc(*buffer, size), *end;
	unsigned long id;
	int r;

	if (!more)
		return -ENOMEM;
	*buffer = more;
	id = strtoul(user, &end, 10);
	r = *end == '\0' ? getpwuid_r((uid_t) id, entry, more, size, &found)
			 : getpwnam_r(user, entry, more, size, &found);
	return found ? 0 : r == ERANGE ? -ERANGE : -ENOENT;
}

static int
put_entry(char ***env, const struct passwd *entry)
{
	int r = put_pair(env, "USER", entry->pw_name);

	if (r == 0)
		r = put_pair(env, "LOGNAME", entry->pw_name);
	if (r == 0)
		r = put_pair(env, "HOME", entry->pw_dir);
	if (r == 0)
		r = put_pair(env, "SHELL", entry->pw_shell[0] ? entry->pw_shell : "/bin/sh");
	return r;
}

/* Whom nobody knows, spawn_look_up_user() tells, or it is a number without a name. */
static int
put_user(char ***env, const char *user)
{
	struct passwd entry;
	char *buffer = NULL;
	int r = -ERANGE;

	for (size_t size = 4096; r == -ERANGE && size <= BUFFER_BYTES_MAX; size *= 4)
		r = look_up(user, &entry, &buffer, size);
	if (r == 0)
		r = put_entry(env, &entry);
	free(buffer);
	return r == -ENOMEM ? r : 0;
}

const char *
config_environment_get(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; env && env[i]; i++)
		if (strncmp(env[i], name, len) == 0 && env[i][len] == '=')
			return env[i] + len + 1;
	return NULL;
}

static int
fill(const struct task_config *task, unsigned workers, char *const *daemon_env, char ***env)
{
	char count[16];
	int r = put_pair(env, "PATH", path_standard);

	for (size_t i = 0; r == 0 && daemon_env && daemon_env[i]; i++)
		if (strchr(daemon_env[i], '=') && !is_kept_back(daemon_env[i]))
			r = put(env, strdup(daemon_env[i]));
	if (r == 0 && task->user)
		r = put_user(env, task->user);
	for (size_t i = 0; r == 0 && i < config_words_count(task->environment); i++)
		r = put(env, config_expand(task->environment[i], task->name, workers));
	snprintf(count, sizeof(count), "%u", workers);
	for (size_t i = 0; r == 0 && i < config_words_count(task->export_workers_as); i++)
		r = put_pair(env, task->export_workers_as[i], count);
	return r;
}

char **
config_environment(const struct task_config *task, unsigned workers, char *const *daemon_env)
{
	char **env = NULL;

	if (fill(task, workers, daemon_env, &env) < 0) {
		config_words_free(env);
		return NULL;
	}
	return env;
}
