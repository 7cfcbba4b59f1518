/* Configuration files: what is refused, in which words, and what is read. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>

#include "daemon/config/words.h"
#include "tests/unit/config_files.h"

static void
check_refusal(const char *file, const char *want)
{
	struct config_errors errors = { 0 };
	struct task_config *task = NULL;
	char *told;

	ck_assert_int_eq(config_load_task(file, "/nowhere", &errors, &task), -EINVAL);
	ck_assert_ptr_null(task);
	told = printed(&errors);
	ck_assert_str_eq(told, want);
	free(told);
	config_errors_free(&errors);
}

/* ---- what is refused ------------------------------------------------------------------------ */

struct refusal {
	const char *text, *want;
};

/* clang-format off */
/* The third line of a task, and what is said of it after "t.task:3: ". */
static const struct refusal lines_refused[] = {
	{ "ExecStrat=/bin/true", "unknown key 'ExecStrat'; did you mean 'ExecStart'?" },
	{ "execreload=true", "unknown key 'execreload'; did you mean 'ExecReload'?" },
	{ "Nonsense=1", "unknown key 'Nonsense' in [Task]" },
	{ "nonsense", "'nonsense' is neither [SECTION] nor KEY=VALUE" },
	{ "User: root", "'User: root' is neither [SECTION] nor KEY=VALUE" },
	{ "=x", "'=x' is neither [SECTION] nor KEY=VALUE" },
	{ "[Task", "'[Task' is no section; write [NAME], alone on its line" },
	{ "[]", "'[]' is no section; write [NAME], alone on its line" },
	{ "[Task] x", "'[Task] x' is no section; write [NAME], alone on its line" },
	{ "[Task]", "a second section [Task]; the first is in line 1" },
	{ "[Tsak]", "unknown section [Tsak]; did you mean [Task]?" },
	{ "[Service]", "unknown section [Service]; a task has [Task] and [Module]" },
	{ "[Corund]", "unknown section [Corund]; a task has [Task] and [Module]" },
	{ "Description=a \\", "the file ends after a backslash that joins another line" },

	{ "ExecStart=false", "ExecStart= is given already, in line 2" },
	{ "ExecReload='x", "ExecReload=: column 1: the quote ' is never closed" },
	{ "ExecReload=true a\\q", "ExecReload=: column 7: '\\q' begins no character; write \\\\ for a backslash" },
	{ "ExecReload=true \\x4", "ExecReload=: column 6: '\\x' begins no character; write \\\\ for a backslash" },
	{ "ExecReload=true \\x00", "ExecReload=: column 6: a NUL cannot be part of a word" },
	{ "ExecReload=true \\ud800", "ExecReload=: column 6: there is no such character" },
	{ "ExecReload=true \\400", "ExecReload=: column 6: there is no such character" },
	{ "ExecReload=true ; true", "ExecReload=: column 6: only one command; write \\; for a ';' of its own" },
	{ "ExecReload=''", "ExecReload=: a program is needed" },
	{ "ExecReload=true %x", "ExecReload=: word 2, '%x': '%x' is unknown; there are %w (workers), %n (name) and %%" },
	{ "ExecReload=true 5%", "ExecReload=: word 2, '5%': '%' is unknown; there are %w (workers), %n (name) and %%" },
	{ "ExecReload=./x", "ExecReload=: './x' is neither a path from the root, /..., nor a name to be found in PATH" },
	{ "ExecReload=-/bin/true", "ExecReload=: '-/bin/true' is neither a path from the root, /..., nor a name to be found in PATH (systemd's prefixes are unknown here)" },
	{ "ExecReload=/nowhere/x", "ExecReload=: '/nowhere/x': No such file or directory" },
	{ "ExecReload=/etc/passwd", "ExecReload=: '/etc/passwd' is no program that can be executed" },
	{ "ExecReload=/etc", "ExecReload=: '/etc' is no program that can be executed" },
	{ "ExecReload=/bin/%w", "ExecReload=: '/bin/%w': the program cannot depend on %w" },

	{ "Environment=A", "Environment=: word 1, 'A': NAME=VALUE is needed; blanks in it need quotes" },
	{ "Environment=A=1 2B=2", "Environment=: word 2, '2B=2': a variable's name has letters, digits and '_', and begins with no digit" },
	{ "Environment=A=%q", "Environment=: word 1, 'A=%q': '%q' is unknown; there are %w (workers), %n (name) and %%" },
	{ "ExportWorkersAs=A=1", "ExportWorkersAs=: word 1, 'A=1': a name alone is needed" },
	{ "ExportWorkersAs=A-B", "ExportWorkersAs=: word 1, 'A-B': a variable's name has letters, digits and '_', and begins with no digit" },
	{ "ExportWorkersAs=A\nEnvironment=A=1", "ExportWorkersAs=: A is set by Environment=, too" },
	{ "WorkingDirectory=x", "WorkingDirectory=x: a path from the root is needed, /..." },
	{ "WorkingDirectory=/nowhere", "WorkingDirectory=/nowhere: No such file or directory" },
	{ "WorkingDirectory=/etc/passwd", "WorkingDirectory=/etc/passwd: it is no folder" },
	{ "User=no-such-user", "User=no-such-user: there is no such user" },
	{ "User=4294967295", "User=4294967295: there is no such user" },
	{ "User=12345678", "User=12345678: a number without a name needs Group=" },
	{ "Group=0", "Group= needs User=, and there is none" },
	{ "Group=no-such-group\nUser=root", "Group=no-such-group: there is no such group" },

	{ "Restart=allways", "Restart=allways: did you mean 'always'? It can be: no, on-success, on-failure, on-abnormal, always" },
	{ "Restart=sometimes", "Restart=sometimes: it can be: no, on-success, on-failure, on-abnormal, always" },
	{ "KillSignal=TREM", "KillSignal=TREM: there is no such signal; write TERM, SIGTERM or 15" },
	{ "KillSignal=0", "KillSignal=0: there is no such signal; write TERM, SIGTERM or 15" },
	{ "KillSignal=99", "KillSignal=99: there is no such signal; write TERM, SIGTERM or 15" },
	{ "TimeoutStopSec=0", "TimeoutStopSec=0: it can be from 1ms to 365d, or infinity" },
	{ "TimeoutStopSec=5 parsecs", "TimeoutStopSec=5 parsecs: no time span; write 5min 20s, 100ms, or a number of seconds" },
	{ "TimeoutStopSec=-1", "TimeoutStopSec=-1: no time span; write 5min 20s, 100ms, or a number of seconds" },
	{ "RestartSec=infinity", "RestartSec=infinity: it can be from 0s to 365d" },
	{ "RestartSec=99999999999999999999", "RestartSec=99999999999999999999: it can be from 0s to 365d" },
	{ "RestartMaxDelaySec=10ms", "RestartMaxDelaySec= is less than RestartSec=" },
	{ "CPUQuota=0.5%", "CPUQuota=0.5%: a share of one CPU is needed, at least 1%, such as 50% or 150%" },
	{ "CPUQuota=150", "CPUQuota=150: a share of one CPU is needed, at least 1%, such as 50% or 150%" },
	{ "CPUQuota=1.0001%", "CPUQuota=1.0001%: a share of one CPU is needed, at least 1%, such as 50% or 150%" },
	{ "CPUQuota=99999999999999999999999%", "CPUQuota=99999999999999999999999%: a share of one CPU is needed, at least 1%, such as 50% or 150%" },
	{ "Workers=0", "Workers=0: it can be auto, or a number from 1 to 1024, or a share from 1% to 100%" },
	{ "Workers=1025", "Workers=1025: it can be auto, or a number from 1 to 1024, or a share from 1% to 100%" },
	{ "Workers=101%", "Workers=101%: it can be auto, or a number from 1 to 1024, or a share from 1% to 100%" },
	{ "Workers=0%", "Workers=0%: it can be auto, or a number from 1 to 1024, or a share from 1% to 100%" },
	{ "Workers=%", "Workers=%: it can be auto, or a number from 1 to 1024, or a share from 1% to 100%" },
	{ "Workers=5%x", "Workers=5%x: it can be auto, or a number from 1 to 1024, or a share from 1% to 100%" },
	{ "WorkersMin=0", "WorkersMin=0: a number from 1 to 1024 is needed" },
	{ "WorkersMax=2x", "WorkersMax=2x: a number from 1 to 1024 is needed" },
	{ "WorkersMin=5\nWorkersMax=4", "WorkersMin=5 is more than WorkersMax=4 in line 4" },
	{ "OnResize=sometimes", "OnResize=sometimes: it can be none|signal:SIGNAL|reload|restart|exec:COMMAND" },
	{ "OnResize=signal:", "OnResize=signal:: there is no such signal; write signal:HUP" },
	{ "OnResize=exec:", "OnResize=: a program is needed" },
	{ "OnResize=exec:/nowhere/x", "OnResize=: '/nowhere/x': No such file or directory" },
	{ "OnResize=reload", "OnResize=reload needs ExecReload=, and there is none" },

	{ "Module=x", "Module= is not for Type=process, the default" },
	{ "[Module]", "section [Module] is not for Type=process, the default" },
	{ "Type=modul", "Type=modul: did you mean 'module'? It can be: process, module" },
};
/* clang-format on */

