/*
 * Process - corun_module_process(): start a program, wait for its end, leave nothing behind
 *
 * The caller's coroutine starts it and waits; the control thread, which reaps it, puts its status
 * into a channel with room for it, and is done. The process group is signalled as procgroup.c has
 * it, whose leader's pidfd stays ours until the end.
 */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <corun/chan.h>
#include <corun/coroutine.h>
#include <corun/time.h>

#include "daemon/base/log.h"
#include "daemon/config/explain.h"
#include "daemon/config/words.h"
#include "daemon/module/run.h"
#include "daemon/process/reaper.h"
#include "daemon/process/spawn.h"
#include "daemon/task/procgroup.h"

enum { KILL_AFTER_S = 5 };

struct program {
	pid_t pid;
	int pidfd;
	struct corun_chan *ended; /* int: its status */
};

static void
signal_group(const struct program *program, int sig)
{
	corun_block_enter();
	procgroup_signal(program->pidfd, program->pid, sig);
	corun_block_exit();
}

/* In the control thread. */
static void
program_ended(void *arg, int status)
{
	const struct program *program = arg;

	corun_chan_try_send(program->ended, &status);
}

/* Wait for its end; when @ctx is cancelled before, make an end. */
static int
wait_for_end(const struct program *program, struct corun_context *ctx)
{
	int status = 0;

	if (corun_chan_recv_ctx(program->ended, &status, ctx) == 1)
		return status;
	signal_group(program, SIGTERM);
	signal_group(program, SIGCONT); /* a stopped process does not take the other one */
	if (corun_chan_recv(program->ended, &status, corun_in(KILL_AFTER_S * CORUN_S)) == 1)
		return status;
	signal_group(program, SIGKILL);
	corun_chan_recv(program->ended, &status, CORUN_FOREVER);
	return status;
}

/* ---- what it is started with ----------------------------------------------------------------- */

static size_t
count(char *const *words)
{
	size_t n = 0;

	while (words != NULL && words[n] != NULL)
		n++;
	return n;
}

static bool
same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len) == 0 && b[len] == '=';
}

/* The pointers of @base that no one of @more replaces, then @more. Allocated; NULL: no memory. */
static char **
with_additions(char *const *base, char *const *more)
{
	size_t n = 0, n_base = count(base), n_more = count(more);
	char **all = calloc(n_base + n_more + 1, sizeof(*all));

	if (all == NULL)
		return NULL;
	for (size_t i = 0; i < n_base; i++) {
		bool replaced = false;

		for (size_t j = 0; j < n_more && !replaced; j++)
			replaced = same_name(more[j], base[i]);
		if (!replaced)
			all[n++] = base[i];
	}
	for (size_t j = 0; j < n_more; j++)
		all[n++] = more[j];
	return all;
}

struct setting {
	char *file;  /* of the program */
	char **base; /* the environment of the task */
	char **env;  /* with the additions; shares the strings */
};

static void
setting_free(struct setting *setting)
{
	free(setting->env);
	config_words_free(setting->base);
	free(setting->file);
}

/* The strings are not changed, whatever execve(2) and spawn() call them. */
static char *const *
as_words(const char *const *words)
{
	union {
		const char *const *in;
		char *const *out;
	} same = { words };

	return same.out;
}

/*
 * Files are looked at, and NSS may be asked. Not inlined: errno's address must not be kept across a
 * wait.
 */
__attribute__((noinline)) static int
setting_make(const struct task_config *config, const struct corun_module_process *process,
	     unsigned workers, struct setting *setting)
{
	setting->base = config_environment(config, workers, environ);
	if (setting->base == NULL)
		return -ENOMEM;
	setting->env = with_additions(setting->base, as_words(process->envp));
	if (setting->env == NULL)
		return -ENOMEM;
	return spawn_find_program(process->argv[0], config_environment_get(setting->env, "PATH"),
				  &setting->file);
}

/* ---- start and wait -------------------------------------------------------------------------- */

static int
start(struct module_run *run, const struct corun_module_process *process,
      const struct setting *setting, struct program *program)
{
	const struct task_config *config = run->start.config;
	const char *dir = process->dir != NULL ? process->dir : config->working_directory;
	struct spawn_plan plan = {
		.file = setting->file,
		.argv = as_words(process->argv),
		.envp = setting->env,
		.dir = dir,
		.fd_stdin = -1,
		.fd_stdout = output_stdout(run->start.output),
		.fd_stderr = output_stderr(run->start.output),
		.cgroup_fd = -1,
		.cgroup_procs_fd = -1,
		.new_session = true,
	};
	struct spawn_result result = { 0 };
	int r;

	reaper_begin();
	r = spawn(&plan, &result);
	if (r < 0) {
		reaper_give_up();
		log_line(LOG_LEVEL_ERR, config->name, "cannot start %s: %s: %s", setting->file,
			 spawn_step_name(result.step), strerror(-r));
		return r;
	}
	program->pid = result.pid;
	program->pidfd = result.pidfd;
	r = reaper_claim(result.pid, program_ended, program);
	if (r < 0) {
		signal_group(program, SIGKILL);
		if (program->pidfd >= 0)
			close(program->pidfd);
		log_line(LOG_LEVEL_ERR, config->name, "no memory to start %s", setting->file);
	}
	return r;
}

static int
start_and_wait(struct module_run *run, const struct corun_module_process *process,
	       const struct setting *setting, struct corun_context *ctx, int *ret_status)
{
	struct program program;
	int r = corun_chan_new(&program.ended, sizeof(int), 1);

	if (r < 0)
		return r;
	r = start(run, process, setting, &program);
	if (r == 0) {
		int status = wait_for_end(&program, ctx);

		signal_group(&program, SIGKILL); /* who is left of it has lost its leader */
		if (program.pidfd >= 0)
			close(program.pidfd);
		if (ret_status != NULL)
			*ret_status = status;
	}
	corun_chan_free(program.ended);
	return r;
}

int
module_process(struct corun_module_task *task, const struct corun_module_process *process,
	       struct corun_context *ctx, int *ret_status)
{
	struct module_run *run = module_run_of(task);
	unsigned workers = corun_module_workers(task);
	struct setting setting = { 0 };
	int r;

	if (ctx == NULL)
		ctx = run->ctx;
	r = corun_context_error(ctx);
	if (r < 0)
		return r;
	corun_block_enter();
	r = setting_make(run->start.config, process, workers, &setting);
	corun_block_exit();
	if (r < 0)
		log_line(LOG_LEVEL_ERR, run->start.config->name, "cannot start %s: %s",
			 process->argv[0], strerror(-r));
	else
		r = start_and_wait(run, process, &setting, ctx, ret_status);
	setting_free(&setting);
	return r;
}
