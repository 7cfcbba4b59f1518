/*
 * Serve - the life of the daemon
 *
 * Threads: the first one becomes the control thread (base/loop.h), which owns the list of tasks,
 * the events and the connections. It begins with all signals that it handles blocked, so that every
 * other thread has them blocked, too. The runtime brings the governor, the monitor and the threads
 * that run coroutines; the log has one of its own.
 */

#include "daemon/serve.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <corun/runtime.h>
#include <corun/time.h>

#include "daemon/base/event.h"
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/control/events.h"
#include "daemon/control/pool.h"
#include "daemon/control/server.h"
#include "daemon/process/reaper.h"
#include "daemon/process/taskgroup.h"
#include "daemon/process/spawn.h"
#include "daemon/reload.h"
#include "daemon/systemd/service.h"
#include "daemon/task/tasks.h"
#include "daemon/task/workers_file.h"

#define STATUS_NS (1 * CORUN_S)
#define STOP_NS   (5 * CORUN_S) /* for coroutines of the daemon's own to end */

enum phase { STARTING, RUNNING, STOPPING };

static struct {
	enum phase phase;
	sigset_t signals;
	int signal_fd;
	struct loop_watch *signal_watch;
	struct loop_timer status_timer;
} daemon_;

static const char *
state_name(void)
{
	if (daemon_.phase == RUNNING && reload_running())
		return "reloading";
	return daemon_.phase == STARTING  ? "starting"
	       : daemon_.phase == RUNNING ? "running"
					  : "stopping";
}

static void
enter(enum phase phase)
{
	daemon_.phase = phase;
	event_emit("daemon", json_pack("{s:s}", "state", state_name()));
}

/* ---- what systemd shows ---------------------------------------------------------------------- */

static void
status_text(char *text, size_t size)
{
	const struct corun_pool_state *pool = pool_state();
	size_t all, running, failed;
	char limit[64] = "no quota";

	if (pool->limit.limited)
		snprintf(limit, sizeof(limit), "quota %.2f CPUs",
			 (double) pool->limit.quota_us / (double) pool->limit.period_us);
	tasks_counts(&all, &running, &failed);
	snprintf(text, size, "%u workers (%s, by %s), %zu of %zu tasks running, %zu failed",
		 pool->workers, limit, corun_cpu_reason_name(pool->reason), running, all, failed);
}

static void
tell_status(void *arg)
{
	char text[200];

	(void) arg;
	if (daemon_.phase == RUNNING && !reload_running()) {
		status_text(text, sizeof(text));
		service_status(text);
	}
	loop_at(&daemon_.status_timer, corun_in(STATUS_NS));
}

/* ---- signals --------------------------------------------------------------------------------- */

static void
stop(const char *why)
{
	if (daemon_.phase == STOPPING) {
		log_line(LOG_LEVEL_NOTICE, NULL, "%s again: killing what still runs", why);
		tasks_hurry();
		return;
	}
	log_line(LOG_LEVEL_NOTICE, NULL, "%s: stopping", why);
	enter(STOPPING);
	service_stopping();
	reload_cancel();
	tasks_stop(loop_end);
}

static void
reload_by_signal(void)
{
	if (daemon_.phase != RUNNING)
		log_line(LOG_LEVEL_WARNING, NULL, "SIGHUP: no reload while the daemon is %s",
			 state_name());
	else if (reload_running())
		reload_again();
	else
		reload(NULL, NULL);
}

static void
read_signals(void *arg, uint32_t events)
{
	struct signalfd_siginfo info;

	(void) arg;
	(void) events;
	while (read(daemon_.signal_fd, &info, sizeof(info)) == (ssize_t) sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			reaper_run();
			break;
		case SIGHUP:
			reload_by_signal();
			break;
		case SIGTERM:
			stop("SIGTERM");
			break;
		case SIGINT:
			stop("SIGINT");
			break;
		default:
			break;
		}
	}
}

