/* Values of a configuration, what a task is given of them, and what the manual page says. */

#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>

#include "daemon/config/complain.h"
#include "daemon/config/explain.h"
#include "daemon/config/options.h"
#include "daemon/config/value.h"
#include "daemon/config/words.h"
#include "tests/unit/config_files.h"

/* ---- values --------------------------------------------------------------------------------- */

START_TEST(test_words)
{
	static const struct {
		const char *text, *words; /* with '|' in between */
	} cases[] = {
		{ "a b  c\td", "a|b|c|d" },
		{ "'a b' \"c d\"", "a b|c d" },
		{ "a'b c'd", "ab cd" },
		{ "\"it's\" 'say \"x\"'", "it's|say \"x\"" },
		{ "\"\" ''", "|" },
		{ "\\\\ \\s \\x41\\102 '\\t' \\\"", "\\| |AB|\t|\"" },
		{ "\\u00e9 \\U0001F600 \\u0041", "\xc3\xa9|\xf0\x9f\x98\x80|A" },
		{ "a;b ';' \\;", "a;b|;|;" },
		{ "${X} $Y `z` *", "${X}|$Y|`z`|*" },
	};
	struct config_errors errors = { 0 };
	struct config_place at = { .errors = &errors, .file = "x" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char **words = NULL, **again = NULL, *text = NULL, joined[256] = "";
		size_t len;
		FILE *out = open_memstream(&text, &len);

		ck_assert_int_eq(config_words_split(cases[i].text, "K", &at, &words), 0);
		for (size_t j = 0; j < config_words_count(words); j++) {
			if (j > 0)
				strcat(joined, "|");
			strcat(joined, words[j]);
		}
		ck_assert_str_eq(joined, cases[i].words);

		/* What is printed reads the same. */
		config_words_print(words, out);
		fclose(out);
		ck_assert_int_eq(config_words_split(text, "K", &at, &again), 0);
		ck_assert(config_words_same(words, again));
		config_words_free(words);
		config_words_free(again);
		free(text);
	}
	ck_assert_uint_eq(errors.n, 0);
}
END_TEST

/* What a message may hold, and how long it may be. */
START_TEST(test_messages)
{
	static const struct {
		const char *text, *told;
	} cases[] = {
		{ "a\tb\n\x1b[1m\x7f", "a?b??[1m?" },
		{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xe9 \xc3", "? ?" }, /* cut off */
		{ "\xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf",
		  "?? ??? ????" },                                      /* longer than needed */
		{ "\xed\xa0\x80 \xf4\x90\x80\x80 \xff", "??? ???? ?" }, /* no characters */
		{ "\xc2\x9b", "??" }, /* a control character, too */
	};
	struct config_errors errors = { 0 };
	struct config_place at = { .errors = &errors };
	char text[512] = "", *told;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(config_complain(&at, "%s", cases[i].text), -EINVAL);
		ck_assert_str_eq(errors.list[i].text, cases[i].told);
		ck_assert_ptr_null(errors.list[i].file);
	}
	config_errors_free(&errors);

	for (size_t len = 390; len < 430; len++) {
		memset(text, 'x', len);
		memcpy(text + len - 30, "\xf0\x9f\x98\x80", 4);
		config_complain(&at, "%s", text);
		ck_assert_uint_le(strlen(errors.list[len - 390].text), 408);
	}
	ck_assert_str_eq(errors.list[39].text + 399, "\xf0\x9f\x98\x80...");
	config_errors_free(&errors);

	config_complain(&at, "of no file");
	at.file = "a\nb";
	config_note(&at, "of no line");
	at.line = 3;
	config_complain(&at, "of a line");
	told = printed(&errors);
	ck_assert_str_eq(told, "of no file\na?b: note: of no line\na?b:3: of a line\n");
	free(told);
	config_errors_free(&errors);
}
END_TEST

START_TEST(test_spans)
{
	static const struct {
		const char *text;
		uint64_t ns;
		const char *printed;
	} cases[] = {
		{ "0", 0, "0s" },
		{ "90", 90000000000, "1min 30s" },
		{ "5min 20s", 320000000000, "5min 20s" },
		{ "5min20s", 320000000000, "5min 20s" },
		{ "5 min  20 s", 320000000000, "5min 20s" },
		{ "1.5", 1500000000, "1s 500ms" },
		{ "1.5h", 5400000000000, "1h 30min" },
		{ "100ms", 100000000, "100ms" },
		{ "0.000000001", 1, "1ns" },
		{ "2us 3µs", 5000, "5us" },
		{ "1d 1w", 691200000000000, "8d" },
		{ "1 2", 3000000000, "3s" },
		{ "infinity", UINT64_MAX, "infinity" },
	};
	static const char *const bad[] = { "",         "s",    "1.",   ".5",  "-1",
					   "1,5",      "1x",   "1s.",  "1ss", "1 s x",
					   "infinite", "0x10", "1e3s", "1 .", "infinity 1" };
	uint64_t ns = 4711;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		ck_assert_msg(config_parse_span(cases[i].text, &ns) == 0, "%s", cases[i].text);
		ck_assert_uint_eq(ns, cases[i].ns);
		config_print_span(ns, out);
		fclose(out);
		ck_assert_str_eq(text, cases[i].printed);
		free(text);
	}
	ns = 4711;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(config_parse_span(bad[i], &ns) == -EINVAL, "%s", bad[i]);
	ck_assert_int_eq(config_parse_span("600y", &ns), -ERANGE);
	ck_assert_int_eq(config_parse_span("500y 500y", &ns), -ERANGE);
	ck_assert_int_eq(config_parse_span("99999999999999999999999", &ns), -ERANGE);
	ck_assert_uint_eq(ns, 4711);
}
END_TEST

