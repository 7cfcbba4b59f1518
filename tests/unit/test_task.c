/* Tasks with real processes, in a real loop: their life, how they are told of the count, reload. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "daemon/task/task.h"
#include "daemon/task/tasks.h"
#include "daemon/task/workers_file.h"
#include "tests/unit/refuse.h"
#include "tests/unit/task_control.h"

enum { TIMEOUT_S = 180, MANY = 200 };

static struct corun_pool_state pool = { .workers = 3, .reason = CORUN_BY_CPUS, .cpus = 3 };

/* ---- a task and what is done to it ------------------------------------------------------------- */

/* A task file in the test's folder. @DIR in @text is that folder. */
static struct task_config *
config_of(const char *name, const char *text)
{
	struct config_errors errors = { 0 };
	struct task_config *config = NULL;
	char path[128];
	FILE *file;
	int r;

	snprintf(path, sizeof(path), "%s/%s.task", control.dir, name);
	file = fopen(path, "w");
	fprintf(file, "[Task]\n");
	for (const char *at = text; *at != '\0'; at++) {
		if (strncmp(at, "@DIR", 4) == 0) {
			fprintf(file, "%s", control.dir);
			at += 3;
		} else {
			fputc(*at, file);
		}
	}
	fclose(file);
	r = config_load_task(path, NULL, &errors, &config);
	config_errors_print(&errors, stderr);
	ck_assert_int_eq(r, 0);
	config_errors_free(&errors);
	return config;
}

struct making {
	struct task_config *config;
	struct task *task;
};

static void
do_make(void *arg)
{
	struct making *making = arg;

	ck_assert_int_eq(task_new(making->config, &pool, &making->task), 0);
}

static struct task *
make(const char *name, const char *text)
{
	struct making making = { .config = config_of(name, text) };

	in_control(do_make, &making);
	task_config_unref(making.config);
	return making.task;
}

struct asking {
	struct task_request request;
	struct task *task;
	sem_t *done;
};

static void
answered(struct call *call)
{
	struct asking *asking = (struct asking *) call;

	sem_post(asking->done);
}

static void
do_ask(void *arg)
{
	struct asking *asking = arg;

	asking->request.done.run = answered;
	task_ask(asking->task, &asking->request);
}

/* Return: the result; @text has the sentence. */
static int
ask_text(struct task *task, enum task_verb verb, char *text, size_t size)
{
	struct asking asking = { .task = task, .request.verb = verb };
	sem_t done;

	sem_init(&done, 0, 0);
	asking.done = &done;
	in_control(do_ask, &asking);
	while (sem_wait(&done) < 0)
		;
	if (text != NULL)
		snprintf(text, size, "%s", asking.request.text);
	return asking.request.result;
}

static int
ask(struct task *task, enum task_verb verb)
{
	return ask_text(task, verb, NULL, 0);
}

struct looking {
	struct task *task;
	struct task_status status;
};

static void
do_look(void *arg)
{
	struct looking *looking = arg;

	looking->status = *task_status(looking->task);
	looking->status.config = NULL; /* not ours */
}

static struct task_status
look(struct task *task)
{
	struct looking looking = { .task = task };

	in_control(do_look, &looking);
	return looking.status;
}

static struct task_status
wait_for_state(struct task *task, enum task_state state)
{
	uint64_t deadline_ns = corun_in(PATIENCE_NS);
	struct task_status status = look(task);

	while (status.state != state) {
		ck_assert_msg(corun_now() < deadline_ns, "it is %s (%s), not %s",
			      task_state_name(status.state), status.fault, task_state_name(state));
		usleep(2000);
		status = look(task);
	}
	return status;
}

static struct task_status
wait_for_resizes(struct task *task, unsigned done, unsigned failed)
{
	uint64_t deadline_ns = corun_in(PATIENCE_NS);
	struct task_status status = look(task);

	while (status.resizes_done < done || status.resizes_failed < failed) {
		ck_assert_uint_lt(corun_now(), deadline_ns);
		usleep(2000);
		status = look(task);
	}
	ck_assert_uint_eq(status.resizes_done, done);
	ck_assert_uint_eq(status.resizes_failed, failed);
	return status;
}

struct removing {
	struct call gone;
	struct task *task;
	sem_t done;
};

static void
is_gone(struct call *call)
{
	sem_post(&((struct removing *) call)->done);
}

static void
do_remove(void *arg)
{
	struct removing *removing = arg;

	task_remove(removing->task, &removing->gone);
	task_abandon(removing->task);
}

static void
discard(struct task *task)
{
	struct removing removing = { .gone.run = is_gone, .task = task };

	sem_init(&removing.done, 0, 0);
	in_control(do_remove, &removing);
	while (sem_wait(&removing.done) < 0)
		;
}

static void
do_pool(void *arg)
{
	task_pool_changed(arg, &pool);
}

