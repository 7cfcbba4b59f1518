/*
 * Stacks - where they come from and where they go
 *
 *     worker's cache  <->  pool of its size (dirty: touched, clean: given back)  <-  slab
 *
 * A slab is one mapping of up to 64 stacks, each with its guard below it. Slabs are never
 * unmapped: address space is cheap, and thieves of stale pointers (debuggers, profilers) meet
 * zeroes instead of a fault. The descriptor of a coroutine lies at the top of its stack, so what
 * says which stacks are free lies elsewhere: in struct stack, from pages_alloc().
 *
 * Guards: MADV_GUARD_INSTALL (Linux 6.13) keeps them in the page table at no cost in mappings.
 * They are made for a few fresh stacks at a time: one system call then costs a quarter less per
 * stack than each its own. Elsewhere mprotect(2) makes them, which splits the mapping in two; the
 * kernel allows 65,530 mappings by default, so half of them is the budget, and stacks beyond it have
 * no guard and are counted as such.
 */

#include "runtime/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "runtime/base/lock.h"
#include "runtime/base/pages.h"
#include "runtime/base/relaxed.h"
#include "runtime/base/syscall.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef PIDFD_SELF_THREAD_GROUP
#define PIDFD_SELF_THREAD_GROUP (-10001)
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

enum {
	SLAB_STACKS = 64,
	SLAB_BYTES_MAX = 256 << 20,
	CACHE_BATCH = STACK_CACHE_MAX / 2,
	FRESH_BATCH = 16, /* guards made by one call */
	FRESH_BYTES_MAX = 4 << 20,
	TRIM_MAX = 512,
};

struct pool {
	struct lock lock;
	bool ready;        /* the lists are made */
	struct list dirty; /* newest at the head */
	struct list clean;
	size_t n_dirty, n_clean;
	size_t n_dirty_least; /* the fewest dirty ones since the last trim: nobody needs those */
	struct stack *fresh;  /* the current slab's stacks not handed out yet */
	unsigned n_fresh;
};

unsigned stack_default_shift = 18;

static struct pool pools[STACK_SHIFT_MAX + 1];
static _Atomic uint64_t n_made, n_cached, n_unguarded, bytes_made;

/* Guards by mprotect(2): how many more mappings they may cost. -1: not asked yet. */
static _Atomic long guard_budget = -1;
static _Atomic bool no_guard_install, no_guards_at_once;

void
stack_cache_init(struct stack_cache *cache)
{
	list_init(&cache->free);
	atomic_store(&cache->n, 0);
}

int
stack_shift(size_t bytes)
{
	unsigned shift = STACK_SHIFT_MIN;

	while (((size_t) 1 << shift) < bytes) {
		if (++shift > STACK_SHIFT_MAX)
			return -EINVAL;
	}
	return (int) shift;
}

static long
mappings_allowed(void)
{
	char text[24] = "";
	long n = 0;
	long fd = raw_syscall6(SYS_openat, AT_FDCWD, (long) "/proc/sys/vm/max_map_count",
			       O_RDONLY | O_CLOEXEC, 0, 0, 0);

	if (fd >= 0) {
		raw_syscall3(SYS_read, fd, (long) text, sizeof(text) - 1);
		raw_syscall3(SYS_close, fd, 0, 0);
	}
	for (const char *p = text; *p >= '0' && *p <= '9' && n < 1 << 30; p++)
		n = n * 10 + (*p - '0');
	return n > 0 ? n : 65530;
}

/* By one call (Linux 6.15). Return: how many, from the first on, have theirs now. */
static unsigned
install_guards_at_once(struct stack *stacks, unsigned n)
{
	struct iovec guards[FRESH_BATCH];
	long r;

	for (unsigned i = 0; i < n; i++) {
		guards[i].iov_base = stacks[i].low - STACK_GUARD_BYTES;
		guards[i].iov_len = STACK_GUARD_BYTES;
	}
	r = raw_syscall6(SYS_process_madvise, PIDFD_SELF_THREAD_GROUP, (long) guards, n,
			 MADV_GUARD_INSTALL, 0, 0);
	return r > 0 ? (unsigned) (r / STACK_GUARD_BYTES) : 0;
}

