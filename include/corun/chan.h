#pragma once

/*
 * Channels - as Go's, for elements of any size, which are copied
 *
 * All calls may be made from coroutines (they park) and from plain threads (they block). A NULL
 * channel is Go's nil channel: sending and receiving wait for ever (or until the deadline).
 */

#include <stddef.h>
#include <stdint.h>

#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct corun_chan;
struct corun_context;

/**
 * corun_chan_new() - make a channel
 * @ret_chan:   the caller frees it with corun_chan_free()
 * @elem_bytes: size of an element; 0 is allowed
 * @capacity:   elements that fit without a receiver; 0: unbuffered
 *
 * Return: 0; -ENOMEM; -EINVAL (the buffer would be larger than the address space).
 */
CORUN_EXPORT int corun_chan_new(struct corun_chan **ret_chan, size_t elem_bytes, size_t capacity);

/**
 * corun_chan_free() - free it; nobody may wait on it or use it any more. NULL is fine.
 *
 * Whoever received what was the last value to be sent may free it at once: the sender does not
 * touch it any more, even if its call has not returned yet.
 */
CORUN_EXPORT void corun_chan_free(struct corun_chan *ch);

/**
 * corun_chan_send() - send a copy of *@elem
 *
 * Sending on a closed channel is the program's error, as in Go: it ends with a message.
 * Return: 0; -ETIMEDOUT: nobody has received it, and nobody will.
 */
CORUN_EXPORT int corun_chan_send(struct corun_chan *ch, const void *elem, uint64_t deadline_ns);

/** The same until @ctx is cancelled. Return: 0, or what @ctx was cancelled with. */
CORUN_EXPORT int corun_chan_send_ctx(struct corun_chan *ch, const void *elem,
				     struct corun_context *ctx);

/** The same, with -EPIPE for a closed channel. @ctx: NULL for none. */
CORUN_EXPORT int corun_chan_send_checked(struct corun_chan *ch, const void *elem,
					 uint64_t deadline_ns, struct corun_context *ctx);

/** corun_chan_try_send() - send if that needs no waiting. Return: 0, -EAGAIN. */
CORUN_EXPORT int corun_chan_try_send(struct corun_chan *ch, const void *elem);

/** The same, with -EPIPE for a closed channel. */
CORUN_EXPORT int corun_chan_try_send_checked(struct corun_chan *ch, const void *elem);

/**
 * corun_chan_recv() - receive into *@elem
 * @elem: NULL: the value is not wanted
 *
 * Return: 1: a value; 0: the channel is closed and empty, *@elem is zeroed; -ETIMEDOUT.
 */
CORUN_EXPORT int corun_chan_recv(struct corun_chan *ch, void *elem, uint64_t deadline_ns);

/** The same until @ctx is cancelled. Return: 1, 0, or what @ctx was cancelled with. */
CORUN_EXPORT int corun_chan_recv_ctx(struct corun_chan *ch, void *elem, struct corun_context *ctx);

/** corun_chan_try_recv() - receive if that needs no waiting. Return: 1, 0, -EAGAIN. */
CORUN_EXPORT int corun_chan_try_recv(struct corun_chan *ch, void *elem);

/**
 * corun_chan_close() - no more values will be sent
 *
 * Receivers get what is buffered, then 0. Closing a closed or a NULL channel, and sending on it, is
 * the program's error: it ends with a message. A sender that waits has its send fail in the same
 * way.
 */
CORUN_EXPORT void corun_chan_close(struct corun_chan *ch);

/** The same with an error instead of the end. Return: 0; -EPIPE: closed already; -EINVAL: NULL. */
CORUN_EXPORT int corun_chan_close_checked(struct corun_chan *ch);

/** corun_chan_len(), corun_chan_cap() - elements buffered now, and at most; 0 for NULL */
CORUN_EXPORT size_t corun_chan_len(struct corun_chan *ch);
CORUN_EXPORT size_t corun_chan_cap(struct corun_chan *ch);

#ifdef __cplusplus
}
#endif