static void
set_workers(struct task *task, unsigned n)
{
	pool.workers = pool.cpus = n;
	if (task != NULL)
		in_control(do_pool, task);
}

/* ---- files ------------------------------------------------------------------------------------- */

static const char *
path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", control.dir, name);
	return path;
}

static const char *
content_of(const char *name)
{
	static char text[4096];
	int fd = open(path_of(name), O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
wait_for_content(const char *name, const char *expected)
{
	uint64_t deadline_ns = corun_in(PATIENCE_NS);

	while (strcmp(content_of(name), expected) != 0) {
		ck_assert_msg(corun_now() < deadline_ns, "%s has '%s', not '%s'", name,
			      content_of(name), expected);
		usleep(2000);
	}
}

static void
touch(const char *name)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT, 0644);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static pid_t
pid_in(const char *name)
{
	uint64_t deadline_ns = corun_in(PATIENCE_NS);

	while (strchr(content_of(name), '\n') == NULL) {
		ck_assert_uint_lt(corun_now(), deadline_ns);
		usleep(2000);
	}
	return atoi(content_of(name));
}

/* Its number may be another's by then, but not in a test that takes a second. */
static void
wait_for_no_process(pid_t pid)
{
	uint64_t deadline_ns = corun_in(PATIENCE_NS);

	while (kill(pid, 0) == 0) {
		ck_assert_uint_lt(corun_now(), deadline_ns);
		usleep(2000);
	}
}

/* ---- its life ---------------------------------------------------------------------------------- */

static const struct {
	const char *script, *restart;
	enum task_state state;
	int code, signal;
} ends[] = {
	{ "exit 0", "no", TASK_STOPPED, 0, 0 },
	{ "exit 3", "no", TASK_FAILED, 3, 0 },
	{ "exit 3", "on-success", TASK_FAILED, 3, 0 },
	{ "exit 0", "on-failure", TASK_STOPPED, 0, 0 },
	{ "kill -KILL $$", "no", TASK_FAILED, -1, SIGKILL },
	{ "kill -TERM $$", "on-failure", TASK_STOPPED, -1, SIGTERM },
	{ "exit 3", "on-failure", TASK_WAITING, 3, 0 },
	{ "exit 0", "always", TASK_WAITING, 0, 0 },
};

START_TEST(an_end_is_told_and_restart_obeyed)
{
	struct task_status status;
	struct task *task;
	char text[256];

	control_start();
	snprintf(text, sizeof(text), "ExecStart=/bin/sh -c '%s'\nRestart=%s\nRestartSec=100\n",
		 ends[_i].script, ends[_i].restart);
	task = make("one", text);
	ck_assert_int_eq(look(task).state, TASK_STOPPED);
	ck_assert(!look(task).end.any);
	ask(task, TASK_START);
	status = wait_for_state(task, ends[_i].state);
	while (!status.end.any)
		status = wait_for_state(task, ends[_i].state);
	ck_assert_int_eq(status.end.code, ends[_i].code);
	ck_assert_int_eq(status.end.signal, ends[_i].signal);
	ck_assert_int_eq(status.pid, 0);
	ck_assert_uint_eq(status.starts, 1);
	ck_assert_uint_eq(status.restarts, 0);
	ck_assert_str_eq(status.fault, "");
	ck_assert_int_eq(status.next_start_realtime_us != 0, ends[_i].state == TASK_WAITING);
	ck_assert_int_eq(ask(task, TASK_STOP), 0);
	ck_assert_int_eq(look(task).state, TASK_STOPPED);
	discard(task);
	control_stop();
}
END_TEST

START_TEST(it_is_restarted_again_and_again)
{
	struct task_status status;
	struct task *task;

	control_start();
	task = make("again", "ExecStart=/bin/sh -c 'exit 0'\nRestart=always\nRestartSec=10ms\n"
			     "RestartMaxDelaySec=50ms\n");
	ask(task, TASK_START);
	do {
		usleep(2000);
		status = look(task);
	} while (status.restarts < 4);
	ck_assert_uint_eq(status.starts, status.restarts + 1);
	ck_assert_uint_ge(events_of("task", "again", "state", "waiting"), 4);
	ck_assert_int_eq(ask(task, TASK_STOP), 0);
	ck_assert_int_eq(look(task).state, TASK_STOPPED);
	discard(task);
	control_stop();
}
END_TEST

START_TEST(requests_mean_what_they_say)
{
	struct task *task;
	pid_t pid;

	control_start();
	task = make("asked", "ExecStart=/bin/sleep 1000\n");
	ck_assert_int_eq(ask(task, TASK_STOP), 0);
	ck_assert_int_eq(ask(task, TASK_START), 0);
	pid = look(task).pid;
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(kill(pid, 0), 0);
	ck_assert_int_eq(ask(task, TASK_START), 0);
	ck_assert_int_eq(look(task).pid, pid);
	ck_assert_int_eq(ask(task, TASK_RESTART), 0);
	ck_assert_int_ne(look(task).pid, pid);
	ck_assert_int_eq(look(task).state, TASK_RUNNING);
	ck_assert_uint_eq(look(task).starts, 2);
	ck_assert_uint_eq(look(task).restarts, 0);
	wait_for_no_process(pid);
	pid = look(task).pid;
	ck_assert_int_eq(ask(task, TASK_STOP), 0);
	wait_for_no_process(pid);
	ck_assert_int_eq(ask(task, TASK_RESTART), 0);
	ck_assert_int_eq(look(task).state, TASK_RUNNING);
	discard(task);
	control_stop();
}
END_TEST

struct flood {
	struct asking asking[MANY];
};

static void
do_flood(void *arg)
{
	struct flood *flood = arg;

	for (int i = 0; i < MANY; i++)
		do_ask(&flood->asking[i]);
}

/* Also when the queue is full: each is answered, once, and an end is not lost meanwhile. */
START_TEST(every_request_is_answered_once)
{
	static struct flood flood;
	unsigned refused = 0;
	int waiting;
	sem_t done;
	struct task *task;

	control_start();
	task = make("flood", "ExecStart=/bin/sleep 1000\n");
	sem_init(&done, 0, 0);
	for (int i = 0; i < MANY; i++)
		flood.asking[i] = (struct asking){ .task = task,
						   .done = &done,
						   .request.verb = (enum task_verb)(i % 3) };
	in_control(do_flood, &flood);
	for (int i = 0; i < MANY; i++)
		while (sem_wait(&done) < 0)
			;
	for (int i = 0; i < MANY; i++) {
		int r = flood.asking[i].request.result;

		ck_assert_msg(r == 0 || r == -EAGAIN || r == -ECANCELED, "%d", r);
		ck_assert_int_eq(r == 0, flood.asking[i].request.text[0] == '\0');
		refused += r == -EAGAIN;
	}
	ck_assert_uint_lt(refused, MANY);
	discard(task);
	control_stop();
	sem_getvalue(&done, &waiting);
	ck_assert_int_eq(waiting, 0);
}
END_TEST

START_TEST(who_ignores_sigterm_is_killed)
{
	/* Also where a container's seccomp filter does not know pidfds, in its two ways. */
	static const int refusals[] = { 0, EPERM, ENOSYS };
	struct task_status status;
	struct task *task;

	if (refusals[_i] != 0)
		refuse(SYS_pidfd_send_signal, refusals[_i]);
	control_start();
	task = make("deaf", "ExecStart=/bin/sh -c 'trap \"\" TERM; echo $$ > @DIR/pid; "
			    "while :; do sleep 1; done'\nTimeoutStopSec=300ms\n");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	pid_in("pid");
	ck_assert_int_eq(ask(task, TASK_STOP), 0);
	status = look(task);
	ck_assert_int_eq(status.state, TASK_STOPPED);
	ck_assert_int_eq(status.end.signal, SIGKILL);
	ck_assert_uint_eq(events_of("task", "deaf", "state", "stopping"), 1);
	ck_assert_uint_eq(events_of("task", "deaf", "state", "killing"), 1);
	discard(task);
	control_stop();
}
END_TEST

static void
do_hurry(void *arg)
{
	task_hurry(arg);
}

START_TEST(a_hurry_kills_at_once)
{
	struct asking asking = { .request.verb = TASK_STOP };
	sem_t done;

	control_start();
	asking.task = make("slow", "ExecStart=/bin/sh -c 'trap \"\" TERM; echo $$ > @DIR/pid; "
				   "while :; do sleep 1; done'\nTimeoutStopSec=infinity\n");
	ck_assert_int_eq(ask(asking.task, TASK_START), 0);
	pid_in("pid");
	sem_init(&done, 0, 0);
	asking.done = &done;
	in_control(do_ask, &asking);
	wait_for_state(asking.task, TASK_STOPPING);
	in_control(do_hurry, asking.task);
	while (sem_wait(&done) < 0)
		;
	ck_assert_int_eq(asking.request.result, 0);
	ck_assert_int_eq(look(asking.task).end.signal, SIGKILL);
	discard(asking.task);
	control_stop();
}
END_TEST

START_TEST(a_stop_reaches_the_whole_group)
{
	struct task *task;
	pid_t pid;

	control_start();
	task = make("group", "ExecStart=/bin/sh -c 'sleep 1000 & echo $! > @DIR/pid; wait'\n");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	pid = pid_in("pid");
	ck_assert_int_eq(kill(pid, 0), 0);
	ck_assert_int_eq(ask(task, TASK_STOP), 0);
	ck_assert_int_eq(kill(pid, 0), -1);
	discard(task);
	control_stop();
}
END_TEST

/* The end of the leader must not save the others from being killed. */
START_TEST(what_is_left_behind_is_stopped_too)
{
	struct task *task;
	pid_t pid;

	control_start();
	task = make("left", "ExecStart=/bin/sh -c '(trap \"\" TERM; echo go > @DIR/go; "
			    "while :; do sleep 1; done) & echo $! > @DIR/pid; "
			    "while ! test -s @DIR/go; do sleep 0.02; done'\n"
			    "TimeoutStopSec=300ms\nRestart=no\n");
	ask(task, TASK_START);
	pid = pid_in("pid");
	while (events_of("task", "left", "state", "killing") == 0)
		usleep(2000);
	wait_for_state(task, TASK_STOPPED);
	ck_assert_int_eq(kill(pid, 0), -1);
	ck_assert_int_eq(look(task).end.code, 0);
	ck_assert_int_eq(look(task).end.signal, 0);
	discard(task);
	control_stop();
}
END_TEST

static void
write_script(const char *first_line)
{
	FILE *file = fopen(path_of("script"), "w");

	fprintf(file, "%s\nexit 0\n", first_line);
	fclose(file);
	chmod(path_of("script"), 0755);
}

START_TEST(a_failed_start_says_why)
{
	struct task_status status;
	struct task *task;
	char text[1024];

	control_start();
	write_script("#!/bin/sh");
	task = make("bad", "ExecStart=@DIR/script\nRestart=no\n");
	write_script("#!/no/such/shell");
	ck_assert_int_eq(ask_text(task, TASK_START, text, sizeof(text)), -ECHILD);
	ck_assert_ptr_nonnull(strstr(text, "task 'bad' does not run: cannot start: exec '"));
	ck_assert_ptr_nonnull(strstr(text, "/script': No such file or directory"));
	status = look(task);
	ck_assert_int_eq(status.state, TASK_FAILED);
	ck_assert_ptr_nonnull(strstr(text, status.fault));
	ck_assert_uint_eq(status.starts, 0);
	ck_assert(!status.end.any);
	unlink(path_of("script"));
	ask(task, TASK_START);
	ck_assert_ptr_nonnull(strstr(look(task).fault, "/script': No such file or directory"));
	ck_assert_int_eq(ask(task, TASK_STOP), 0);
	ck_assert_str_eq(look(task).fault, "");
	/* it is put right */
	write_script("#!/bin/sh");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	wait_for_state(task, TASK_STOPPED);
	ck_assert_str_eq(look(task).fault, "");
	discard(task);
	control_stop();
}
END_TEST

START_TEST(its_output_is_kept)
{
	struct task *task;
	char *tail;

	control_start();
	task = make("writer", "ExecStart=/bin/sh -c 'echo one; echo two >&2'\nRestart=no\n");
	ck_assert_int_eq(task_output_tail(task, &tail), 0);
	free(tail);
	ask(task, TASK_START);
	while (look(task).lines < 2)
		usleep(2000);
	ck_assert_int_gt(task_output_tail(task, &tail), 0);
	ck_assert_ptr_nonnull(strstr(tail, "one\n"));
	ck_assert_ptr_nonnull(strstr(tail, "two\n"));
	free(tail);
	discard(task);
	control_stop();
}
END_TEST

static void
do_json(void *arg)
{
	struct task *task = ((struct making *) arg)->task;
	json_t *json = task_status_json(task_status(task));

	ck_assert_ptr_nonnull(json);
	ck_assert_str_eq(json_string_value(json_object_get(json, "name")), "json");
	ck_assert_str_eq(json_string_value(json_object_get(json, "state")), "failed");
	ck_assert_str_eq(json_string_value(json_object_get(json, "description")), "a task");
	ck_assert_str_eq(json_string_value(json_object_get(json, "on_resize")), "signal:SIGHUP");
	ck_assert(json_is_null(json_object_get(json, "pid")));
	ck_assert(json_is_null(json_object_get(json, "next_start")));
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_object_get(json, "last_end"), "code")), 7);
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(json, "since")), "Z"));
	json_decref(json);
}

