#include "daemon/ctl/escape.h"

#include <stdbool.h>
#include <string.h>

/* How many bytes the UTF-8 character at @s has; 0: it is none. */
static size_t
character_len(const unsigned char *s, size_t left)
{
	/* The first byte decides the length; the second one's range rules out what is too long. */
	static const struct {
		unsigned char first, last, second_min, second_max;
		size_t len;
	} kinds[] = {
		{ 0x00, 0x7f, 0x00, 0xff, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		if (s[0] < kinds[k].first || s[0] > kinds[k].last)
			continue;
		if (kinds[k].len > left)
			return 0;
		if (kinds[k].len > 1 && (s[1] < kinds[k].second_min || s[1] > kinds[k].second_max))
			return 0;
		for (size_t i = 2; i < kinds[k].len; i++)
			if ((s[i] & 0xc0) != 0x80)
				return 0;
		return kinds[k].len;
	}
	return 0;
}

static bool
is_control(const unsigned char *s, size_t len)
{
	return s[0] < ' ' || s[0] == 0x7f || (len == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

/* @as_is: characters that are neither escaped nor doubled. Return: how many columns it fills. */
static size_t
escape(FILE *out, const char *text, size_t size, const char *as_is)
{
	const unsigned char *s = (const unsigned char *) text;
	size_t width = 0;

	while (size > 0) {
		size_t len = character_len(s, size);
		size_t step = len ? len : 1;

		if (*s != '\0' && strchr(as_is, *s) != NULL) {
			width++;
			if (out)
				putc(*s, out);
		} else if (len == 0 || is_control(s, len)) {
			width += 4 * step;
			for (size_t i = 0; out && i < step; i++)
				fprintf(out, "\\%03o", s[i]);
		} else {
			width += *s == '\\' ? 2 : 1;
			if (out && *s == '\\')
				putc('\\', out);
			if (out)
				fwrite(s, 1, len, out);
		}
		s += step;
		size -= step;
	}
	return width;
}

void
escape_line(FILE *out, const char *text)
{
	escape(out, text, strlen(text), "");
}

void
escape_output(FILE *out, const char *text, size_t size)
{
	escape(out, text, size, "\n\t\\");
}

size_t
escape_width(const char *text)
{
	return escape(NULL, text, strlen(text), "");
}
