#pragma once

/*
 * Futex - sleep on a word, wake who sleeps on it
 *
 * Raw system calls: no errno is left behind, no libc lock is taken.
 */

#include <stdatomic.h>
#include <stdint.h>

/**
 * futex_wait() - sleep while *@word is @value
 * @deadline_ns: CLOCK_MONOTONIC; UINT64_MAX for none
 *
 * Return: 0 (woken, or a spurious return), -EAGAIN (the word differs), -ETIMEDOUT, -EINTR. In each
 *         case the caller looks at the word again.
 */
int futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t deadline_ns);

/** futex_wake() - wake at most @n sleepers. Async-signal-safe. */
void futex_wake(_Atomic uint32_t *word, int n);