START_TEST(its_status_is_json)
{
	struct making making;

	control_start();
	making.task = make("json", "ExecStart=/bin/sh -c 'exit 7'\nRestart=no\n"
				   "Description=a task\nOnResize=signal:HUP\n");
	ask(making.task, TASK_START);
	wait_for_state(making.task, TASK_FAILED);
	in_control(do_json, &making);
	discard(making.task);
	control_stop();
}
END_TEST

/* ---- CPUQuota= --------------------------------------------------------------------------------- */

/* Who left the process group is found in the cgroup. Where there can be none, the status says so. */
START_TEST(a_quota_counts_if_it_is_enforced)
{
	struct task_status status;
	struct task *task;
	pid_t pid;

	control_start();
	set_workers(NULL, 8);
	write_script("#!/bin/sh\necho $$ > $(dirname $0)/pid\nexec sleep 1000");
	task = make("quota", "ExecStart=/bin/sh -c 'setsid @DIR/script & exec sleep 1000'\n"
			     "CPUQuota=250%\nTimeoutStopSec=300ms\n");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	pid = pid_in("pid");
	status = look(task);
	ck_assert_int_eq(ask(task, TASK_STOP), 0);
	if (status.cgroup[0] != '\0') {
		ck_assert_str_eq(status.fault, "");
		ck_assert_uint_eq(status.workers, 3);
		ck_assert_int_eq(status.reason, CORUN_BY_QUOTA);
		ck_assert_int_eq(kill(pid, 0), -1);
	} else {
		ck_assert_ptr_nonnull(strstr(status.fault, "CPUQuota= is not enforced"));
		ck_assert_uint_eq(status.workers, 8);
		kill(pid, SIGKILL);
	}
	discard(task);
	control_stop();
}
END_TEST

