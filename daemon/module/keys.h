#pragma once

/* Keys - section [Module] of a task file against the table of the module */

#include <corun/module.h>

#include "daemon/config/config.h"

/**
 * module_keys_check() - are all known, given once, and right, and those required there?
 * Adds what is wrong to @errors. Return: 0; -EINVAL.
 */
int module_keys_check(const struct corun_module *table, const struct task_config *config,
		      struct config_errors *errors);

/** module_keys_value() - as corun_module_option(); lives as long as @table and @config */
const char *module_keys_value(const struct corun_module *table, const struct task_config *config,
			      const char *key);
