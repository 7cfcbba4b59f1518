#pragma once

/* When - the daemon's times, for people; local time */

#include <stddef.h>

enum { WHEN_SIZE = 64 };

/**
 * when_text() - "2026-11-24 12:00:01"
 * @time: as the daemon gives it, "2026-11-24T11:00:01.123Z"
 * Return: @ret; what cannot be read is given back as it came, NULL as "-".
 */
const char *when_text(const char *time, char ret[static WHEN_SIZE]);

/** when_short() - "12:00:01" if that was today, else "2026-11-23 18:00" */
const char *when_short(const char *time, char ret[static WHEN_SIZE]);

/** when_distance() - how far @time is from now: "3m4s"; "" if it cannot be read */
const char *when_distance(const char *time, char ret[static WHEN_SIZE]);

/** when_duration() - "12s", "3m4s", "2h5m" or "3d4h" */
const char *when_duration(double seconds, char ret[static WHEN_SIZE]);
