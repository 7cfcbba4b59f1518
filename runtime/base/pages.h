#pragma once

/*
 * Pages - memory for the runtime that takes no lock of libc
 *
 * Between entry and exit the runtime must not call malloc: a coroutine may hold malloc's lock in
 * a thread that does not run. What the runtime needs there comes from here: blocks of a power of
 * two, cut from mappings of their own, zeroed on return, never given back to the kernel before
 * the process ends (they are few: workers, threads, descriptors, heaps of timers).
 */

#include <stddef.h>

/**
 * pages_alloc() - a block of at least @bytes, zeroed, aligned to 64 or to its size if smaller
 * Return: NULL when the kernel gives no memory. Context: any thread; takes a leaf lock.
 */
void *pages_alloc(size_t bytes);

/** pages_free() - @bytes as given to pages_alloc(); NULL is fine */
void pages_free(void *block, size_t bytes);
