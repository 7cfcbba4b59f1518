#include "daemon/config/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/words.h"
#include "daemon/report/nearest.h"

/* ---- each type ------------------------------------------------------------------------------ */

enum { WORDS_MAX = 16 };

static int
set_word(const struct config_option *option, void *member, const char *text,
	 const struct config_place *at)
{
	const char *names[WORDS_MAX], *meant;
	char list[256] = "";
	size_t n = 0;

	for (const struct config_word *word = option->words; word->word; word++) {
		if (strcmp(word->word, text) == 0) {
			if (option->size == sizeof(bool))
				*(bool *) member = word->value;
			else
				*(int *) member = word->value;
			return 0;
		}
		names[n++] = word->word;
		if (n > 1)
			strcat(list, ", ");
		strcat(list, word->word);
	}
	meant = nearest(text, names, n);
	if (meant)
		return config_complain(at, "%s=%s: did you mean '%s'? It can be: %s", option->key,
				       text, meant, list);
	return config_complain(at, "%s=%s: it can be: %s", option->key, text, list);
}

static int
set_text(const struct config_option *option, void *member, const char *text,
	 const struct config_place *at)
{
	char *copy;

	if (option->type == CONFIG_PATH && text[0] != '/')
		return config_complain(at, "%s=%s: a path from the root is needed, /...",
				       option->key, text);
	if (option->type == CONFIG_MODULE && text[0] != '/' && strchr(text, '/'))
		return config_complain(
			at, "%s=%s: either a path from the root, /..., or a name without '/'",
			option->key, text);
	copy = strdup(text);
	if (!copy)
		return config_no_memory(at);
	free(*(char **) member);
	*(char **) member = copy;
	return 0;
}

/* Are all specifiers of @word known? */
static int
check_specifiers(const char *key, size_t number, const char *word, const struct config_place *at)
{
	for (const char *c = word; (c = strchr(c, '%')); c += 2)
		if (c[1] == '\0' || !strchr("wn%", c[1]))
			return config_complain(at,
					       "%s=: word %zu, '%s': '%%%.1s' is unknown; there "
					       "are %%w (workers), %%n "
					       "(name) and %%%%",
					       key, number, word, c + 1);
	return 0;
}

/* "$NAME" or "${NAME}" and no more, as systemd would replace it. */
static bool
is_variable(const char *word)
{
	size_t len = strlen(word);

	if (len < 2 || word[0] != '$')
		return false;
	if (word[1] == '{')
		return word[len - 1] == '}';
	for (const char *c = word + 1; *c != '\0'; c++)
		if (!isalnum((unsigned char) *c) && *c != '_')
			return false;
	return !isdigit((unsigned char) word[1]);
}

static int
set_command(const struct config_option *option, char ***member, const char *text,
	    const struct config_place *at)
{
	char **words = NULL;
	int r = config_words_split(text, option->key, at, &words);

	for (size_t i = 0; r == 0 && i < config_words_count(words); i++) {
		r = check_specifiers(option->key, i + 1, words[i], at);
		if (is_variable(words[i]))
			config_note(
				at,
				"%s=: word %zu: the program gets '%s' as it is; nothing replaces "
				"variables here, but a shell does: sh -c '...'",
				option->key, i + 1, words[i]);
	}
	if (r == 0 && (!words || words[0][0] == '\0'))
		r = config_complain(at, "%s=: a program is needed", option->key);
	else if (r == 0 && strchr(words[0], '/') && words[0][0] != '/')
		r = config_complain(
			at,
			"%s=: '%s' is neither a path from the root, /..., nor a name to be found "
			"in PATH%s",
			option->key, words[0],
			strchr("@-:+!", words[0][0]) ? " (systemd's prefixes are unknown here)"
						     : "");
	if (r < 0) {
		config_words_free(words);
		return r;
	}
	config_words_free(*member);
	*member = words;
	return 0;
}

static bool
is_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char) text[i]) && text[i] != '_')
			return false;
	return len > 0 && !isdigit((unsigned char) text[0]);
}

/* CONFIG_ENVIRONMENT and CONFIG_NAMES: what is there, and these. */
static int
set_list(const struct config_option *option, char ***member, const char *text,
	 const struct config_place *at)
{
	bool pairs = option->type == CONFIG_ENVIRONMENT;
	char **words = NULL;
	int r = config_words_split(text, option->key, at, &words);

	for (size_t i = 0; r == 0 && i < config_words_count(words); i++) {
		size_t len = strcspn(words[i], "=");

		if ((words[i][len] == '=') != pairs)
			r = config_complain(at, "%s=: word %zu, '%s': %s", option->key, i + 1,
					    words[i],
					    pairs ? "NAME=VALUE is needed; blanks in it need quotes"
						  : "a name alone is needed");
		else if (!is_name(words[i], len))
			r = config_complain(
				at,
				"%s=: word %zu, '%s': a variable's name has letters, digits and "
				"'_', and begins with no digit",
				option->key, i + 1, words[i]);
		else if (pairs)
			r = check_specifiers(option->key, i + 1, words[i], at);
	}
	for (size_t i = 0; r == 0 && i < config_words_count(words); i++)
		if (config_words_add(member, strdup(words[i])) < 0)
			r = config_no_memory(at);
	config_words_free(words);
	return r;
}

