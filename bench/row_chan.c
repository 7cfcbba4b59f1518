/* Rows pingpong, many, ring and skynet: channels. Elements are uint64_t in all of them. */

#include "bench/bench.h"

#include <corun/chan.h>
#include <corun/coroutine.h>

/* ---- pingpong: two coroutines, two unbuffered channels; an operation is there and back ------- */

struct pair {
	struct corun_chan *there, *back;
};

static void
pong(void *arg)
{
	struct pair *p = arg;
	uint64_t v;

	while (bench_recv(p->there, &v))
		bench_send(p->back, v + 1);
}

static void
pingpong_run(struct bench *b, uint64_t ops)
{
	struct pair p = { bench_chan(0), bench_chan(0) };
	struct corun_coroutine *co = bench_spawn(pong, &p);
	uint64_t wrong = 0, v;

	for (uint64_t i = 0; i < ops; i++) {
		bench_send(p.there, i);
		if (!bench_recv(p.back, &v) || v != i + 1)
			wrong++;
	}
	corun_chan_close(p.there);
	bench_join(co);
	bench_check(b, !wrong, "each answer belongs to its question");
	corun_chan_free(p.there);
	corun_chan_free(p.back);
}

void
row_pingpong(struct bench *b)
{
	bench_measure(b, pingpong_run, bench_scaled(b, 1000000, 1000));
}

/* ---- many: 4 producers, 4 consumers, one channel of 128; an operation is an element ---------- */

#define MANY_EACH     4
#define MANY_CAPACITY 128

struct party {
	_Alignas(64) struct corun_chan *ch;
	uint64_t first, n; /* of a producer */
	uint64_t sum, received;
};

static void
produce(void *arg)
{
	struct party *p = arg;

	for (uint64_t i = 0; i < p->n; i++)
		bench_send(p->ch, p->first + i);
}

static void
consume(void *arg)
{
	struct party *p = arg;
	uint64_t v;

	while (bench_recv(p->ch, &v)) {
		p->sum += v;
		p->received++;
	}
}

static void
many_run(struct bench *b, uint64_t ops)
{
	struct corun_chan *ch = bench_chan(MANY_CAPACITY);
	struct corun_coroutine *producer[MANY_EACH], *consumer[MANY_EACH];
	struct party in[MANY_EACH], out[MANY_EACH];
	uint64_t n = ops / MANY_EACH, total = n * MANY_EACH, sum = 0, received = 0;

	for (unsigned i = 0; i < MANY_EACH; i++) {
		in[i] = (struct party){ .ch = ch, .first = i * n, .n = n };
		out[i] = (struct party){ .ch = ch };
		producer[i] = bench_spawn(produce, &in[i]);
		consumer[i] = bench_spawn(consume, &out[i]);
	}
	for (unsigned i = 0; i < MANY_EACH; i++)
		bench_join(producer[i]);
	corun_chan_close(ch);
	for (unsigned i = 0; i < MANY_EACH; i++) {
		bench_join(consumer[i]);
		sum += out[i].sum;
		received += out[i].received;
	}
	bench_check(b, received == total, "as many received as sent");
	bench_check(b, sum == total * (total - 1) / 2, "what was received is what was sent");
	corun_chan_free(ch);
}

void
row_many(struct bench *b)
{
	bench_measure(b, many_run, bench_scaled(b, 4000000, 10000));
}

/* ---- ring: 503 coroutines pass a token on; an operation is a hop ------------------------------
 */

#define RING 503

struct member {
	struct corun_chan *in, *out, *done;
	uint64_t number;
};

static void
pass_on(void *arg)
{
	struct member *m = arg;
	uint64_t token;

	while (bench_recv(m->in, &token)) {
		if (token)
			bench_send(m->out, token - 1);
		else
			bench_send(m->done, m->number);
	}
}

static void
ring_run(struct bench *b, uint64_t ops)
{
	static struct member all[RING];
	static struct corun_coroutine *co[RING];
	struct corun_chan *done = bench_chan(0);
	uint64_t last = RING;

	for (unsigned i = 0; i < RING; i++)
		all[i] = (struct member){ .in = bench_chan(0), .done = done, .number = i };
	for (unsigned i = 0; i < RING; i++) {
		all[i].out = all[(i + 1) % RING].in;
		co[i] = bench_spawn(pass_on, &all[i]);
	}
	bench_send(all[0].in, ops);
	bench_recv(done, &last);
	bench_check(b, last == ops % RING, "the token ended where it has to");
	for (unsigned i = 0; i < RING; i++)
		corun_chan_close(all[i].in);
	for (unsigned i = 0; i < RING; i++) {
		bench_join(co[i]);
		corun_chan_free(all[i].in);
	}
	corun_chan_free(done);
}

void
row_ring(struct bench *b)
{
	bench_measure(b, ring_run, bench_scaled(b, 1500000, 1000));
}

/* ---- skynet: a tree of coroutines, ten children each, sums the numbers of its leaves -----------
 */

struct node {
	struct corun_chan *up;
	uint64_t number, leaves;
};

static void
skynet(void *arg)
{
	struct node self = *(struct node *) arg, child[10];
	uint64_t sum = 0, v;
	struct corun_chan *ch;

	if (self.leaves == 1) {
		bench_send(self.up, self.number);
		return;
	}
	ch = bench_chan(0);
	for (unsigned i = 0; i < 10; i++) {
		uint64_t leaves = self.leaves / 10;

		child[i] = (struct node){ ch, self.number + i * leaves, leaves };
		bench_go(skynet, &child[i]);
	}
	for (unsigned i = 0; i < 10; i++) {
		bench_recv(ch, &v);
		sum += v;
	}
	corun_chan_free(ch);
	bench_send(self.up, sum);
}

/* Cold, unlike the others: how fast so many coroutines come to be is half of the matter. */
void
row_skynet(struct bench *b)
{
	uint64_t wanted = bench_scaled(b, 1000000, 1000), leaves = 1000, sum = 0;
	struct node root = { .up = bench_chan(0) };

	while (leaves * 10 <= wanted)
		leaves *= 10;
	root.leaves = leaves;
	bench_start(b);
	bench_go(skynet, &root);
	bench_recv(root.up, &sum);
	bench_stop(b, leaves);
	bench_check(b, sum == leaves * (leaves - 1) / 2, "the sum of all leaves");
	bench_add_metric(b, "ms", (double) b->elapsed_ns / 1e6);
	corun_chan_free(root.up);
}
