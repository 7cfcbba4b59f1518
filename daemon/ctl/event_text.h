#pragma once

/* Event text - a line of GET /v1/events, for people */

#include <jansson.h>
#include <stdio.h>

/** event_print() - "12  2026-11-24 12:00:01  task nginx: starting -> running, process 123" */
void event_print(FILE *out, const json_t *event);
