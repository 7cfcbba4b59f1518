#include "daemon/config/words.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t
config_words_count(char *const *words)
{
	size_t n = 0;

	while (words && words[n])
		n++;
	return n;
}

bool
config_words_same(char *const *a, char *const *b)
{
	size_t n = config_words_count(a);

	if (n != config_words_count(b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

void
config_words_free(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

int
config_words_add(char ***words, char *word)
{
	size_t n = config_words_count(*words);
	char **more = word ? reallocarray(*words, n + 2, sizeof(*more)) : NULL;

	if (!more) {
		free(word);
		return -ENOMEM;
	}
	more[n] = word;
	more[n + 1] = NULL;
	*words = more;
	return 0;
}

/* ---- taking apart --------------------------------------------------------------------------- */

struct split {
	const char *text; /* the whole value */
	const char *next; /* what is to be read */
	char *out;        /* the word so far; large enough for the whole value */
	size_t len;
	const char *key;
	const struct config_place *at;
};

static unsigned
column(const struct split *split, const char *where)
{
	return (unsigned) (where - split->text) + 1;
}

/* One character of Unicode as UTF-8, which is never longer than its escape. */
static void
put_unicode(struct split *split, uint32_t c)
{
	char *out = split->out + split->len;

	if (c < 0x80) {
		out[0] = (char) c;
		split->len += 1;
	} else if (c < 0x800) {
		out[0] = (char) (0xc0 | c >> 6);
		out[1] = (char) (0x80 | (c & 0x3f));
		split->len += 2;
	} else if (c < 0x10000) {
		out[0] = (char) (0xe0 | c >> 12);
		out[1] = (char) (0x80 | (c >> 6 & 0x3f));
		out[2] = (char) (0x80 | (c & 0x3f));
		split->len += 3;
	} else {
		out[0] = (char) (0xf0 | c >> 18);
		out[1] = (char) (0x80 | (c >> 12 & 0x3f));
		out[2] = (char) (0x80 | (c >> 6 & 0x3f));
		out[3] = (char) (0x80 | (c & 0x3f));
		split->len += 4;
	}
}

/* @n digits to the base @base, all of them. Returns false if there are fewer. */
static bool
read_digits(const char *text, unsigned n, unsigned base, uint32_t *ret)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < n; i++) {
		char c = text[i];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned) (c - '0');
		else if (isxdigit((unsigned char) c))
			digit = (unsigned) (tolower((unsigned char) c) - 'a') + 10;
		else
			return false;
		if (digit >= base)
			return false;
		value = value * base + digit;
	}
	*ret = value;
	return true;
}

/* At a backslash. */
static int
take_escape(struct split *split)
{
	static const char names[] = "abfnrtvs\\\"';", values[] = "\a\b\f\n\r\t\v \\\"';";
	const char *at = split->next + 1, *known = *at ? strchr(names, *at) : NULL;
	unsigned n = 0, base = 16;
	uint32_t c = 0;

	if (known) {
		split->out[split->len++] = values[known - names];
		split->next += 2;
		return 0;
	}
	if (*at == 'x')
		n = 2;
	else if (*at == 'u')
		n = 4;
	else if (*at == 'U')
		n = 8;
	else if (*at >= '0' && *at <= '7')
		n = 3, base = 8;
	if (base == 16 && n)
		at++;
	if (n == 0 || !read_digits(at, n, base, &c))
		return config_complain(
			split->at,
			"%s=: column %u: '\\%.1s' begins no character; write \\\\ for a backslash",
			split->key, column(split, split->next), split->next + 1);
	if (c == 0)
		return config_complain(split->at, "%s=: column %u: a NUL cannot be part of a word",
				       split->key, column(split, split->next));
	if ((n >= 4 && (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))) || (n == 3 && c > 0xff))
		return config_complain(split->at, "%s=: column %u: there is no such character",
				       split->key, column(split, split->next));
	if (n >= 4)
		put_unicode(split, c);
	else
		split->out[split->len++] = (char) c;
	split->next = at + n;
	return 0;
}

/* The next word; at least one character of it is there. */
static int
take_word(struct split *split)
{
	const char *quote = NULL;

	split->len = 0;
	for (; *split->next != '\0'; split->next++) {
		char c = *split->next;

		if (c == '\\') {
			int r = take_escape(split);

			if (r < 0)
				return r;
			split->next--;
		} else if (quote && c == *quote) {
			quote = NULL;
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = split->next;
		} else if (!quote && isspace((unsigned char) c)) {
			break;
		} else {
			split->out[split->len++] = c;
		}
	}
	split->out[split->len] = '\0';
	if (quote)
		return config_complain(split->at, "%s=: column %u: the quote %c is never closed",
				       split->key, column(split, quote), *quote);
	return 0;
}

int
config_words_split(const char *text, const char *key, const struct config_place *at, char ***words)
{
	struct split split = { .text = text, .next = text, .key = key, .at = at };
	const char *begin;
	int r = 0;

	split.out = malloc(strlen(text) + 1);
	if (!split.out)
		return config_no_memory(at);
	for (;;) {
		while (isspace((unsigned char) *split.next))
			split.next++;
		if (*split.next == '\0')
			break;
		begin = split.next;
		r = take_word(&split);
		if (r >= 0 && split.next == begin + 1 && *begin == ';')
			r = config_complain(
				at,
				"%s=: column %u: only one command; write \\; for a ';' of its own",
				key, column(&split, begin));
		if (r < 0)
			break;
		r = config_words_add(words, strdup(split.out));
		if (r < 0) {
			config_no_memory(at);
			break;
		}
	}
	free(split.out);
	return r;
}

/* ---- putting together ----------------------------------------------------------------------- */

void
config_word_print(const char *word, FILE *out)
{
	bool quotes = *word == '\0' || strcmp(word, ";") == 0;

	for (const char *c = word; *c != '\0'; c++)
		quotes |= isspace((unsigned char) *c) || strchr("'\"\\", *c);
	if (quotes)
		putc('"', out);
	for (const char *c = word; *c != '\0'; c++) {
		if (*c == '\n')
			fputs("\\n", out);
		else if (*c == '\t')
			fputs("\\t", out);
		else if ((unsigned char) *c < ' ' || *c == '\x7f')
			fprintf(out, "\\x%02x", (unsigned char) *c);
		else if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else
			putc(*c, out);
	}
	if (quotes)
		putc('"', out);
}

void
config_words_print(char *const *words, FILE *out)
{
	for (size_t i = 0; words && words[i]; i++) {
		if (i > 0)
			putc(' ', out);
		config_word_print(words[i], out);
	}
}
