/* Row memory: what a parked coroutine occupies, page tables included. */

#include "bench/bench.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corun/chan.h>
#include <corun/coroutine.h>
#include <corun/time.h>

#define PARKED 100000

static struct corun_chan *gate;
static atomic_size_t arrived, passed;

static void
wait_at_gate(void *arg)
{
	uint64_t v;

	(void) arg;
	atomic_fetch_add(&arrived, 1);
	if (!bench_recv(gate, &v))
		atomic_fetch_add(&passed, 1);
}

/* Resident memory and page tables of this process. */
static uint64_t
memory_bytes(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long kib, sum = 0;
	unsigned found = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "VmRSS: %llu", &kib) == 1 ||
		    sscanf(line, "VmPTE: %llu", &kib) == 1) {
			sum += kib;
			found++;
		}
	}
	if (f)
		fclose(f);
	return found == 2 ? sum * 1024 : 0;
}

void
row_memory(struct bench *b)
{
	size_t n = bench_scaled(b, PARKED, 1000);
	struct corun_coroutine **co = bench_alloc(n, sizeof(*co));
	uint64_t before, after;

	memset(co, 0xff, n * sizeof(*co)); /* resident before the first look */
	gate = bench_chan(0);
	before = memory_bytes();
	bench_start(b);
	for (size_t i = 0; i < n; i++)
		co[i] = bench_spawn(wait_at_gate, NULL);
	while (atomic_load(&arrived) < n)
		corun_sleep(10 * CORUN_MS);
	corun_sleep(100 * CORUN_MS); /* from arriving to parked */
	after = memory_bytes();
	corun_chan_close(gate);
	for (size_t i = 0; i < n; i++)
		bench_join(co[i]);
	bench_stop(b, n);

	bench_check(b, atomic_load(&passed) == n, "all were parked and all went on");
	bench_check(b, before && after > before, "/proc/self/status could be read");
	bench_add_metric(b, "bytes", ((double) after - (double) before) / (double) n);
	corun_chan_free(gate);
	free(co);
}
