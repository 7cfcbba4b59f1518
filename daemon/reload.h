#pragma once

/* Reload - read the configuration again, and change only what changed */

#include <stdbool.h>

#include "daemon/config/config.h"

/** reload_open() - @file: what to read, as config_load() takes it; @config: taken over */
void reload_open(const char *file, struct config *config);
void reload_close(void);

/** reload_config() - the configuration in force. Control thread. */
const struct config *reload_config(void);

/** reload_running() - is one under way? */
bool reload_running(void);

/**
 * reload() - begin; the control thread is not held up
 * @done: called once, in the control thread, with a status of HTTP and a JSON body, which is its to
 *        free(); NULL: nobody wants to know
 */
void reload(void (*done)(void *arg, int status, char *body), void *arg);

/** reload_again() - reload once more after the one that is under way. Control thread. */
void reload_again(void);

/** reload_cancel() - the daemon stops: what is being read changes nothing any more. Control thread. */
void reload_cancel(void);
