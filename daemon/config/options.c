#include "daemon/config/options.h"

#include <stdlib.h>
#include <string.h>

/* ---- words ---------------------------------------------------------------------------------- */

/* clang-format off */
static const struct config_word type_words[] = {
	{ "process", TASK_PROCESS }, { "module", TASK_MODULE }, { NULL, 0 },
};

static const struct config_word restart_words[] = {
	{ "no", RESTART_NO }, { "on-success", RESTART_ON_SUCCESS },
	{ "on-failure", RESTART_ON_FAILURE }, { "on-abnormal", RESTART_ON_ABNORMAL },
	{ "always", RESTART_ALWAYS }, { NULL, 0 },
};

static const struct config_word round_words[] = {
	{ "up", CORUN_ROUND_UP }, { "down", CORUN_ROUND_DOWN },
	{ "nearest", CORUN_ROUND_NEAREST }, { NULL, 0 },
};

/* Whether *not* to: what is stored is no_update. */
static const struct config_word not_words[] = {
	{ "yes", 0 }, { "no", 1 }, { "true", 0 }, { "false", 1 },
	{ "on", 0 }, { "off", 1 }, { "1", 0 }, { "0", 1 }, { NULL, 0 },
};

static const struct config_word follow_words[] = {
	{ "quota", 0 }, { "affinity", 1 }, { NULL, 0 },
};

/* The numbers of syslog(3). */
static const struct config_word level_words[] = {
	{ "err", 3 }, { "warning", 4 }, { "notice", 5 }, { "info", 6 }, { "debug", 7 }, { NULL, 0 },
};

static const struct config_word action_words[] = {
	{ "none", RESIZE_NONE }, { "signal", RESIZE_SIGNAL }, { "reload", RESIZE_RELOAD },
	{ "restart", RESIZE_RESTART }, { "exec", RESIZE_EXEC }, { NULL, 0 },
};

static const char *
name_of(const struct config_word *words, int value)
{
	while (words->word && words->value != value)
		words++;
	return words->word;
}

const char *
task_type_name(enum task_type type)
{
	return name_of(type_words, (int) type);
}

const char *
restart_policy_name(enum restart_policy policy)
{
	return name_of(restart_words, (int) policy);
}

const char *
resize_action_name(enum resize_action action)
{
	return name_of(action_words, (int) action);
}

/* ---- the table ------------------------------------------------------------------------------ */

#define CONF(key, type, member)                                                                    \
	"Corund", key, type, 0, offsetof(struct config, member),                                   \
		sizeof(((struct config *) 0)->member)
#define TASK(key, type, fits, member)                                                              \
	"Task", key, type, fits, offsetof(struct task_config, member),                             \
		sizeof(((struct task_config *) 0)->member)
#define BOTH (FITS_PROCESS | FITS_MODULE)
#define SECOND UINT64_C(1000000000)
#define YEAR (UINT64_C(365) * 24 * 3600 * SECOND)

