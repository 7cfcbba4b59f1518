#include "daemon/config/complain.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 400 };

/* How many bytes the character at @s has, by UTF-8; 0: it is none, or a control character. */
static size_t
character(const char *s)
{
	unsigned char first = (unsigned char) s[0];
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? first : first & (0x7fU >> n);

	if (first >= 0xf8 || (first >= 0x80 && first < 0xc0))
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char) s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char) s[i] & 0x3f);
	}
	if (c < 0x20 || (c >= 0x7f && c < 0xa0)) /* also U+0080 and above in two bytes */
		return 0;
	if (c >= 0xd800 && c < 0xe000) /* surrogates */
		return 0;
	return (n == 2 && c < 0x80) || (n == 3 && c < 0x800) || (n == 4 && c < 0x10000) ||
			       c > 0x10ffff
		       ? 0
		       : n;
}

/*
 * Only characters that stay where they are: for a terminal, a line of the log, and JSON. What is well
 * over @max bytes is cut there.
 */
static void
make_fit(char *text, size_t max)
{
	bool cut = strlen(text) > max + 2 * sizeof("...");
	char *end = text;

	while (*end != '\0' && !(cut && (size_t) (end - text) >= max)) {
		size_t n = character(end);

		if (n == 0)
			*end = '?';
		end += n ? n : 1;
	}
	if (cut)
		strcpy(end, "...");
}

__attribute__((format(printf, 3, 0))) static void
add(const struct config_place *at, bool note, const char *format, va_list args)
{
	struct config_errors *errors = at->errors;
	struct config_error error = { .line = at->line, .note = note };
	struct config_error *list = NULL;

	if (vasprintf(&error.text, format, args) < 0)
		error.text = NULL;
	error.file = at->file ? strdup(at->file) : NULL;
	if (error.text && (error.file || !at->file))
		list = reallocarray(errors->list, errors->n + 1, sizeof(*list));
	if (!list) {
		free(error.text);
		free(error.file);
		errors->no_memory = true;
		return;
	}
	if (error.file)
		make_fit(error.file, PATH_MAX);
	make_fit(error.text, TEXT_MAX);
	list[errors->n++] = error;
	errors->list = list;
	errors->n_notes += note;
}

int
config_complain(const struct config_place *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(at, false, format, args);
	va_end(args);
	return -EINVAL;
}

void
config_note(const struct config_place *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(at, true, format, args);
	va_end(args);
}

int
config_no_memory(const struct config_place *at)
{
	at->errors->no_memory = true;
	return -ENOMEM;
}

void
config_errors_print(const struct config_errors *errors, FILE *out)
{
	for (size_t i = 0; i < errors->n; i++) {
		const struct config_error *error = &errors->list[i];

		if (error->file && error->line)
			fprintf(out, "%s:%u: ", error->file, error->line);
		else if (error->file)
			fprintf(out, "%s: ", error->file);
		fprintf(out, "%s%s\n", error->note ? "note: " : "", error->text);
	}
	if (errors->no_memory)
		fprintf(out, "no memory: some messages are missing\n");
}

void
config_errors_free(struct config_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		free(errors->list[i].file);
		free(errors->list[i].text);
	}
	free(errors->list);
	*errors = (struct config_errors){ 0 };
}
