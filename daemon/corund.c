/* corund - the command line */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <corun/cpu.h>

#include "daemon/config/complain.h"
#include "daemon/config/config.h"
#include "daemon/config/explain.h"
#include "daemon/module/module.h"
#include "daemon/serve.h"
#include "daemon/task/count.h"

struct command_line {
	struct serve_options serve;
	const char *explain; /* a task file */
	bool check;
};

enum { ARENAS_MAX = 10000 }; /* the runtime's limit of threads */

enum { KEY_SOCKET = 0x100, KEY_ROOT, KEY_CPUS, KEY_CHECK, KEY_EXPLAIN };

static const struct option longs[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, KEY_SOCKET },
	{ "root", required_argument, NULL, KEY_ROOT },
	{ "cpus", required_argument, NULL, KEY_CPUS },
	{ "check-config", no_argument, NULL, KEY_CHECK },
	{ "explain", required_argument, NULL, KEY_EXPLAIN },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void
help(void)
{
	puts("Usage: corund [OPTION...]\n"
	     "Run tasks on as many workers as the CPU quota allows, and tell them when it "
	     "changes.\n"
	     "\n"
	     "  -c, --config FILE    the configuration (default: " SYSCONFDIR
	     "/corun/corund.conf, if\n"
	     "                       it is there); its tasks are in the folder tasks.d beside it\n"
	     "      --check-config   say all that is wrong with it, and end\n"
	     "      --explain FILE   the command and environment that a task would get, and end\n"
	     "      --socket PATH    the control socket (default: CORUN_SOCKET, then Socket= of "
	     "the\n"
	     "                       configuration, then /run/corun/control.sock as root, else\n"
	     "                       $XDG_RUNTIME_DIR/corun/control.sock)\n"
	     "      --root DIR       a folder that stands for the kernel: DIR/proc/self/cgroup,\n"
	     "                       DIR/proc/self/mountinfo and the cgroup files below DIR\n"
	     "      --cpus N         take N for the number of CPUs\n"
	     "  -h, --help           this text\n"
	     "  -V, --version        the version\n"
	     "\n"
	     "It runs in the foreground until SIGTERM or SIGINT; SIGHUP reloads the "
	     "configuration.\n"
	     "CORUN_WORKERS=N in the environment pins the count. corunctl(1) asks the daemon.\n"
	     "\n"
	     "Exit codes: 0 ended when told to; 1 it could not be done; 2 the command line is "
	     "wrong;\n"
	     "78 the configuration is wrong.");
}

__attribute__((format(printf, 1, 2))) static int
wrong_usage(const char *format, ...)
{
	va_list args;

	fputs("corund: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry 'corund --help'.\n", stderr);
	return EXIT_WRONG_USAGE;
}

static int
take_cpus(const char *text, unsigned *ret)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || n < 1 || n > 1 << 20)
		return -EINVAL;
	*ret = (unsigned) n;
	return 0;
}

