/*
 * corun_bench ROW WORKERS [SCALE] - run one row once and print one line of JSON
 *
 * Exit code: 0; 1: a check failed; 2: wrong usage; 3: no such row (the runner then leaves this
 * contestant out of the row).
 */

#include "bench/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <corun/chan.h>
#include <corun/coroutine.h>
#include <corun/runtime.h>
#include <corun/time.h>

static const struct row {
	const char *name;
	void (*run)(struct bench *b);
} rows[] = {
	{ "yield", row_yield },   { "spawn", row_spawn },       { "pingpong", row_pingpong },
	{ "many", row_many },     { "ring", row_ring },         { "skynet", row_skynet },
	{ "mutex", row_mutex },   { "sleepers", row_sleepers }, { "memory", row_memory },
	{ "resize", row_resize },
};

static const struct row *row;

uint64_t
bench_scaled(const struct bench *b, uint64_t full, uint64_t least)
{
	uint64_t n = (uint64_t) ((double) full * b->scale);

	return n < least ? least : n;
}

void
bench_check(struct bench *b, bool ok, const char *what)
{
	if (ok) {
		b->passed++;
		return;
	}
	b->failed++;
	fprintf(stderr, "corun_bench: %s: not so: %s\n", b->row, what);
}

void
bench_add_metric(struct bench *b, const char *name, double value)
{
	if (b->n_metrics == BENCH_METRICS_MAX)
		abort();
	b->metrics[b->n_metrics++] = (struct bench_metric){ name, value };
}

static uint64_t
cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t) t.tv_sec * CORUN_S + (uint64_t) t.tv_nsec;
}

void
bench_start(struct bench *b)
{
	b->cpu_ns = cpu_now();
	b->elapsed_ns = corun_now();
}

void
bench_stop(struct bench *b, uint64_t ops)
{
	b->elapsed_ns = corun_now() - b->elapsed_ns;
	b->cpu_ns = cpu_now() - b->cpu_ns;
	b->ops = ops;
}

void
bench_measure(struct bench *b, void (*run)(struct bench *b, uint64_t ops), uint64_t ops)
{
	run(b, ops / 10);
	bench_start(b);
	run(b, ops);
	bench_stop(b, ops);
	bench_add_metric(b, "ns_per_op", (double) b->elapsed_ns / (double) ops);
}

uint64_t
bench_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

	return x < y ? -1 : x > y;
}

uint64_t
bench_percentile(uint64_t *v, size_t n, double percent)
{
	qsort(v, n, sizeof(*v), compare);
	return v[(size_t) ((double) (n - 1) * percent / 100)];
}

static void
give_up(const char *call, int error)
{
	fprintf(stderr, "corun_bench: %s: %s\n", call, strerror(-error));
	exit(1);
}

void *
bench_alloc(size_t n, size_t bytes)
{
	void *p = calloc(n, bytes);

	if (!p) {
		fprintf(stderr, "corun_bench: no memory\n");
		exit(1);
	}
	return p;
}

struct corun_chan *
bench_chan(size_t capacity)
{
	struct corun_chan *ch;
	int r = corun_chan_new(&ch, sizeof(uint64_t), capacity);

	if (r < 0)
		give_up("corun_chan_new", r);
	return ch;
}

struct corun_coroutine *
bench_spawn(void (*fn)(void *arg), void *arg)
{
	struct corun_coroutine *co;
	int r = corun_spawn(&co, NULL, fn, arg);

	if (r < 0)
		give_up("corun_spawn", r);
	return co;
}

void
bench_go(void (*fn)(void *arg), void *arg)
{
	int r = corun_go(fn, arg);

	if (r < 0)
		give_up("corun_go", r);
}

void
bench_join(struct corun_coroutine *co)
{
	int r = corun_join(co, CORUN_FOREVER);

	if (r < 0)
		give_up("corun_join", r);
}

void
bench_send(struct corun_chan *ch, uint64_t v)
{
	int r = corun_chan_send(ch, &v, CORUN_FOREVER);

	if (r < 0)
		give_up("corun_chan_send", r);
}

bool
bench_recv(struct corun_chan *ch, uint64_t *ret_v)
{
	int r = corun_chan_recv(ch, ret_v, CORUN_FOREVER);

	if (r < 0)
		give_up("corun_chan_recv", r);
	return r > 0;
}

/* A run without a check has shown nothing. */
static bool
is_ok(const struct bench *b)
{
	return b->passed && !b->failed;
}

static void
print_json(const struct bench *b)
{
	printf("{\"row\":\"%s\",\"workers\":%u,\"ops\":%" PRIu64 ",\"seconds\":%.6f,"
	       "\"cpu_seconds\":%.6f,"
	       "\"ok\":%s,\"metrics\":{",
	       b->row, b->workers, b->ops, (double) b->elapsed_ns / 1e9, (double) b->cpu_ns / 1e9,
	       is_ok(b) ? "true" : "false");
	for (unsigned i = 0; i < b->n_metrics; i++)
		printf("%s\"%s\":%.6g", i ? "," : "", b->metrics[i].name, b->metrics[i].value);
	printf("}}\n");
}

static void
run_row(void *arg)
{
	row->run(arg);
}

static int
usage(void)
{
	fprintf(stderr, "usage: corun_bench ROW WORKERS [SCALE]\nrows:");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(stderr, " %s", rows[i].name);
	fprintf(stderr, "\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct bench b = { .scale = 1 };
	struct corun_options options = { .ignore_env = true };
	int r;

	if (argc < 3 || argc > 4)
		return usage();
	b.row = argv[1];
	if (argc == 4)
		b.scale = strtod(argv[3], NULL);
	if (corun_workers_parse(argv[2], &b.workers) < 0 || !b.workers || !(b.scale > 0))
		return usage();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strcmp(rows[i].name, b.row))
			row = &rows[i];
	}
	if (!row) {
		usage();
		return 3;
	}

	options.policy.pin = b.workers;
	r = corun_start(&options);
	if (r < 0)
		give_up("corun_start", r);
	r = corun_run(run_row, &b);
	if (r < 0)
		give_up("corun_run", r);
	print_json(&b);
	return is_ok(&b) ? 0 : 1;
}
