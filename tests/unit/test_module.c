/* Modules: what is said of a wrong file or key, and a run from its start to its end. */

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <sys/stat.h>

#include <corun/group.h>

#include "tests/unit/module.h"
#include "tests/unit/refuse.h"

#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static char folder[] = "/tmp/corun-module-XXXXXX";

static const char *
mine(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void
write_file(const char *path, const void *bytes, size_t n)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
	ck_assert_int_eq(fclose(file), 0);
}

/* Copy module @name to @path, as install(1) does; with @patch at @at if it is not 0. */
static void
copy_module(const char *name, const char *path, size_t at, uint16_t patch)
{
	char from[4096], beside[4200];
	char *bytes;
	struct stat st;
	FILE *file;

	built(from, sizeof(from), "tests/modules", name);
	file = fopen(from, "r");
	ck_assert_msg(file != NULL, "%s: %s", from, strerror(errno));
	ck_assert_int_eq(fstat(fileno(file), &st), 0);
	bytes = malloc((size_t) st.st_size);
	ck_assert_uint_eq(fread(bytes, 1, (size_t) st.st_size, file), (size_t) st.st_size);
	fclose(file);
	if (at != 0)
		memcpy(bytes + at, &patch, sizeof(patch));
	snprintf(beside, sizeof(beside), "%s.new", path);
	write_file(beside, bytes, (size_t) st.st_size);
	ck_assert_int_eq(rename(beside, path), 0);
	free(bytes);
}

static void
make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
remove_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* ---- what is said of a wrong file ------------------------------------------------------------ */

static const struct wrong {
	const char *module; /* of tests/modules; or a path or name, */
	const char *says;
} wrongs[] = {
	{ "bad_abi", "is built for ABI 99 of modules, this corund has ABI 1; build it with the" },
	{ "small", "corun_module.size is 16, ABI 1 needs at least" },
	{ "no_run", "corun_module.run is NULL; it must be the function to run" },
	{ "no_name", "corun_module.name is NULL" },
	{ "no_table",
	  "is not a module: it has no symbol corun_module; it must define CORUN_MODULE" },
	{ "missing", "cannot be loaded: undefined symbol: missing_function" },
	{ "own_runtime", "has a libcorun of its own linked in; link it with the shared one" },
};

/* module_check() adds one error with all of these words, and module_run() says the same. */
static void
ck_wrong(const char *module, const char *dir, const char *says)
{
	struct task_config config = { .name = (char[]){ "test" },
				      .file = (char[]){ "test.task" },
				      .type = TASK_MODULE };
	struct config_errors errors = { 0 };
	struct module_start start = { .config = &config, .dir = dir };
	struct module_run *run;
	char fault[1024] = "";

	config.module = strdup(module);
	module_check(&config, dir, &errors);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_msg(strstr(errors.list[0].text, says) != NULL, "'%s' is not in: %s", says,
		      errors.list[0].text);
	ck_assert_str_eq(errors.list[0].file, "test.task");
	ck_assert_int_lt(module_run(&start, &run, fault, sizeof(fault)), 0);
	ck_assert_msg(strstr(fault, says) != NULL, "'%s' is not in: %s", says, fault);
	config_errors_free(&errors);
	free(config.module);
}

START_TEST(wrong_modules)
{
	char path[4096];

	built(path, sizeof(path), "tests/modules", wrongs[_i].module);
	ck_wrong(path, "/nonexistent", wrongs[_i].says);
}
END_TEST