START_TEST(test_line_refused)
{
	const struct refusal *refusal = &lines_refused[_i];
	char text[512], want[640];

	snprintf(text, sizeof(text), "[Task]\nExecStart=true\n%s\n", refusal->text);
	write_text("t.task", text);
	snprintf(want, sizeof(want), "t.task:3: %s\n", refusal->want);
	check_refusal("t.task", want);
}
END_TEST

START_TEST(test_all_at_once)
{
	write_text("t.task", "key=before\n"
			     "; comment\n"
			     "[Task]\n"
			     "Typo=1\n"
			     "Type=module\n"
			     "ExecStart=true\n"
			     "Workers=2\n"
			     "KillSignal=nope\n"
			     "\n"
			     "[Module]\n"
			     "Anything=goes\n");
	check_refusal(
		"t.task",
		"t.task:1: 'key' comes before the first section; begin with [Task]\n"
		"t.task:4: unknown key 'Typo'; did you mean 'Type'?\n"
		"t.task:8: KillSignal=nope: there is no such signal; write TERM, SIGTERM or 15\n"
		"t.task:6: ExecStart= is not for Type=module\n"
		"t.task:8: KillSignal= is not for Type=module\n"
		"t.task: Module= is missing from [Task]: which one is to be loaded?\n");
}
END_TEST

