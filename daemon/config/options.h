#pragma once

/* Options - the one table of all keys; the parser, the checks and the manual page read it */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/config/config.h"

enum config_type {
	CONFIG_WORD,        /* one of option.words, into an enum or a bool */
	CONFIG_TEXT,        /* any text; char * */
	CONFIG_PATH,        /* an absolute path; char * */
	CONFIG_MODULE,      /* an absolute path or a name; char * */
	CONFIG_COMMAND,     /* char **argv */
	CONFIG_ENVIRONMENT, /* NAME=VALUE ...; char ** */
	CONFIG_NAMES,       /* NAME ...; char ** */
	CONFIG_WORKERS,     /* auto, N; struct workers_config */
	CONFIG_SHARE,       /* the same, or N% */
	CONFIG_COUNT,       /* unsigned; 0 is for "none" */
	CONFIG_SIGNAL,      /* int */
	CONFIG_SPAN,        /* nanoseconds, uint64_t; UINT64_MAX is infinity */
	CONFIG_QUOTA,       /* N%; struct corun_cpu_limit */
	CONFIG_ON_RESIZE,   /* on_resize and its two neighbours in struct task_config */
};

/* What it takes for a changed value to hold. */
enum config_reload {
	RELOAD_LIVE,   /* a reload */
	RELOAD_TASK,   /* a reload; the task is started anew for it */
	RELOAD_DAEMON, /* a new start of the daemon */
};

enum { FITS_PROCESS = 1 << TASK_PROCESS, FITS_MODULE = 1 << TASK_MODULE };

struct config_word {
	const char *word; /* NULL ends the list */
	int value;
};

struct config_option {
	const char *section, *key;
	enum config_type type;
	unsigned fits;        /* which Type=; 0 in [Corund] */
	size_t offset, size;  /* of the member in struct config, or in struct task_config */
	const char *standard; /* the default, as it is written in a file; NULL: none */
	const struct config_word *words; /* CONFIG_WORD */
	uint64_t least, most;            /* CONFIG_COUNT, CONFIG_SPAN: bounds; 0 as most: none */
	bool infinite;                   /* CONFIG_SPAN: may be "infinity" */
	enum config_reload reload;
	const char *values; /* what can be written, for people; NULL: the words */
	const char *sentence;
};

extern const struct config_option config_options[];
extern const size_t config_n_options;

enum { CONFIG_OPTIONS_MAX = 64 };

/** config_option_find() - NULL: there is none of that name */
const struct config_option *config_option_find(const char *section, const char *key);

/** config_option_index() - its place in config_options[] */
size_t config_option_index(const struct config_option *option);

/** config_option_repeats() - do several lines of this key make one list? */
bool config_option_repeats(const struct config_option *option);

enum config_format {
	CONFIG_FORMAT_TEXT, /* for a terminal */
	CONFIG_FORMAT_ROFF, /* the part of corund.conf(5) */
};

/** config_print_options() - all keys, with their defaults and units, and what they are for */
void config_print_options(FILE *out, enum config_format format);