START_TEST(files_that_are_no_modules)
{
	static const char la[] = "# x.la - a libtool library file\ndlname='x.so'\n";

	make_folder();
	write_file(mine("text.so"), "int main(void);\n", 16);
	ck_wrong(mine("text.so"), folder, "is a text file, not a shared object; a module is built");
	ck_wrong("text", folder, "is a text file, not a shared object");
	write_file(mine("x.la"), la, sizeof(la) - 1);
	ck_wrong(mine("x.la"), folder, "is libtool's note on a library");
	write_file(mine("empty.so"), "", 0);
	ck_wrong("empty", folder, "is empty, not a shared object");
	write_file(mine("data.so"), "\0\1\2\3", 4);
	ck_wrong("data", folder, "is no ELF file, not a shared object");
	copy_module("answer", mine("machine.so"), offsetof(ElfW(Ehdr), e_machine), EM_S390);
	ck_wrong("machine", folder, "is built for another machine");
	copy_module("answer", mine("object.so"), offsetof(ElfW(Ehdr), e_type), ET_REL);
	ck_wrong("object", folder, "is an object file, not a shared object; a module is linked");
	copy_module("answer", mine("program.so"), offsetof(ElfW(Ehdr), e_type), ET_EXEC);
	ck_wrong("program", folder, "is a program, not a shared object");
	copy_module("answer", mine("half.so"), 0, 0);
	ck_assert_int_eq(truncate(mine("half.so"), 6000), 0);
	ck_wrong("half", folder, "ends in the middle: it was not copied as a whole");
	ck_assert_int_eq(truncate(mine("half.so"), 100), 0);
	ck_wrong("half", folder, "ends in the middle");
	ck_wrong(folder, folder, "is a folder; a module is a shared object");
	ck_assert_int_eq(symlink("loop.so", mine("loop.so")), 0);
	ck_wrong("loop", folder, "cannot be opened: Too many levels of symbolic links");
	remove_folder();
}
END_TEST

START_TEST(files_that_are_not_there)
{
	make_folder();
	ck_wrong(mine("gone.so"), folder, "there is no file /tmp/corun-module-");
	copy_module("answer", mine("answer.so"), 0, 0);
	ck_wrong("anwser", folder, "/anwser.so); did you mean 'answer'?");
	ck_wrong("proxy", folder, "there is no module 'proxy' (looked for /tmp/corun-module-");
	ck_wrong("proxy", "/nonexistent", "the folder for modules, /nonexistent, does not exist");
	remove_folder();
}
END_TEST

/* ---- keys ------------------------------------------------------------------------------------ */

static void
wrong_keys(void *arg)
{
	struct config_errors errors = { 0 };
	struct hosted h;
	char path[4096];

	(void) arg;
	built(path, sizeof(path), "tests/modules", "answer");
	hosted_init(&h, path, KEYS("Anser", "1", "Wait", "no", "Colour", "red", "Wait", "yes"));
	module_check(&h.config, h.start.dir, &errors);
	ck_assert_uint_eq(errors.n, 4);
	ck_assert_str_eq(errors.list[0].text,
			 "unknown key 'Anser' of module answer; did you mean 'Answer'?");
	ck_assert_uint_eq(errors.list[0].line, 10);
	ck_assert_str_eq(
		errors.list[1].text,
		"unknown key 'Colour' of module answer; the first that it knows is 'Answer'");
	ck_assert_str_eq(errors.list[2].text, "key 'Wait' was given in line 11 already");
	ck_assert_uint_eq(errors.list[2].line, 13);
	ck_assert_str_eq(errors.list[3].text,
			 "key 'Answer' of section [Module] is missing: The number to return.");
	ck_assert_int_eq(module_run(&h.start, &h.run, h.fault, sizeof(h.fault)), -EINVAL);
	ck_assert_str_eq(h.fault, "test.task:10: unknown key 'Anser' of module answer; did you "
				  "mean 'Answer'? (and 3 more)");
	config_errors_free(&errors);
	hosted_free(&h);

	hosted_init(&h, path, KEYS("Answer", "many"));
	ck_assert_int_eq(module_run(&h.start, &h.run, h.fault, sizeof(h.fault)), -EINVAL);
	ck_assert_str_eq(h.fault, "test.task:10: Answer=many is no number; 42 would be right");
	hosted_free(&h);
}

START_TEST(keys_are_checked)
{
	in_runtime(2, wrong_keys);
}
END_TEST

/* ---- a run ----------------------------------------------------------------------------------- */

static const struct {
	const char *answer;
	int result;
	const char *fault;
} answers[] = {
	{ "0", 0, "" },
	{ "3", 3, "" },
	{ "255", 255, "" },
	{ "-2", -2, "" },
	{ "256", 255, "run() returned 256; it must be 0, 1 to 255, or a negative errno" },
	{ "-5000", 255, "run() returned -5000; it must be 0, 1 to 255, or a negative errno" },
};

