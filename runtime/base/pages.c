#include "runtime/base/pages.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/base/lock.h"

enum {
	SHIFT_MIN = 6,  /* 64 bytes */
	SHIFT_MAX = 40, /* more than any address space asked for here */
	CHUNK_BYTES = 256 * 1024,
};

struct block {
	struct block *next;
};

static struct lock pages_lock;
static struct block *free_blocks[SHIFT_MAX + 1]; /* under pages_lock */
static char *chunk, *chunk_end;                  /* under pages_lock: not cut up yet */

static unsigned
shift_of(size_t bytes)
{
	unsigned shift = SHIFT_MIN;

	while (((size_t) 1 << shift) < bytes && shift < SHIFT_MAX)
		shift++;
	return shift;
}

static void *
map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void *
cut(size_t bytes)
{
	if (bytes >= CHUNK_BYTES)
		return map(bytes);
	if ((size_t) (chunk_end - chunk) < bytes) {
		/* The rest of the old chunk is smaller than this block: forgotten. */
		chunk = map(CHUNK_BYTES);
		chunk_end = chunk == NULL ? NULL : chunk + CHUNK_BYTES;
		if (chunk == NULL)
			return NULL;
	}
	chunk += bytes;
	return chunk - bytes;
}

void *
pages_alloc(size_t bytes)
{
	unsigned shift = shift_of(bytes);
	struct block *b;

	lock_acquire(&pages_lock, LOCK_RANK_PAGES);
	b = free_blocks[shift];
	if (b == NULL) {
		void *fresh = cut((size_t) 1 << shift);

		lock_release(&pages_lock, LOCK_RANK_PAGES);
		return fresh;
	}
	free_blocks[shift] = b->next;
	lock_release(&pages_lock, LOCK_RANK_PAGES);
	memset(b, 0, bytes);
	return b;
}

void
pages_free(void *p, size_t bytes)
{
	unsigned shift = shift_of(bytes);
	struct block *b = p;

	if (p == NULL)
		return;
	lock_acquire(&pages_lock, LOCK_RANK_PAGES);
	b->next = free_blocks[shift];
	free_blocks[shift] = b;
	lock_release(&pages_lock, LOCK_RANK_PAGES);
}
