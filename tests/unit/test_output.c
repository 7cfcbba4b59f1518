/* Output: every byte that a task writes arrives, in lines. */

#include "daemon/process/output.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/log.h"
#include "tests/unit/child.h"

/* ---- what the log gets: stderr of this process, in a pipe or a file -------------------------- */

static int log_file;

static void
log_to_file(void)
{
	char name[] = "/tmp/corun-test-XXXXXX";

	log_file = mkstemp(name);
	ck_assert_int_ge(log_file, 0);
	unlink(name);
	ck_assert_int_ge(dup2(log_file, STDERR_FILENO), 0);
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_SETFL, O_APPEND), 0);
}

/* Allocated. */
static char *
logged(void)
{
	off_t size = lseek(log_file, 0, SEEK_END);
	char *text = calloc(1, (size_t) size + 1);

	ck_assert_int_eq(pread(log_file, text, (size_t) size, 0), size);
	return text;
}

static void
wait_for_lines(const struct output *output, uint64_t n)
{
	uint64_t until_ns = corun_in(PATIENCE);

	while (output_lines(output) < n) {
		ck_assert_msg(corun_now() < until_ns, "%llu lines instead of %llu",
			      (unsigned long long) output_lines(output), (unsigned long long) n);
		corun_sleep(CORUN_MS);
	}
}

static void
tail_is(struct output *output, const char *text)
{
	char *tail;
	long n = output_tail(output, &tail);

	ck_assert_int_ge(n, 0);
	ck_assert_int_eq(n, strlen(text));
	ck_assert_mem_eq(tail, text, (size_t) n);
	free(tail);
}

static void
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		ck_assert_int_gt(n, 0);
		text += n;
		len -= (size_t) n;
	}
}

static void
say(int fd, const char *text)
{
	write_all(fd, text, strlen(text));
}

static struct output *
open_output(void)
{
	struct output *output;

	ck_assert_int_eq(output_open("web", &output), 0);
	return output;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void
passes_lines_on(void *arg)
{
	struct output *output = open_output();
	char *text;

	(void) arg;
	say(output_stdout(output), "one\ntw");
	wait_for_lines(output, 1);
	say(output_stdout(output), "o\n\n");
	wait_for_lines(output, 3);
	say(output_stderr(output), "three\n");
	wait_for_lines(output, 4);
	output_line(output, LOG_LEVEL_INFO, "four", 4);
	ck_assert_uint_eq(output_lines(output), 5);
	tail_is(output, "one\ntwo\n\nthree\nfour\n");
	say(output_stdout(output), "no newline");
	output_close(output);
	text = logged();
	ck_assert_str_eq(text, "web: one\nweb: two\nweb: \nweb: three\nweb: four\n"
			       "web: no newline\n");
	free(text);
}

START_TEST(test_passes_lines_on)
{
	log_to_file();
	run_from(FROM_COROUTINE, passes_lines_on, NULL);
}
END_TEST

/* A line of 16 KiB is whole; of a longer one each piece is a line of the log's. */
static void
cuts_long_lines(void *arg)
{
	enum { WHOLE = 16 * 1024, LONG = 2 * WHOLE + 10 };
	struct output *output = open_output();
	char *line = malloc(LONG + 1);
	char *text, *at;

	(void) arg;
	memset(line, 'x', LONG);
	line[WHOLE] = '\n';
	write_all(output_stdout(output), line, WHOLE + 1);
	wait_for_lines(output, 1);
	memset(line, 'y', LONG);
	line[LONG] = '\n';
	write_all(output_stdout(output), line, LONG + 1);
	wait_for_lines(output, 2);
	/* Just as long as a piece, and the end in the next write. */
	write_all(output_stdout(output), line, WHOLE);
	say(output_stdout(output), "z\n");
	wait_for_lines(output, 3);
	ck_assert_uint_eq(output_lines(output), 3);
	output_close(output);

	text = at = logged();
	const struct {
		char letter;
		size_t n;
	} lines[] = { { 'x', WHOLE }, { 'y', WHOLE }, { 'y', WHOLE },
		      { 'y', 10 },    { 'y', WHOLE }, { 'z', 1 } };
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(strncmp(at, "web: ", 5), 0);
		at += 5;
		for (size_t j = 0; j < lines[i].n; j++)
			ck_assert_int_eq(*at++, lines[i].letter);
		ck_assert_int_eq(*at++, '\n');
	}
	ck_assert_int_eq(*at, '\0');
	free(text);
	free(line);
}

