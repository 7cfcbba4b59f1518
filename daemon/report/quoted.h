#pragma once

#include <stdio.h>

/**
 * quoted_print() - print a text that others made so that it stays on its line
 *
 * Names of cgroups and values of variables may hold anything. Control characters, which could
 * end the line or command a terminal, become three octal digits, "\033", and a backslash two.
 */
void quoted_print(FILE *out, const char *text);
