#pragma once

/* Parse - from the text of a file to a struct config or a struct task_config */

#include <stddef.h>

#include "daemon/config/complain.h"
#include "daemon/config/options.h"

/* In which line something was given; 0: it was not. */
struct config_seen {
	unsigned options[CONFIG_OPTIONS_MAX]; /* as config_options[] */
	unsigned module;                      /* section [Module] */
	bool type_unknown;                    /* Type= is there, but wrong */
};

/** config_seen_line() - of a key of [Task] or [Corund] */
unsigned config_seen_line(const struct config_seen *seen, const char *section, const char *key);

/**
 * config_parse() - read the keys of a corund.conf into @config
 * @config: zeroes. What is wrong is left at its default.
 */
void config_parse(const char *text, size_t len, const struct config_place *at,
		  struct config *config, struct config_seen *seen);

/** config_parse_task() - the same for a task file; @task->name and @task->file are the caller's */
void config_parse_task(const char *text, size_t len, const struct config_place *at,
		       struct task_config *task, struct config_seen *seen);

/** config_check() - what one key alone does not show */
void config_check(const struct config *config, const struct config_seen *seen,
		  const struct config_place *at);
void config_check_task(struct task_config *task, const struct config_seen *seen,
		       const struct config_place *at);

/**
 * config_check_world() - are the programs, users, folders and modules there that a task names?
 * Context: blocks in NSS and file systems.
 */
void config_check_world(const struct task_config *task, const char *module_dir,
			const struct config_seen *seen, const struct config_place *at);
