#include "daemon/report/text_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The character that stands for a byte that is none. */
#define REPLACEMENT "\xef\xbf\xbd"

/* How many bytes the UTF-8 character at @s has; 0: it is none. jansson is the judge. */
static size_t
character_len(const char *s, size_t left)
{
	for (size_t len = 1; len <= 4 && len <= left; len++) {
		json_t *character = json_stringn(s, len);

		if (character) {
			json_decref(character);
			return len;
		}
	}
	return 0;
}

static json_t *
replaced(const char *s)
{
	size_t left = strlen(s), n = 0;
	char *valid = malloc(left * strlen(REPLACEMENT) + 1);
	json_t *value;

	if (!valid)
		return NULL;
	while (left > 0) {
		size_t len = character_len(s, left);

		memcpy(valid + n, len ? s : REPLACEMENT, len ? len : strlen(REPLACEMENT));
		n += len ? len : strlen(REPLACEMENT);
		s += len ? len : 1;
		left -= len ? len : 1;
	}
	value = json_stringn(valid, n);
	free(valid);
	return value;
}

json_t *
text_json(const char *s)
{
	json_t *value;

	if (!s)
		return json_null();
	value = json_string(s);
	return value ? value : replaced(s);
}

json_int_t
number_json(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (json_int_t) n;
}

json_t *
time_json(uint64_t us)
{
	time_t seconds = (time_t) (us / 1000000);
	struct tm tm;
	char date[24] = "", whole[40];

	if (us == 0)
		return json_null();
	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(whole, sizeof(whole), "%s.%03uZ", date, (unsigned) (us / 1000 % 1000));
	return json_string(whole);
}

uint64_t
realtime_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

json_t *
now_json(void)
{
	return time_json(realtime_us());
}
