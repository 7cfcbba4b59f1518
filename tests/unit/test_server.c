/* The control server on a real socket: every route, every error, and clients that misbehave. */

#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/base/event.h"
#include "daemon/control/events.h"
#include "daemon/control/pool.h"
#include "daemon/control/routes.h"
#include "daemon/control/server.h"
#include "daemon/task/tasks.h"
#include "tests/unit/control.h"
#include "tests/unit/tree.h"

static struct control control;
static struct tree tree;
static char socket_path[100];
static struct config *config;
static const char *state_name = "running";
static char answer[2 * 1024 * 1024];

static const char *
state(void)
{
	return state_name;
}

static void
reload(void (*done)(void *arg, int status, char *body), void *arg)
{
	done(arg, 422, strdup("{\"error\": \"the new configuration has errors\", \"errors\": []}"));
}

static struct server_hooks hooks = {
	.reload = reload,
	.state = state,
	.config_file = "/etc/corun/corund.conf",
	.silence_s = 60,
};

/* nginx does what it is asked; slow does not stop until it is killed. */
static void
load_config(void)
{
	struct config_errors errors = { 0 };
	char path[PATH_MAX], text[2 * PATH_MAX];
	int r;

	tree_write(&tree, "corund.conf", "");
	/* A program that is gone when it is to be started. */
	tree_write(&tree, "program", "#!/bin/sh\n");
	tree_path(&tree, "program", path, sizeof(path));
	ck_assert_int_eq(chmod(path, 0755), 0);
	snprintf(text, sizeof(text), "[Task]\nExecStart=%s\nRestart=no\n", path);
	tree_write(&tree, "tasks.d/bad.task", text);
	tree_write(&tree, "tasks.d/nginx.task",
		   "[Task]\nDescription=a server\n"
		   "ExecStart=/bin/sh -c 'echo one; echo two; exec sleep 1000'\n");
	tree_write(&tree, "tasks.d/slow.task",
		   "[Task]\nTimeoutStopSec=infinity\n"
		   "ExecStart=/bin/sh -c 'trap \"\" TERM; echo ready; exec sleep 1000'\n");
	tree_path(&tree, "corund.conf", path, sizeof(path));
	r = config_load(path, &errors, &config);
	config_errors_print(&errors, stderr);
	ck_assert_int_eq(r, 0);
	config_errors_free(&errors);
	tree_delete(&tree, "program");
}

static void
open_all(void)
{
	struct corun_options options = {
		.root = tree.root,
		.cpus = 8,
		.ignore_env = true,
		.on_look = pool_on_look,
	};
	char fault[512] = "";

	load_config();
	ck_assert_int_eq(corun_start(&options), 0);
	pool_watch(tasks_pool_changed);
	ck_assert_msg(server_open(socket_path, -1, &hooks, fault, sizeof(fault)) == 0, "%s", fault);
	ck_assert_int_eq(tasks_start(config, pool_state()), 0);
}

static void
end_all(void)
{
	tasks_stop(loop_end);
	tasks_hurry();
}

static void
close_all(void)
{
	server_close();
	ck_assert_int_eq(corun_stop(corun_in(10 * CORUN_S)), 0);
	pool_close();
	events_close();
	config_free(config);
}

static void
nothing(void)
{
}

