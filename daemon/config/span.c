/* Time spans and signals, as systemd spells them */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/value.h"

struct unit {
	const char *name;
	uint64_t ns;
};

#define SECOND UINT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* The first of each size is the one that is printed. A year is 365.25 days, a month 30.44. */
static const struct unit units[] = {
	{ "y", DAY * 36525 / 100 },
	{ "years", DAY * 36525 / 100 },
	{ "year", DAY * 36525 / 100 },
	{ "M", DAY * 3044 / 100 },
	{ "months", DAY * 3044 / 100 },
	{ "month", DAY * 3044 / 100 },
	{ "w", 7 * DAY },
	{ "weeks", 7 * DAY },
	{ "week", 7 * DAY },
	{ "d", DAY },
	{ "days", DAY },
	{ "day", DAY },
	{ "h", HOUR },
	{ "hours", HOUR },
	{ "hour", HOUR },
	{ "hr", HOUR },
	{ "min", MINUTE },
	{ "minutes", MINUTE },
	{ "minute", MINUTE },
	{ "m", MINUTE },
	{ "s", SECOND },
	{ "seconds", SECOND },
	{ "second", SECOND },
	{ "sec", SECOND },
	{ "ms", SECOND / 1000 },
	{ "msec", SECOND / 1000 },
	{ "us", 1000 },
	{ "µs", 1000 },
	{ "usec", 1000 },
	{ "ns", 1 },
	{ "nsec", 1 },
};

/* The unit that @text begins with; none is a second. Advances @text. NULL: no unit is called so. */
static const struct unit *
take_unit(const char **text)
{
	static const struct unit none = { "", SECOND };
	size_t len = strcspn(*text, " \t.0123456789");

	if (len == 0)
		return **text == '.' ? NULL : &none;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == len && strncmp(units[i].name, *text, len) == 0) {
			*text += len;
			return &units[i];
		}
	return NULL;
}

/* Digits, and up to nine more behind a point. Advances @text. */
static int
take_number(const char **text, uint64_t *whole, uint64_t *billionths)
{
	uint64_t scale = SECOND;
	char *end;

	if (!isdigit((unsigned char) **text))
		return -EINVAL;
	errno = 0;
	*whole = strtoull(*text, &end, 10);
	if (errno)
		return -ERANGE;
	*billionths = 0;
	if (*end == '.') {
		end++;
		if (!isdigit((unsigned char) *end))
			return -EINVAL;
		for (; isdigit((unsigned char) *end); end++) {
			scale /= 10;
			*billionths += (uint64_t) (*end - '0') * scale;
		}
	}
	*text = end;
	return 0;
}

static void
skip_blanks(const char **text)
{
	while (isspace((unsigned char) **text))
		++*text;
}

int
config_parse_span(const char *text, uint64_t *ret_ns)
{
	uint64_t sum = 0;

	if (strcmp(text, "infinity") == 0) {
		*ret_ns = UINT64_MAX;
		return 0;
	}
	do {
		uint64_t whole, billionths, ns;
		const struct unit *unit;
		int r;

		r = take_number(&text, &whole, &billionths);
		if (r < 0)
			return r;
		skip_blanks(&text);
		unit = take_unit(&text);
		if (!unit)
			return -EINVAL;
		ns = (uint64_t) ((unsigned __int128) unit->ns * billionths / SECOND);
		if (__builtin_mul_overflow(whole, unit->ns, &whole) ||
		    __builtin_add_overflow(sum, whole, &sum) ||
		    __builtin_add_overflow(sum, ns, &sum) || sum == UINT64_MAX)
			return -ERANGE;
		skip_blanks(&text);
	} while (*text != '\0');
	*ret_ns = sum;
	return 0;
}

void
config_print_span(uint64_t ns, FILE *out)
{
	static const struct unit printed[] = {
		{ "d", DAY },    { "h", HOUR },           { "min", MINUTE },
		{ "s", SECOND }, { "ms", SECOND / 1000 }, { "us", 1000 },
		{ "ns", 1 },
	};
	const char *between = "";

	if (ns == UINT64_MAX)
		fputs("infinity", out);
	else if (ns == 0)
		fputs("0s", out);
	for (size_t i = 0; ns != UINT64_MAX && i < sizeof(printed) / sizeof(printed[0]); i++) {
		if (ns < printed[i].ns)
			continue;
		fprintf(out, "%s%" PRIu64 "%s", between, ns / printed[i].ns, printed[i].name);
		ns %= printed[i].ns;
		between = " ";
	}
}

/* A whole number of digits alone, up to @most. */
static int
parse_small(const char *text, int most)
{
	char *end;
	long number;

	if (!isdigit((unsigned char) *text))
		return -EINVAL;
	errno = 0;
	number = strtol(text, &end, 10);
	return errno || *end != '\0' || number > most ? -EINVAL : (int) number;
}

int
config_parse_signal(const char *text)
{
	int number = parse_small(text, SIGRTMAX);

	if (number >= 0)
		return number > 0 ? number : -EINVAL;
	if (strncmp(text, "SIG", 3) == 0)
		text += 3;
	for (int i = 1; i < SIGRTMIN; i++)
		if (sigabbrev_np(i) && strcmp(sigabbrev_np(i), text) == 0)
			return i;
	if (strcmp(text, "RTMIN") == 0)
		return SIGRTMIN;
	if (strcmp(text, "RTMAX") == 0)
		return SIGRTMAX;
	if (strncmp(text, "RTMIN+", 6) == 0 &&
	    (number = parse_small(text + 6, SIGRTMAX - SIGRTMIN)) >= 0)
		return SIGRTMIN + number;
	if (strncmp(text, "RTMAX-", 6) == 0 &&
	    (number = parse_small(text + 6, SIGRTMAX - SIGRTMIN)) >= 0)
		return SIGRTMAX - number;
	return -EINVAL;
}