START_TEST(test_what_is_missing)
{
	write_text("t.task", "");
	check_refusal("t.task",
		      "t.task: ExecStart= is missing from [Task]: what is to be started?\n");
	write_text("t.task", "[Task]\nExecStart=true\nExecStart=\n");
	check_refusal("t.task",
		      "t.task: ExecStart= is missing from [Task]: what is to be started?\n");
	write_text("t.task", "[Task]\nEnvironment=PATH=/x:/y\nExecStart=true\n");
	check_refusal("t.task",
		      "t.task:3: ExecStart=: there is no program 'true' in PATH, /x:/y\n");
	write_text("t.task", "[Task]\nType=module\nModule=x\n");
	check_refusal("t.task", "t.task:3: Module=x: /nowhere/x.so: No such file or directory\n");
	write_text("t.task", "[Task]\nType=module\nModule=/etc\n");
	check_refusal("t.task", "t.task:3: Module=/etc: /etc is no file\n");
	write_text("t.task", "[Task]\nType=module\nModule=a/b\n");
	check_refusal("t.task",
		      "t.task:3: Module=a/b: either a path from the root, /..., or a name "
		      "without '/'\n");
}
END_TEST

START_TEST(test_no_terminal_is_commanded)
{
	write_text("t.task",
		   "[Task]\nExecStart=true\nDescription=a\tb\x1b[31m\n[x\x07]\nUser=a\rb\n");
	check_refusal("t.task",
		      "t.task:3: a control character; in a command it can be written as \\x1b\n"
		      "t.task:4: a control character; in a command it can be written as \\x07\n"
		      "t.task:5: a control character; in a command it can be written as \\x0d\n");
	check_refusal("x\x1b.task",
		      "x?.task: a task's name has 1 to 128 letters, digits, and '-', '_', '.', "
		      "'@', and does not begin with '.'\n");
}
END_TEST

