#pragma once

/* Levels - what cannot be read of the quota, in the log: a line for each change of it */

#include <corun/cpu.h>

/** levels_log() - compare with the look before. Context: the governor's thread. */
void levels_log(const struct corun_cpu_view *view);

/** levels_forget() - as if there had been no look */
void levels_forget(void);
