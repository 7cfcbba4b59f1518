#include "daemon/config/complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 400 };

static void
make_fit(char *text)
{
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char) *c < ' ' || *c == '\x7f')
			*c = '?';
}

static void
add(const struct config_place *at, bool note, const char *format, va_list args)
{
	struct config_errors *errors = at->errors;
	struct config_error error = { .line = at->line, .note = note };
	struct config_error *list = NULL;

	if (vasprintf(&error.text, format, args) < 0)
		error.text = NULL;
	error.file = strdup(at->file);
	if (error.text && error.file)
		list = reallocarray(errors->list, errors->n + 1, sizeof(*list));
	if (!list) {
		free(error.text);
		free(error.file);
		errors->no_memory = true;
		return;
	}
	make_fit(error.file);
	make_fit(error.text);
	if (strlen(error.text) > TEXT_MAX)
		memcpy(error.text + TEXT_MAX, "...", sizeof("..."));
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

		if (error->line)
			fprintf(out, "%s:%u: ", error->file, error->line);
		else
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
