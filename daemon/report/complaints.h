#pragma once

/* Complaints - what could not be read, as sentences */

#include <stdio.h>

#include <corun/cpu.h>

/**
 * complaints_print() - a line each for what did not count, and why; nothing if all was well
 * @prefix: stands before each line
 * @env_error: what CORUN_WORKERS holds if that is malformed, else NULL
 */
void complaints_print(FILE *out, const char *prefix, const char *env_error,
		      const struct corun_cpu_view *view);

/** complaints_of_level() - the line for one level */
void complaints_of_level(FILE *out, const char *prefix, const struct corun_cpu_level *level);
