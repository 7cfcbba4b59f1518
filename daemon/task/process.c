/*
 * Process - the kind of task that is a child process, and the commands of OnResize=
 *
 * All that can block (users, files, exec) is done between corun_block_enter() and _exit(); what the
 * child gets comes from daemon/config/explain.h, which `corund --explain` prints, too.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/config/explain.h"
#include "daemon/config/words.h"
#include "daemon/process/reaper.h"
#include "daemon/process/spawn.h"
#include "daemon/task/procgroup.h"
#include "daemon/task/supervisor.h"

/* What a child is made from; prepared while the thread may block. */
struct command {
	char **argv, **envp;
	char *file;
	struct spawn_user user;
};

/* ---- what to start ----------------------------------------------------------------------------- */

static void
command_free(struct command *command)
{
	config_words_free(command->argv);
	config_words_free(command->envp);
	free(command->file);
	spawn_free_user(&command->user);
}

static int
command_user(const struct task_config *config, struct spawn_user *user, char *fault, size_t size)
{
	int r;

	if (config->user == NULL)
		return 0;
	r = spawn_look_up_user(config->user, config->group, user);
	if (r == -ENOENT)
		snprintf(fault, size, "cannot start: no user '%s'", config->user);
	else if (r == -ESRCH)
		snprintf(fault, size, "cannot start: no group '%s'",
			 config->group != NULL ? config->group : config->user);
	else if (r < 0)
		snprintf(fault, size, "cannot start: looking up user '%s': %s", config->user,
			 strerrordesc_np(-r));
	return r;
}

/* ExecReload= and OnResize=exec: may want to know whom to tell. */
static int
add_main_pid(struct command *command, pid_t pid)
{
	char *word;

	if (pid == 0)
		return 0;
	if (asprintf(&word, "MAINPID=%d", (int) pid) < 0)
		return -ENOMEM;
	return config_words_add(&command->envp, word);
}

/* Context: the thread may block. */
static int
command_make(const struct task_config *config, char *const *words, unsigned workers, pid_t main_pid,
	     struct command *command, char *fault, size_t size)
{
	int r;

	command->argv = config_command(config, words, workers);
	command->envp = config_environment(config, workers, environ);
	if (command->argv == NULL || command->envp == NULL || add_main_pid(command, main_pid) < 0) {
		snprintf(fault, size, "cannot start: no memory");
		return -ENOMEM;
	}
	r = command_user(config, &command->user, fault, size);
	if (r < 0)
		return r;
	r = spawn_find_program(command->argv[0], config_environment_get(command->envp, "PATH"),
			       &command->file);
	if (r < 0)
		snprintf(fault, size, "cannot start: '%s': %s", command->argv[0],
			 strerrordesc_np(-r));
	return r;
}

/* ---- starting ---------------------------------------------------------------------------------- */

static void
explain_spawn(const struct task_config *config, const struct command *command, enum spawn_step step,
	      int error, char *fault, size_t size)
{
	const char *of = step == SPAWN_EXEC ? command->file : NULL;

	if (step == SPAWN_DIR)
		of = config->working_directory != NULL ? config->working_directory : "/";
	snprintf(fault, size, "cannot start: %s%s%s%s: %s", spawn_step_name(step),
		 of != NULL ? " '" : "", of != NULL ? of : "", of != NULL ? "'" : "",
		 strerrordesc_np(-error));
}

static int
spawn_command(struct task *task, const struct task_config *config, const struct command *command,
	      struct task_child *child, reaper_ended_fn *ended, char *fault, size_t size)
{
	struct output *output = atomic_load(&task->output);
	struct spawn_plan plan = {
		.file = command->file,
		.argv = command->argv,
		.envp = command->envp,
		.dir = config->working_directory,
		.fd_stdin = -1,
		.fd_stdout = output_stdout(output),
		.fd_stderr = output_stderr(output),
		.cgroup_fd = task->group != NULL ? taskgroup_dir_fd(task->group) : -1,
		.cgroup_procs_fd = task->group != NULL ? taskgroup_procs_fd(task->group) : -1,
		.user = config->user != NULL ? &command->user : NULL,
		.new_session = true,
	};
	struct spawn_result result;
	int r;

	output_own(output, plan.user != NULL ? plan.user->uid : geteuid(),
		   plan.user != NULL ? plan.user->gid : getegid());
	reaper_begin();
	r = spawn(&plan, &result);
	if (r < 0) {
		reaper_give_up();
		explain_spawn(config, command, result.step, r, fault, size);
		return r;
	}
	/* Before the claim: the end may be told at once. */
	*child = (struct task_child){ .lives = true, .pid = result.pid, .pidfd = result.pidfd };
	r = reaper_claim(result.pid, ended, task);
	if (r < 0) {
		procgroup_signal_leader(child->pidfd, child->pid, SIGKILL);
		process_forget(child);
		snprintf(fault, size, "cannot start: no memory");
	}
	return r;
}