static bool
install_guard(char *guard)
{
	long budget;

	if (!atomic_load_explicit(&no_guard_install, memory_order_relaxed)) {
		if (raw_syscall3(SYS_madvise, (long) guard, STACK_GUARD_BYTES,
				 MADV_GUARD_INSTALL) == 0)
			return true;
		atomic_store_explicit(&no_guard_install, true, memory_order_relaxed);
	}
	budget = atomic_load(&guard_budget);
	if (budget < 0) {
		long half = mappings_allowed() / 2;

		if (atomic_compare_exchange_strong(&guard_budget, &budget, half))
			budget = half;
	}
	if (budget < 2 || atomic_fetch_sub(&guard_budget, 2) < 2)
		return false;
	return raw_syscall3(SYS_mprotect, (long) guard, STACK_GUARD_BYTES, PROT_NONE) == 0;
}

/* Fresh ones, which nobody else has yet. */
static void
guard_stacks(struct stack *stacks, unsigned n)
{
	unsigned done = 0;

	if (n > 1 && !atomic_load_explicit(&no_guards_at_once, memory_order_relaxed)) {
		done = install_guards_at_once(stacks, n);
		if (done == 0)
			atomic_store_explicit(&no_guards_at_once, true, memory_order_relaxed);
	}
	for (unsigned i = 0; i < n; i++) {
		stacks[i].guarded = i < done || install_guard(stacks[i].low - STACK_GUARD_BYTES);
		if (!stacks[i].guarded)
			atomic_fetch_add(&n_unguarded, 1);
	}
}

/* Under the pool's lock. */
static bool
map_slab(struct pool *pool, unsigned shift)
{
	size_t stride = ((size_t) 1 << shift) + STACK_GUARD_BYTES;
	unsigned n = SLAB_BYTES_MAX / stride;
	struct stack *stacks;
	char *base;

	n = n > SLAB_STACKS ? SLAB_STACKS : n < 1 ? 1 : n;
	stacks = pages_alloc(n * sizeof(*stacks));
	if (stacks == NULL)
		return false;
	base = mmap(NULL, n * stride, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED) {
		pages_free(stacks, n * sizeof(*stacks));
		return false;
	}
	/* One touched page must not become a huge one. */
	raw_syscall3(SYS_madvise, (long) base, (long) (n * stride), MADV_NOHUGEPAGE);
	for (unsigned i = 0; i < n; i++) {
		stacks[i].low = base + i * stride + STACK_GUARD_BYTES;
		stacks[i].high = stacks[i].low + ((size_t) 1 << shift);
		stacks[i].shift = (uint8_t) shift;
	}
	pool->fresh = stacks;
	pool->n_fresh = n;
	return true;
}

/* Under the pool's lock. Return: the first of some adjacent ones without a guard, or NULL. */
static struct stack *
take_fresh(struct pool *pool, unsigned shift, unsigned *ret_n)
{
	unsigned n = FRESH_BYTES_MAX >> shift;
	struct stack *stacks;

	if (pool->n_fresh == 0 && !map_slab(pool, shift))
		return NULL;
	n = n > FRESH_BATCH ? FRESH_BATCH : n < 1 ? 1 : n;
	n = n > pool->n_fresh ? pool->n_fresh : n;
	stacks = pool->fresh;
	pool->fresh += n;
	pool->n_fresh -= n;
	*ret_n = n;
	return stacks;
}

/* Of @n fresh ones the first is in use now, the others are as good as given back. */
static void
make_ready(struct pool *pool, struct stack *stacks, unsigned n)
{
	guard_stacks(stacks, n);
	atomic_fetch_add(&n_made, n);
	atomic_fetch_add(&n_cached, n - 1);
	atomic_fetch_add(&bytes_made, (uint64_t) n << stacks->shift);
	lock_acquire(&pool->lock, LOCK_RANK_STACKS);
	for (unsigned i = n - 1; i > 0; i--)
		list_push_head(&pool->clean, &stacks[i].link);
	pool->n_clean += n - 1;
	lock_release(&pool->lock, LOCK_RANK_STACKS);
}

