/* What all commands share: their options, --help, and how they say that a command line is wrong */

#include "daemon/ctl/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/report/nearest.h"

enum { OPTIONS_MAX = 32 };

static const struct command_option help_option = { "help", NULL, 'h', "this text" };

/* All options of a command as one list, --help last. Return: how many. */
static size_t
list_options(const struct command *command, const struct command_option *ret[static OPTIONS_MAX])
{
	const struct command_option *const tables[] = { command->options, command->shared_options };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct command_option *o = tables[i]; o && o->name; o++) {
			if (n == OPTIONS_MAX - 1)
				abort();
			ret[n++] = o;
		}
	ret[n++] = &help_option;
	return n;
}

static int
argument_of(const struct command_option *option)
{
	if (!option->value)
		return no_argument;
	return option->value[0] == '[' ? optional_argument : required_argument;
}

/* ---- --help ---------------------------------------------------------------------------------- */

enum { HELP_COLUMN = 26 };

/* Has it a short form, too? */
static bool
has_letter(const struct command_option *option)
{
	return option->key < 0x100;
}

static void
print_option(const struct command_option *option)
{
	const char *line = option->help;
	int column;

	if (has_letter(option))
		column = printf("  -%c, --%s", option->key, option->name);
	else
		column = printf("      --%s", option->name);

	if (argument_of(option) == optional_argument) /* "[SECONDS]" is spelled [=SECONDS] */
		column += printf("[=%s", option->value + 1);
	else if (option->value)
		column += printf(" %s", option->value);
	if (column >= HELP_COLUMN) {
		putchar('\n');
		column = 0;
	}
	while (*line) {
		int len = (int) strcspn(line, "\n");

		printf("%*s%.*s\n", HELP_COLUMN - column, "", len, line);
		line += len + (line[len] == '\n');
		column = 0;
	}
}

static void
print_help(const struct command *command)
{
	const struct command_option *options[OPTIONS_MAX];
	size_t n = list_options(command, options);

	printf("Usage: corunctl %s %s\n%s\n\n", command->name, command->usage, command->summary);
	if (command->notes)
		printf("%s\n\n", command->notes);
	puts("Options:");
	for (size_t i = 0; i < n; i++)
		print_option(options[i]);
}

/* ---- what is wrong --------------------------------------------------------------------------- */

int
command_usage_error(const struct command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "corunctl %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry 'corunctl %s --help'.\n", command->name);
	return EXIT_USAGE;
}

/* @word is none of the options, or the beginning of several. */
static int
unknown_option(const struct command *command, const char *word)
{
	const struct command_option *options[OPTIONS_MAX];
	const char *names[OPTIONS_MAX], *first = NULL, *near;
	size_t n = list_options(command, options);
	size_t len = strcspn(word, "=");
	char name[64];

	for (size_t i = 0; i < n; i++) {
		names[i] = options[i]->name;
		if (len <= 2 || strncmp(names[i], word + 2, len - 2) != 0)
			continue;
		if (first)
			return command_usage_error(command,
						   "'%.*s' is ambiguous: it may mean --%s or --%s",
						   (int) len, word, first, names[i]);
		first = names[i];
	}
	snprintf(name, sizeof(name), "%.*s", len > 2 ? (int) len - 2 : 0, word + 2);
	near = nearest(name, names, n);
	if (near)
		return command_usage_error(command, "unknown option '%.*s'; did you mean '--%s'?",
					   (int) len, word, near);
	return command_usage_error(command, "unknown option '%.*s'", (int) len, word);
}

/* @key: what getopt_long() returned, '?' or ':'; @word: the word of the command line it was at */
static int
refuse(const struct command *command, int key, const char *word)
{
	if (key == ':')
		return command_usage_error(command, "%s needs a value", word);
	if (strncmp(word, "--", 2) != 0)
		return command_usage_error(command, "unknown option '-%c'", optopt);
	if (optopt)
		return command_usage_error(command, "%.*s takes no value", (int) strcspn(word, "="),
					   word);
	return unknown_option(command, word);
}

/* ---- going through it ------------------------------------------------------------------------ */

/* @shorts and @longs: for getopt_long() */
static void
fill_tables(const struct command_option *const *options, size_t n,
	    char shorts[static 2 * OPTIONS_MAX + 2], struct option *longs)
{
	*shorts++ = ':'; /* a missing value is told apart from an unknown option */
	for (size_t i = 0; i < n; i++) {
		longs[i] = (struct option){ options[i]->name, argument_of(options[i]), NULL,
					    options[i]->key };
		if (!has_letter(options[i]))
			continue;
		*shorts++ = (char) options[i]->key;
		if (options[i]->value)
			*shorts++ = ':';
	}
	*shorts = '\0';
}

/* Are the words that are no options as many as it takes? */
static int
check_words(const struct command *command, int n, char *const *words)
{
	if (n < command->words_min)
		return command_usage_error(command, "it needs %s", command->words);
	if (n > command->words_max)
		return command_usage_error(command, "unexpected argument '%s'",
					   words[command->words_max]);
	for (int i = 0; i < n; i++)
		if (words[i][0] == '\0')
			return command_usage_error(command, "'' is not %s", command->words);
	return COMMAND_GO;
}

int
command_parse(const struct command *command, int argc, char **argv, command_take_fn *take,
	      void *context)
{
	const struct command_option *options[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 1] = { 0 };
	char shorts[2 * OPTIONS_MAX + 2];
	size_t n = list_options(command, options);
	int key, at;

	fill_tables(options, n, shorts, longs);
	opterr = 0;
	for (;;) {
		int r;

		at = optind;
		key = getopt_long(argc, argv, shorts, longs, NULL);
		if (key == -1)
			break;
		if (key == 'h') {
			print_help(command);
			return EXIT_OK;
		}
		/* A cluster of short options is left only after its last one. */
		if (key == '?' || key == ':')
			return refuse(command, key, argv[optind > at ? optind - 1 : optind]);
		r = take(context, command, key, optarg);
		if (r != 0)
			return r;
	}
	return check_words(command, argc - optind, argv + optind);
}
