/*
 * Mailbox - a stack that is pushed by compare-and-swap and taken whole by exchange
 *
 * Invariants:
 * 1. A letter is owned by its sender until the compare-and-swap has put it in (release), and by the
 *    reader from the exchange on (acquire). Taking all at once leaves no ABA: nobody pops one.
 * 2. Who puts a letter on an empty stack writes the eventfd afterwards. Others need not: that write
 *    is still to come or has come, and the reader empties the eventfd before it takes.
 */

#include "daemon/base/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int
mailbox_open(struct mailbox *box)
{
	atomic_init(&box->newest, NULL);
	box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return box->fd < 0 ? -errno : 0;
}

void
mailbox_close(struct mailbox *box)
{
	close(box->fd);
	box->fd = -1;
}

void
mailbox_wake(struct mailbox *box)
{
	const uint64_t one = 1;
	int saved = errno;

	/* It can only fail when the counter is at its limit, and then it is readable already. */
	if (write(box->fd, &one, sizeof(one)) < 0)
		errno = saved;
}

void
mailbox_put(struct mailbox *box, struct letter *letter)
{
	struct letter *before = atomic_load_explicit(&box->newest, memory_order_relaxed);

	do
		letter->next = before;
	while (!atomic_compare_exchange_weak_explicit(&box->newest, &before, letter,
						      memory_order_release, memory_order_relaxed));
	if (before == NULL)
		mailbox_wake(box);
}

struct letter *
mailbox_take(struct mailbox *box)
{
	struct letter *letter, *oldest = NULL;
	uint64_t count;

	if (read(box->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return NULL;
	letter = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
	while (letter != NULL) {
		struct letter *next = letter->next;

		letter->next = oldest;
		oldest = letter;
		letter = next;
	}
	return oldest;
}

void
mailbox_wait(struct mailbox *box)
{
	struct pollfd p = { .fd = box->fd, .events = POLLIN };

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		continue;
}