/* "50%" */
static int
set_share(struct workers_config *workers, const char *text, size_t digits)
{
	unsigned long percent = strtoul(text, NULL, 10);

	if (digits == 0 || digits > 3 || text[digits + 1] != '\0' || percent < 1 || percent > 100)
		return -EINVAL;
	workers->percent = (unsigned) percent;
	workers->policy.pin = 0;
	return 0;
}

static int
set_workers(const struct config_option *option, struct workers_config *workers, const char *text,
	    const struct config_place *at)
{
	bool share = option->type == CONFIG_SHARE;
	size_t digits = strspn(text, "0123456789");
	int r;

	if (share && text[digits] == '%') {
		r = set_share(workers, text, digits);
	} else {
		r = corun_workers_parse(text, &workers->policy.pin);
		if (r == 0)
			workers->percent = 0;
	}
	if (r < 0)
		return config_complain(at, "%s=%s: it can be auto, or a number from 1 to %d%s",
				       option->key, text, CORUN_WORKERS_MAX,
				       share ? ", or a share from 1% to 100%" : "");
	workers->set = true;
	return 0;
}

static int
set_count(const struct config_option *option, unsigned *member, const char *text,
	  const struct config_place *at)
{
	unsigned long long number;

	errno = 0;
	number = strtoull(text, NULL, 10);
	if (text[strspn(text, "0123456789")] != '\0' || errno || number < option->least ||
	    number > option->most)
		return config_complain(at,
				       "%s=%s: a number from %" PRIu64 " to %" PRIu64 " is needed",
				       option->key, text, option->least, option->most);
	*member = (unsigned) number;
	return 0;
}

static int
set_signal(const struct config_option *option, int *member, const char *text,
	   const struct config_place *at)
{
	int number = config_parse_signal(text);

	if (number < 0)
		return config_complain(at,
				       "%s=%s: there is no such signal; write TERM, SIGTERM or 15",
				       option->key, text);
	*member = number;
	return 0;
}

static int
complain_of_span(const struct config_option *option, const char *text,
		 const struct config_place *at)
{
	char bounds[128] = "";
	FILE *out = fmemopen(bounds, sizeof(bounds), "w");

	if (!out)
		return config_no_memory(at);
	fputs("from ", out);
	config_print_span(option->least, out);
	fputs(" to ", out);
	config_print_span(option->most, out);
	if (option->infinite)
		fputs(", or infinity", out);
	fclose(out);
	return config_complain(at, "%s=%s: it can be %s", option->key, text, bounds);
}

static int
set_span(const struct config_option *option, uint64_t *member, const char *text,
	 const struct config_place *at)
{
	uint64_t ns = 0;
	int r = config_parse_span(text, &ns);

	if (r == -EINVAL)
		return config_complain(
			at, "%s=%s: no time span; write 5min 20s, 100ms, or a number of seconds",
			option->key, text);
	if (r == 0 && ns == UINT64_MAX ? !option->infinite
				       : (r < 0 || ns < option->least || ns > option->most))
		return complain_of_span(option, text, at);
	*member = ns;
	return 0;
}

/* "150%", with up to three decimals, of which each period has 100 ms. */
static int
set_quota(const struct config_option *option, struct corun_cpu_limit *member, const char *text,
	  const struct config_place *at)
{
	uint64_t quota_us = 0, scale = 1000;
	const char *c = text;

	for (; isdigit((unsigned char) *c) && quota_us < UINT32_MAX; c++)
		quota_us = quota_us * 10 + (uint64_t) (*c - '0') * 1000;
	if (c > text && *c == '.' && isdigit((unsigned char) c[1]))
		for (c++; isdigit((unsigned char) *c) && scale > 1; c++)
			quota_us += (uint64_t) (*c - '0') * (scale /= 10);
	if (c == text || strcmp(c, "%") != 0 || quota_us < 1000 ||
	    quota_us > UINT64_C(100000) * 1024 * 8)
		return config_complain(
			at,
			"%s=%s: a share of one CPU is needed, at least 1%%, such as 50%% or "
			"150%%",
			option->key, text);
	*member = (struct corun_cpu_limit){ .limited = true,
					    .quota_us = quota_us,
					    .period_us = 100000 };
	return 0;
}