/* ---- modules ----------------------------------------------------------------------------------- */

/* tests/modules/family.c: three coroutines, and when they end. */
static struct task *
make_family(const char *end, const char *timeout)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "Type=module\nModule=%s/tests/modules/.libs/family.so\nTimeoutStopSec=%s\n"
		 "[Module]\nEnd=%s\n",
		 getenv("CORUN_TOP_BUILDDIR"), timeout, end);
	return make("family", text);
}

START_TEST(a_module_is_stopped_by_telling_it)
{
	struct task *task;

	control_start();
	task = make_family("told", "60");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	ck_assert_int_eq(look(task).pid, 0);
	ck_assert_int_eq(ask(task, TASK_RESTART), 0);
	ck_assert_uint_eq(look(task).starts, 2);
	ck_assert_int_eq(ask(task, TASK_STOP), 0);
	ck_assert_int_eq(look(task).state, TASK_STOPPED);
	discard(task);
	control_stop();
}
END_TEST

START_TEST(a_late_module_is_stuck_until_it_ends)
{
	struct task *task;

	control_start();
	task = make_family("told", "1ms");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	ck_assert_int_eq(ask(task, TASK_STOP), -EBUSY);
	wait_for_state(task, TASK_STOPPED);
	ck_assert_str_eq(look(task).fault, "");
	ck_assert_uint_eq(events_of("task", "family", "state", "stuck"), 1);
	ck_assert_int_eq(ask(task, TASK_START), 0);
	discard(task);
	control_stop();
}
END_TEST