START_TEST(test_cuts_long_lines)
{
	log_to_file();
	run_from(FROM_COROUTINE, cuts_long_lines, NULL);
}
END_TEST

/* ---- the last 64 KiB ------------------------------------------------------------------------- */

static void
keeps_the_tail(void *arg)
{
	enum { LINES = 20000 };
	struct output *output = open_output();
	char line[32];
	char *tail;
	long n;

	(void) arg;
	for (int i = 0; i < LINES; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		say(output_stdout(output), line);
	}
	wait_for_lines(output, LINES);
	n = output_tail(output, &tail);
	ck_assert_int_le(n, OUTPUT_KEPT_BYTES);
	ck_assert_int_gt(n, OUTPUT_KEPT_BYTES - 20);
	ck_assert_mem_eq(tail + n - 11, "line 19999\n", 11);
	/* Whole lines, one after the other. */
	int first = atoi(tail + 5), count = 0;
	for (const char *at = tail; at < tail + n; at = strchr(at, '\n') + 1) {
		int len = snprintf(line, sizeof(line), "line %d\n", first + count++);

		ck_assert_int_eq(strncmp(at, line, (size_t) len), 0);
		if (at + len == tail + n)
			break;
	}
	ck_assert_int_eq(first + count, LINES);
	free(tail);
	/* One line without an end fills it all. */
	for (int i = 0; i < 10000; i++)
		say(output_stderr(output), "0123456789abcdef");
	say(output_stderr(output), "\n");
	wait_for_lines(output, LINES + 1);
	n = output_tail(output, &tail);
	ck_assert_int_eq(n, OUTPUT_KEPT_BYTES);
	ck_assert_mem_eq(tail + n - 4, "def\n", 4);
	free(tail);
	output_close(output);
}

START_TEST(test_keeps_the_tail)
{
	log_to_file();
	run_from(FROM_COROUTINE, keeps_the_tail, NULL);
}
END_TEST

/* ---- processes ------------------------------------------------------------------------------- */

/* Two after each other, more than a pipe holds; what is in it at the end is read. */
static void
reads_processes(void *arg)
{
	enum { LINES = 30000 };
	struct output *output = open_output();
	struct spawn_plan plan = plan_of(SHELL("i=0; while [ $i -lt 15000 ]; do"
					       " echo \"this is line number $i\"; i=$((i + 1));"
					       "done; echo bye >&2"));
	struct spawn_result child;
	int status;

	(void) arg;
	plan.fd_stdout = output_stdout(output);
	plan.fd_stderr = output_stderr(output);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(spawn(&plan, &child), 0);
		corun_block_enter();
		waitpid(child.pid, &status, 0);
		corun_block_exit();
		ck_assert_int_eq(status, 0);
		close(child.pidfd);
	}
	output_close(output);
	char *text = logged();
	size_t lines = 0;
	for (const char *at = text; *at != '\0'; at++)
		lines += *at == '\n';
	free(text);
	ck_assert_uint_eq(lines, LINES + 2);
}

START_TEST(test_reads_processes)
{
	log_to_file();
	run_from(FROM_COROUTINE, reads_processes, NULL);
}
END_TEST