static void
all_answers(void *arg)
{
	char path[4096];

	(void) arg;
	built(path, sizeof(path), "tests/modules", "answer");
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct hosted h;

		hosted_init(&h, path, KEYS("Answer", answers[i].answer));
		hosted_run(&h);
		ck_assert_int_eq(hosted_wait(&h), answers[i].result);
		ck_assert_str_eq(module_fault(h.run), answers[i].fault);
		ck_assert(hosted_said(&h, "test has 7 workers, version 1\n"));
		ck_assert_uint_eq(module_alive(h.run, NULL, 0), 0);
		hosted_free(&h);
	}
}

START_TEST(what_run_returns)
{
	in_runtime(2, all_answers);
}
END_TEST

static void
told_to_end(void *arg)
{
	struct hosted h;
	char path[4096];

	(void) arg;
	built(path, sizeof(path), "tests/modules", "answer");
	hosted_init(&h, path, KEYS("Answer", "4", "Wait", "yes", "Sentence", "no more: 100%"));
	hosted_run(&h);
	ck_assert(hosted_said(&h, "version 1\n"));
	ck_assert_str_eq(module_fault(h.run), "");
	ck_assert_uint_eq(corun_chan_len(h.ended), 0);
	module_cancel(h.run);
	module_cancel(h.run);
	ck_assert_int_eq(hosted_wait(&h), 4);
	ck_assert_str_eq(module_fault(h.run), "no more: 100%");
	hosted_free(&h);
}

START_TEST(cancel_ends_it)
{
	in_runtime(2, told_to_end);
}
END_TEST

static void
example_of_the_manual(void *arg)
{
	struct hosted h;
	char path[4096];

	(void) arg;
	built(path, sizeof(path), "tests/modules", "hello");
	hosted_init(&h, path, KEYS("Whom", "world"));
	hosted_run(&h);
	ck_assert(hosted_said(&h, "hello, world\nhello, world\n"));
	module_cancel(h.run);
	ck_assert_int_eq(hosted_wait(&h), 0);
	hosted_free(&h);
}

START_TEST(the_example_of_the_manual)
{
	in_runtime(2, example_of_the_manual);
}
END_TEST

static void
runs_of_a_family(void *arg)
{
	struct hosted told, soon;
	struct task_coroutine alive[8];
	char path[4096];

	(void) arg;
	built(path, sizeof(path), "tests/modules", "family");
	/* Two runs of one module at a time; each is told on its own. */
	hosted_init(&told, path, KEYS("End", "told"));
	hosted_init(&soon, path, KEYS("End", "soon"));
	hosted_run(&told);
	hosted_run(&soon);
	ck_assert_int_eq(hosted_wait(&soon), 0);
	ck_assert(hosted_said(&soon, "grandchild ends\ngrandchild ends\ngrandchild ends\n"));
	while (module_alive(told.run, alive, 8) != 4) /* run() and the grandchildren */
		corun_sleep(CORUN_MS);
	ck_assert_str_eq(alive[0].name, "test");
	module_cancel(told.run);
	ck_assert_int_eq(hosted_wait(&told), 0);
	ck_assert(hosted_said(&told, "grandchild ends\ngrandchild ends\ngrandchild ends\n"));
	hosted_free(&told);
	hosted_free(&soon);
}

START_TEST(it_ends_with_its_last_coroutine)
{
	in_runtime((unsigned) _i, runs_of_a_family);
}
END_TEST

static void
stuck_run(void *arg)
{
	struct hosted h;
	struct task_coroutine alive[8];
	char path[4096];
	int result;

	(void) arg;
	built(path, sizeof(path), "tests/modules", "family");
	hosted_init(&h, path, KEYS("End", "never"));
	hosted_run(&h);
	module_cancel(h.run);
	while (module_alive(h.run, alive, 8) != 3)
		corun_sleep(CORUN_MS);
	ck_assert_int_eq(corun_chan_recv(h.ended, &result, corun_in(100 * CORUN_MS)), -ETIMEDOUT);
	ck_assert_uint_eq(module_alive(h.run, alive, 8), 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_ne(alive[i].id, 0);
		ck_assert_msg(strncmp(alive[i].state, "waiting", 7) == 0, "%s", alive[i].state);
	}
	ck_assert_uint_eq(module_alive(h.run, alive, 1), 3);
	_exit(EXIT_SUCCESS); /* what is stuck keeps its memory, and that is no leak */
}

