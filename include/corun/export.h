#pragma once

/* What is marked so is exported by libcorun.so; all else is hidden. */

#if defined(__GNUC__)
#define CORUN_EXPORT __attribute__((visibility("default")))
#else
#define CORUN_EXPORT
#endif
