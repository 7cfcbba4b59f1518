#include "daemon/module/keys.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/config/complain.h"
#include "daemon/report/nearest.h"

enum { NAMES_MAX = 64 }; /* as many keys of a module are told in a message */

static const struct corun_module_option *
find(const struct corun_module *table, const char *key)
{
	const struct corun_module_option *option = table->options;

	while (option != NULL && option->key != NULL && strcmp(option->key, key) != 0)
		option++;
	return option != NULL && option->key != NULL ? option : NULL;
}

static const struct key_value *
given(const struct task_config *config, const char *key)
{
	for (size_t i = 0; i < config->n_options; i++)
		if (strcmp(config->options[i].key, key) == 0)
			return &config->options[i];
	return NULL;
}

static int
unknown(const struct corun_module *table, const struct config_place *at, const char *key)
{
	const char *names[NAMES_MAX], *meant;
	size_t n = 0;

	while (table->options != NULL && table->options[n].key != NULL && n < NAMES_MAX) {
		names[n] = table->options[n].key;
		n++;
	}
	if (n == 0)
		return config_complain(at, "unknown key '%s': module %s takes none", key,
				       table->name);
	meant = nearest(key, names, n);
	if (meant != NULL)
		return config_complain(at, "unknown key '%s' of module %s; did you mean '%s'?", key,
				       table->name, meant);
	return config_complain(at, "unknown key '%s' of module %s; the first that it knows is '%s'",
			       key, table->name, names[0]);
}

static int
check_value(const struct corun_module_option *option, const struct config_place *at,
	    const char *value)
{
	char why[256] = "is wrong";

	if (option->check == NULL || option->check(value, why, sizeof(why)) == 0)
		return 0;
	return config_complain(at, "%s=%s %s", option->key, value, why);
}

/* A key that was given: known, for the first time, with a right value? */
static int
check_pair(const struct corun_module *table, const struct task_config *config,
	   const struct key_value *pair, const struct config_place *at)
{
	const struct corun_module_option *option = find(table, pair->key);
	const struct key_value *first = given(config, pair->key);

	if (option == NULL)
		return unknown(table, at, pair->key);
	if (first != pair)
		return config_complain(at, "key '%s' was given in line %u already", pair->key,
				       first->line);
	return check_value(option, at, pair->value);
}

int
module_keys_check(const struct corun_module *table, const struct task_config *config,
		  struct config_errors *errors)
{
	struct config_place at = { .errors = errors, .file = config->file };
	int r = 0;

	for (size_t i = 0; i < config->n_options; i++) {
		at.line = config->options[i].line;
		if (check_pair(table, config, &config->options[i], &at) < 0)
			r = -EINVAL;
	}
	at.line = 0;
	for (const struct corun_module_option *option = table->options;
	     option != NULL && option->key != NULL; option++)
		if (option->required && given(config, option->key) == NULL)
			r = config_complain(
				&at, "key '%s' of section [Module] is missing: %s", option->key,
				option->summary != NULL ? option->summary : "it must be given");
	return r;
}

const char *
module_keys_value(const struct corun_module *table, const struct task_config *config,
		  const char *key)
{
	const struct corun_module_option *option = find(table, key);
	const struct key_value *pair = given(config, key);

	if (option == NULL)
		return NULL;
	return pair != NULL ? pair->value : option->fallback;
}
