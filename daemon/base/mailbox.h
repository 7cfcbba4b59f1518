#pragma once

/*
 * Mailbox - letters from any thread to one
 *
 * How coroutines and plain threads tell a thread something without ever waiting for it, or it for
 * them: no lock, so a sender that is preempted or parked in the middle holds nobody up.
 */

#include <stdatomic.h>
#include <stdbool.h>

/* The first member of what is sent. Whoever takes the letter owns it. */
struct letter {
	struct letter *next;
};

struct mailbox {
	_Atomic(struct letter *) newest; /* a stack; taken as a whole */
	int fd;                          /* an eventfd: readable when there may be letters */
};

/** mailbox_open() - an empty one. Return: 0, or what eventfd(2) says. */
int mailbox_open(struct mailbox *box);

/** mailbox_close() - close its descriptor; letters that are left are the caller's to take before */
void mailbox_close(struct mailbox *box);

/** mailbox_put() - send. Any thread or coroutine, also a signal handler; never waits. */
void mailbox_put(struct mailbox *box, struct letter *letter);

/**
 * mailbox_take() - all that is there, the oldest first; NULL if there is nothing
 * Context: the one thread that reads it. Makes the descriptor unreadable first, so that a letter
 *          that comes in between makes it readable again.
 */
struct letter *mailbox_take(struct mailbox *box);

/** mailbox_wake() - make it readable without a letter. Any thread. */
void mailbox_wake(struct mailbox *box);

/** mailbox_wait() - block until there may be letters. Context: the reading thread, a plain one. */
void mailbox_wait(struct mailbox *box);
