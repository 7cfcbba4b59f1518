#pragma once

/* Where something is wrong, and saying so */

#include "daemon/config/config.h"

struct config_place {
	struct config_errors *errors;
	const char *file; /* NULL: no file, but the command line, the environment ... */
	unsigned line;    /* 0: the file as a whole */
};

/**
 * config_complain() - add an error at @at
 * The text is made fit for a line of a terminal, and for JSON: control characters and bytes that are
 * no UTF-8 become '?', and what is longer than a few lines is cut.
 * Return: -EINVAL, always
 */
int config_complain(const struct config_place *at, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** config_note() - add what a person should know, but nothing is refused for */
void config_note(const struct config_place *at, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** config_no_memory() - say that some of it is missing. Return: -ENOMEM */
int config_no_memory(const struct config_place *at);
