#pragma once

/* Lines - from the text of a file to its sections and keys */

#include <stddef.h>

#include "daemon/config/complain.h"

struct config_lines {
	/* "[NAME]"; @at has the line */
	void (*section)(void *user, const struct config_place *at, const char *name);
	/* "KEY = VALUE", blanks around both gone; @value may be "" */
	void (*key)(void *user, const struct config_place *at, const char *key, const char *value);
};

/**
 * config_lines_parse() - call @calls for each section and key of @text
 * @at: errors, and the file's name for them
 *
 * Empty lines and those that begin with '#' or ';' are left out. A backslash at the end joins the
 * next line, with a space; a comment in between is left out. Nothing else is a comment. What is
 * none of it is an error, and so are a line of more than 64 KiB, a NUL, and control characters but
 * tabs.
 */
void config_lines_parse(const char *text, size_t len, const struct config_place *at,
			const struct config_lines *calls, void *user);