START_TEST(a_module_that_never_ends_is_stuck)
{
	struct task_status status;
	struct task *task;
	char text[1024];

	control_start();
	task = make_family("never", "100ms");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	ck_assert_int_eq(ask_text(task, TASK_STOP, text, sizeof(text)), -EBUSY);
	ck_assert_ptr_nonnull(strstr(text, "task 'family' is stuck: the module did not end"));
	status = look(task);
	ck_assert_int_eq(status.state, TASK_STUCK);
	ck_assert_uint_eq(status.n_stuck, 3);
	ck_assert_uint_gt(status.stuck[0].id, 0);
	ck_assert_int_eq(ask(task, TASK_START), -EBUSY);
	ck_assert_int_eq(ask(task, TASK_RESTART), -EBUSY);
	ck_assert_uint_eq(look(task).starts, 1);
	/* it is let go of all the same; its coroutines keep the runtime */
	discard(task);
	ck_assert_int_eq(corun_stop(CORUN_NOW), -ETIMEDOUT);
	_exit(EXIT_SUCCESS); /* what is stuck keeps its memory, and that is no leak */
}
END_TEST

/* ---- how it is told of the count --------------------------------------------------------------- */

START_TEST(it_is_started_with_the_count)
{
	struct task *task;

	control_start();
	set_workers(NULL, 5);
	task = make("told", "ExecStart=/bin/sh -c 'echo %w $A $B > @DIR/out'\nRestart=no\n"
			    "ExportWorkersAs=A B\n");
	ask(task, TASK_START);
	wait_for_content("out", "5 5 5\n");
	ck_assert_uint_eq(look(task).workers, 5);
	discard(task);
	control_stop();
}
END_TEST

START_TEST(a_signal_is_sent_once_for_each_change_of_the_count)
{
	struct task_status status;
	struct task *task;

	control_start();
	set_workers(NULL, 4);
	task = make("signal", "ExecStart=/bin/sh -c 'trap \"echo got >> @DIR/out\" USR1; "
			      "echo $$ > @DIR/pid; while :; do sleep 0.05; done'\n"
			      "OnResize=signal:USR1\n");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	pid_in("pid");
	set_workers(task, 3);
	status = wait_for_resizes(task, 1, 0);
	ck_assert_uint_eq(status.workers, 3);
	wait_for_content("out", "got\n");
	/* another limit, the same count */
	pool.limit = (struct corun_cpu_limit){ true, 290000, 100000 };
	set_workers(task, 3);
	pool.limit.quota_us = 280000;
	set_workers(task, 3);
	set_workers(task, 2);
	wait_for_resizes(task, 2, 0);
	wait_for_content("out", "got\ngot\n");
	ck_assert_uint_eq(events_of("resize-action", "signal", "action", "signal:SIGUSR1"), 2);
	ck_assert_uint_eq(look(task).starts, 1);
	discard(task);
	control_stop();
}
END_TEST

