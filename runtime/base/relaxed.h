#pragma once

/*
 * Numbers with one writer, read by anybody: relaxed, and without the locked instruction that `++`
 * on an _Atomic would be.
 */

#include <stdatomic.h>

#define relaxed_get(p)    atomic_load_explicit((p), memory_order_relaxed)
#define relaxed_add(p, n) atomic_store_explicit((p), relaxed_get(p) + (n), memory_order_relaxed)
