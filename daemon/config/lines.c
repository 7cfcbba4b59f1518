/*
 * Lines are put together here, before inih sees them, since inih counts none, joins none, and cuts
 * what is too long for its buffer. inih then takes apart what a line is made of. What it hands on
 * is compared with the line: depending on how inih was built it may take " ;" for the beginning of
 * a comment, or ":" for "=", and nothing may be lost that way without a word.
 */

#include "daemon/config/lines.h"

#include <ctype.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES_MAX = 65536 };

struct reading {
	const struct config_lines *calls;
	void *user;
	struct config_place at; /* of the line that inih has */
	const char *text, *end;
	unsigned n_lines;              /* that were read so far */
	bool expects_key;              /* inih has a line that should be "KEY = VALUE" ... */
	char line[LINE_BYTES_MAX + 1]; /* ... this one */
	size_t len;
};

static bool
is_blank(char c)
{
	return isspace((unsigned char) c);
}

/* The next line of the file as it is, without its end. */
static bool
next_line(struct reading *reading, const char **line, size_t *len)
{
	const char *end;

	if (reading->text == reading->end)
		return false;
	end = memchr(reading->text, '\n', (size_t) (reading->end - reading->text));
	*line = reading->text;
	*len = (size_t) ((end ? end : reading->end) - reading->text);
	reading->text = end ? end + 1 : reading->end;
	if (reading->n_lines == 0 && *len >= 3 && memcmp(*line, "\xef\xbb\xbf", 3) == 0) {
		*line += 3;
		*len -= 3;
	}
	reading->n_lines++;
	while (*len && is_blank(**line)) {
		++*line;
		--*len;
	}
	while (*len && is_blank((*line)[*len - 1]))
		--*len;
	return true;
}

/* Does a backslash end it that is not itself behind one? */
static bool
is_continued(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && line[len - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

/*
 * The next line with all that continue it. Comments and empty lines are passed over; within
 * a line, an empty line ends it.
 */
static bool
next_joined(struct reading *reading)
{
	bool begun = false, continued = false, too_long = false;
	const char *line;
	size_t len;

	reading->len = 0;
	while ((!begun || continued) && next_line(reading, &line, &len)) {
		if (len && (*line == '#' || *line == ';'))
			continue;
		if (!begun && len == 0)
			continue;
		if (!begun)
			reading->at.line = reading->n_lines;
		begun = true;
		continued = is_continued(line, len);
		if (reading->len + len > LINE_BYTES_MAX) {
			too_long = true;
			continue;
		}
		memcpy(reading->line + reading->len, line, len);
		reading->len += len;
		if (continued)
			reading->line[reading->len - 1] = ' ';
	}
	if (begun && continued)
		config_complain(&reading->at,
				"the file ends after a backslash that joins another line");
	if (too_long) {
		config_complain(&reading->at, "a line of more than %d bytes", LINE_BYTES_MAX);
		reading->len = 0;
	}
	while (reading->len && is_blank(reading->line[reading->len - 1]))
		reading->len--;
	reading->line[reading->len] = '\0';
	return begun;
}

static void
take_section(struct reading *reading)
{
	char *close = strchr(reading->line, ']');

	if (!close || close[1] != '\0' || close == reading->line + 1) {
		config_complain(&reading->at, "'%s' is no section; write [NAME], alone on its line",
				reading->line);
		return;
	}
	*close = '\0';
	reading->calls->section(reading->user, &reading->at, reading->line + 1);
	*close = ']';
}

/* inih did not call for the line that it had. */
static void
miss_key(struct reading *reading)
{
	if (reading->expects_key)
		config_complain(&reading->at, "'%s' is neither [SECTION] nor KEY=VALUE",
				reading->line);
	reading->expects_key = false;
}

/* What a terminal would obey has no place in a message, a table, or a log. */
static bool
has_control(const struct reading *reading)
{
	for (size_t i = 0; i < reading->len; i++) {
		unsigned char c = (unsigned char) reading->line[i];

		if ((c >= ' ' || c == '\t') && c != '\x7f')
			continue;
		config_complain(&reading->at,
				"a control character; in a command it can be written as \\x%02x",
				c);
		return true;
	}
	return false;
}

/* An ini_reader: as fgets(), a line that is joined. Of section lines inih gets to see nothing. */
static char *
read_line(char *buffer, int size, void *stream)
{
	struct reading *reading = stream;

	miss_key(reading);
	if (!next_joined(reading))
		return NULL;
	if (has_control(reading)) {
		reading->len = 0;
	} else if (reading->line[0] == '[') {
		take_section(reading);
	} else if (reading->len + 2 > (size_t) size) {
		config_complain(&reading->at, "a line of more than %d bytes", size - 2);
	} else if (reading->len) {
		reading->expects_key = true;
		memcpy(buffer, reading->line, reading->len);
		memcpy(buffer + reading->len, "\n", 2);
		return buffer;
	}
	return strcpy(buffer, "\n");
}

/* An ini_handler. */
static int
take_key(void *user, const char *section, const char *key, const char *value)
{
	struct reading *reading = user;
	const char *rest = reading->line + strlen(key);

	(void) section;
	reading->expects_key = false;
	while (is_blank(*rest))
		rest++;
	if (*rest != '=' || *key == '\0') {
		config_complain(&reading->at, "'%s' is neither [SECTION] nor KEY=VALUE",
				reading->line);
		return 1;
	}
	rest++;
	while (is_blank(*rest))
		rest++;
	if (strcmp(rest, value) != 0) {
		config_complain(&reading->at,
				"the inih of this system reads only '%s': write \\x3b for ';' "
				"after a blank",
				value);
		return 1;
	}
	reading->calls->key(reading->user, &reading->at, key, value);
	return 1;
}

static bool
has_nul(const char *text, size_t len, const struct config_place *at)
{
	struct config_place there = *at;
	const char *nul = memchr(text, '\0', len);

	if (!nul)
		return false;
	there.line = 1;
	for (const char *c = text; c < nul; c++)
		there.line += *c == '\n';
	config_complain(&there, "a NUL byte: this is no text file");
	return true;
}

void
config_lines_parse(const char *text, size_t len, const struct config_place *at,
		   const struct config_lines *calls, void *user)
{
	struct reading *reading;

	if (has_nul(text, len, at))
		return;
	reading = malloc(sizeof(*reading));
	if (!reading) {
		config_no_memory(at);
		return;
	}
	reading->calls = calls;
	reading->user = user;
	reading->at = *at;
	reading->text = text;
	reading->end = text + len;
	reading->n_lines = 0;
	reading->expects_key = false;
#if HAVE_DECL_INI_ALLOW_INLINE_COMMENTS
	ini_use_stack = false;
	ini_initial_alloc = LINE_BYTES_MAX + 2;
	ini_max_line = LINE_BYTES_MAX + 2;
	ini_allow_inline_comments = false;
#endif
	if (ini_parse_stream(read_line, reading, take_key, reading) == -2)
		config_no_memory(at);
	miss_key(reading);
	free(reading);
}