/* The first hook waits for a file; what changes meanwhile makes one more, with the last count. */
START_TEST(changes_during_an_action_make_one_more)
{
	struct task *task;

	control_start();
	set_workers(NULL, 1);
	task = make("hook", "ExecStart=/bin/sleep 1000\nOnResize=exec:/bin/sh -c 'echo %w >> "
			    "@DIR/out; while ! test -e @DIR/gate; do sleep 0.02; done'\n");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	set_workers(task, 2);
	wait_for_content("out", "2\n");
	for (unsigned n = 3; n <= 6; n++)
		set_workers(task, n);
	ck_assert_str_eq(content_of("out"), "2\n");
	ck_assert_uint_eq(look(task).resizes_done, 0);
	touch("gate");
	wait_for_resizes(task, 2, 0);
	ck_assert_str_eq(content_of("out"), "2\n6\n");
	ck_assert_uint_eq(look(task).workers, 6);
	discard(task);
	control_stop();
}
END_TEST

START_TEST(changed_and_changed_back_makes_none_more)
{
	struct task *task;

	control_start();
	set_workers(NULL, 1);
	task = make("back", "ExecStart=/bin/sleep 1000\nExecReload=/bin/sh -c 'echo %w $MAINPID >> "
			    "@DIR/out; while ! test -e @DIR/gate; do sleep 0.02; done'\n"
			    "OnResize=reload\n");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	set_workers(task, 2);
	while (content_of("out")[0] == '\0')
		usleep(2000);
	set_workers(task, 3);
	set_workers(task, 2);
	touch("gate");
	wait_for_resizes(task, 1, 0);
	set_workers(task, 4);
	wait_for_resizes(task, 2, 0);
	ck_assert_int_eq(atoi(content_of("out")), 2);
	ck_assert_int_eq(atoi(strchr(content_of("out"), ' ')), look(task).pid);
	ck_assert_int_eq(atoi(strchr(content_of("out"), '\n')), 4);
	discard(task);
	control_stop();
}
END_TEST

START_TEST(a_failed_action_is_not_repeated)
{
	struct task *task;

	control_start();
	set_workers(NULL, 1);
	task = make("fails", "ExecStart=/bin/sleep 1000\n"
			     "OnResize=exec:/bin/sh -c 'echo %w >> @DIR/out; exit 1'\n");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	set_workers(task, 2);
	wait_for_resizes(task, 0, 1);
	pool.limit = (struct corun_cpu_limit){ true, 190000, 100000 };
	set_workers(task, 2);
	set_workers(task, 3);
	wait_for_resizes(task, 0, 2);
	ck_assert_str_eq(content_of("out"), "2\n3\n");
	ck_assert_uint_eq(events_of("resize-action", "fails", "error", "exited with code 1"), 2);
	ck_assert_int_eq(look(task).state, TASK_RUNNING);
	discard(task);
	control_stop();
}
END_TEST

START_TEST(a_restart_takes_the_new_count_once)
{
	struct task_status status;
	struct task *task;

	control_start();
	set_workers(NULL, 1);
	task = make("anew", "ExecStart=/bin/sh -c 'echo %w >> @DIR/out; exec sleep 1000'\n"
			    "OnResize=restart\n");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	wait_for_content("out", "1\n");
	set_workers(task, 2);
	status = wait_for_resizes(task, 1, 0);
	wait_for_content("out", "1\n2\n");
	ck_assert_uint_eq(status.starts, 2);
	set_workers(task, 2);
	set_workers(task, 3);
	wait_for_resizes(task, 2, 0);
	wait_for_content("out", "1\n2\n3\n");
	ck_assert_int_eq(look(task).state, TASK_RUNNING);
	discard(task);
	control_stop();
}
END_TEST

START_TEST(a_stop_ends_a_hook)
{
	struct task *task;
	pid_t pid;

	control_start();
	set_workers(NULL, 1);
	task = make("hooked", "ExecStart=/bin/sleep 1000\n"
			      "OnResize=exec:/bin/sh -c 'echo $$ > @DIR/pid; exec sleep 1000'\n");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	set_workers(task, 2);
	pid = pid_in("pid");
	ck_assert_int_eq(ask(task, TASK_STOP), 0);
	wait_for_resizes(task, 0, 1);
	wait_for_no_process(pid);
	discard(task);
	control_stop();
}
END_TEST

