#pragma once

/*
 * Server - HTTP/1.1 with JSON on a Unix socket, by libmicrohttpd, in the control thread
 *
 * Every GET is answered from what others have published. A request that changes something is handed
 * on, and its connection suspended until the answer or a time-out of our own.
 */

#include <stddef.h>
#include <stdint.h>

/* What the daemon does for requests that are not about one task. */
struct server_hooks {
	/* POST /v1/reload: calls done(arg, status, body) once, in the control thread. */
	void (*reload)(void (*done)(void *arg, int status, char *body), void *arg);
	const char *(*state)(void); /* "starting", "running", "reloading", "stopping" */
	const char *config_file;    /* or NULL */
	unsigned silence_s;         /* a connection that is silent so long is closed; 0: 10 */
};

/**
 * server_open() - listen
 * @path:  of the socket; NULL: the default places (CORUN_SOCKET, /run/corun/control.sock for root,
 *         $XDG_RUNTIME_DIR/corun/control.sock). A stale socket is replaced, a live daemon's never.
 * @fd:    a listening socket that systemd made; -1: none
 * @hooks: borrowed until server_close()
 * @fault: a sentence for people on failure
 *
 * After loop_open(). It watches the events (events_watch()).
 * Return: 0; -EADDRINUSE: another daemon lives there; -ENAMETOOLONG; -ENOENT: no writable place; ...
 */
int server_open(const char *path, int fd, const struct server_hooks *hooks, char *fault,
		size_t fault_size);

/** server_path() - where it listens; NULL: nowhere */
const char *server_path(void);

/** server_started_us() - when, in microseconds since 1970; _ns: in the time of corun_now() */
uint64_t server_started_us(void);
uint64_t server_started_ns(void);

/** server_close() - answer nothing any more, remove the socket */
void server_close(void);
