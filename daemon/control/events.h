#pragma once

/*
 * Events - the last 1,024 of them, numbered from 1; owned by the control thread
 *
 * (event_emit() is in base/event.h.)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENTS_KEPT = 1024 };

/** events_last() - the number of the latest; 0: none yet */
uint64_t events_last(void);

/** events_oldest() - the number of the oldest that is kept; 1: none yet */
uint64_t events_oldest(void);

/**
 * events_get() - event @n as a line of JSON; it ends with a newline and no NUL
 * Return: NULL: it is no longer kept (*@ret_oldest says which one is), or not there yet.
 */
const char *events_get(uint64_t n, size_t *ret_len, uint64_t *ret_oldest);

/** events_lost() - how many could not be kept for want of memory. Any thread. */
uint64_t events_lost(void);

/** events_watch() - call @fn after each new one, in the control thread; NULL: nobody */
void events_watch(void (*fn)(void));

/** events_close() - forget all of them */
void events_close(void);
