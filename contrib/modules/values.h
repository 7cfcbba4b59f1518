#pragma once

/* Values - the words that the modules here take for times, numbers and yes or no */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** As corun_module_option.check; the values below are right only if these say so. */
int value_check_span(const char *value, char *why, size_t size);
int value_check_count(const char *value, char *why, size_t size);
int value_check_yes(const char *value, char *why, size_t size);

/**
 * value_span() - "90", "1h 30min", "250ms" to nanoseconds; UINT64_MAX: "infinity"
 * Return: false: it is none of these, or longer than a hundred years.
 */
bool value_span(const char *value, uint64_t *ret_ns);

/** value_count() - a whole number from 1 to a million. Return: false: it is none. */
bool value_count(const char *value, unsigned *ret);

/** value_yes() - is it "yes"? (Otherwise it is "no".) */
bool value_yes(const char *value);