static struct stack *
pool_get(unsigned shift)
{
	struct pool *pool = &pools[shift];
	struct stack *stack = NULL;
	struct list *link;
	unsigned n_fresh = 0;

	lock_acquire(&pool->lock, LOCK_RANK_STACKS);
	if (!pool->ready) {
		list_init(&pool->dirty);
		list_init(&pool->clean);
		pool->ready = true;
	}
	link = list_pop_head(&pool->dirty);
	if (link != NULL) {
		pool->n_dirty--;
		if (pool->n_dirty < pool->n_dirty_least)
			pool->n_dirty_least = pool->n_dirty;
	} else {
		pool->n_dirty_least = 0;
		link = list_pop_head(&pool->clean);
		if (link != NULL)
			pool->n_clean--;
	}
	if (link != NULL)
		stack = list_entry(link, struct stack, link);
	else
		stack = take_fresh(pool, shift, &n_fresh);
	lock_release(&pool->lock, LOCK_RANK_STACKS);

	if (n_fresh > 0)
		make_ready(pool, stack, n_fresh);
	else if (stack != NULL)
		atomic_fetch_sub(&n_cached, 1);
	return stack;
}

static void
pool_put(struct stack *stack)
{
	struct pool *pool = &pools[stack->shift];

	lock_acquire(&pool->lock, LOCK_RANK_STACKS);
	list_push_head(&pool->dirty, &stack->link);
	pool->n_dirty++;
	lock_release(&pool->lock, LOCK_RANK_STACKS);
	atomic_fetch_add(&n_cached, 1);
}

struct stack *
stack_get(struct stack_cache *cache, unsigned shift)
{
	struct list *link;

	if (cache == NULL || shift != stack_default_shift)
		return pool_get(shift);
	link = list_pop_head(&cache->free);
	if (link == NULL)
		return pool_get(shift);
	relaxed_add(&cache->n, -1u);
	return list_entry(link, struct stack, link);
}

void
stack_put(struct stack_cache *cache, struct stack *stack)
{
	if (cache == NULL || stack->shift != stack_default_shift) {
		pool_put(stack);
		return;
	}
	list_push_head(&cache->free, &stack->link);
	relaxed_add(&cache->n, 1);
	if (relaxed_get(&cache->n) < STACK_CACHE_MAX)
		return;
	/* Full: the older half goes to the pool, where other workers find it. */
	for (int i = 0; i < CACHE_BATCH; i++) {
		struct list *oldest = cache->free.prev;

		list_remove(oldest);
		pool_put(list_entry(oldest, struct stack, link));
	}
	relaxed_add(&cache->n, -(unsigned) CACHE_BATCH);
}

void
stack_cache_drain(struct stack_cache *cache)
{
	struct list *link;

	while ((link = list_pop_head(&cache->free)) != NULL)
		pool_put(list_entry(link, struct stack, link));
	atomic_store(&cache->n, 0);
}

static struct stack *
coldest(struct pool *pool, size_t *spare)
{
	struct stack *stack = NULL;

	lock_acquire(&pool->lock, LOCK_RANK_STACKS);
	if (*spare > 0 && pool->n_dirty > 0) {
		stack = list_entry(pool->dirty.prev, struct stack, link);
		list_remove(&stack->link);
		pool->n_dirty--;
		--*spare;
	}
	lock_release(&pool->lock, LOCK_RANK_STACKS);
	return stack;
}

bool
stack_trim(void)
{
	unsigned budget = TRIM_MAX;
	bool more = false;

	for (unsigned shift = STACK_SHIFT_MIN; shift <= STACK_SHIFT_MAX; shift++) {
		struct pool *pool = &pools[shift];
		struct stack *stack;
		size_t spare;

		lock_acquire(&pool->lock, LOCK_RANK_STACKS);
		spare = pool->ready ? pool->n_dirty_least : 0;
		pool->n_dirty_least = pool->n_dirty;
		more |= pool->n_dirty > 0;
		lock_release(&pool->lock, LOCK_RANK_STACKS);

		while (budget > 0 && (stack = coldest(pool, &spare)) != NULL) {
			raw_syscall3(SYS_madvise, (long) stack->low, stack->high - stack->low,
				     MADV_DONTNEED);
			lock_acquire(&pool->lock, LOCK_RANK_STACKS);
			list_push_head(&pool->clean, &stack->link);
			pool->n_clean++;
			lock_release(&pool->lock, LOCK_RANK_STACKS);
			budget--;
		}
	}
	return more;
}

void
stack_count(struct stack_counts *c)
{
	c->cached = atomic_load(&n_cached);
	c->in_use = atomic_load(&n_made) - c->cached;
	c->unguarded = atomic_load(&n_unguarded);
	c->bytes = atomic_load(&bytes_made);
}