static void
start(void)
{
	tree_make(&tree);
	tree_write(&tree, "proc/self/cgroup", "0::/a\n");
	tree_write(&tree, "proc/self/mountinfo",
		   "31 23 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	tree_write(&tree, "sys/fs/cgroup/a/cpu.max", "230000 100000\n");
	tree_path(&tree, "control.sock", socket_path, sizeof(socket_path));
	control_start(&control, open_all, close_all);
}

/* Where the silent are to be found out. */
static void
start_impatient(void)
{
	hooks.silence_s = 1;
	start();
}

static void
stop(void)
{
	struct stat st;

	control_stop(&control, end_all);
	ck_assert_int_eq(stat(socket_path, &st), -1);
	tree_remove(&tree);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static int
ask(const char *method, const char *url, const char *body)
{
	return client_ask(socket_path, method, url, body, strlen(body), answer, sizeof(answer));
}

static const char *
body_of(char *whole)
{
	return strstr(whole, "\r\n\r\n") + 4;
}

/* Until @what is in what @url gives. */
static void
wait_for(const char *url, const char *what)
{
	uint64_t deadline_ns = corun_in(60 * CORUN_S);

	while (ask("GET", url, "") != 200 || strstr(answer, what) == NULL) {
		ck_assert_msg(corun_now() < deadline_ns, "no '%s' in %s", what, answer);
		poll(NULL, 0, 5);
	}
}

static json_t *
ask_json(const char *method, const char *url, const char *body, int status)
{
	json_error_t error;
	json_t *object;
	int got = ask(method, url, body);

	ck_assert_msg(got == status, "%s %s: %s", method, url, answer);
	ck_assert_ptr_nonnull(strstr(answer, "Content-Type: application/json\r\n"));
	object = json_loads(body_of(answer), 0, &error);
	ck_assert_msg(object != NULL, "%s: %s", error.text, answer);
	return object;
}

static void
check_error(const char *method, const char *url, const char *body, int status, const char *sentence)
{
	json_t *object = ask_json(method, url, body, status);

	ck_assert_str_eq(json_string_value(json_object_get(object, "error")), sentence);
	json_decref(object);
}

/* Does it still answer? */
static void
ping(void)
{
	json_decref(ask_json("GET", "/v1/version", "", 200));
}

static json_int_t
number(json_t *object, const char *key)
{
	ck_assert_msg(json_is_integer(json_object_get(object, key)), "%s", key);
	return json_integer_value(json_object_get(object, key));
}

static const char *
text(json_t *object, const char *key)
{
	ck_assert_msg(json_is_string(json_object_get(object, key)), "%s", key);
	return json_string_value(json_object_get(object, key));
}

/* ---- what is answered ------------------------------------------------------------------------ */

START_TEST(test_version)
{
	json_t *object = ask_json("GET", "/v1/version", "", 200);

	ck_assert_str_eq(text(object, "name"), "corund");
	ck_assert_str_eq(text(object, "version"), PACKAGE_VERSION);
	ck_assert_int_eq(number(object, "api"), 1);
	ck_assert_int_eq(number(object, "pid"), getpid());
	json_decref(object);
}
END_TEST

START_TEST(test_status)
{
	json_t *object = ask_json("GET", "/v1/status", "", 200);

	ck_assert_str_eq(text(object, "state"), "running");
	ck_assert_str_eq(text(object, "config"), "/etc/corun/corund.conf");
	ck_assert_str_eq(text(object, "socket"), socket_path);
	ck_assert_int_eq(number(json_object_get(object, "workers"), "workers"), 3);
	ck_assert_int_eq(number(json_object_get(object, "tasks"), "all"), 3);
	ck_assert_int_eq(number(json_object_get(object, "scheduler"), "workers"), 3);
	ck_assert_double_ge(json_real_value(json_object_get(object, "uptime_s")), 0);
	ck_assert_int_eq(text(object, "started")[10], 'T');
	json_decref(object);
}
END_TEST

START_TEST(test_cpu)
{
	json_t *object = ask_json("GET", "/v1/cpu", "", 200);

	ck_assert_int_eq(number(object, "workers"), 3);
	ck_assert_str_eq(text(object, "reason"), "quota");
	ck_assert_str_eq(text(object, "because"),
			 "the quota of cgroup /a allows 2.3 CPUs, rounded up");
	ck_assert_str_eq(text(object, "hierarchy"), "v2");
	ck_assert_uint_eq(json_array_size(json_object_get(object, "levels")), 2);
	json_decref(object);
}
END_TEST

START_TEST(test_workers)
{
	json_t *object = ask_json("GET", "/v1/workers", "", 200);

	ck_assert_int_eq(number(object, "workers"), 3);
	ck_assert_str_eq(text(json_object_get(object, "limit"), "cpus"), "2.3");
	ck_assert(json_is_false(json_object_get(object, "pinned")));
	json_decref(object);

	/* What a PUT set, the next GET shows. */
	for (int n = 1; n <= 20; n++) {
		char body[32];

		snprintf(body, sizeof(body), "{\"workers\": %d}", n);
		object = ask_json("PUT", "/v1/workers", body, 200);
		ck_assert_int_eq(number(object, "workers"), n);
		ck_assert_str_eq(text(object, "reason"), "pin");
		json_decref(object);
		object = ask_json("GET", "/v1/workers", "", 200);
		ck_assert_int_eq(number(object, "workers"), n);
		ck_assert(json_is_true(json_object_get(object, "pinned")));
		json_decref(object);
		ck_assert_uint_eq(corun_workers(), (unsigned) n);
	}
	object = ask_json("PUT", "/v1/workers", "{\"workers\":\"auto\"}", 200);
	ck_assert_int_eq(number(object, "workers"), 3);
	ck_assert_str_eq(text(object, "reason"), "quota");
	ck_assert(json_is_false(json_object_get(object, "pinned")));
	json_decref(object);
}
END_TEST

START_TEST(test_wrong_workers)
{
	static const struct {
		const char *body, *sentence;
	} rows[] = {
		{ "",
		  "the body is no JSON: line 1, column 0: '[' or '{' expected near end of file" },
		{ "{\"workers\": 4",
		  "the body is no JSON: line 1, column 13: '}' expected near end of "
		  "file" },
		{ "{\"workers\": 0}",
		  "\"workers\": 0: want a whole number from 1 to 1024, or \"auto\"" },
		{ "{\"workers\": 1025}",
		  "\"workers\": 1025: want a whole number from 1 to 1024, or \"auto\"" },
		{ "{\"workers\": -1}",
		  "\"workers\": -1: want a whole number from 1 to 1024, or \"auto\"" },
		{ "{\"workers\": 2.5}",
		  "\"workers\": want a whole number from 1 to 1024, or \"auto\"" },
		{ "{\"workers\": \"4\"}",
		  "\"workers\": want a whole number from 1 to 1024, or \"auto\"" },
		{ "{\"workers\": null}",
		  "\"workers\": want a whole number from 1 to 1024, or \"auto\"" },
		{ "{\"worker\": 4}", "want an object with just \"workers\": {\"workers\": 4} or "
				     "{\"workers\": \"auto\"}" },
		{ "{\"workers\": 4, \"x\": 1}",
		  "want an object with just \"workers\": {\"workers\": 4} or "
		  "{\"workers\": \"auto\"}" },
		{ "[4]", "want an object with just \"workers\": {\"workers\": 4} or "
			 "{\"workers\": \"auto\"}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_error("PUT", "/v1/workers", rows[i].body, 400, rows[i].sentence);
	ck_assert_uint_eq(corun_workers(), 3);
}
END_TEST

START_TEST(test_deep_json)
{
	static char deep[64 * 1024 + 1];

	memset(deep, '[', sizeof(deep) - 1);
	check_error("PUT", "/v1/workers", deep, 400,
		    "the body is no JSON: line 1, column 2049: maximum parsing depth reached near "
		    "'['");
}
END_TEST

START_TEST(test_tasks)
{
	json_t *object = ask_json("GET", "/v1/tasks", "", 200);
	json_t *tasks = json_object_get(object, "tasks");

	ck_assert_uint_eq(json_array_size(tasks), 3);
	ck_assert_str_eq(text(json_array_get(tasks, 1), "name"), "nginx");
	json_decref(object);
	object = ask_json("GET", "/v1/tasks/nginx", "", 200);
	ck_assert_str_eq(text(object, "name"), "nginx");
	ck_assert_str_eq(text(object, "description"), "a server");
	ck_assert_int_eq(number(object, "workers"), 3);
	json_decref(object);
	wait_for("/v1/tasks/nginx/output", "one\ntwo\n");
	ck_assert_str_eq(body_of(answer), "one\ntwo\n");
	ck_assert_ptr_nonnull(strstr(answer, "Content-Type: text/plain"));
}
END_TEST

START_TEST(test_verbs)
{
	json_t *object = ask_json("POST", "/v1/tasks/nginx/start", "", 200);

	ck_assert_str_eq(text(object, "state"), "running");
	json_decref(object);
	object = ask_json("POST", "/v1/tasks/nginx/stop?timeout=60", "", 200);
	ck_assert_str_eq(text(object, "state"), "stopped");
	ck_assert(json_is_null(json_object_get(object, "pid")));
	json_decref(object);
	object = ask_json("POST", "/v1/tasks/nginx/restart", "", 200);
	ck_assert_str_eq(text(object, "state"), "running");
	ck_assert_int_gt(number(object, "pid"), 0);
	json_decref(object);
	object = ask_json("POST", "/v1/tasks/bad/start", "", 500);
	ck_assert_ptr_eq(strstr(text(object, "error"), "task 'bad' does not run: "),
			 text(object, "error"));
	ck_assert_ptr_nonnull(strstr(text(object, "error"), "No such file or directory"));
	json_decref(object);
	json_decref(ask_json("POST", "/v1/reload", "", 422));
}
END_TEST

START_TEST(test_errors)
{
	check_error("GET", "/", "", 404, "no such path '/'; corund-api(7) lists them");
	check_error("GET", "/v1/taks", "", 404,
		    "no such path '/v1/taks'; did you mean '/v1/tasks'?");
	check_error("GET", "/v1/tasks/", "", 404,
		    "no such path '/v1/tasks/'; did you mean '/v1/tasks'?");
	check_error("DELETE", "/v1/workers", "", 405,
		    "DELETE is not for /v1/workers; there is: GET, HEAD, PUT");
	ck_assert_ptr_nonnull(strstr(answer, "\r\nAllow: GET, HEAD, PUT\r\n"));
	check_error("POST", "/v1/version", "", 405,
		    "POST is not for /v1/version; there is: GET, HEAD");
	check_error("GET", "/v1/reload", "", 405, "GET is not for /v1/reload; there is: POST");
	ck_assert_ptr_nonnull(strstr(answer, "\r\nAllow: POST\r\n"));
	check_error("GET", "/v1/tasks/ngnix", "", 404, "no task 'ngnix'; did you mean 'nginx'?");
	check_error("POST", "/v1/tasks/elephant/stop", "", 404,
		    "no task 'elephant'; GET /v1/tasks lists them");
	check_error("GET", "/v1/tasks/%ff%0a", "", 404,
		    "no task '\xef\xbf\xbd\n'; GET /v1/tasks lists them");
	check_error("POST", "/v1/tasks/nginx/stop?timeout=0", "", 400,
		    "timeout=0: want a whole number from 1 to 3600");
	check_error("POST", "/v1/tasks/nginx/stop?timeout=-1", "", 400,
		    "timeout=-1: want a whole number from 1 to 3600");
	check_error("POST", "/v1/tasks/nginx/stop?time=5", "", 400,
		    "unknown argument 'time' in the query; there is: timeout");
	check_error("GET", "/v1/status?x=5", "", 400,
		    "unknown argument 'x' in the query; this takes none");
	check_error("GET", "/v1/events?since=x", "", 400,
		    "since=x: want a whole number from 0 to 9223372036854775807");
	check_error("POST", "/v1/tasks/nginx/stop", "{}", 400,
		    "POST /v1/tasks/{name}/stop takes no body");
}
END_TEST

START_TEST(test_head)
{
	char whole[4096];
	int fd = client_connect(socket_path);
	const char *request = "HEAD /v1/version HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n";

	client_send(fd, request, strlen(request));
	client_read_all(fd, whole, sizeof(whole));
	ck_assert_ptr_eq(strstr(whole, "HTTP/1.1 200 OK\r\n"), whole);
	ck_assert_str_eq(body_of(whole), "");
	close(fd);
}
END_TEST

START_TEST(test_stopping)
{
	state_name = "stopping";
	check_error("POST", "/v1/tasks/nginx/stop", "", 503, "the daemon is stopping");
	ping();
	state_name = "running";
}
END_TEST

/* In a process of another user. Return: 'y', or what went wrong. */
static char
try_as_other(void)
{
	char buffer[8192];

	if (setgid(65533) != 0 || setuid(65533) != 0)
		return 'u';
	if (client_ask(socket_path, "GET", "/v1/version", "", 0, buffer, sizeof(buffer)) != 200)
		return 'r';
	if (client_ask(socket_path, "PUT", "/v1/workers", "{\"workers\":1}", 13, buffer,
		       sizeof(buffer)) != 403)
		return 'w';
	return strstr(buffer, "only root and the daemon's own user (uid 0) may change things; uid "
			      "65533 may read") != NULL
		       ? 'y'
		       : 't';
}

/* Somebody else may read, and change nothing. (Its end is the reaper's.) */
START_TEST(test_rights)
{
	int result[2];
	char c = '?';

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(tree.root, 0711), 0);
	ck_assert_int_eq(chmod(socket_path, 0666), 0);
	ck_assert_int_eq(pipe(result), 0);
	if (fork() == 0) {
		c = try_as_other();
		_exit(write(result[1], &c, 1) != 1);
	}
	close(result[1]);
	ck_assert_int_eq(read(result[0], &c, 1), 1);
	ck_assert_msg(c == 'y', "%c", c);
	close(result[0]);
	ck_assert_uint_eq(corun_workers(), 3);
}
END_TEST

/* ---- sizes and silence ----------------------------------------------------------------------- */

static char *
large_body(size_t len)
{
	char *body = malloc(len + 1);

	ck_assert_ptr_nonnull(body);
	memset(body, ' ', len);
	memcpy(body, "{\"workers\": 7}", 14);
	body[len] = '\0';
	return body;
}

START_TEST(test_body_size)
{
	char *body = large_body(64 * 1024);
	json_t *object = ask_json("PUT", "/v1/workers", body, 200);

	ck_assert_int_eq(number(object, "workers"), 7);
	json_decref(object);
	free(body);
	body = large_body(64 * 1024 + 1);
	check_error("PUT", "/v1/workers", body, 413, "the body is larger than 65536 bytes");
	free(body);
}
END_TEST

/* Without a length before it. */
START_TEST(test_chunked_body)
{
	const char *head = "PUT /v1/workers HTTP/1.1\r\nHost: d\r\nConnection: close\r\n"
			   "Transfer-Encoding: chunked\r\n\r\n";
	int fd = client_connect(socket_path);

	client_send(fd, head, strlen(head));
	for (int i = 0; i < 80; i++) {
		char chunk[1200];

		memset(chunk, ' ', sizeof(chunk));
		memcpy(chunk, "400\r\n", 5);
		memcpy(chunk + 5 + 1024, "\r\n", 2);
		client_send(fd, chunk, 5 + 1024 + 2);
	}
	client_send(fd, "0\r\n\r\n", 5);
	client_read_all(fd, answer, sizeof(answer));
	ck_assert_ptr_nonnull(strstr(answer, "413"));
	ck_assert_ptr_nonnull(strstr(answer, "the body is larger than 65536 bytes"));
	close(fd);
}
END_TEST

START_TEST(test_head_too_large)
{
	size_t len = 200 * 1024;
	char *head = malloc(len);
	int fd = client_connect(socket_path);

	memset(head, 'x', len);
	memcpy(head, "GET /v1/version HTTP/1.1\r\nHost: d\r\nX: ", 39);
	client_send(fd, head, len);
	client_read_all(fd, answer, sizeof(answer));
	ck_assert_msg(answer[0] == '\0' || strncmp(answer, "HTTP/1.1 4", 10) == 0, "%s", answer);
	close(fd);
	free(head);
	ping();
}
END_TEST

START_TEST(test_silence)
{
	static const char *const beginnings[] = {
		"",
		"GET",
		"GET /v1/version HTTP/1.1\r\nHost: d\r\n",
		"PUT /v1/workers HTTP/1.1\r\nHost: d\r\nContent-Length: 100\r\n\r\n{\"workers\"",
	};
	int fds[4];
	char buffer[2048];

	for (int i = 0; i < 4; i++) {
		fds[i] = client_connect(socket_path);
		client_send(fds[i], beginnings[i], strlen(beginnings[i]));
	}
	for (int i = 0; i < 4; i++) {
		client_read_all(fds[i], buffer, sizeof(buffer));
		close(fds[i]);
	}
	ck_assert_uint_eq(corun_workers(), 3);
}
END_TEST

/* Those beyond the limit wait until silent ones are closed. */
START_TEST(test_hundred_connections)
{
	int fds[100];

	for (int i = 0; i < 100; i++)
		fds[i] = client_connect(socket_path);
	ping();
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	ping();
}
END_TEST

START_TEST(test_keep_alive)
{
	const char *request = "GET /v1/version HTTP/1.1\r\nHost: d\r\n\r\n";
	int fd = client_connect(socket_path);

	for (int i = 0; i < 100; i++) {
		char buffer[2048] = "";

		client_send(fd, request, strlen(request));
		client_read_until(fd, "}", buffer, sizeof(buffer));
		ck_assert_ptr_eq(strstr(buffer, "HTTP/1.1 200 OK\r\n"), buffer);
	}
	close(fd);
}
END_TEST

START_TEST(test_random_bytes)
{
	unsigned seed = 20260131;
	char bytes[3000];

	for (int i = 0; i < 300; i++) {
		static const char *const starts[] = { "", "GET /", "PUT /v1/workers HTTP/1.1\r\n",
						      "POST /v1/tasks/%", "GET /v1/events?since=" };
		size_t len = (size_t) (rand_r(&seed) % (int) sizeof(bytes));
		const char *start_text = starts[rand_r(&seed) % 5];
		int fd = client_connect(socket_path);

		for (size_t j = 0; j < len; j++)
			bytes[j] = rand_r(&seed) % 7 == 0 ? "\r\n :/%?"[rand_r(&seed) % 7]
							  : (char) rand_r(&seed);
		client_send(fd, start_text, strlen(start_text));
		client_send(fd, bytes, len);
		client_send(fd, "\r\n\r\n", 4);
		close(fd);
	}
	ping();
}
END_TEST

/* ---- waiting --------------------------------------------------------------------------------- */

static int
send_request(const char *request)
{
	int fd = client_connect(socket_path);

	client_send(fd, request, strlen(request));
	return fd;
}

/* It ignores the signal by then. */
static void
wait_slow(void)
{
	wait_for("/v1/tasks/slow/output", "ready");
}

static void
hurry(void)
{
	task_hurry(tasks_find("slow"));
}

START_TEST(test_answer_comes_later)
{
	char buffer[4096];
	int fd;

	wait_slow();
	fd = send_request("POST /v1/tasks/slow/stop HTTP/1.1\r\nHost: d\r\n"
			  "Connection: close\r\n\r\n");
	wait_for("/v1/tasks/slow", "\"state\": \"stopping\""); /* nobody else waits */
	control_run(hurry);
	client_read_all(fd, buffer, sizeof(buffer));
	ck_assert_ptr_nonnull(strstr(buffer, "200 OK"));
	ck_assert_ptr_nonnull(strstr(buffer, "\"state\": \"stopped\""));
	ck_assert_ptr_nonnull(strstr(buffer, "\"signal\": \"SIGKILL\""));
	close(fd);
}
END_TEST

START_TEST(test_time_out)
{
	wait_slow();
	check_error("POST", "/v1/tasks/slow/stop?timeout=1", "", 504,
		    "no result in time; it may still come: look again, or give a longer timeout=");
	wait_for("/v1/tasks/slow", "\"state\": \"stopping\"");
	control_run(hurry); /* the result comes, and nobody is there any more */
	wait_for("/v1/tasks/slow", "\"state\": \"stopped\"");
}
END_TEST

/* More clients than there may be leave while they wait: their places are free again at once. */
START_TEST(test_client_leaves)
{
	wait_slow();
	for (int i = 0; i < 70; i++) {
		int fd = send_request("POST /v1/tasks/slow/stop?timeout=3600 HTTP/1.1\r\n"
				      "Host: d\r\n\r\n");

		wait_for("/v1/tasks/slow", "\"state\": \"stopping\"");
		close(fd);
	}
	control_run(hurry);
	wait_for("/v1/tasks/slow", "\"state\": \"stopped\"");
}
END_TEST

START_TEST(test_closed_while_waiting)
{
	char buffer[4096];
	int fd;

	wait_slow();
	fd = send_request("POST /v1/tasks/slow/stop HTTP/1.1\r\nHost: d\r\n\r\n");
	wait_for("/v1/tasks/slow", "\"state\": \"stopping\"");
	control_run(server_close);
	client_read_all(fd, buffer, sizeof(buffer));
	ck_assert_ptr_nonnull(strstr(buffer, "503"));
	ck_assert_ptr_nonnull(strstr(buffer, "the daemon stops"));
	control_run(hurry);
	close(fd);
}
END_TEST

/* ---- streams --------------------------------------------------------------------------------- */

static void
emit(int i)
{
	event_emit("test", json_pack("{s:i}", "i", i));
}

static uint64_t last;

static void
get_last(void)
{
	last = events_last();
}

/* Until nothing happens any more. Return: the number of the last event. */
static uint64_t
settle(void)
{
	wait_slow();
	wait_for("/v1/tasks/nginx/output", "two");
	wait_for("/v1/tasks/bad", "\"state\": \"failed\"");
	control_run(get_last);
	return last;
}

static void
ask_events(uint64_t since)
{
	char url[64];

	snprintf(url, sizeof(url), "/v1/events?since=%" PRIu64 "&follow=0", since);
	ck_assert_int_eq(ask("GET", url, ""), 200);
	ck_assert_ptr_nonnull(strstr(answer, "Content-Type: application/x-ndjson"));
}

/* (The parts of a chunked answer have their lengths between them.) */
START_TEST(test_events_present)
{
	uint64_t before = settle();

	for (int i = 1; i <= 3; i++)
		emit(i);
	control_run(nothing);
	ask_events(before + 1);
	ck_assert_ptr_null(strstr(answer, "\"i\":1}"));
	ck_assert_ptr_nonnull(strstr(answer, "\"i\":2}\n{"));
	ck_assert_ptr_nonnull(strstr(answer, "\"i\":3}\n"));
	ck_assert_int_eq(ask("GET", "/v1/events?follow=0", ""), 200);
	ck_assert_ptr_null(strstr(answer, "{"));
	/* A number of a daemon that was before this one. */
	ask_events(5000);
	ck_assert_ptr_nonnull(strstr(answer, "{\"n\":1,"));
	ck_assert_ptr_nonnull(strstr(answer, "\"i\":1}\n"));
}
END_TEST

START_TEST(test_events_follow)
{
	char buffer[65536] = "";
	int fd = send_request("GET /v1/events HTTP/1.1\r\nHost: d\r\n\r\n");

	client_read_until(fd, "\r\n\r\n", buffer, sizeof(buffer));
	for (int i = 10; i < 60; i++) {
		char want[32];

		emit(i);
		snprintf(want, sizeof(want), "\"i\":%d}\n", i);
		client_read_until(fd, want, buffer, sizeof(buffer));
	}
	control_run(server_close);
	client_read_until(fd, "\r\n0\r\n\r\n", buffer, sizeof(buffer));
	close(fd);
}
END_TEST

START_TEST(test_events_dropped)
{
	uint64_t before = settle();

	for (int i = 1; i <= EVENTS_KEPT + 100; i++)
		emit(i);
	control_run(nothing);
	ask_events(before);
	ck_assert_ptr_nonnull(strstr(answer, "{\"dropped\":100}\n"));
	ck_assert_ptr_nonnull(strstr(answer, "\"i\":101}\n"));
}
END_TEST

/* A stream that is not read costs a cursor; the others go on. */
START_TEST(test_events_not_read)
{
	char buffer[65536] = "";
	int slow = send_request("GET /v1/events HTTP/1.1\r\nHost: d\r\n\r\n");
	int fd = send_request("GET /v1/events HTTP/1.1\r\nHost: d\r\n\r\n");
	size_t n;

	client_read_until(slow, "\r\n\r\n", buffer, sizeof(buffer));
	buffer[0] = '\0';
	client_read_until(fd, "\r\n\r\n", buffer, sizeof(buffer));
	for (int i = 0; i < 20000; i++) {
		emit(i);
		if (i % 500 == 499) { /* and what this one asks for comes */
			char want[32];

			snprintf(want, sizeof(want), "\"i\":%d}\n", i);
			buffer[0] = '\0';
			while (strstr(buffer, want) == NULL) {
				size_t len = strlen(buffer);

				if (len > sizeof(buffer) / 2) {
					memmove(buffer, buffer + len - 100, 101);
					len = 100;
				}
				n = client_read(fd, buffer + len, sizeof(buffer) - 1 - len);
				ck_assert_uint_gt(n, 0);
				buffer[len + n] = '\0';
			}
		}
	}
	/* The slow one reads now: what its socket took, how many it missed, and the last ones. */
	answer[0] = '\0';
	client_read_until(slow, "\"i\":19999}\n", answer, sizeof(answer));
	ck_assert_ptr_nonnull(strstr(answer, "\"i\":0}\n"));
	ck_assert_ptr_nonnull(strstr(answer, "{\"dropped\":"));
	close(slow);
	close(fd);
}
END_TEST

START_TEST(test_events_never_read)
{
	char buffer[4096] = "";
	int fd = send_request("GET /v1/events HTTP/1.1\r\nHost: d\r\n\r\n");
	struct pollfd p = { .fd = fd, .events = 0 };

	client_read_until(fd, "\r\n\r\n", buffer, sizeof(buffer));
	for (int i = 0; i < 20000; i++) {
		emit(i);
		if (i % 100 == 99)
			control_run(nothing); /* not so fast that only the last ones are sent */
	}
	ck_assert_int_eq(poll(&p, 1, CLIENT_WAIT_MS), 1);
	ck_assert_int_ne(p.revents & POLLHUP, 0);
	close(fd);
}
END_TEST

/* There is room for who only asks, however many follow; and again for one more when they are gone. */
START_TEST(test_too_many_streams)
{
	char buffer[4096];
	int fds[32];

	for (int i = 0; i < 32; i++) {
		fds[i] = send_request("GET /v1/events HTTP/1.1\r\nHost: d\r\n\r\n");
		buffer[0] = '\0';
		client_read_until(fds[i], "\r\n\r\n", buffer, sizeof(buffer));
	}
	check_error("GET", "/v1/events", "", 503,
		    "32 clients read events already; there may be no more");
	for (int i = 0; i < 32; i++)
		close(fds[i]);
	wait_for("/v1/events?follow=0", "200 OK");
}
END_TEST

START_TEST(test_events_client_leaves)
{
	for (int i = 0; i < 100; i++) {
		char buffer[4096] = "";
		int fd = send_request("GET /v1/events HTTP/1.1\r\nHost: d\r\n\r\n");

		client_read_until(fd, "\r\n\r\n", buffer, sizeof(buffer));
		close(fd);
		emit(i);
	}
	ping();
}
END_TEST

START_TEST(test_events_of_a_change)
{
	char buffer[8192] = "";
	int fd = send_request("GET /v1/events HTTP/1.1\r\nHost: d\r\n\r\n");

	client_read_until(fd, "\r\n\r\n", buffer, sizeof(buffer));
	tree_write(&tree, "sys/fs/cgroup/a/cpu.max", "410000 100000\n");
	client_read_until(fd,
			  "\"event\":\"workers\",\"workers\":5,\"before\":3,\"reason\":\"quota\"",
			  buffer, sizeof(buffer));
	close(fd);
}
END_TEST

/* ---- the socket ------------------------------------------------------------------------------ */

static char fault[512];

/* In this thread: without a loop that runs nobody is answered, but that is not asked here. */
static int
try_open(const char *path)
{
	int r;

	fault[0] = '\0';
	r = server_open(path, -1, &hooks, fault, sizeof(fault));
	return r;
}

static void
start_loop(void)
{
	tree_make(&tree);
	tree_path(&tree, "control.sock", socket_path, sizeof(socket_path));
	ck_assert_int_eq(loop_open(), 0);
}

static void
stop_loop(void)
{
	loop_close();
	tree_remove(&tree);
}

static int
bind_kind(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path));
	ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
	return fd;
}

static int
bind_at(const char *path, bool listening)
{
	int fd = bind_kind(path, SOCK_STREAM);

	if (listening)
		ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

START_TEST(test_mode)
{
	struct stat st;

	umask(0);
	ck_assert_msg(try_open(socket_path) == 0, "%s", fault);
	ck_assert_int_eq(stat(socket_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	server_close();
	umask(0777);
	ck_assert_msg(try_open(socket_path) == 0, "%s", fault);
	ck_assert_int_eq(stat(socket_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	server_close();
	umask(022);
}
END_TEST

START_TEST(test_stale_socket)
{
	close(bind_at(socket_path, true));
	ck_assert_msg(try_open(socket_path) == 0, "%s", fault);
	close(client_connect(socket_path));
	server_close();
}
END_TEST

START_TEST(test_live_socket)
{
	char want[1024];
	int fd = bind_at(socket_path, true);

	ck_assert_int_eq(try_open(socket_path), -EADDRINUSE);
	snprintf(want, sizeof(want),
		 "another process listens on %s; stop it, or choose another path", socket_path);
	ck_assert_str_eq(fault, want);
	close(client_connect(socket_path));
	close(fd);
}
END_TEST

/* Such as /dev/log: nobody can connect to it as we do, but somebody reads there. */
START_TEST(test_live_datagram_socket)
{
	int fd = bind_kind(socket_path, SOCK_DGRAM);

	ck_assert_int_eq(try_open(socket_path), -EADDRINUSE);
	ck_assert_int_eq(access(socket_path, F_OK), 0);
	close(fd);
	ck_assert_msg(try_open(socket_path) == 0, "%s", fault);
	server_close();
}
END_TEST

/* A daemon that has locked the path, in another process. */
START_TEST(test_live_daemon)
{
	char want[1024];
	int ready[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		char c = try_open(socket_path) == 0 ? 'y' : 'n';

		_exit(write(ready[1], &c, 1) != 1 || pause() != 0);
	}
	ck_assert_int_eq(read(ready[0], want, 1), 1);
	ck_assert_int_eq(want[0], 'y');
	ck_assert_int_eq(try_open(socket_path), -EADDRINUSE);
	snprintf(want, sizeof(want),
		 "another process, pid %d listens on %s; stop it, or choose another path", pid,
		 socket_path);
	ck_assert_str_eq(fault, want);
	/* Killed, it leaves socket and lock file, and neither is in the way. */
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	ck_assert_msg(try_open(socket_path) == 0, "%s", fault);
	server_close();
}
END_TEST

START_TEST(test_no_socket_there)
{
	char want[1024];

	tree_write(&tree, "control.sock", "precious");
	ck_assert_int_eq(try_open(socket_path), -EEXIST);
	snprintf(want, sizeof(want), "%s is there and no socket; it is left alone", socket_path);
	ck_assert_str_eq(fault, want);
}
END_TEST

START_TEST(test_path_too_long)
{
	char path[200], want[512];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[108] = '\0';
	ck_assert_int_eq(try_open(path), -ENAMETOOLONG);
	snprintf(want, sizeof(want),
		 "%s: the path of a socket has 107 bytes at most, this one has 108", path);
	ck_assert_str_eq(fault, want);
}
END_TEST

START_TEST(test_no_folder)
{
	char path[PATH_MAX], want[2 * PATH_MAX];

	tree_path(&tree, "none/control.sock", path, sizeof(path));
	ck_assert_int_eq(try_open(path), -ENOENT);
	snprintf(want, sizeof(want), "cannot open %s.lock: No such file or directory", path);
	ck_assert_str_eq(fault, want);
}
END_TEST

START_TEST(test_default_places)
{
	setenv("CORUN_SOCKET", socket_path, 1);
	ck_assert_msg(try_open(NULL) == 0, "%s", fault);
	ck_assert_str_eq(server_path(), socket_path);
	server_close();
	ck_assert_ptr_null(server_path());
}
END_TEST

START_TEST(test_passed_socket)
{
	struct stat st;
	int fd = bind_at(socket_path, true);

	ck_assert_msg(server_open(NULL, fd, &hooks, fault, sizeof(fault)) == 0, "%s", fault);
	ck_assert_str_eq(server_path(), socket_path);
	server_close();
	ck_assert_int_eq(stat(socket_path, &st), 0); /* it is not ours to remove */
}
END_TEST

/* ---- the manual ------------------------------------------------------------------------------ */

START_TEST(test_manual_has_the_table)
{
	const char *top = getenv("CORUN_TOP_SRCDIR");
	char path[PATH_MAX], *table = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&table, &size), *page;
	size_t len;

	routes_print_roff(out);
	fclose(out);
	snprintf(path, sizeof(path), "%s/man/corund-api.7", top ? top : "../..");
	page = fopen(path, "r");
	ck_assert_msg(page != NULL, "%s: %m", path);
	len = fread(answer, 1, sizeof(answer) - 1, page);
	answer[len] = '\0';
	fclose(page);
	ck_assert_msg(strstr(answer, table) != NULL,
		      "man/corund-api.7 does not have the table of the code, which is:\n%s", table);
	free(table);
}
END_TEST

static TCase *
add_case(Suite *suite, const char *name, void (*before)(void), void (*after)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 120);
	if (before != NULL)
		tcase_add_checked_fixture(tcase, before, after);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int
main(void)
{
	Suite *suite = suite_create("server");
	TCase *answers = add_case(suite, "answers", start, stop);
	TCase *limits = add_case(suite, "limits", start, stop);
	TCase *silence = add_case(suite, "silence", start_impatient, stop);
	TCase *waits = add_case(suite, "waits", start, stop);
	TCase *streams = add_case(suite, "streams", start, stop);
	TCase *sockets = add_case(suite, "socket", start_loop, stop_loop);
	TCase *manual = add_case(suite, "manual", NULL, NULL);

	tcase_add_test(answers, test_version);
	tcase_add_test(answers, test_status);
	tcase_add_test(answers, test_cpu);
	tcase_add_test(answers, test_workers);
	tcase_add_test(answers, test_wrong_workers);
	tcase_add_test(answers, test_deep_json);
	tcase_add_test(answers, test_tasks);
	tcase_add_test(answers, test_verbs);
	tcase_add_test(answers, test_errors);
	tcase_add_test(answers, test_head);
	tcase_add_test(answers, test_stopping);
	tcase_add_test(answers, test_rights);
	tcase_add_test(limits, test_body_size);
	tcase_add_test(limits, test_chunked_body);
	tcase_add_test(limits, test_head_too_large);
	tcase_add_test(limits, test_keep_alive);
	tcase_add_test(limits, test_random_bytes);
	tcase_add_test(silence, test_silence);
	tcase_add_test(silence, test_hundred_connections);
	tcase_add_test(silence, test_events_never_read);
	tcase_add_test(waits, test_answer_comes_later);
	tcase_add_test(waits, test_time_out);
	tcase_add_test(waits, test_client_leaves);
	tcase_add_test(waits, test_closed_while_waiting);
	tcase_add_test(streams, test_events_present);
	tcase_add_test(streams, test_events_follow);
	tcase_add_test(streams, test_events_dropped);
	tcase_add_test(streams, test_events_not_read);
	tcase_add_test(streams, test_events_client_leaves);
	tcase_add_test(streams, test_too_many_streams);
	tcase_add_test(streams, test_events_of_a_change);
	tcase_add_test(sockets, test_mode);
	tcase_add_test(sockets, test_stale_socket);
	tcase_add_test(sockets, test_live_datagram_socket);
	tcase_add_test(sockets, test_live_socket);
	tcase_add_test(sockets, test_live_daemon);
	tcase_add_test(sockets, test_no_socket_there);
	tcase_add_test(sockets, test_path_too_long);
	tcase_add_test(sockets, test_no_folder);
	tcase_add_test(sockets, test_default_places);
	tcase_add_test(sockets, test_passed_socket);
	tcase_add_test(manual, test_manual_has_the_table);
	return tap_run(suite);
}
