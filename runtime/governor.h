#pragma once

/*
 * Governor - keeps the pool at the size that the quota asks for
 *
 * A plain thread of its own: reading a file of the kernel can hang, and must not stop the monitor.
 */

#include <stdint.h>

#include <corun/runtime.h>

/** governor_open() - look for the first time. @ret_workers: the size to start with. 0 or -errno. */
int governor_open(const struct corun_options *options, unsigned *ret_workers);

/**
 * governor_start() - tell what the first look gave, and begin to look again each second
 *
 * After governor_open(), with the pool at its size.
 */
int governor_start(void);

/**
 * governor_stop() - end the thread, if it runs, and forget what was opened
 *
 * Who waits for a look goes on without one.
 */
void governor_stop(void);

/** governor_tell() - somebody else changed the size: on_look shall be called. Any thread. */
void governor_tell(void);

/**
 * governor_set_policy() - replace the configuration's bounds, rounding and pin
 *
 * They count from the next look on. Inside the runtime, as is the next one.
 */
void governor_set_policy(const struct corun_cpu_policy *policy);

/** governor_forget_pins() - neither CORUN_WORKERS nor the configuration pins the size any more */
void governor_forget_pins(void);

/**
 * governor_look_now() - wait for a look that began after this call, and was acted upon and told
 *
 * Returns without one when the governor is stopped meanwhile.
 */
void governor_look_now(void);

/* Looks so far; for the pulse. */
extern _Atomic uint64_t governor_ticks;
