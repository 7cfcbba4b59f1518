#pragma once

/* Channels of ints, for tests. */

#include <corun/chan.h>

#include "tests/unit/pool.h"

#define FOREVER CORUN_FOREVER

static inline struct corun_chan *
chan_new(size_t elem_bytes, size_t cap)
{
	struct corun_chan *ch;

	want_eq(corun_chan_new(&ch, elem_bytes, cap), 0);
	return ch;
}

static inline struct corun_chan *
ints(size_t cap)
{
	return chan_new(sizeof(int), cap);
}

static inline void
send_int(struct corun_chan *ch, int value)
{
	want_eq(corun_chan_send(ch, &value, FOREVER), 0);
}

/* Return: the value; -1: closed and empty. */
static inline int
recv_int(struct corun_chan *ch)
{
	int value = 77;
	int r = corun_chan_recv(ch, &value, FOREVER);

	want(r == 1 || (r == 0 && value == 0));
	return r == 1 ? value : -1;
}