static void
leader_ended(void *arg, int status)
{
	struct task *task = arg;

	task->run.leader.status = status;
	task_pend(task, PENDING_ENDED);
}

static void
hook_ended(void *arg, int status)
{
	struct task *task = arg;

	task->hook.status = status;
	task_pend(task, PENDING_HOOK_ENDED);
}

static int
start_command(struct task *task, const struct task_config *config, char *const *words,
	      struct task_child *child, reaper_ended_fn *ended, char *fault, size_t size)
{
	pid_t main_pid = child == &task->hook ? task->run.leader.pid : 0;
	unsigned workers = task->count.workers;
	struct command command = { 0 };
	int r;

	corun_block_enter();
	r = command_make(config, words, workers, main_pid, &command, fault, size);
	corun_block_exit();
	if (r == 0)
		r = spawn_command(task, config, &command, child, ended, fault, size);
	command_free(&command);
	return r;
}

/* ---- CPUQuota= --------------------------------------------------------------------------------- */

static int
make_group(struct task *task, const struct corun_cpu_limit *quota, struct taskgroup_fault *fault)
{
	if (task->group != NULL)
		return taskgroup_set_quota(task->group, quota, fault);
	return taskgroup_make(task->config->name, quota, &task->group, fault);
}

/*
 * What the kernel does not enforce is not counted either: the task runs with the count of a task
 * without CPUQuota=, and its status says why.
 */
void
process_requota(struct task *task)
{
	const struct corun_cpu_limit *quota = &task->run.config->cpu_quota;
	struct taskgroup_fault fault = { "" };
	char before[sizeof(task->quota_fault)];

	memcpy(before, task->quota_fault, sizeof(before));
	task->quota_fault[0] = '\0';
	task->quota = (struct corun_cpu_limit){ 0 };
	/* One that is there stays: it may hold processes of an earlier run that are hard to end. */
	if (quota->limited || task->group != NULL) {
		if (make_group(task, quota, &fault) == 0)
			task->quota = *quota;
		else
			snprintf(task->quota_fault, sizeof(task->quota_fault),
				 "CPUQuota= is not enforced, and does not count: %s", fault.text);
	}
	if (task->quota_fault[0] != '\0' && strcmp(before, task->quota_fault) != 0)
		log_line(LOG_LEVEL_WARNING, task->config->name, "%s", task->quota_fault);
}

int
process_start(struct task *task)
{
	process_requota(task);
	task_recount(task);
	return start_command(task, task->run.config, task->run.config->exec_start,
			     &task->run.leader, leader_ended, task->fault, sizeof(task->fault));
}

int
process_hook(struct task *task, char *const *words, char *fault, size_t size)
{
	return start_command(task, task->config, words, &task->hook, hook_ended, fault, size);
}

/* ---- ending ------------------------------------------------------------------------------------ */

static void
signal_group(const struct task_child *child, int signal)
{
	corun_block_enter();
	procgroup_signal(child->pidfd, child->pid, signal);
	corun_block_exit();
}

void
process_terminate(struct task *task)
{
	signal_group(&task->run.leader, task->run.config->kill_signal);
	/* Who is stopped could not obey. */
	signal_group(&task->run.leader, SIGCONT);
}

void
process_kill(struct task *task)
{
	int r;

	signal_group(&task->run.leader, SIGKILL);
	if (task->group == NULL)
		return;
	r = taskgroup_kill(task->group);
	if (r < 0)
		log_line(LOG_LEVEL_ERR, task->config->name, "cannot kill its cgroup %s: %s",
			 taskgroup_path(task->group), strerrordesc_np(-r));
}

bool
process_is_gone(struct task *task)
{
	const struct task_child *leader = &task->run.leader;

	if (!leader->reaped || !procgroup_is_empty(leader->pidfd, leader->pid))
		return false;
	/* Where it cannot be asked, the group has to do. */
	return task->group == NULL || task->hook.lives || taskgroup_empty(task->group) != 0;
}

void
process_forget(struct task_child *child)
{
	if (child->pidfd >= 0)
		close(child->pidfd);
	*child = (struct task_child){ .pidfd = -1 };
}

void
process_end(int status, char *text, size_t size)
{
	const char *name;

	if (!WIFSIGNALED(status)) {
		snprintf(text, size, "exited with code %d", WEXITSTATUS(status));
		return;
	}
	name = sigabbrev_np(WTERMSIG(status));
	if (name != NULL)
		snprintf(text, size, "was ended by SIG%s", name);
	else
		snprintf(text, size, "was ended by signal %d", WTERMSIG(status));
}
