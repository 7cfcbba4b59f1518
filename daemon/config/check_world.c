/*
 * Is what a task names there? A start would find out, but a typing error should be told when the
 * configuration is read. What is found now may be gone at the start, which then says so.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/explain.h"
#include "daemon/config/parse.h"
#include "daemon/config/words.h"
#include "daemon/process/spawn.h"

/* @env: the task's. */
static void
check_program(const struct task_config *task, char *const *words, const char *key, char *const *env,
	      const struct config_place *at)
{
	const char *path = config_environment_get(env, "PATH");
	char *file, *found = NULL;
	int r;

	if (!words)
		return;
	if (strstr(words[0], "%w")) {
		config_complain(at, "%s=: '%s': the program cannot depend on %%w", key, words[0]);
		return;
	}
	file = config_expand(words[0], task->name, 1);
	if (!file) {
		config_no_memory(at);
		return;
	}
	r = spawn_find_program(file, path, &found);
	if (r == -ENOENT && !strchr(file, '/'))
		config_complain(at, "%s=: there is no program '%s' in PATH, %s", key, file, path);
	else if (r == -EACCES)
		config_complain(at, "%s=: '%s' is no program that can be executed", key, file);
	else if (r < 0)
		config_complain(at, "%s=: '%s': %s", key, file, strerror(-r));
	free(found);
	free(file);
}

static void
check_user(const struct task_config *task, const struct config_seen *seen,
	   const struct config_place *at)
{
	struct config_place user = *at, group = *at;
	struct spawn_user found;
	int r;

	if (!task->user)
		return;
	user.line = config_seen_line(seen, "Task", "User");
	group.line = config_seen_line(seen, "Task", "Group");
	r = spawn_look_up_user(task->user, task->group, &found);
	if (r == 0)
		spawn_free_user(&found);
	else if (r == -ENOENT)
		config_complain(&user, "User=%s: there is no such user", task->user);
	else if (r == -ESRCH && task->group)
		config_complain(&group, "Group=%s: there is no such group", task->group);
	else if (r == -ESRCH)
		config_complain(&user, "User=%s: a number without a name needs Group=", task->user);
	else
		config_complain(&user, "User=%s: %s", task->user, strerror(-r));
}

static void
check_directory(const char *path, const struct config_place *at)
{
	struct stat st;

	if (stat(path, &st) < 0)
		config_complain(at, "WorkingDirectory=%s: %s", path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		config_complain(at, "WorkingDirectory=%s: it is no folder", path);
}

static void
check_module(const char *module, const char *module_dir, const struct config_place *at)
{
	char *file = config_module_file(module, module_dir);
	struct stat st;

	if (!file)
		config_no_memory(at);
	else if (stat(file, &st) < 0)
		config_complain(at, "Module=%s: %s: %s", module, file, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		config_complain(at, "Module=%s: %s is no file", module, file);
	else if (access(file, R_OK) < 0)
		config_complain(at, "Module=%s: %s: %s", module, file, strerror(errno));
	free(file);
}

void
config_check_world(const struct task_config *task, const char *module_dir,
		   const struct config_seen *seen, const struct config_place *at)
{
	struct config_place there = *at;
	char **env;

	if (task->type == TASK_MODULE) {
		there.line = config_seen_line(seen, "Task", "Module");
		if (task->module)
			check_module(task->module, module_dir, &there);
		return;
	}
	env = config_environment(task, 1, environ);
	if (!env) {
		config_no_memory(at);
		return;
	}
	there.line = config_seen_line(seen, "Task", "ExecStart");
	check_program(task, task->exec_start, "ExecStart", env, &there);
	there.line = config_seen_line(seen, "Task", "ExecReload");
	check_program(task, task->exec_reload, "ExecReload", env, &there);
	there.line = config_seen_line(seen, "Task", "OnResize");
	check_program(task, task->on_resize_exec, "OnResize", env, &there);
	config_words_free(env);
	there.line = config_seen_line(seen, "Task", "WorkingDirectory");
	if (there.line && task->working_directory)
		check_directory(task->working_directory, &there);
	check_user(task, seen, at);
}
