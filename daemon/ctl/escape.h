#pragma once

/*
 * Escape - texts that others made, so that they cannot command the terminal
 *
 * Names of tasks, error sentences and the output of processes may hold anything. Control characters
 * (those of ASCII, and U+0080 to U+009F) and bytes that are no UTF-8 become three octal digits for
 * each byte, as in "\033".
 */

#include <stddef.h>
#include <stdio.h>

/** escape_line() - so that it stays on its line: newlines and tabs, too, and a backslash is two */
void escape_line(FILE *out, const char *text);

/** escape_output() - newlines, tabs and backslashes are printed as they are */
void escape_output(FILE *out, const char *text, size_t size);

/** escape_width() - how many columns escape_line() fills, if each character takes one */
size_t escape_width(const char *text);