START_TEST(test_file_refused)
{
	static char big[(1 << 20) + 2];
	int fd;

	check_refusal("none.task", "none.task: No such file or directory\n");
	ck_assert_int_eq(mkdir("d.task", 0700), 0);
	check_refusal("d.task", "d.task: it is a folder; a file is needed\n");
	write_bytes("t.task", "[Task]\nEx\0c=x\n", 14);
	check_refusal("t.task",
		      "t.task:2: a NUL byte: this is no text file\n"
		      "t.task: ExecStart= is missing from [Task]: what is to be started?\n");
	memset(big, '#', sizeof(big));
	write_bytes("t.task", big, sizeof(big));
	check_refusal("t.task", "t.task: more than 1048576 bytes: this is no configuration\n");

	write_text("t.task", "[Task]\n");
	ck_assert_int_eq(chmod("t.task", 0), 0);
	fd = open("t.task", O_RDONLY);
	if (fd < 0)
		check_refusal("t.task", "t.task: Permission denied\n");
	else /* root may read everything */
		close(fd);
}
END_TEST

START_TEST(test_long_lines)
{
	static char text[70000];
	struct task_config *task;

	strcpy(text, "[Task]\nExecStart=true ");
	memset(text + strlen(text), 'x', 65000);
	task = must_load(text);
	ck_assert_uint_eq(strlen(task->exec_start[1]), 65000);
	task_config_unref(task);

	memset(text + strlen(text), 'x', 1000);
	write_text("t.task", text);
	check_refusal("t.task",
		      "t.task:2: a line of more than 65536 bytes\n"
		      "t.task: ExecStart= is missing from [Task]: what is to be started?\n");
}
END_TEST

START_TEST(test_names_refused)
{
	static const char *const names[] = { ".task", "..task", "a b.task", "a\nb.task",
					     "\xc3\xa4.task" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct config_errors errors = { 0 };
		struct task_config *task;

		write_text(names[i], "[Task]\nExecStart=true\n");
		ck_assert_int_eq(config_load_task(names[i], NULL, &errors, &task), -EINVAL);
		ck_assert_uint_eq(errors.n, 1);
		ck_assert_str_eq(
			errors.list[0].text,
			"a task's name has 1 to 128 letters, digits, and '-', '_', '.', '@', and "
			"does not begin with '.'");
		config_errors_free(&errors);
	}
	write_text("x.conf", "");
	check_refusal("x.conf", "x.conf: a task's file is called NAME.task\n");
	write_text("Web-1_a.b@c.task", "[Task]\nExecStart=true\nTypo=1\n");
	check_refusal("Web-1_a.b@c.task",
		      "Web-1_a.b@c.task:3: unknown key 'Typo'; did you mean 'Type'?\n");
}
END_TEST

/* ---- what is read --------------------------------------------------------------------------- */

START_TEST(test_defaults)
{
	struct task_config *task = must_load("[Task]\nExecStart=true\n");

	ck_assert_str_eq(task->name, "t");
	ck_assert_str_eq(task->file, "t.task");
	ck_assert_int_eq(task->type, TASK_PROCESS);
	ck_assert_ptr_null(task->description);
	ck_assert_ptr_null(task->environment);
	ck_assert_str_eq(task->working_directory, "/");
	ck_assert_ptr_null(task->user);
	ck_assert_int_eq(task->kill_signal, SIGTERM);
	ck_assert(!task->cpu_quota.limited);
	ck_assert_int_eq(task->restart, RESTART_ON_FAILURE);
	ck_assert_uint_eq(task->restart_ns, 100000000);
	ck_assert_uint_eq(task->restart_max_delay_ns, 30000000000);
	ck_assert_uint_eq(task->timeout_stop_ns, 10000000000);
	ck_assert(!task->workers.set);
	ck_assert_uint_eq(task->workers.percent, 0);
	ck_assert_uint_eq(task->workers.policy.pin, 0);
	ck_assert_uint_eq(task->workers.policy.workers_min, 2);
	ck_assert_uint_eq(task->workers.policy.workers_max, 0);
	ck_assert_int_eq(task->workers.policy.round, CORUN_ROUND_UP);
	ck_assert_int_eq(task->on_resize, RESIZE_NONE);
	task_config_unref(task);
}
END_TEST