const struct config_option config_options[] = {
	{ CONF("Workers", CONFIG_WORKERS, workers), .standard = "auto",
	  .values = "auto|N",
	  .sentence = "How many workers run coroutines: by the CPU quota and the three keys "
		      "below, or just this many (1 to 1024), whatever the quota is." },
	{ CONF("WorkersMin", CONFIG_COUNT, workers.policy.workers_min), .standard = "2",
	  .least = 1, .most = CORUN_WORKERS_MAX, .values = "N",
	  .sentence = "A quota alone never gives fewer workers. (The CPUs may.)" },
	{ CONF("WorkersMax", CONFIG_COUNT, workers.policy.workers_max),
	  .least = 1, .most = CORUN_WORKERS_MAX, .values = "N",
	  .sentence = "Never more workers than this." },
	{ CONF("WorkersRound", CONFIG_WORD, workers.policy.round),
	  .standard = "up", .words = round_words,
	  .sentence = "How a limit such as 2.3 CPUs becomes a whole number; a half is rounded "
		      "up by nearest." },
	{ CONF("WorkersUpdate", CONFIG_WORD, no_update), .standard = "yes", .words = not_words,
	  .reload = RELOAD_DAEMON,
	  .values = "yes|no",
	  .sentence = "Whether to look again each second, and to follow; else the first look "
		      "counts." },
	{ CONF("WorkersFollow", CONFIG_WORD, follow_affinity),
	  .standard = "quota", .words = follow_words,
	  .reload = RELOAD_DAEMON,
	  .sentence = "Whether the quota and the CPU affinity decide, or the affinity alone." },
	{ CONF("Socket", CONFIG_PATH, socket), .reload = RELOAD_DAEMON, .values = "PATH",
	  .sentence = "The Unix socket for corunctl. Without it: CORUN_SOCKET of the "
		      "environment, else /run/corun/control.sock for root, "
		      "$XDG_RUNTIME_DIR/corun/control.sock for others." },
	{ CONF("ModuleDirectory", CONFIG_PATH, module_dir), .values = "PATH",
	  .sentence = "Where a module is looked for that Module= gives by name. Without it: the "
		      "folder that modules are installed in." },
	{ CONF("LogLevel", CONFIG_WORD, log_level), .standard = "info", .words = level_words,
	  .sentence = "Lines of the daemon itself that are less urgent are left out. What tasks "
		      "write is always passed on." },

	{ TASK("Type", CONFIG_WORD, BOTH, type), .standard = "process", .words = type_words,
	  .reload = RELOAD_TASK,
	  .sentence = "A program in a process of its own, or a shared object whose coroutines "
		      "run within corund." },
	{ TASK("Description", CONFIG_TEXT, BOTH, description), .values = "TEXT",
	  .sentence = "What it is, for people." },
	{ TASK("ExecStart", CONFIG_COMMAND, FITS_PROCESS, exec_start), .reload = RELOAD_TASK,
	  .values = "COMMAND",
	  .sentence = "What to start; see COMMANDS. Required." },
	{ TASK("ExecReload", CONFIG_COMMAND, FITS_PROCESS, exec_reload), .values = "COMMAND",
	  .sentence = "What makes the running program read its configuration anew, for "
		      "OnResize=reload. MAINPID in its environment is the process of "
		      "ExecStart=." },
	{ TASK("Environment", CONFIG_ENVIRONMENT, BOTH, environment), .reload = RELOAD_TASK,
	  .values = "NAME=VALUE...",
	  .sentence = "Variables besides those that corund has itself, with quotes and "
		      "specifiers as in COMMANDS. Several lines add up." },
	{ TASK("WorkingDirectory", CONFIG_PATH, BOTH, working_directory), .standard = "/",
	  .reload = RELOAD_TASK, .values = "PATH",
	  .sentence = "Where the programs of the task start." },
	{ TASK("User", CONFIG_TEXT, FITS_PROCESS, user),
	  .reload = RELOAD_TASK, .values = "NAME|UID",
	  .sentence = "Whose rights the program has, with all groups of that user. USER, "
		      "LOGNAME, HOME and SHELL are set, too. Without it: those of corund." },
	{ TASK("Group", CONFIG_TEXT, FITS_PROCESS, group),
	  .reload = RELOAD_TASK, .values = "NAME|GID",
	  .sentence = "The primary group of User=. Without it: the one that the user has." },
	{ TASK("KillSignal", CONFIG_SIGNAL, FITS_PROCESS, kill_signal), .standard = "SIGTERM",
	  .values = "SIGNAL",
	  .sentence = "What asks the program to end: a name with or without SIG, or a number." },
	{ TASK("TimeoutStopSec", CONFIG_SPAN, BOTH, timeout_stop_ns), .standard = "10s",
	  .least = SECOND / 1000, .most = YEAR, .infinite = true, .values = "TIME|infinity",
	  .sentence = "How long to wait for the end after that: then all that is left of a "
		      "process gets SIGKILL, and a module counts as stuck." },
	{ TASK("Restart", CONFIG_WORD, BOTH, restart),
	  .standard = "on-failure", .words = restart_words,
	  .sentence = "After which end to start it again: success is exit code 0 or one of "
		      "SIGHUP, SIGINT, SIGTERM and SIGPIPE, failure any other end, abnormal "
		      "another signal." },
	{ TASK("RestartSec", CONFIG_SPAN, BOTH, restart_ns), .standard = "100ms", .most = YEAR,
	  .values = "TIME",
	  .sentence = "How long to wait before the first restart. It doubles with each that "
		      "follows." },
	{ TASK("RestartMaxDelaySec", CONFIG_SPAN, BOTH, restart_max_delay_ns), .standard = "30s",
	  .most = YEAR, .values = "TIME",
	  .sentence = "The longest wait before a restart. (RestartSec=, if that is longer and "
		      "this key is not there.)" },
	{ TASK("CPUQuota", CONFIG_QUOTA, FITS_PROCESS, cpu_quota), .values = "N%",
	  .sentence = "How much CPU time the task may use, by a cgroup of its own: 150% is one "
		      "CPU and a half. At least 1%; up to three decimals." },
	{ TASK("Module", CONFIG_MODULE, FITS_MODULE, module),
	  .reload = RELOAD_TASK, .values = "PATH|NAME",
	  .sentence = "The shared object; NAME is NAME.so in the folder of ModuleDirectory=. "
		      "Required." },
	{ TASK("Workers", CONFIG_SHARE, BOTH, workers), .values = "auto|N|N%",
	  .sentence = "What the task is told, as %w and by ExportWorkersAs=: the count by the "
		      "rules, just this many, or by that share of the limit. Without it: by the "
		      "rules, or as many as corund if corund was told its number." },
	{ TASK("WorkersMin", CONFIG_COUNT, BOTH, workers.policy.workers_min),
	  .standard = "2",
	  .least = 1, .most = CORUN_WORKERS_MAX, .values = "N",
	  .sentence = "As in [Corund], for the count that the task is told." },
	{ TASK("WorkersMax", CONFIG_COUNT, BOTH, workers.policy.workers_max),
	  .least = 1, .most = CORUN_WORKERS_MAX, .values = "N",
	  .sentence = "As in [Corund], for the count that the task is told." },
	{ TASK("WorkersRound", CONFIG_WORD, BOTH, workers.policy.round), .standard = "up",
	  .words = round_words,
	  .sentence = "As in [Corund], for the count that the task is told." },
	{ TASK("ExportWorkersAs", CONFIG_NAMES, BOTH, export_workers_as),
	  .reload = RELOAD_TASK,
	  .values = "NAME...",
	  .sentence = "Variables of the program's environment that hold the count, such as "
		      "GOMAXPROCS or OMP_NUM_THREADS. Several lines add up." },
	{ TASK("OnResize", CONFIG_ON_RESIZE, FITS_PROCESS, on_resize), .standard = "none",
	  .values = "none|signal:SIGNAL|reload|restart|exec:COMMAND",
	  .sentence = "What to do when the count changes: nothing, send a signal, run "
		      "ExecReload=, start the task anew, or run a command, with MAINPID in its "
		      "environment." },
};
/* clang-format on */