START_TEST(stuck_is_told)
{
	in_runtime(2, stuck_run);
}
END_TEST

/* ---- a file that changes --------------------------------------------------------------------- */

static void
changed_file(void *arg)
{
	struct hosted first, second;
	char path[256];

	(void) arg;
	snprintf(path, sizeof(path), "%s", mine("m.so"));
	copy_module("answer", path, 0, 0);
	hosted_init(&first, path, KEYS("Answer", "1", "Wait", "yes"));
	hosted_run(&first);
	ck_assert(hosted_said(&first, "version 1\n"));

	/* One runs: the next gets the same code. */
	copy_module("answer2", path, 0, 0);
	hosted_init(&second, path, KEYS("Answer", "2"));
	hosted_run(&second);
	ck_assert_int_eq(hosted_wait(&second), 2);
	ck_assert(hosted_said(&second, "version 1\n"));
	hosted_free(&second);
	module_cancel(first.run);
	ck_assert_int_eq(hosted_wait(&first), 1);
	hosted_free(&first);

	/* None runs: the next gets the new code. */
	hosted_init(&second, path, KEYS("Answer", "3"));
	hosted_run(&second);
	ck_assert_int_eq(hosted_wait(&second), 3);
	ck_assert(hosted_said(&second, "version 2\n"));
	hosted_free(&second);
}

START_TEST(changed_file_is_loaded_when_nobody_runs_it)
{
	make_folder();
	in_runtime(2, changed_file);
	remove_folder();
}
END_TEST

/* ---- processes ------------------------------------------------------------------------------- */

static void
start_command(struct hosted *h, const char *command)
{
	char path[4096];

	built(path, sizeof(path), "tests/modules", "starts");
	hosted_init(h, path, KEYS("Command", command));
	hosted_run(h);
}

/* Pipes and pidfds. (The runtime opens files of its own as it likes.) */
static size_t
descriptors_of_processes(void)
{
	char link[32], what[64];
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++) {
		ssize_t len;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		len = readlink(link, what, sizeof(what) - 1);
		what[len > 0 ? len : 0] = '\0';
		n += strstr(what, "pipe") != NULL || strstr(what, "pidfd") != NULL;
	}
	return n;
}

static void
processes(void *arg)
{
	struct hosted h;
	size_t before = descriptors_of_processes();

	(void) arg;
	for (int i = 0; i < 20; i++) {
		start_command(&h, "echo \"out $ADDED, $THREADS, $SET\"; echo err >&2; exit 3");
		ck_assert_int_eq(hosted_wait(&h), 3);
		ck_assert(hosted_said(&h, "out by the module, 7, in the task\n"));
		ck_assert(hosted_said(&h, "err\n"));
		hosted_free(&h);
	}
	ck_assert_uint_eq(descriptors_of_processes(), before);
}

START_TEST(process_ends_by_itself)
{
	in_runtime(2, processes);
}
END_TEST

static void
cancelled_process(void *arg)
{
	struct hosted h;

	(void) arg;
	start_command(&h, "echo up; exec sleep 1000");
	ck_assert(hosted_said(&h, "up\n"));
	module_cancel(h.run);
	ck_assert_int_eq(hosted_wait(&h), 200 + SIGTERM);
	hosted_free(&h);

	/* The whole group gets it, also one that is stopped. */
	start_command(&h, "trap 'wait; exit 7' TERM; sh -c 'trap \"echo child; exit\" TERM; echo "
			  "up; while :; do sleep 0.01; done' & echo $!; wait");
	ck_assert(hosted_said(&h, "up\n"));
	module_cancel(h.run);
	ck_assert_int_eq(hosted_wait(&h), 7);
	ck_assert(hosted_said(&h, "child\n"));
	hosted_free(&h);
	start_command(&h, "echo up; kill -STOP $$");
	ck_assert(hosted_said(&h, "up\n"));
	module_cancel(h.run);
	ck_assert_int_eq(hosted_wait(&h), 200 + SIGTERM);
	hosted_free(&h);
}

