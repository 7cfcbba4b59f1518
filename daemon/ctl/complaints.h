#pragma once

/* Complaints - what could not be read, as sentences */

#include <stdio.h>

#include <corun/cpu.h>

#include "daemon/ctl/look_options.h"

/**
 * complaints_print() - a line each for what did not count, and why; nothing if all was well
 * @prefix: stands before each line
 */
void complaints_print(FILE *out, const char *prefix, const struct look_options *options,
		      const struct corun_cpu_view *view);