START_TEST(test_signals)
{
	ck_assert_int_eq(config_parse_signal("SIGHUP"), SIGHUP);
	ck_assert_int_eq(config_parse_signal("HUP"), SIGHUP);
	ck_assert_int_eq(config_parse_signal("15"), SIGTERM);
	ck_assert_int_eq(config_parse_signal("WINCH"), SIGWINCH);
	ck_assert_int_eq(config_parse_signal("RTMIN"), SIGRTMIN);
	ck_assert_int_eq(config_parse_signal("SIGRTMIN+3"), SIGRTMIN + 3);
	ck_assert_int_eq(config_parse_signal("RTMAX-1"), SIGRTMAX - 1);
	ck_assert_int_eq(config_parse_signal("RTMIN+99"), -EINVAL);
	ck_assert_int_eq(config_parse_signal("RTMIN+"), -EINVAL);
	ck_assert_int_eq(config_parse_signal("hup"), -EINVAL);
	ck_assert_int_eq(config_parse_signal(""), -EINVAL);
	ck_assert_int_eq(config_parse_signal("-1"), -EINVAL);
	ck_assert_int_eq(config_parse_signal("99999999999"), -EINVAL);
}
END_TEST

/* ---- what a task gets ----------------------------------------------------------------------- */

START_TEST(test_expand)
{
	char *text = config_expand("-j%w:%n:100%%:%%w", "web", 7);

	ck_assert_str_eq(text, "-j7:web:100%:%w");
	free(text);
}
END_TEST

static char *daemon_env[] = { (char[]){ "PATH=/bin" },
			      (char[]){ "A=old" },
			      (char[]){ "HOME=/daemon" },
			      (char[]){ "NOTIFY_SOCKET=/run/x" },
			      (char[]){ "WATCHDOG_USEC=1" },
			      (char[]){ "WATCHDOG_PID=1" },
			      (char[]){ "LISTEN_FDS=1" },
			      (char[]){ "LISTEN_FDNAMES=x" },
			      (char[]){ "JOURNAL_STREAM=1:2" },
			      (char[]){ "INVOCATION_ID=abc" },
			      (char[]){ "LISTENER=stays" },
			      (char[]){ "rubbish" },
			      NULL };

