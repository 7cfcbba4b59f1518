#pragma once

/*
 * Events - what happened, for GET /v1/events
 *
 * The control thread (daemon/control/events.c) numbers them, keeps the last ones and streams them.
 */

#include <jansson.h>

/**
 * event_emit() - tell of something that happened
 * @name:   "workers", "task", "resize-action", "config", "daemon"; static storage
 * @fields: an object, to which "n", "time" and "event" are added; its reference is taken. NULL (no
 *          memory) is left out and counted.
 *
 * Context: any thread or coroutine; never waits. @fields must not be touched by the caller any more.
 */
void event_emit(const char *name, json_t *fields);
