#pragma once

#include <stddef.h>

/**
 * nearest() - the name that was probably meant
 * Return: the one of @names with the fewest typing errors, or NULL if each has too many.
 */
const char *nearest(const char *word, const char *const *names, size_t n);
