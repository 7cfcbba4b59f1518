#pragma once

/*
 * Bench - what the rows of corun_bench share: the run, its checks, its figures
 *
 * A row is a function that runs in a coroutine of its own, measures something, verifies its own
 * result and writes both into struct bench. The same rows exist for each contestant (peers/); two
 * contestants must be alike in coroutines, capacities, operations, element sizes and joins.
 * README.md says what each row does.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct corun_chan;
struct corun_coroutine;

#define BENCH_METRICS_MAX 8

struct bench_metric {
	const char *name; /* with its unit; less is better, always */
	double value;
};

/* One run of one row. */
struct bench {
	const char *row;
	unsigned workers;
	double scale; /* 1 is the full size; the rows multiply their counts by it */

	uint64_t ops; /* these three are of the timed part */
	uint64_t elapsed_ns;
	uint64_t cpu_ns; /* of all threads, in user and kernel mode */
	unsigned passed; /* checks */
	unsigned failed;
	unsigned n_metrics;
	struct bench_metric metrics[BENCH_METRICS_MAX];
};

/* ---- for the rows (corun_bench.c) ---------------------------------------------------------- */

/** bench_scaled() - @full times the scale, at least @least */
uint64_t bench_scaled(const struct bench *b, uint64_t full, uint64_t least);

/** bench_check() - count a check; one that fails is said on stderr and fails the run */
void bench_check(struct bench *b, bool ok, const char *what);

/** bench_add_metric() - one more figure; @name is borrowed */
void bench_add_metric(struct bench *b, const char *name, double value);

/** bench_start(), bench_stop() - around the timed part, which did @ops operations */
void bench_start(struct bench *b);
void bench_stop(struct bench *b, uint64_t ops);

/**
 * bench_measure() - time @ops operations and report ns_per_op
 * @run: does that many operations and checks them
 *
 * A tenth of them goes before, untimed: stacks, channels and threads are then there.
 */
void bench_measure(struct bench *b, void (*run)(struct bench *b, uint64_t ops), uint64_t ops);

/** bench_random() - the next of a fixed sequence (splitmix64), the same for all contestants */
uint64_t bench_random(uint64_t *state);

/** bench_percentile() - sorts @v; the value that @percent of them do not exceed */
uint64_t bench_percentile(uint64_t *v, size_t n, double percent);

/* These end the program if the library refuses: there is nothing to measure then. */
void *bench_alloc(size_t n, size_t bytes);
struct corun_chan *bench_chan(size_t capacity); /* of uint64_t */
struct corun_coroutine *bench_spawn(void (*fn)(void *arg), void *arg);
void bench_go(void (*fn)(void *arg), void *arg);
void bench_join(struct corun_coroutine *co);
void bench_send(struct corun_chan *ch, uint64_t v);
bool bench_recv(struct corun_chan *ch, uint64_t *ret_v); /* false: closed */

/* ---- the rows ------------------------------------------------------------------------------ */

void row_yield(struct bench *b);    /* row_switch.c */
void row_spawn(struct bench *b);    /* row_switch.c */
void row_pingpong(struct bench *b); /* row_chan.c */
void row_many(struct bench *b);     /* row_chan.c */
void row_ring(struct bench *b);     /* row_chan.c */
void row_skynet(struct bench *b);   /* row_chan.c */
void row_mutex(struct bench *b);    /* row_mutex.c */
void row_sleepers(struct bench *b); /* row_time.c */
void row_memory(struct bench *b);   /* row_memory.c */
void row_resize(struct bench *b);   /* row_resize.c */