const size_t config_n_options = sizeof(config_options) / sizeof(config_options[0]);
_Static_assert(sizeof(config_options) / sizeof(config_options[0]) <= CONFIG_OPTIONS_MAX,
	       "more options than CONFIG_OPTIONS_MAX");

const struct config_option *
config_option_find(const char *section, const char *key)
{
	for (size_t i = 0; i < config_n_options; i++)
		if (strcmp(config_options[i].section, section) == 0 &&
		    strcmp(config_options[i].key, key) == 0)
			return &config_options[i];
	return NULL;
}

size_t
config_option_index(const struct config_option *option)
{
	return (size_t) (option - config_options);
}

bool
config_option_repeats(const struct config_option *option)
{
	return option->type == CONFIG_ENVIRONMENT || option->type == CONFIG_NAMES;
}

/* ---- listing -------------------------------------------------------------------------------- */

static void
print_values(FILE *out, const struct config_option *option)
{
	if (option->values) {
		fputs(option->values, out);
		return;
	}
	for (const struct config_word *word = option->words; word->word; word++)
		fprintf(out, "%s%s", word == option->words ? "" : "|", word->word);
}

/*
 * Roff takes '-' for a hyphen, a backslash for an escape, and a dot or quote at the beginning of a
 * line for a request.
 */
static void
print_roff(FILE *out, const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '-')
			putc('\\', out);
		if (c == text && (*c == '.' || *c == '\''))
			fputs("\\&", out);
		if (*c == '\\')
			fputs("\\e", out);
		else
			putc(*c, out);
	}
}

/* Which tasks it is for, and what a change takes: "", or sentences that follow the first. */
static const char *
fits_sentence(const struct config_option *option)
{
	if (option->fits == FITS_PROCESS)
		return " For Type=process.";
	if (option->fits == FITS_MODULE)
		return " For Type=module.";
	return "";
}

static const char *
reload_sentence(const struct config_option *option)
{
	static const char *const sentences[] = {
		[RELOAD_LIVE] = "",
		[RELOAD_TASK] = " A reload that changes it starts the task anew.",
		[RELOAD_DAEMON] = " Changing it takes a new start of corund.",
	};

	return sentences[option->reload];
}

static void
print_option_roff(FILE *out, const struct config_option *option)
{
	char *values = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&values, &len);

	if (!stream)
		return;
	print_values(stream, option);
	fclose(stream);
	fprintf(out, ".TP\n.BR %s=", option->key);
	fputs("\\fI", out);
	print_roff(out, values);
	fputs("\\fR", out);
	if (option->standard) {
		fputs(" \" (default: \" ", out);
		print_roff(out, option->standard);
		fputs(" )", out);
	}
	putc('\n', out);
	print_roff(out, option->sentence);
	print_roff(out, fits_sentence(option));
	print_roff(out, reload_sentence(option));
	putc('\n', out);
	free(values);
}

static void
print_option_text(FILE *out, const struct config_option *option)
{
	fprintf(out, "%s=", option->key);
	print_values(out, option);
	if (option->standard)
		fprintf(out, " (default: %s)", option->standard);
	fprintf(out, "\n        %s%s%s\n", option->sentence, fits_sentence(option),
		reload_sentence(option));
}

void
config_print_options(FILE *out, enum config_format format)
{
	const char *section = "";

	for (size_t i = 0; i < config_n_options; i++) {
		const struct config_option *option = &config_options[i];

		if (strcmp(option->section, section) != 0) {
			section = option->section;
			fprintf(out, format == CONFIG_FORMAT_ROFF ? ".SS [%s]\n" : "[%s]\n",
				section);
		}
		if (format == CONFIG_FORMAT_ROFF)
			print_option_roff(out, option);
		else
			print_option_text(out, option);
	}
}
