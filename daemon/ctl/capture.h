#pragma once

#include <corun/cpu.h>

/**
 * capture() - save the files that decided, as a tar file that --root reads back once unpacked
 * @root: where they are read from; NULL for /
 * @file: its name, or "-" for stdout; replaced as a whole or not at all
 *
 * Return: an exit code; says on stderr what went wrong.
 */
int capture(const struct corun_cpu_view *view, const char *root, const char *file);
