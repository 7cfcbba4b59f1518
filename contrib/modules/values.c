#include "contrib/modules/values.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 1000000 };
#define SPAN_NS_MAX (UINT64_C(100) * 365 * 24 * 3600 * UINT64_C(1000000000))

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "", UINT64_C(1000000000) },      { "ms", UINT64_C(1000000) },
	{ "s", UINT64_C(1000000000) },     { "sec", UINT64_C(1000000000) },
	{ "min", UINT64_C(60000000000) },  { "h", UINT64_C(3600000000000) },
	{ "d", UINT64_C(86400000000000) },
};

static uint64_t
unit_ns(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == len && memcmp(units[i].name, name, len) == 0)
			return units[i].ns;
	return 0;
}

/* One number with its unit at *@at, which moves behind it. */
static bool
one_span(const char **at, uint64_t *ret_ns)
{
	const char *unit;
	char *end;
	unsigned long long n;
	uint64_t ns;

	if (!isdigit((unsigned char) **at))
		return false;
	n = strtoull(*at, &end, 10);
	for (unit = end; isalpha((unsigned char) *end);)
		end++;
	ns = unit_ns(unit, (size_t) (end - unit));
	if (ns == 0 || n > SPAN_NS_MAX / ns)
		return false;
	*ret_ns = n * ns;
	*at = end + strspn(end, " \t");
	return true;
}

bool
value_span(const char *value, uint64_t *ret_ns)
{
	uint64_t sum = 0, ns;

	if (strcmp(value, "infinity") == 0) {
		*ret_ns = UINT64_MAX;
		return true;
	}
	do {
		if (!one_span(&value, &ns) || ns > SPAN_NS_MAX - sum)
			return false;
		sum += ns;
	} while (*value != '\0');
	*ret_ns = sum;
	return true;
}

bool
value_count(const char *value, unsigned *ret)
{
	char *end;
	unsigned long n;

	if (!isdigit((unsigned char) value[0]))
		return false;
	n = strtoul(value, &end, 10);
	if (*end != '\0' || n < 1 || n > COUNT_MAX)
		return false;
	*ret = (unsigned) n;
	return true;
}

bool
value_yes(const char *value)
{
	return strcmp(value, "yes") == 0;
}

/* ---- checks ---------------------------------------------------------------------------------- */

int
value_check_span(const char *value, char *why, size_t size)
{
	uint64_t ns;

	if (value_span(value, &ns))
		return 0;
	snprintf(why, size,
		 "is no time; 30 (seconds), 250ms, 5min, 1h 30min, 1d or infinity would be");
	return -1;
}

int
value_check_count(const char *value, char *why, size_t size)
{
	unsigned n;

	if (value_count(value, &n))
		return 0;
	snprintf(why, size, "is no number from 1 to %d", COUNT_MAX);
	return -1;
}

int
value_check_yes(const char *value, char *why, size_t size)
{
	if (value_yes(value) || strcmp(value, "no") == 0)
		return 0;
	snprintf(why, size, "is neither yes nor no");
	return -1;
}