/* Also where there are no pidfds. */
START_TEST(process_is_told_to_end)
{
	if (_i == 1) {
		refuse(SYS_pidfd_open, ENOSYS);
		refuse_clone_with(0x1000, EINVAL); /* CLONE_PIDFD */
		refuse(SYS_clone3, ENOSYS);
	}
	in_runtime(2, cancelled_process);
}
END_TEST

static void
deaf_process(void *arg)
{
	struct hosted h;
	uint64_t start_ns;

	(void) arg;
	start_command(&h, "trap '' TERM; echo up; while :; do sleep 0.05; done");
	ck_assert(hosted_said(&h, "up\n"));
	start_ns = corun_now();
	module_cancel(h.run);
	ck_assert_int_eq(hosted_wait(&h), 200 + SIGKILL);
	ck_assert_uint_ge(corun_now() - start_ns, 4 * CORUN_S);
	hosted_free(&h);
}

START_TEST(process_that_does_not_end_is_killed)
{
	in_runtime(2, deaf_process);
}
END_TEST

/* The process @said in its output by "pid N": is it gone? */
static bool
gone(struct hosted *h)
{
	char *tail;
	long n = output_tail(h->start.output, &tail);
	uint64_t until_ns = corun_in(SOON_S * CORUN_S);
	int pid = 0;

	ck_assert_int_gt(n, 0);
	tail[n - 1] = '\0';
	ck_assert_int_eq(sscanf(tail, "pid %d", &pid), 1);
	free(tail);
	while (kill(pid, 0) == 0 && corun_now() < until_ns)
		corun_sleep(CORUN_MS);
	return kill(pid, 0) < 0;
}

static void
left_over(void *arg)
{
	struct hosted h;

	(void) arg;
	start_command(&h, "trap '' TERM; sleep 1000 & echo pid $!; exit 0");
	ck_assert_int_eq(hosted_wait(&h), 0);
	ck_assert(hosted_said(&h, "pid "));
	ck_assert(gone(&h));
	hosted_free(&h);
}

START_TEST(nothing_of_a_process_is_left)
{
	in_runtime(2, left_over);
}
END_TEST

static void
no_program(void *arg)
{
	struct hosted h;
	char path[4096];

	(void) arg;
	built(path, sizeof(path), "tests/modules", "starts");
	hosted_init(&h, path, KEYS("Command", "true", "Shell", "no-such-program"));
	hosted_run(&h);
	ck_assert_int_eq(hosted_wait(&h), -ENOENT);
	hosted_free(&h);
	hosted_init(&h, path, KEYS("Command", "true", "Shell", "/etc/passwd"));
	hosted_run(&h);
	ck_assert_int_eq(hosted_wait(&h), -EACCES);
	hosted_free(&h);
}

START_TEST(program_that_cannot_be_started)
{
	in_runtime(2, no_program);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("module");
	TCase *files = tcase_create("files");
	TCase *runs = tcase_create("runs");
	TCase *starts = tcase_create("processes");

	tcase_add_loop_test(files, wrong_modules, 0, sizeof(wrongs) / sizeof(wrongs[0]));
	tcase_add_test(files, files_that_are_no_modules);
	tcase_add_test(files, files_that_are_not_there);
	tcase_add_test(files, keys_are_checked);
	tcase_add_test(runs, what_run_returns);
	tcase_add_test(runs, cancel_ends_it);
	tcase_add_loop_test(runs, it_ends_with_its_last_coroutine, 1, 5);
	tcase_add_test(runs, the_example_of_the_manual);
	tcase_add_test(runs, stuck_is_told);
	tcase_add_test(runs, changed_file_is_loaded_when_nobody_runs_it);
	tcase_add_test(starts, process_ends_by_itself);
	tcase_add_loop_test(starts, process_is_told_to_end, 0, 2);
	tcase_add_test(starts, process_that_does_not_end_is_killed);
	tcase_add_test(starts, nothing_of_a_process_is_left);
	tcase_add_test(starts, program_that_cannot_be_started);
	tcase_set_timeout(files, 60);
	tcase_set_timeout(runs, 60);
	tcase_set_timeout(starts, 90);
	suite_add_tcase(suite, files);
	suite_add_tcase(suite, runs);
	suite_add_tcase(suite, starts);
	return tap_run(suite);
}
