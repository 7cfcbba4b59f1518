#pragma once

/* Worker text - the object of GET /v1/workers, for people */

#include <jansson.h>
#include <stdio.h>

/** workers_fault() - what is missing in it; NULL: it is what the protocol says */
const char *workers_fault(const json_t *workers);

/** workers_print() - "3 workers: the quota allows 2.3 of 8 CPUs", without a newline */
void workers_print(FILE *out, const json_t *workers);

/** workers_because() - only the part after the colon, for an event, too */
void workers_because(FILE *out, const json_t *workers);
