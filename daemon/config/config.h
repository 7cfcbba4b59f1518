#pragma once

/*
 * Configuration - corund.conf and tasks.d/NAME.task, in systemd's words
 *
 * options.c has the table of all options; from it come the parser, the checks, --help of the keys,
 * the manual pages and completion. A configuration that was loaded never changes: a reload loads
 * another one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <corun/cpu.h>

enum task_type { TASK_PROCESS, TASK_MODULE };

enum restart_policy { /* as systemd.service(5) */
		      RESTART_NO,
		      RESTART_ON_SUCCESS,
		      RESTART_ON_FAILURE,
		      RESTART_ON_ABNORMAL,
		      RESTART_ALWAYS,
};

enum resize_action { RESIZE_NONE, RESIZE_SIGNAL, RESIZE_RELOAD, RESIZE_RESTART, RESIZE_EXEC };

/* Workers=, WorkersMin=, WorkersMax=, WorkersRound= of the daemon or of a task. */
struct workers_config {
	bool set;                       /* Workers= was given; "auto" is given, too */
	unsigned percent;               /* Workers=50%: a share of the limit, 1 to 100; 0: none */
	struct corun_cpu_policy policy; /* .pin: Workers=N */
};

struct key_value {
	char *key, *value;
	unsigned line;
};

struct task_config {
	unsigned refs; /* atomic; task_config_ref() */
	char *name;    /* the file's name without ".task" */
	char *file;    /* where it came from, for messages */
	enum task_type type;
	char *description; /* or NULL */

	/*
	 * Type=process. Words as in systemd: quotes and backslashes are gone; %w, %n and %% are not
	 * expanded yet in the commands and in the environment: see config_command() in explain.h.
	 */
	char **exec_start;  /* argv, ends with NULL; [0] is a path or is looked up in PATH */
	char **exec_reload; /* or NULL */
	char **environment; /* NAME=VALUE ..., ends with NULL; may be NULL */
	char *working_directory;
	char *user, *group;
	int kill_signal;
	struct corun_cpu_limit cpu_quota; /* CPUQuota=; limited: false if it was not given */

	/* Type=module */
	char *module;              /* a path, or a name: config_module_file() */
	struct key_value *options; /* section [Module]: what the module itself understands */
	size_t n_options;

	enum restart_policy restart;
	uint64_t restart_ns;           /* RestartSec=: before the first restart */
	uint64_t restart_max_delay_ns; /* RestartMaxDelaySec=: it doubles up to this */
	uint64_t timeout_stop_ns;      /* UINT64_MAX: "infinity" */

	struct workers_config workers;
	char **export_workers_as; /* names of environment variables, ends with NULL; may be NULL */
	enum resize_action on_resize;
	int on_resize_signal;
	char **on_resize_exec; /* argv, ends with NULL */
};

struct config {
	char *file; /* corund.conf, or NULL: there was none */
	struct workers_config workers;
	bool no_update;       /* WorkersUpdate=no */
	bool follow_affinity; /* WorkersFollow=affinity */
	char *socket;         /* Socket=, or NULL */
	char *module_dir;     /* ModuleDirectory=, or else where modules are installed */
	int log_level;        /* LogLevel=, of syslog(3) */
	size_t n_tasks;
	struct task_config **tasks; /* sorted by name */
};

/* One thing that is wrong, or that a person should know. UTF-8 without control characters. */
struct config_error {
	char *file;    /* or NULL: the command line, the environment */
	unsigned line; /* 0: the file as a whole */
	char *text;    /* "unknown key 'ExecStrat'; did you mean 'ExecStart'?" */
	bool note;     /* nothing is refused for it */
};

/* In the order of the files and of their lines as far as they were found while reading. */
struct config_errors {
	size_t n; /* with the notes */
	struct config_error *list;
	size_t n_notes;
	bool no_memory; /* and so some are missing */
};

/**
 * config_load() - read a configuration, whole
 * @file:   corund.conf; its tasks are in the folder tasks.d beside it. NULL: the default place,
 *          which may be missing
 * @errors: everything that is wrong is added to it, not only the first; notes also on success
 * @ret:    set on success only; the caller frees it with config_free()
 *
 * What a task names is looked for, too: programs, users, folders, modules.
 *
 * Context: blocks in read(2) and in NSS: a plain thread, or between corun_block_enter() and
 *          _exit().
 * Return:  0; -EINVAL: @errors says why; -ENOMEM.
 */
int config_load(const char *file, struct config_errors *errors, struct config **ret);
void config_free(struct config *config);

/** config_note_kept() - add a note for each key that a reload from @old to @new leaves as it was */
void config_note_kept(const struct config *old, const struct config *new,
		      struct config_errors *errors);

/**
 * config_load_task() - read one task file. Errors as above.
 * @module_dir: where a module is that is given by name; NULL: where modules are installed
 */
int config_load_task(const char *file, const char *module_dir, struct config_errors *errors,
		     struct task_config **ret);

/**
 * config_module_file() - the path of a module
 * @module: as in Module=: a path stays; "proxy" becomes MODULE_DIR/proxy.so
 * Return:  allocated; NULL: no memory.
 */
char *config_module_file(const char *module, const char *module_dir);

struct task_config *task_config_ref(struct task_config *task);
void task_config_unref(struct task_config *task);

/** task_config_same() - would a reload change nothing? */
bool task_config_same(const struct task_config *a, const struct task_config *b);

/** task_config_restart_needed() - does what differs need the task to start anew? */
bool task_config_restart_needed(const struct task_config *a, const struct task_config *b);

/** config_errors_print() - "FILE:LINE: TEXT" or "FILE:LINE: note: TEXT", a line each */
void config_errors_print(const struct config_errors *errors, FILE *out);
void config_errors_free(struct config_errors *errors);

/** restart_policy_name() and others - the words of the files; static storage */
const char *task_type_name(enum task_type type);
const char *restart_policy_name(enum restart_policy policy);
const char *resize_action_name(enum resize_action action);

/**
 * config_expand() - @text with %w (workers), %n (the task's name) and %% replaced
 * Return: allocated; NULL: no memory.
 */
char *config_expand(const char *text, const char *task, unsigned workers);