START_TEST(test_all_keys)
{
	char text[1024];
	struct task_config *task;
	const char *me = getpwuid(getuid()) ? getpwuid(getuid())->pw_name : "1234";

	snprintf(text, sizeof(text),
		 "\xef\xbb\xbf# a comment\r\n[Task]\r\n  Type = process  \r\n"
		 "Description=What it is ; with = signs # and all\n"
		 "ExecStart=sh -c 'echo %%w' \"a b\"\n"
		 "ExecReload=true\n"
		 "Environment=A=1 \"B=2 3\"\n"
		 "Environment=C=\n"
		 "WorkingDirectory=/etc\n"
		 "User=%s\nGroup=0\n"
		 "KillSignal=SIGUSR1\nTimeoutStopSec=infinity\n"
		 "Restart=always\nRestartSec=1min\nCPUQuota=230.5%%\n"
		 "Workers=50%%\nWorkersMin=1\nWorkersMax=7\nWorkersRound=nearest\n"
		 "ExportWorkersAs=X Y\nExportWorkersAs=Z\n"
		 "OnResize=exec:sh -c 'exit %%w'",
		 me);
	task = must_load(text);
	ck_assert_str_eq(task->description, "What it is ; with = signs # and all");
	ck_assert_uint_eq(config_words_count(task->exec_start), 4);
	ck_assert_str_eq(task->exec_start[2], "echo %w");
	ck_assert_str_eq(task->exec_start[3], "a b");
	ck_assert_str_eq(task->exec_reload[0], "true");
	ck_assert_uint_eq(config_words_count(task->environment), 3);
	ck_assert_str_eq(task->environment[1], "B=2 3");
	ck_assert_str_eq(task->environment[2], "C=");
	ck_assert_str_eq(task->working_directory, "/etc");
	ck_assert_str_eq(task->user, me);
	ck_assert_str_eq(task->group, "0");
	ck_assert_int_eq(task->kill_signal, SIGUSR1);
	ck_assert_uint_eq(task->timeout_stop_ns, UINT64_MAX);
	ck_assert_int_eq(task->restart, RESTART_ALWAYS);
	ck_assert_uint_eq(task->restart_ns, 60000000000);
	ck_assert_uint_eq(task->restart_max_delay_ns, 60000000000);
	ck_assert(task->cpu_quota.limited);
	ck_assert_uint_eq(task->cpu_quota.quota_us, 230500);
	ck_assert_uint_eq(task->cpu_quota.period_us, 100000);
	ck_assert(task->workers.set);
	ck_assert_uint_eq(task->workers.percent, 50);
	ck_assert_uint_eq(task->workers.policy.workers_min, 1);
	ck_assert_uint_eq(task->workers.policy.workers_max, 7);
	ck_assert_int_eq(task->workers.policy.round, CORUN_ROUND_NEAREST);
	ck_assert_uint_eq(config_words_count(task->export_workers_as), 3);
	ck_assert_str_eq(task->export_workers_as[2], "Z");
	ck_assert_int_eq(task->on_resize, RESIZE_EXEC);
	ck_assert_str_eq(task->on_resize_exec[2], "exit %w");
	task_config_unref(task);
}
END_TEST

START_TEST(test_module_task)
{
	struct task_config *task;
	char text[256];

	write_text("m.so", "not looked into here");
	snprintf(text, sizeof(text),
		 "[Task]\nType=module\nModule=%s/m.so\n[Module]\nListen=:80\nListen=:81\n"
		 "a b = c\nEmpty=\n",
		 folder);
	task = must_load(text);
	ck_assert_int_eq(task->type, TASK_MODULE);
	ck_assert_uint_eq(task->n_options, 4);
	ck_assert_str_eq(task->options[1].key, "Listen");
	ck_assert_str_eq(task->options[1].value, ":81");
	ck_assert_uint_eq(task->options[1].line, 6);
	ck_assert_str_eq(task->options[2].key, "a b");
	ck_assert_str_eq(task->options[3].value, "");
	task_config_unref(task);
}
END_TEST

START_TEST(test_empty_values)
{
	struct task_config *task;

	task = must_load_line(
		"Environment=A=1\nEnvironment=\nEnvironment=B=2\nRestart=no\nRestart=\n"
		"Workers=3\nWorkers=\nOnResize=exec:true\nOnResize=\nKillSignal=HUP\n"
		"KillSignal=\nKillSignal=2\nCPUQuota=20%\nCPUQuota=");
	ck_assert_uint_eq(config_words_count(task->environment), 1);
	ck_assert_str_eq(task->environment[0], "B=2");
	ck_assert_int_eq(task->restart, RESTART_ON_FAILURE);
	ck_assert(!task->workers.set);
	ck_assert_uint_eq(task->workers.policy.pin, 0);
	ck_assert_int_eq(task->on_resize, RESIZE_NONE);
	ck_assert_ptr_null(task->on_resize_exec);
	ck_assert_int_eq(task->kill_signal, 2);
	ck_assert(!task->cpu_quota.limited);
	task_config_unref(task);
}
END_TEST

