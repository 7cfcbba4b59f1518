#pragma once

/*
 * Governor - keeps the pool at the size that the quota asks for
 *
 * A plain thread of its own: reading a file of the kernel can hang, and must not stop the monitor.
 */

#include <corun/runtime.h>

/** governor_open() - look for the first time. @ret_workers: the size to start with. 0 or -errno. */
int governor_open(const struct corun_options *options, unsigned *ret_workers);

/** governor_start() - begin to look again each second; after governor_open() */
int governor_start(void);

/**
 * governor_stop() - end the thread, if it runs, and forget what was opened
 *
 * Who waits for a look goes on without one.
 */
void governor_stop(void);

/** governor_tell() - somebody else changed the size: on_resize shall be called. Any thread. */
void governor_tell(void);

/** governor_look_now() - wait for a look that began after this call, and was acted upon */
void governor_look_now(void);
