/* Row sleepers: 100,000 coroutines sleep once each; how late they wake, and what it costs. */

#include "bench/bench.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <corun/coroutine.h>
#include <corun/time.h>

#define SLEEPERS 100000

struct sleeper {
	uint64_t sleep_ns;
	uint64_t late_ns;
};

static atomic_uint_fast64_t woke_early;

static void
sleep_once(void *arg)
{
	struct sleeper *s = arg;
	uint64_t deadline = corun_now() + s->sleep_ns, now;

	corun_sleep(s->sleep_ns);
	now = corun_now();
	if (now < deadline)
		atomic_fetch_add(&woke_early, 1);
	else
		s->late_ns = now - deadline;
}

void
row_sleepers(struct bench *b)
{
	size_t n = bench_scaled(b, SLEEPERS, 1000);
	struct sleeper *all = bench_alloc(n, sizeof(*all));
	struct corun_coroutine **co = bench_alloc(n, sizeof(*co));
	uint64_t *late = bench_alloc(n, sizeof(*late)), seed = 1;

	for (size_t i = 0; i < n; i++)
		all[i].sleep_ns = CORUN_MS + bench_random(&seed) % (999 * CORUN_MS);
	bench_start(b);
	for (size_t i = 0; i < n; i++)
		co[i] = bench_spawn(sleep_once, &all[i]);
	for (size_t i = 0; i < n; i++)
		bench_join(co[i]);
	bench_stop(b, n);

	for (size_t i = 0; i < n; i++)
		late[i] = all[i].late_ns;
	bench_check(b, !atomic_load(&woke_early), "nobody woke early");
	bench_add_metric(b, "late_p50_us", (double) bench_percentile(late, n, 50) / 1e3);
	bench_add_metric(b, "late_p99_us", (double) bench_percentile(late, n, 99) / 1e3);
	bench_add_metric(b, "cpu_ms", (double) b->cpu_ns / 1e6);
	free(all);
	free(co);
	free(late);
}