START_TEST(test_joined_lines)
{
	struct task_config *task;

	task = must_load(
		"[Task]\nExecStart=echo \\\n  one \\\n# a comment \\\n; another\n  'two \\\n"
		"three'\nDescription=next\n");
	ck_assert_uint_eq(config_words_count(task->exec_start), 3);
	ck_assert_str_eq(task->exec_start[1], "one");
	ck_assert_str_eq(task->exec_start[2], "two  three");
	ck_assert_str_eq(task->description, "next");
	task_config_unref(task);

	/* A backslash that another one takes joins nothing; blanks behind one that joins do not count. */
	task = must_load("[Task]\nExecStart=echo a\\\\\nDescription=a \\  \n b\n");
	ck_assert_str_eq(task->exec_start[1], "a\\");
	ck_assert_str_eq(task->description, "a  b");
	task_config_unref(task);

	write_text("t.task", "[Task]\nExecStart=true \\\n a \\\n b\nOops=1\nExecReload=x \\\n%k\n");
	check_refusal("t.task",
		      "t.task:5: unknown key 'Oops' in [Task]\n"
		      "t.task:6: ExecReload=: word 2, '%k': '%k' is unknown; there are %w "
		      "(workers), %n (name) and %%\n");
}
END_TEST

START_TEST(test_on_resize)
{
	static const struct {
		const char *line;
		enum resize_action action;
		int signal;
	} cases[] = {
		{ "OnResize=none", RESIZE_NONE, 0 },
		{ "OnResize=signal:HUP", RESIZE_SIGNAL, SIGHUP },
		{ "OnResize=signal:SIGUSR2", RESIZE_SIGNAL, SIGUSR2 },
		{ "OnResize=restart", RESIZE_RESTART, 0 },
		{ "ExecReload=true\nOnResize=reload", RESIZE_RELOAD, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct task_config *task = must_load_line(cases[i].line);

		ck_assert_int_eq(task->on_resize, cases[i].action);
		ck_assert_int_eq(task->on_resize_signal, cases[i].signal);
		task_config_unref(task);
	}
	ck_assert_str_eq(resize_action_name(RESIZE_RELOAD), "reload");
	ck_assert_str_eq(restart_policy_name(RESTART_ON_ABNORMAL), "on-abnormal");
	ck_assert_str_eq(task_type_name(TASK_MODULE), "module");
}
END_TEST

/* ---- the whole ------------------------------------------------------------------------------ */

START_TEST(test_whole)
{
	struct config_errors errors = { 0 };
	struct config *config = NULL;
	char *told;

	write_text("corund.conf",
		   "[Corund]\nWorkers=3\nWorkersMin=1\nWorkersMax=8\nWorkersRound=down\n"
		   "WorkersUpdate=no\nWorkersFollow=affinity\nSocket=/run/x.sock\n"
		   "ModuleDirectory=/usr/lib/x\nLogLevel=debug\n");
	write_text("tasks.d/b.task", "[Task]\nExecStart=true\n");
	write_text("tasks.d/a.x.task", "[Task]\nExecStart=true\n");
	write_text("tasks.d/a.task", "[Task]\nExecStart=true ${PORT}\n");
	write_text("tasks.d/b.task~", "rubbish");
	ck_assert_int_eq(config_load("corund.conf", &errors, &config), 0);
	told = printed(&errors);
	ck_assert_str_eq(
		told,
		"tasks.d/a.task:2: note: ExecStart=: word 2: the program gets '${PORT}' as it is; "
		"nothing replaces variables here, but a shell does: sh -c '...'\n"
		"tasks.d/b.task~: note: left out: its name does not end with .task\n");
	free(told);
	ck_assert_uint_eq(errors.n_notes, 2);
	ck_assert_str_eq(config->file, "corund.conf");
	ck_assert(config->workers.set);
	ck_assert_uint_eq(config->workers.policy.pin, 3);
	ck_assert_uint_eq(config->workers.policy.workers_min, 1);
	ck_assert_uint_eq(config->workers.policy.workers_max, 8);
	ck_assert_int_eq(config->workers.policy.round, CORUN_ROUND_DOWN);
	ck_assert(config->no_update);
	ck_assert(config->follow_affinity);
	ck_assert_str_eq(config->socket, "/run/x.sock");
	ck_assert_str_eq(config->module_dir, "/usr/lib/x");
	ck_assert_int_eq(config->log_level, 7);
	ck_assert_uint_eq(config->n_tasks, 3);
	ck_assert_str_eq(config->tasks[0]->name, "a");
	ck_assert_str_eq(config->tasks[1]->name, "a.x");
	ck_assert_str_eq(config->tasks[2]->name, "b");
	config_free(config);
	config_errors_free(&errors);
}
END_TEST

START_TEST(test_whole_defaults)
{
	struct config_errors errors = { 0 };
	struct config *config = NULL;

	write_text("corund.conf", "");
	ck_assert_int_eq(config_load("corund.conf", &errors, &config), 0);
	ck_assert_uint_eq(errors.n, 0);
	ck_assert(!config->workers.set);
	ck_assert_uint_eq(config->workers.policy.pin, 0);
	ck_assert_uint_eq(config->workers.policy.workers_min, 2);
	ck_assert(!config->no_update);
	ck_assert(!config->follow_affinity);
	ck_assert_ptr_null(config->socket);
	ck_assert_ptr_nonnull(strstr(config->module_dir, "/modules"));
	ck_assert_int_eq(config->log_level, 6);
	ck_assert_uint_eq(config->n_tasks, 0);
	config_free(config);
	config_errors_free(&errors);
}
END_TEST

START_TEST(test_whole_refused)
{
	struct config_errors errors = { 0 };
	struct config *config = NULL;
	char *told;

	write_text("corund.conf",
		   "[Corund]\nWorkers=50%\nWorkersUpdate=maybe\nSocket=x\nLogLevel=error\n"
		   "WorkersMin=3\nWorkersMax=2\n[Task]\nExecStart=true\n[corund]\n");
	write_text("tasks.d/a.task", "[Task]\nExecStat=true\n");
	write_text("tasks.d/b c.task", "[Task]\nExecStart=true\n");
	ck_assert_int_eq(config_load("corund.conf", &errors, &config), -EINVAL);
	ck_assert_ptr_null(config);
	told = printed(&errors);
	ck_assert_str_eq(
		told, "corund.conf:2: Workers=50%: it can be auto, or a number from 1 to 1024\n"
		      "corund.conf:3: WorkersUpdate=maybe: it can be: yes, no, true, false, on, "
		      "off, 1, 0\n"
		      "corund.conf:4: Socket=x: a path from the root is needed, /...\n"
		      "corund.conf:5: LogLevel=error: did you mean 'err'? It can be: err, warning, "
		      "notice, "
		      "info, debug\n"
		      "corund.conf:8: unknown section [Task]; corund.conf has [Corund]; a task is "
		      "a file of its "
		      "own, tasks.d/NAME.task\n"
		      "corund.conf:10: unknown section [corund]; did you mean [Corund]?\n"
		      "corund.conf:6: WorkersMin=3 is more than WorkersMax=2 in line 7\n"
		      "tasks.d/a.task:2: unknown key 'ExecStat'; did you mean 'ExecStart'?\n"
		      "tasks.d/a.task: ExecStart= is missing from [Task]: what is to be started?\n"
		      "tasks.d/b c.task: a task's name has 1 to 128 letters, digits, and '-', '_', "
		      "'.', '@', "
		      "and does not begin with '.'\n");
	free(told);
	config_errors_free(&errors);
}
END_TEST

START_TEST(test_no_conf)
{
	struct config_errors errors = { 0 };
	struct config *config = NULL;
	char *told;

	ck_assert_int_eq(config_load("none.conf", &errors, &config), -EINVAL);
	ck_assert_int_eq(rmdir("tasks.d"), 0);
	write_text("corund.conf", "");
	ck_assert_int_eq(config_load("corund.conf", &errors, &config), 0);
	told = printed(&errors);
	ck_assert_str_eq(told,
			 "none.conf: No such file or directory\n"
			 "tasks.d: note: there is no such folder, and so there are no tasks\n");
	free(told);
	config_free(config);
	config_errors_free(&errors);
}
END_TEST

START_TEST(test_what_a_reload_keeps)
{
	struct config_errors errors = { 0 };
	struct config *old = NULL, *new = NULL;
	char *told;

	write_text("corund.conf", "[Corund]\nSocket=/a\nLogLevel=err\n");
	ck_assert_int_eq(config_load("corund.conf", &errors, &old), 0);
	write_text("corund.conf", "[Corund]\nSocket=/b\nLogLevel=info\nWorkersUpdate=no\n");
	ck_assert_int_eq(config_load("corund.conf", &errors, &new), 0);
	config_note_kept(old, old, &errors);
	ck_assert_uint_eq(errors.n, 0);
	config_note_kept(old, new, &errors);
	told = printed(&errors);
	ck_assert_str_eq(
		told,
		"corund.conf: note: WorkersUpdate= is another now, but stays until corund is "
		"started anew\n"
		"corund.conf: note: Socket= is another now, but stays until corund is started "
		"anew\n");
	free(told);
	config_free(old);
	config_free(new);
	config_errors_free(&errors);
}
END_TEST

START_TEST(test_what_changed)
{
	static const struct {
		const char *line;
		bool same, restart;
	} cases[] = {
		{ "Environment=A=1 B=%w", true, false },
		{ "# only a comment\nEnvironment=A=1\nEnvironment=B=%w", true, false },
		{ "Environment=A=1 B=%w\nRestart=always", false, false },
		{ "Environment=A=1 B=%w\nTimeoutStopSec=10000ms", true, false },
		{ "Environment=A=1 B=%w\nOnResize=signal:HUP", false, false },
		{ "Environment=A=1 B=%w\nWorkers=auto", false, false },
		{ "Environment=A=1 B=%w\nCPUQuota=50%", false, false },
		{ "Environment=A=1 B=%n", false, true },
		{ "Environment=A=1 B=%w\nExportWorkersAs=X", false, true },
		{ "Environment=A=1 B=%w\nWorkingDirectory=/etc", false, true },
	};
	struct task_config *old = must_load_line("Environment=A=1 B=%w");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct task_config *new = must_load_line(cases[i].line);

		ck_assert_msg(task_config_same(old, new) == cases[i].same, "%s", cases[i].line);
		ck_assert_msg(task_config_restart_needed(old, new) == cases[i].restart, "%s",
			      cases[i].line);
		task_config_unref(new);
	}
	ck_assert_ptr_eq(task_config_ref(old), old);
	task_config_unref(old);
	ck_assert_str_eq(old->name, "t");
	task_config_unref(old);
}
END_TEST

