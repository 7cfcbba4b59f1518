#pragma once

/* Values - from text to a member of a configuration, and what else goes by a member's type */

#include <stdbool.h>

#include "daemon/config/complain.h"
#include "daemon/config/options.h"

/**
 * config_value_set() - read @text into the member of @base that @option is about
 * @base: the struct config or task_config
 * @text: "" gives the default; of an option that repeats, it empties the list; else that grows
 *
 * Return: 0; -EINVAL: @at was told; -ENOMEM. The member holds its old value then, or none.
 */
int config_value_set(const struct config_option *option, void *base, const char *text,
		     const struct config_place *at);

/** config_value_clear() - free what the member holds; it is as if it was never set */
void config_value_clear(const struct config_option *option, void *base);

/** config_values_clear() - that for all options of a section */
void config_values_clear(const char *section, void *base);

/** config_value_same() - do two configurations agree in @option? */
bool config_value_same(const struct config_option *option, const void *a, const void *b);

/**
 * config_parse_span() - "5min 20s", "1.5" or "infinity" (UINT64_MAX)
 * Return: 0; -EINVAL; -ERANGE.
 */
int config_parse_span(const char *text, uint64_t *ret_ns);

/** config_print_span() - the same backwards: "5min 20s" */
void config_print_span(uint64_t ns, FILE *out);

/** config_parse_signal() - "SIGHUP", "HUP", "1", "RTMIN+3". Return: the number; -EINVAL. */
int config_parse_signal(const char *text);
