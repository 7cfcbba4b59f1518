#pragma once

/* Texts, numbers and times as JSON has them */

#include <jansson.h>
#include <stdint.h>

/**
 * text_json() - a string of any bytes; NULL gives null
 *
 * JSON is UTF-8, but paths may hold any bytes: what is no character becomes U+FFFD.
 * Return: NULL: no memory.
 */
json_t *text_json(const char *s);

/** number_json() - a counter beyond what JSON libraries can hold stays at their greatest number */
json_int_t number_json(uint64_t n);

/** time_json() - microseconds since 1970 as "2026-01-31T12:00:00.000Z"; 0 gives null */
json_t *time_json(uint64_t realtime_us);

/** now_json() - the same for now */
json_t *now_json(void);

/** realtime_us() - now, in microseconds since 1970 */
uint64_t realtime_us(void);
