#pragma once

/* Peer - who is at the other end of a Unix socket, and what that user may do */

#include <stdbool.h>
#include <sys/types.h>

/** peer_may_change() - root and the daemon's own user may change things; others only read */
bool peer_may_change(int fd, uid_t *ret_uid);