START_TEST(test_environment)
{
	struct task_config *task =
		must_load_line("Environment=A=new \"B=%w of %n\"\nExportWorkersAs=GOMAXPROCS C");
	static const char *const want[] = { "PATH=/bin",      "A=new",
					    "HOME=/daemon",   "INVOCATION_ID=abc",
					    "LISTENER=stays", "B=5 of t",
					    "GOMAXPROCS=5",   "C=5" };
	char **env = config_environment(task, 5, daemon_env);

	ck_assert_ptr_nonnull(env);
	ck_assert_uint_eq(config_words_count(env), sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		ck_assert_str_eq(env[i], want[i]);
	ck_assert_str_eq(config_environment_get(env, "B"), "5 of t");
	ck_assert_ptr_null(config_environment_get(env, "NOTIFY_SOCKET"));
	config_words_free(env);

	env = config_environment(task, 5, NULL);
	ck_assert_ptr_nonnull(strstr(config_environment_get(env, "PATH"), "/usr/bin"));
	config_words_free(env);
	task_config_unref(task);
}
END_TEST

START_TEST(test_environment_of_user)
{
	struct task_config *task = must_load_line("User=root\nEnvironment=SHELL=/bin/mine");
	char **env = config_environment(task, 5, daemon_env);

	ck_assert_str_eq(config_environment_get(env, "USER"), "root");
	ck_assert_str_eq(config_environment_get(env, "LOGNAME"), "root");
	ck_assert_str_eq(config_environment_get(env, "HOME"), getpwuid(0)->pw_dir);
	ck_assert_str_eq(config_environment_get(env, "SHELL"), "/bin/mine");
	config_words_free(env);
	task_config_unref(task);
}
END_TEST

START_TEST(test_command)
{
	struct task_config *task = must_load("[Task]\nExecStart=echo %w '%n %%'\n");
	char **command = config_command(task, task->exec_start, 12);

	ck_assert_uint_eq(config_words_count(command), 3);
	ck_assert_str_eq(command[1], "12");
	ck_assert_str_eq(command[2], "t %");
	config_words_free(command);
	task_config_unref(task);
}
END_TEST

START_TEST(test_explain)
{
	struct task_config *task;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	clearenv();
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("NOTIFY_SOCKET", "/run/x", 1);
	task = must_load_line(
		"Description=A test\nEnvironment=\"A=1 2\"\nExportWorkersAs=GOMAXPROCS\n"
		"CPUQuota=12.5%\nRestartSec=5\nOnResize=exec:true 'x %w'");
	ck_assert_int_eq(config_explain(task, 3, "the quota, 2.3 CPUs, rounded up", out), 0);
	fclose(out);
	ck_assert_str_eq(text, "task         t, a process (t.task)\n"
			       "description  A test\n"
			       "command      true\n"
			       "workers      3: the quota, 2.3 CPUs, rounded up\n"
			       "environment  \"A=1 2\"\n"
			       "             GOMAXPROCS=3\n"
			       "folder       /\n"
			       "CPU quota    12.5%\n"
			       "on resize    exec: true \"x 3\"\n"
			       "restart      on-failure, after 5s up to 30s\n"
			       "stop         SIGTERM, and SIGKILL after 10s\n");
	free(text);
	task_config_unref(task);
}
END_TEST

START_TEST(test_explain_module)
{
	struct task_config *task;
	char *text = NULL, file[256];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	write_text("m.so", "");
	snprintf(file, sizeof(file), "[Task]\nType=module\nModule=%s/m.so\n[Module]\nA=b c\n",
		 folder);
	task = must_load(file);
	ck_assert_int_eq(config_explain(task, 3, NULL, out), 0);
	fclose(out);
	snprintf(file, sizeof(file),
		 "task         t, a module (t.task)\n"
		 "module       %s/m.so\n"
		 "options      A=b c\n"
		 "restart      on-failure, after 100ms up to 30s\n"
		 "stop         stuck after 10s\n",
		 folder);
	ck_assert_str_eq(text, file);
	free(text);
	task_config_unref(task);
}
END_TEST

/* ---- the manual page ------------------------------------------------------------------------ */

/* The whole of it; to be freed. */
static char *
manual(void)
{
	char path[4096], *text;
	const char *top = getenv("CORUN_TOP_SRCDIR");
	long size;
	FILE *in;

	snprintf(path, sizeof(path), "%s/man/corund.conf.5", top ? top : ".");
	in = fopen(path, "r");
	ck_assert_msg(in, "%s cannot be read", path);
	ck_assert_int_eq(fseek(in, 0, SEEK_END), 0);
	size = ftell(in);
	rewind(in);
	text = calloc(1, (size_t) size + 1);
	ck_assert_uint_eq(fread(text, 1, (size_t) size, in), (size_t) size);
	fclose(in);
	return text;
}

START_TEST(test_manual_has_the_table)
{
	char *text = manual(), *want = NULL;
	size_t len;
	FILE *out = open_memstream(&want, &len);

	config_print_options(out, CONFIG_FORMAT_ROFF);
	fclose(out);
	ck_assert_msg(strstr(text, want),
		      "man/corund.conf.5 lacks or alters what options.c says; run "
		      "test_config_given --options and replace the part from .SS [Corund]");
	free(text);
	free(want);
}
END_TEST

START_TEST(test_table_is_sound)
{
	for (size_t i = 0; i < config_n_options; i++) {
		const struct config_option *option = &config_options[i];

		ck_assert_ptr_eq(config_option_find(option->section, option->key), option);
		ck_assert_msg(option->values || option->words, "%s", option->key);
		ck_assert_msg((strcmp(option->section, "Task") == 0) == (option->fits != 0), "%s",
			      option->key);
		ck_assert_msg(option->sentence[strlen(option->sentence) - 1] == '.' ||
				      option->sentence[strlen(option->sentence) - 1] == ')',
			      "%s", option->key);
	}
}
END_TEST

static Suite *
given_suite(void)
{
	Suite *suite = suite_create("config_given");
	TCase *values = tcase_create("values"), *given = tcase_create("given"),
	      *page = tcase_create("page");

	tcase_add_test(values, test_words);
	tcase_add_test(values, test_messages);
	tcase_add_test(values, test_spans);
	tcase_add_test(values, test_signals);
	suite_add_tcase(suite, values);

	tcase_add_checked_fixture(given, enter_folder, leave_folder);
	tcase_add_test(given, test_expand);
	tcase_add_test(given, test_environment);
	tcase_add_test(given, test_environment_of_user);
	tcase_add_test(given, test_command);
	tcase_add_test(given, test_explain);
	tcase_add_test(given, test_explain_module);
	suite_add_tcase(suite, given);

	tcase_add_test(page, test_manual_has_the_table);
	tcase_add_test(page, test_table_is_sound);
	suite_add_tcase(suite, page);
	return suite;
}

int
main(int argc, char **argv)
{
	/* For whoever changes the table: the part of the manual page that the test asks for. */
	if (argc == 2 && strcmp(argv[1], "--options") == 0) {
		config_print_options(stdout, CONFIG_FORMAT_ROFF);
		return EXIT_SUCCESS;
	}
	return tap_run(given_suite());
}