START_TEST(the_count_is_a_file)
{
	struct task *task;

	control_start();
	workers_file_set_dir(control.dir);
	set_workers(NULL, 3);
	task = make("file", "ExecStart=/bin/sleep 1000\n");
	wait_for_content("tasks/file.workers", "3\n");
	ck_assert_int_eq(ask(task, TASK_START), 0);
	set_workers(task, 2);
	wait_for_content("tasks/file.workers", "2\n");
	ck_assert_uint_eq(look(task).resizes_done, 0);
	discard(task);
	ck_assert_int_eq(corun_stop(corun_in(PATIENCE_NS)), 0);
	ck_assert_int_eq(access(path_of("tasks/file.workers"), F_OK), -1);
	workers_file_set_dir(NULL);
	ck_assert_int_eq(corun_start(NULL), 0);
	control_stop();
}
END_TEST

/* ---- all of them ------------------------------------------------------------------------------- */

static struct config whole;
static struct tasks_change change;
static sem_t all_gone;

static void
do_tasks_start(void *arg)
{
	(void) arg;
	ck_assert_int_eq(tasks_start(&whole, &pool), 0);
}

static void
do_tasks_reload(void *arg)
{
	(void) arg;
	ck_assert_int_eq(tasks_reload(&whole, &change), 0);
}

static void
say_gone(void)
{
	sem_post(&all_gone);
}

static void
do_tasks_stop(void *arg)
{
	(void) arg;
	tasks_stop(say_gone);
}

static void
do_find(void *arg)
{
	struct making *making = arg;

	making->task = tasks_find(making->config->name);
}

static struct task *
found(const char *name)
{
	struct task_config config = { .name = strdup(name) };
	struct making making = { .config = &config };

	in_control(do_find, &making);
	free(config.name);
	return making.task;
}

static void
do_counts(void *arg)
{
	size_t *n = arg;

	tasks_counts(&n[0], &n[1], &n[2]);
}

static void
whole_add(const char *name, const char *text)
{
	whole.tasks = reallocarray(whole.tasks, whole.n_tasks + 1, sizeof(*whole.tasks));
	whole.tasks[whole.n_tasks++] = config_of(name, text);
}

static void
whole_clear(void)
{
	for (size_t i = 0; i < whole.n_tasks; i++)
		task_config_unref(whole.tasks[i]);
	free(whole.tasks);
	whole = (struct config){ 0 };
}

START_TEST(a_reload_changes_what_changed)
{
	pid_t stays, changes, goes;
	size_t n[3];

	control_start();
	workers_file_set_dir(control.dir);
	whole_add("changes", "ExecStart=/bin/sleep 1000\n");
	whole_add("down", "ExecStart=/bin/sleep 1000\n");
	whole_add("goes", "ExecStart=/bin/sleep 1000\n");
	whole_add("live", "ExecStart=/bin/sleep 1000\nTimeoutStopSec=1\n");
	whole_add("stays", "ExecStart=/bin/sleep 1000\n");
	in_control(do_tasks_start, NULL);
	whole_clear();
	ck_assert_str_eq(content_of("workers"), "3\n");
	stays = wait_for_state(found("stays"), TASK_RUNNING).pid;
	changes = wait_for_state(found("changes"), TASK_RUNNING).pid;
	goes = wait_for_state(found("goes"), TASK_RUNNING).pid;
	wait_for_state(found("live"), TASK_RUNNING);
	ck_assert_int_eq(ask(found("down"), TASK_STOP), 0);
	in_control(do_counts, n);
	ck_assert_uint_eq(n[0], 5);
	ck_assert_uint_eq(n[1], 4);
	ck_assert_uint_eq(n[2], 0);

	whole_add("added", "ExecStart=/bin/sleep 1000\n");
	whole_add("changes", "ExecStart=/bin/sleep 2000\n");
	whole_add("down", "ExecStart=/bin/sleep 2000\n");
	whole_add("live", "ExecStart=/bin/sleep 1000\nTimeoutStopSec=2\n");
	whole_add("stays", "ExecStart=/bin/sleep 1000\n");
	in_control(do_tasks_reload, NULL);
	whole_clear();
	ck_assert_str_eq(change.added[0], "added");
	ck_assert_ptr_null(change.added[1]);
	ck_assert_str_eq(change.removed[0], "goes");
	ck_assert_ptr_null(change.removed[1]);
	ck_assert_str_eq(change.changed[0], "changes");
	ck_assert_str_eq(change.changed[1], "down");
	ck_assert_str_eq(change.changed[2], "live");
	ck_assert_ptr_null(change.changed[3]);
	ck_assert_uint_eq(change.n_unchanged, 1);
	tasks_change_free(&change);
	wait_for_state(found("added"), TASK_RUNNING);
	while (look(found("changes")).starts < 2)
		usleep(2000);
	ck_assert_int_ne(wait_for_state(found("changes"), TASK_RUNNING).pid, changes);
	wait_for_no_process(changes);
	wait_for_no_process(goes);
	while (found("goes") != NULL)
		usleep(2000);
	ck_assert_int_eq(look(found("stays")).pid, stays);
	ck_assert_int_eq(look(found("down")).state, TASK_STOPPED);
	ck_assert_uint_eq(look(found("live")).starts, 1);

	sem_init(&all_gone, 0, 0);
	in_control(do_tasks_stop, NULL);
	while (sem_wait(&all_gone) < 0)
		;
	wait_for_no_process(stays);
	ck_assert_ptr_null(found("stays"));
	ck_assert_int_eq(access(path_of("workers"), F_OK), -1);
	control_stop();
}
END_TEST