static Suite *
config_suite(void)
{
	Suite *suite = suite_create("config");
	TCase *refused = tcase_create("refused"), *read = tcase_create("read"),
	      *whole = tcase_create("whole");

	tcase_add_checked_fixture(refused, enter_folder, leave_folder);
	tcase_add_loop_test(refused, test_line_refused, 0,
			    sizeof(lines_refused) / sizeof(lines_refused[0]));
	tcase_add_test(refused, test_all_at_once);
	tcase_add_test(refused, test_what_is_missing);
	tcase_add_test(refused, test_no_terminal_is_commanded);
	tcase_add_test(refused, test_file_refused);
	tcase_add_test(refused, test_long_lines);
	tcase_add_test(refused, test_names_refused);
	suite_add_tcase(suite, refused);

	tcase_add_checked_fixture(read, enter_folder, leave_folder);
	tcase_add_test(read, test_defaults);
	tcase_add_test(read, test_all_keys);
	tcase_add_test(read, test_module_task);
	tcase_add_test(read, test_empty_values);
	tcase_add_test(read, test_joined_lines);
	tcase_add_test(read, test_on_resize);
	suite_add_tcase(suite, read);

	tcase_add_checked_fixture(whole, enter_folder, leave_folder);
	tcase_add_test(whole, test_whole);
	tcase_add_test(whole, test_whole_defaults);
	tcase_add_test(whole, test_whole_refused);
	tcase_add_test(whole, test_no_conf);
	tcase_add_test(whole, test_what_a_reload_keeps);
	tcase_add_test(whole, test_what_changed);
	suite_add_tcase(suite, whole);

	return suite;
}

int
main(void)
{
	return tap_run(config_suite());
}