/* What a child inherits blocks, as programs expect it. */
static void
blocks_for_the_child(void *arg)
{
	struct output *output = open_output();

	(void) arg;
	ck_assert_int_eq(fcntl(output_stdout(output), F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(output_stderr(output), F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(output_stdout(output), F_GETFD), FD_CLOEXEC);
	output_close(output);
}

START_TEST(test_blocks_for_the_child)
{
	run_from(FROM_COROUTINE, blocks_for_the_child, NULL);
}
END_TEST

/* As programs of containers do that have no other log: by name, which is asked for their rights. */
static void
opens_by_name(void *arg)
{
	struct output *output = open_output();
	struct spawn_plan plan =
		plan_of(SHELL("echo out >/dev/stdout && echo err >/dev/stderr && echo in >&1"));
	struct spawn_user user = { .set = true, .uid = 4242, .gid = 4243 };
	struct spawn_result child;

	(void) arg;
	plan.fd_stdout = output_stdout(output);
	plan.fd_stderr = output_stderr(output);
	plan.user = &user;
	output_own(output, user.uid, user.gid);
	ck_assert_int_eq(spawn(&plan, &child), 0);
	wait_for_lines(output, 3);
	ck_assert_int_eq(waitpid(child.pid, NULL, 0), child.pid);
	close(child.pidfd);
	output_close(output);
}

START_TEST(test_opens_by_name)
{
	log_to_file();
	if (geteuid() == 0)
		run_from(FROM_COROUTINE, opens_by_name, NULL);
}
END_TEST

/* A process that the task left behind keeps the pipe: its words so far count, and it is said. */
static void
gives_up_on_those_left(void *arg)
{
	struct output *output = open_output();
	int held = fcntl(output_stdout(output), F_DUPFD_CLOEXEC, 100);
	uint64_t start_ns = corun_now();
	char *text;

	(void) arg;
	say(held, "last words");
	output_close(output);
	ck_assert_uint_ge(corun_now() - start_ns, CORUN_S);
	text = logged();
	ck_assert_ptr_nonnull(strstr(text, "web: last words\n"));
	ck_assert_ptr_nonnull(strstr(text, "corund: web: a process that it left behind"));
	free(text);
	close(held);
}

START_TEST(test_gives_up_on_those_left)
{
	log_to_file();
	run_from(FROM_COROUTINE, gives_up_on_those_left, NULL);
}
END_TEST

/* From a plain thread, and the tail by one. */
START_TEST(test_plain_thread)
{
	struct output *output;

	log_to_file();
	pool_of_four();
	output = open_output();
	say(output_stdout(output), "hello\n");
	wait_for_lines(output, 1);
	tail_is(output, "hello\n");
	output_close(output);
	ck_assert_int_eq(corun_stop(corun_in(PATIENCE)), 0);
}
END_TEST

static void
fails_without_descriptors(void *arg)
{
	struct output *output;
	int fds[1024], n = 0, failed = 0, r;

	(void) arg;
	output_close(open_output()); /* the runtime has its own by now */
	while (n < 1024 && (fds[n] = dup(0)) >= 0)
		n++;
	/* From no descriptor at all to just enough; a thread that the runtime makes may take one. */
	while ((r = output_open("web", &output)) == -EMFILE) {
		ck_assert_int_gt(n, 0);
		close(fds[--n]);
		failed++;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_ge(failed, 4);
	output_close(output);
	while (n > 0)
		close(fds[--n]);
}

START_TEST(test_fails_without_descriptors)
{
	struct rlimit limit = { 256, 256 };

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	run_from(FROM_COROUTINE, fails_without_descriptors, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("output");
	TCase *tc = tcase_create("output");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_test(tc, test_passes_lines_on);
	tcase_add_test(tc, test_cuts_long_lines);
	tcase_add_test(tc, test_keeps_the_tail);
	tcase_add_test(tc, test_reads_processes);
	tcase_add_test(tc, test_blocks_for_the_child);
	tcase_add_test(tc, test_opens_by_name);
	tcase_add_test(tc, test_gives_up_on_those_left);
	tcase_add_test(tc, test_plain_thread);
	tcase_add_test(tc, test_fails_without_descriptors);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
