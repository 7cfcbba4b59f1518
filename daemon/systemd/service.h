#pragma once

/*
 * Service - the daemon under systemd: READY, STATUS, RELOADING, STOPPING, watchdog, sockets
 *
 * Without libsystemd, or not under systemd, these do nothing. Control thread.
 */

#include <stdbool.h>

/** service_listen_fd() - the listening control socket that systemd passed, or -1. Once, at start. */
int service_listen_fd(void);

/** service_ready() - READY=1 with @status */
void service_ready(const char *status);

/** service_status() - STATUS=, if it is another one than the last */
void service_status(const char *status);

/** service_reloading() - RELOADING=1 and MONOTONIC_USEC= in one datagram; service_ready() follows */
void service_reloading(void);

/** service_stopping() - STOPPING=1 */
void service_stopping(void);

/**
 * service_watchdog() - ping at half of WatchdogSec=, as long as everything moves
 *
 * That is: the monitor has ticked, the governor has looked, and each worker was idle, has switched
 * or was handed off since the last ping.
 */
void service_watchdog(void);

/** service_close() - no more pings; the runtime is about to stop */
void service_close(void);
