#pragma once

#include "daemon/ctl/cpu_show.h"

/**
 * capture() - save the files that decided, as a tar file that --root reads back once unpacked
 * @shown: what was seen; files of all its levels are saved
 * @file: a name, or "-" for stdout; replaced as a whole or not at all
 *
 * Return: an exit code; says on stderr what went wrong.
 */
int capture(const struct shown *shown, const char *file);
