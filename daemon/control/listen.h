#pragma once

/* Listen - the control socket: where it is, that it is ours alone, and that nothing is left of it */

#include <stddef.h>

struct listener {
	int fd;
	int lock_fd;    /* -1: none, the socket was given */
	char path[108]; /* of the socket */
};

/**
 * listen_open() - make the socket
 * @path: NULL: the default places
 * @fault: a sentence on failure
 * Return: 0 or -errno, as server_open().
 */
int listen_open(struct listener *listener, const char *path, char *fault, size_t fault_size);

/** listen_take() - use @fd, a listening Unix socket that somebody else made. 0 or -errno. */
int listen_take(struct listener *listener, int fd, char *fault, size_t fault_size);

/** listen_close() - remove socket and lock file, unless they were given; the descriptor is closed by
 * whoever took it over */
void listen_close(struct listener *listener);
