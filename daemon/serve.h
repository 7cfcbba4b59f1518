#pragma once

/* Serve - the life of the daemon: start everything in order, run the loop, stop in reverse */

#include "daemon/config/config.h"

struct serve_options {
	const char *config_file; /* as on the command line; NULL: the default place */
	const char *socket;      /* NULL: the configuration's, else the default places */
	const char *root;        /* a folder that stands for the kernel; NULL: "/" */
	unsigned cpus;           /* 0: ask the kernel */
};

/* Exit codes of corund. */
enum {
	EXIT_DONE = 0,
	EXIT_BROKEN = 1, /* it could not be done; stderr says why */
	EXIT_WRONG_USAGE = 2,
	EXIT_WRONG_CONFIG = 78, /* EX_CONFIG of sysexits.h */
};

/**
 * serve() - be the daemon until SIGTERM or SIGINT
 * @config: taken over
 * Return:  an exit code.
 */
int serve(const struct serve_options *options, struct config *config);
