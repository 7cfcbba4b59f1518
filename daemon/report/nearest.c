#include "daemon/report/nearest.h"

#include <string.h>

enum { LENGTH_MAX = 63 };

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance, one row at a time. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[LENGTH_MAX + 1];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned) j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned) i + 1;
		for (size_t j = 0; j < n; j++) {
			unsigned change = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = least(change, least(row[j], diagonal) + 1);
		}
	}
	return row[n];
}

const char *
nearest(const char *word, const char *const *names, size_t n)
{
	const char *found = NULL;
	unsigned fewest = 3;

	if (strlen(word) > LENGTH_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned errors = distance(word, names[i]);

		if (errors < fewest && errors < strlen(names[i])) {
			fewest = errors;
			found = names[i];
		}
	}
	return found;
}