static int
open_signals(void)
{
	const int handled[] = { SIGCHLD, SIGHUP, SIGINT, SIGTERM };

	sigemptyset(&daemon_.signals);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
		/* An ignored SIGCHLD would lose the statuses of children. */
		signal(handled[i], SIG_DFL);
		sigaddset(&daemon_.signals, handled[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &daemon_.signals, NULL);
	daemon_.signal_fd = signalfd(-1, &daemon_.signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (daemon_.signal_fd < 0)
		return -errno;
	return loop_watch(daemon_.signal_fd, EPOLLIN, read_signals, NULL, &daemon_.signal_watch);
}

/* ---- start ----------------------------------------------------------------------------------- */

static int
failed(const char *what, int error)
{
	log_line(LOG_LEVEL_ERR, NULL, "%s: %s", what, strerror(-error));
	return error;
}

static int
start_runtime(const struct serve_options *options, const struct config *config)
{
	struct corun_options runtime = {
		.policy = config->workers.policy,
		.follow_affinity = config->follow_affinity,
		.no_update = config->no_update,
		.root = options->root,
		.cpus = options->cpus,
		.on_look = pool_on_look,
	};
	int r;

	pool_set_policy(&config->workers.policy);
	r = corun_start(&runtime);

	if (r < 0 && options->root != NULL)
		log_line(LOG_LEVEL_ERR, NULL, "--root %s: %s", options->root, strerror(-r));
	return r < 0 ? failed("the runtime does not start", r) : 0;
}

/* "state" of GET /v1/status, and POST /v1/reload. */
static void
reload_by_request(void (*done)(void *arg, int status, char *body), void *arg)
{
	if (daemon_.phase == RUNNING)
		reload(done, arg);
	else
		done(arg, 503, strdup("{\"error\": \"the daemon is starting or stopping\"}"));
}

/* The files with the count are beside the socket. */
static void
place_workers_files(void)
{
	char dir[512];
	const char *path = server_path();
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	if (slash == NULL || slash == path || (size_t) (slash - path) >= sizeof(dir))
		return;
	snprintf(dir, sizeof(dir), "%.*s", (int) (slash - path), path);
	workers_file_set_dir(dir);
}

static int
open_server(const struct serve_options *options, const struct config *config)
{
	static struct server_hooks hooks;
	static char file[PATH_MAX]; /* the configuration itself is replaced by a reload */
	char fault[512] = "";
	const char *path = options->socket != NULL ? options->socket : config->socket;
	int r;

	snprintf(file, sizeof(file), "%s", config->file != NULL ? config->file : "");
	hooks = (struct server_hooks){
		.reload = reload_by_request,
		.state = state_name,
		.config_file = config->file != NULL ? file : NULL,
	};
	r = server_open(path, service_listen_fd(), &hooks, fault, sizeof(fault));
	if (r == 0) {
		log_line(LOG_LEVEL_INFO, NULL, "listening on %s", server_path());
		place_workers_files();
		return 0;
	}
	if (path != NULL || r == -EADDRINUSE) {
		log_line(LOG_LEVEL_ERR, NULL, "no control socket: %s", fault);
		return r;
	}
	log_line(LOG_LEVEL_WARNING, NULL,
		 "running without a control socket: %s. Use --socket PATH, Socket= or CORUN_SOCKET",
		 fault);
	return 0;
}

static int
start(const struct serve_options *options, struct config *config)
{
	int r = open_signals();

	if (r < 0)
		return failed("signals", r);
	r = spawn_more_descriptors();
	if (r < 0)
		log_line(LOG_LEVEL_WARNING, NULL, "the limit of open files stays as it is: %s",
			 strerror(-r));
	r = reaper_open();
	if (r < 0)
		return failed("PR_SET_CHILD_SUBREAPER", r);
	r = start_runtime(options, config);
	if (r < 0)
		return r;
	pool_watch(tasks_pool_changed);
	r = open_server(options, config);
	if (r < 0)
		return r;
	r = tasks_start(config, pool_state());
	return r < 0 ? failed("the tasks do not start", r) : 0;
}

/* ---- end ------------------------------------------------------------------------------------- */

/*
 * All tasks have ended or are stuck. Supervisors that end close what their task had, so the runtime is
 * stopped before the loop, and nothing is freed under a coroutine that is stuck.
 */
static int
end(void)
{
	int r;

	service_close();
	server_close();
	r = corun_stop(corun_in(STOP_NS));
	if (r == -ETIMEDOUT) {
		log_line(LOG_LEVEL_ERR, NULL,
			 "coroutines of a module still run: ending without them");
		return r;
	}
	loop_close();
	r = taskgroup_leave();
	if (r < 0)
		log_line(LOG_LEVEL_WARNING, NULL, "cannot leave the cgroup of the daemon: %s",
			 strerror(-r));
	events_close();
	pool_close();
	reload_close();
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

int
serve(const struct serve_options *options, struct config *config)
{
	char text[200];
	int r, stopped, code;

	log_set_level((enum log_level) config->log_level);
	r = log_open();
	if (r == 0)
		r = loop_open();
	if (r < 0) {
		fprintf(stderr, "corund: cannot start: %s\n", strerror(-r));
		return EXIT_BROKEN;
	}
	reload_open(options->config_file, config);
	log_line(LOG_LEVEL_INFO, NULL, "corund " PACKAGE_VERSION ", configuration %s, %zu tasks",
		 config->file != NULL ? config->file : "(none)", config->n_tasks);
	r = start(options, config);
	if (r == 0) {
		enter(RUNNING);
		status_text(text, sizeof(text));
		service_ready(text);
		service_watchdog();
		daemon_.status_timer.fn = tell_status;
		tell_status(NULL);
	} else {
		stop("the start failed");
	}
	loop_run();
	stopped = end();
	log_line(LOG_LEVEL_INFO, NULL, "stopped");
	log_close();
	code = r < 0 ? EXIT_BROKEN : EXIT_DONE;
	/* Destructors would pull the ground from under a module that still runs. */
	if (stopped == -ETIMEDOUT)
		_exit(code);
	return code;
}
