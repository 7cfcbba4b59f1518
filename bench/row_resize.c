/*
 * Row resize: 16 pairs play ping-pong, with a yield in each round, while the pool goes from 4 to 1
 * or back every 10 ms; an operation is a round. What counts is the CPU time that one takes. A
 * ticker of 1 ms shows how long the others are held up.
 */

#include "bench/bench.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <corun/chan.h>
#include <corun/coroutine.h>
#include <corun/runtime.h>
#include <corun/time.h>

#define PAIRS       16
#define WORKERS_TOP 4
#define TICKS_MAX   20000

struct pair {
	_Alignas(64) struct corun_chan *there;
	struct corun_chan *back;
	uint64_t rounds, wrong, answered;
};

static atomic_bool over;

static struct {
	uint64_t n;
	uint64_t gap_ns[TICKS_MAX];
} ticks;

static void
ping(void *arg)
{
	struct pair *p = arg;
	uint64_t v;

	while (!atomic_load_explicit(&over, memory_order_relaxed)) {
		bench_send(p->there, p->rounds);
		if (!bench_recv(p->back, &v) || v != p->rounds + 1)
			p->wrong++;
		p->rounds++;
		corun_yield();
	}
	corun_chan_close(p->there);
}

static void
pong(void *arg)
{
	struct pair *p = arg;
	uint64_t v;

	while (bench_recv(p->there, &v)) {
		p->answered++;
		bench_send(p->back, v + 1);
	}
}

static void
tick(void *arg)
{
	uint64_t last = corun_now(), now;

	(void) arg;
	while (!atomic_load_explicit(&over, memory_order_relaxed) && ticks.n < TICKS_MAX) {
		corun_sleep(CORUN_MS);
		now = corun_now();
		ticks.gap_ns[ticks.n++] = now - last;
		last = now;
	}
}

/* Resizes until @deadline_ns; the number of times that the pool was not of the size asked for. */
static uint64_t
resize_often(uint64_t deadline_ns)
{
	uint64_t wrong = 0;
	unsigned size = WORKERS_TOP;

	while (corun_now() < deadline_ns) {
		corun_sleep(10 * CORUN_MS);
		size = size == 1 ? WORKERS_TOP : 1;
		if (corun_set_workers(size) < 0 || corun_workers() != size)
			wrong++;
	}
	return wrong;
}

void
row_resize(struct bench *b)
{
	static struct pair all[PAIRS];
	struct corun_coroutine *pinger[PAIRS], *ponger[PAIRS], *ticker;
	uint64_t rounds = 0, answered = 0, wrong = 0, wrong_size;

	for (unsigned i = 0; i < PAIRS; i++) {
		all[i] = (struct pair){ .there = bench_chan(0), .back = bench_chan(0) };
		ponger[i] = bench_spawn(pong, &all[i]);
		pinger[i] = bench_spawn(ping, &all[i]);
	}
	ticker = bench_spawn(tick, NULL);
	bench_start(b);
	wrong_size = resize_often(corun_in(bench_scaled(b, 2 * CORUN_S, 300 * CORUN_MS)));
	atomic_store(&over, true);
	bench_join(ticker);
	for (unsigned i = 0; i < PAIRS; i++) {
		bench_join(pinger[i]);
		bench_join(ponger[i]);
		rounds += all[i].rounds;
		answered += all[i].answered;
		wrong += all[i].wrong;
		corun_chan_free(all[i].there);
		corun_chan_free(all[i].back);
	}
	bench_stop(b, rounds);

	bench_check(b, rounds > 0 && rounds == answered, "as many answers as questions");
	bench_check(b, !wrong, "each answer belongs to its question");
	bench_check(b, !wrong_size, "the pool had each size that was asked for");
	bench_check(b, ticks.n > 0, "the ticker ticked");
	bench_add_metric(b, "cpu_ns_per_op", (double) b->cpu_ns / (double) (rounds ? rounds : 1));
	if (!ticks.n)
		return;
	bench_add_metric(b, "tick_p99_ms",
			 (double) bench_percentile(ticks.gap_ns, ticks.n, 99) / 1e6);
	bench_add_metric(b, "tick_max_ms",
			 (double) bench_percentile(ticks.gap_ns, ticks.n, 100) / 1e6);
}