/* Return: -1: go on; or an exit code. */
static int
parse(int argc, char **argv, struct command_line *line)
{
	int key;

	opterr = 0;
	while ((key = getopt_long(argc, argv, ":c:hV", longs, NULL)) != -1) {
		switch (key) {
		case 'c':
			line->serve.config_file = optarg;
			break;
		case KEY_SOCKET:
			line->serve.socket = optarg;
			break;
		case KEY_ROOT:
			line->serve.root = optarg;
			break;
		case KEY_CPUS:
			if (take_cpus(optarg, &line->serve.cpus) < 0)
				return wrong_usage("--cpus %s: a whole number from 1 is wanted",
						   optarg);
			break;
		case KEY_CHECK:
			line->check = true;
			break;
		case KEY_EXPLAIN:
			line->explain = optarg;
			break;
		case 'h':
			help();
			return EXIT_DONE;
		case 'V':
			puts("corund " PACKAGE_VERSION);
			return EXIT_DONE;
		case ':':
			return wrong_usage("%s needs a value", argv[optind - 1]);
		default:
			return wrong_usage("unknown option '%s'", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return wrong_usage("unexpected argument '%s'", argv[optind]);
	return -1;
}

/* ---- modes ----------------------------------------------------------------------------------- */

/* Modules are asked what they take, too. */
static void
check_modules(const struct config *config, struct config_errors *errors)
{
	for (size_t i = 0; i < config->n_tasks; i++)
		if (config->tasks[i]->type == TASK_MODULE)
			module_check(config->tasks[i], config->module_dir, errors);
}

static void
check_environment(struct config_errors *errors)
{
	const struct config_place place = { .errors = errors };
	const char *text = getenv("CORUN_WORKERS");
	unsigned pin;

	if (corun_workers_parse(text, &pin) < 0)
		config_complain(&place,
				"CORUN_WORKERS=%s in the environment: a whole number from 1 to %d "
				"or \"auto\" is wanted",
				text, CORUN_WORKERS_MAX);
}

static int
load(const char *file, bool with_modules, struct config **ret)
{
	struct config_errors errors = { .n = 0 };
	struct config *config = NULL;
	int r = config_load(file, &errors, &config);

	if (r == 0 && with_modules)
		check_modules(config, &errors);
	check_environment(&errors);
	config_errors_print(&errors, stderr);
	if (errors.n > errors.n_notes) {
		size_t n = errors.n - errors.n_notes;

		fprintf(stderr, "corund: %zu error%s in the configuration\n", n, n == 1 ? "" : "s");
		config_free(r == 0 ? config : NULL);
		r = EXIT_WRONG_CONFIG;
	} else if (r < 0) {
		fprintf(stderr, "corund: the configuration cannot be read: %s\n", strerror(-r));
		r = EXIT_BROKEN;
	} else {
		*ret = config;
	}
	config_errors_free(&errors);
	return r;
}

static int
check_config(const struct command_line *line)
{
	struct config *config;
	int r = load(line->serve.config_file, true, &config);

	if (r != 0)
		return r;
	printf("%s: no errors, %zu task%s\n",
	       config->file != NULL ? config->file : "no configuration", config->n_tasks,
	       config->n_tasks == 1 ? "" : "s");
	config_free(config);
	return EXIT_DONE;
}

/* The pool as a daemon that was started here and now would have it. */
static int
pool_here(const struct command_line *line, const struct config *config,
	  struct corun_pool_state *ret)
{
	struct corun_cpu_options options = { .root = line->serve.root, .cpus = line->serve.cpus };
	struct corun_cpu_policy policy = config->workers.policy;
	struct corun_cpu *cpu;
	const struct corun_cpu_view *view;
	struct corun_cpu_decision decision;
	unsigned pin = 0;
	int r = corun_cpu_open(&options, &cpu);

	if (r < 0)
		return r;
	corun_workers_parse(getenv("CORUN_WORKERS"), &pin);
	if (pin != 0)
		policy.pin = pin;
	view = corun_cpu_look(cpu);
	decision = corun_cpu_decide(&policy, view->cpus, &view->limit);
	*ret = (struct corun_pool_state){
		.workers = decision.workers,
		.reason = decision.reason,
		.pinned = policy.pin != 0,
		.limit = view->limit,
		.cpus = view->cpus,
	};
	corun_cpu_close(cpu);
	return 0;
}

static int
explain(const struct command_line *line)
{
	struct config_errors errors = { .n = 0 };
	struct corun_pool_state pool;
	struct task_config *task;
	struct config *config;
	struct corun_cpu_decision count;
	int r = load(line->serve.config_file, false, &config);

	if (r != 0)
		return r;
	r = config_load_task(line->explain, config->module_dir, &errors, &task);
	if (r < 0) {
		config_errors_print(&errors, stderr);
		config_errors_free(&errors);
		config_free(config);
		return EXIT_WRONG_CONFIG;
	}
	r = pool_here(line, config, &pool);
	if (r == 0) {
		count = task_count(&pool, &task->workers, &task->cpu_quota);
		r = config_explain(task, count.workers, corun_cpu_reason_name(count.reason),
				   stdout);
	}
	if (r < 0)
		fprintf(stderr, "corund: %s\n", strerror(-r));
	task_config_unref(task);
	config_free(config);
	return r < 0 ? EXIT_BROKEN : EXIT_DONE;
}

/*
 * A caller may have closed the standard descriptors. Then the next file opened would get such a
 * number, and the log would be written into it.
 */
static void
take_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(EXIT_BROKEN);
}

/*
 * A thread that is parked in malloc() keeps its arena locked until its turn comes. By default threads
 * share eight arenas a CPU, the control thread's among them: beside 41 coroutines that did nothing but
 * allocate on two CPUs, an answer took 380 ms (median) and up to 3.2 s; 0.5 ms and 0.2 s with an
 * arena for each thread, as many as there are.
 */
static void
part_arenas(void)
{
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, ARENAS_MAX);
#endif
}

int
main(int argc, char **argv)
{
	struct command_line line = { .check = false };
	struct config *config;
	int r;

	take_standard_descriptors();
	part_arenas();
	r = parse(argc, argv, &line);
	if (r >= 0)
		return r;
	if (line.check)
		return check_config(&line);
	if (line.explain != NULL)
		return explain(&line);
	r = load(line.serve.config_file, false, &config);
	return r != 0 ? r : serve(&line.serve, config);
}