/* What @arg names runs with; no pid: it does not run, or there is none. */
static void
do_look_by_name(void *arg)
{
	struct looking *looking = arg;
	struct task *task = tasks_find(looking->status.name);

	if (task == NULL)
		return;
	looking->task = task;
	do_look(looking);
}

/* Wait until @name runs as another process. The task may be freed and made anew meanwhile. */
static struct task_status
wait_for_other(const char *name, pid_t pid)
{
	uint64_t deadline_ns = corun_in(PATIENCE_NS);
	struct looking looking;

	do {
		ck_assert_uint_lt(corun_now(), deadline_ns);
		usleep(2000);
		looking = (struct looking){ 0 };
		snprintf(looking.status.name, sizeof(looking.status.name), "%s", name);
		in_control(do_look_by_name, &looking);
	} while (looking.status.pid == 0 || looking.status.pid == pid);
	return looking.status;
}

/* It goes and comes back before it is gone. */
START_TEST(a_name_comes_back_while_it_goes)
{
	pid_t pid;

	control_start();
	whole_add("slow", "ExecStart=/bin/sh -c 'trap \"\" TERM; echo $$ > @DIR/pid; "
			  "while :; do sleep 1; done'\nTimeoutStopSec=500ms\n");
	in_control(do_tasks_start, NULL);
	whole_clear();
	pid = pid_in("pid");
	in_control(do_tasks_reload, NULL);
	ck_assert_str_eq(change.removed[0], "slow");
	tasks_change_free(&change);
	whole_add("slow", "ExecStart=/bin/sleep 1000\n");
	in_control(do_tasks_reload, NULL);
	whole_clear();
	ck_assert_str_eq(change.added[0], "slow");
	tasks_change_free(&change);
	wait_for_no_process(pid);
	ck_assert_uint_eq(wait_for_other("slow", pid).starts, 1);
	sem_init(&all_gone, 0, 0);
	in_control(do_tasks_stop, NULL);
	while (sem_wait(&all_gone) < 0)
		;
	control_stop();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("task");
	TCase *life = tcase_create("life"), *count = tcase_create("count");
	TCase *all = tcase_create("all");

	tcase_set_timeout(life, TIMEOUT_S);
	tcase_add_loop_test(life, an_end_is_told_and_restart_obeyed, 0,
			    sizeof(ends) / sizeof(ends[0]));
	tcase_add_test(life, it_is_restarted_again_and_again);
	tcase_add_test(life, requests_mean_what_they_say);
	tcase_add_test(life, every_request_is_answered_once);
	tcase_add_loop_test(life, who_ignores_sigterm_is_killed, 0, 3);
	tcase_add_test(life, a_hurry_kills_at_once);
	tcase_add_test(life, a_stop_reaches_the_whole_group);
	tcase_add_test(life, what_is_left_behind_is_stopped_too);
	tcase_add_test(life, a_failed_start_says_why);
	tcase_add_test(life, its_output_is_kept);
	tcase_add_test(life, its_status_is_json);
	tcase_add_test(life, a_quota_counts_if_it_is_enforced);
	tcase_add_test(life, a_module_is_stopped_by_telling_it);
	tcase_add_test(life, a_late_module_is_stuck_until_it_ends);
	tcase_add_test(life, a_module_that_never_ends_is_stuck);
	suite_add_tcase(suite, life);
	tcase_set_timeout(count, TIMEOUT_S);
	tcase_add_test(count, it_is_started_with_the_count);
	tcase_add_test(count, a_signal_is_sent_once_for_each_change_of_the_count);
	tcase_add_test(count, changes_during_an_action_make_one_more);
	tcase_add_test(count, changed_and_changed_back_makes_none_more);
	tcase_add_test(count, a_failed_action_is_not_repeated);
	tcase_add_test(count, a_restart_takes_the_new_count_once);
	tcase_add_test(count, a_stop_ends_a_hook);
	tcase_add_test(count, the_count_is_a_file);
	suite_add_tcase(suite, count);
	tcase_set_timeout(all, TIMEOUT_S);
	tcase_add_test(all, a_reload_changes_what_changed);
	tcase_add_test(all, a_name_comes_back_while_it_goes);
	suite_add_tcase(suite, all);
	return tap_run(suite);
}