static int
set_on_resize(const struct config_option *option, struct task_config *task, const char *text,
	      const struct config_place *at)
{
	struct config_option command = { .key = "OnResize" };
	int signal;

	if (strncmp(text, "signal:", 7) == 0) {
		signal = config_parse_signal(text + 7);
		if (signal < 0)
			return config_complain(at,
					       "%s=%s: there is no such signal; write signal:HUP",
					       option->key, text);
		task->on_resize_signal = signal;
		task->on_resize = RESIZE_SIGNAL;
	} else if (strncmp(text, "exec:", 5) == 0) {
		int r = set_command(&command, &task->on_resize_exec, text + 5, at);

		if (r < 0)
			return r;
		task->on_resize = RESIZE_EXEC;
	} else if (strcmp(text, "none") == 0) {
		task->on_resize = RESIZE_NONE;
	} else if (strcmp(text, "reload") == 0) {
		task->on_resize = RESIZE_RELOAD;
	} else if (strcmp(text, "restart") == 0) {
		task->on_resize = RESIZE_RESTART;
	} else {
		return config_complain(at, "%s=%s: it can be %s", option->key, text,
				       option->values);
	}
	return 0;
}

/* ---- by type -------------------------------------------------------------------------------- */

static int
set(const struct config_option *option, void *base, const char *text, const struct config_place *at)
{
	void *member = (char *) base + option->offset;

	switch (option->type) {
	case CONFIG_WORD:
		return set_word(option, member, text, at);
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_MODULE:
		return set_text(option, member, text, at);
	case CONFIG_COMMAND:
		return set_command(option, member, text, at);
	case CONFIG_ENVIRONMENT:
	case CONFIG_NAMES:
		return set_list(option, member, text, at);
	case CONFIG_WORKERS:
	case CONFIG_SHARE:
		return set_workers(option, member, text, at);
	case CONFIG_COUNT:
		return set_count(option, member, text, at);
	case CONFIG_SIGNAL:
		return set_signal(option, member, text, at);
	case CONFIG_SPAN:
		return set_span(option, member, text, at);
	case CONFIG_QUOTA:
		return set_quota(option, member, text, at);
	case CONFIG_ON_RESIZE:
		return set_on_resize(option, base, text, at);
	}
	return -EINVAL;
}

int
config_value_set(const struct config_option *option, void *base, const char *text,
		 const struct config_place *at)
{
	if (*text == '\0') {
		config_value_clear(option, base);
		/* That of Workers= is what comes of not giving it. */
		if (!option->standard || option->type == CONFIG_WORKERS)
			return 0;
		text = option->standard;
	}
	return set(option, base, text, at);
}

void
config_value_clear(const struct config_option *option, void *base)
{
	void *member = (char *) base + option->offset;
	struct workers_config *workers = member;
	struct task_config *task = base;

	switch (option->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_MODULE:
		free(*(char **) member);
		break;
	case CONFIG_COMMAND:
	case CONFIG_ENVIRONMENT:
	case CONFIG_NAMES:
		config_words_free(*(char ***) member);
		break;
	case CONFIG_WORKERS:
	case CONFIG_SHARE:
		workers->set = false;
		workers->percent = workers->policy.pin = 0;
		return;
	case CONFIG_ON_RESIZE:
		config_words_free(task->on_resize_exec);
		task->on_resize_exec = NULL;
		task->on_resize_signal = 0;
		break;
	default:
		break;
	}
	memset(member, 0, option->size);
}

void
config_values_clear(const char *section, void *base)
{
	for (size_t i = 0; i < config_n_options; i++)
		if (strcmp(config_options[i].section, section) == 0)
			config_value_clear(&config_options[i], base);
}

static bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool
config_value_same(const struct config_option *option, const void *base_a, const void *base_b)
{
	const void *a = (const char *) base_a + option->offset,
		   *b = (const char *) base_b + option->offset;
	const struct workers_config *workers_a = a, *workers_b = b;
	const struct corun_cpu_limit *limit_a = a, *limit_b = b;
	const struct task_config *task_a = base_a, *task_b = base_b;

	switch (option->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_MODULE:
		return same_text(*(char *const *) a, *(char *const *) b);
	case CONFIG_COMMAND:
	case CONFIG_ENVIRONMENT:
	case CONFIG_NAMES:
		return config_words_same(*(char **const *) a, *(char **const *) b);
	case CONFIG_WORKERS:
	case CONFIG_SHARE:
		return workers_a->set == workers_b->set &&
		       workers_a->percent == workers_b->percent &&
		       workers_a->policy.pin == workers_b->policy.pin;
	case CONFIG_ON_RESIZE:
		return task_a->on_resize == task_b->on_resize &&
		       task_a->on_resize_signal == task_b->on_resize_signal &&
		       config_words_same(task_a->on_resize_exec, task_b->on_resize_exec);
	case CONFIG_QUOTA:
		return limit_a->limited == limit_b->limited &&
		       limit_a->quota_us == limit_b->quota_us;
	default:
		return memcmp(a, b, option->size) == 0;
	}
}
