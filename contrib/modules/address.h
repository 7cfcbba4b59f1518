#pragma once

/* Address - "HOST:PORT", "[::1]:PORT", ":PORT", "unix:PATH" to sockets */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <corun/context.h>

enum { ADDRESS_TEXT_BYTES = 300 };

/** As corun_module_option.check. */
int address_check(const char *value, char *why, size_t size);

/**
 * address_listen() - a socket that listens there
 * @ret_name: where it does, with the port that the kernel chose for port 0
 *
 * ":PORT" is all addresses, IPv4 too. The file of a Unix socket is replaced if nobody listens on
 * it any more. Context: coroutine.
 * Return: a descriptor for corun_close(); a negative errno; -EADDRNOTAVAIL: no such host.
 */
int address_listen(const char *address, char ret_name[ADDRESS_TEXT_BYTES]);

/** address_unlink() - remove the file of a Unix socket after the end; else nothing */
void address_unlink(const char *address);

/**
 * address_connect() - a connection to it
 * All addresses of a host are tried in turn. Context: coroutine.
 * Return: as above; what @ctx was cancelled with.
 */
int address_connect(const char *address, struct corun_context *ctx);
