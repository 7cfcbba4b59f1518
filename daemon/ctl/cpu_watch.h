#pragma once

#include <corun/cpu.h>

#include "daemon/ctl/look_options.h"

/**
 * cpu_watch() - look again and again, and show what changed
 * @seconds: between two looks
 * @json: an object on a line at the start and for each change; else lines of text, or on a
 *        terminal all of the explanation each time
 *
 * Ends with SIGINT, SIGTERM, or when nobody reads stdout any more.
 *
 * Return: an exit code
 */
int cpu_watch(struct corun_cpu *cpu, const struct look_options *options, unsigned seconds,
	      bool json);
