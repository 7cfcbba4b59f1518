/*
 * gap - how long a counter of milliseconds is held up beside hogs while the pool changes
 *
 *   gap [ROUNDS [HOGS [CHANGES]]]		default 5 4 60
 *
 * Each round has three runs of the same length: a plain thread that sleeps a millisecond beside
 * plain threads that spin (what the kernel's scheduler and the machine's other load do); a coroutine
 * that does so beside coroutines that spin and call the runtime once a second; the same while the
 * pool goes from 8 to 2 and back. The changes may add 20 ms to the longest gap of the other two.
 * A busy machine makes longer ones by itself, so the first round in which that holds is enough.
 * Prints TAP.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <corun/coroutine.h>
#include <corun/runtime.h>
#include <corun/time.h>

#define MORE_NS (20 * CORUN_MS)

enum { HOGS_MAX = 64, MANY = 8, FEW = 2, BETWEEN_US = 50000 };

static _Atomic bool stop;
static uint64_t gaps[1 << 20];
static size_t n_gaps;

static void
must_be(int got, int want, const char *what)
{
	if (got != want) {
		printf("Bail out! %s gave %d, not %d\n", what, got, want);
		exit(1);
	}
}

static void
spin_for(uint64_t ns)
{
	uint64_t end = corun_now() + ns;

	while (corun_now() < end && !atomic_load_explicit(&stop, memory_order_relaxed))
		continue;
}

static void
hog(void *arg)
{
	(void) arg;
	while (!atomic_load(&stop)) {
		spin_for(CORUN_S);
		corun_checkpoint();
	}
}

static void *
hog_thread(void *arg)
{
	(void) arg;
	while (!atomic_load(&stop))
		spin_for(CORUN_S);
	return NULL;
}

static void
count(void (*sleep_1_ms)(void))
{
	uint64_t last = corun_now();

	n_gaps = 0;
	while (!atomic_load(&stop)) {
		uint64_t now;

		sleep_1_ms();
		now = corun_now();
		if (n_gaps < sizeof(gaps) / sizeof(gaps[0]))
			gaps[n_gaps++] = now - last;
		last = now;
	}
}

static void
sleep_thread(void)
{
	struct timespec ts = { .tv_nsec = CORUN_MS };

	nanosleep(&ts, NULL);
}

static void
sleep_coroutine(void)
{
	corun_sleep(CORUN_MS);
}

static void *
counter_thread(void *arg)
{
	(void) arg;
	count(sleep_thread);
	return NULL;
}

static void
counter(void *arg)
{
	(void) arg;
	count(sleep_coroutine);
}

static int
by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

	return (x > y) - (x < y);
}

/* Return: the longest gap in nanoseconds. */
static uint64_t
report(const char *what)
{
	uint64_t longest = UINT64_MAX / 2; /* it never ran */

	qsort(gaps, n_gaps, sizeof(gaps[0]), by_size);
	if (n_gaps > 0)
		longest = gaps[n_gaps - 1];
	printf("# %-16s %6zu steps, p99 %.2f, longest %.2f ms\n", what, n_gaps,
	       n_gaps > 0 ? (double) gaps[n_gaps * 99 / 100] / 1e6 : 0.0, (double) longest / 1e6);
	fflush(stdout);
	return longest;
}

static uint64_t
beside_threads(size_t hogs, unsigned changes)
{
	pthread_t all[HOGS_MAX + 1];

	atomic_store(&stop, false);
	for (size_t i = 0; i < hogs; i++)
		must_be(pthread_create(&all[i], NULL, hog_thread, NULL), 0, "pthread_create");
	must_be(pthread_create(&all[hogs], NULL, counter_thread, NULL), 0, "pthread_create");
	usleep(changes * BETWEEN_US);
	atomic_store(&stop, true);
	for (size_t i = 0; i <= hogs; i++)
		pthread_join(all[i], NULL);
	return report("plain threads");
}

static void
change_the_pool(unsigned changes, bool really)
{
	for (unsigned i = 0; i < changes; i++) {
		if (really)
			must_be(corun_set_workers(i % 2 == 0 ? FEW : MANY), i % 2 == 0 ? MANY : FEW,
				"corun_set_workers");
		usleep(BETWEEN_US);
	}
}

static uint64_t
beside_coroutines(size_t hogs, unsigned changes, bool resize)
{
	struct corun_options options = { .policy = { .pin = MANY }, .ignore_env = true };
	struct corun_coroutine *all[HOGS_MAX + 1];

	atomic_store(&stop, false);
	must_be(corun_start(&options), 0, "corun_start");
	for (size_t i = 0; i < hogs; i++)
		must_be(corun_spawn(&all[i], NULL, hog, NULL), 0, "corun_spawn");
	must_be(corun_spawn(&all[hogs], NULL, counter, NULL), 0, "corun_spawn");
	change_the_pool(changes, resize);
	atomic_store(&stop, true);
	for (size_t i = 0; i <= hogs; i++)
		must_be(corun_join(all[i], corun_in(20 * CORUN_S)), 0, "corun_join");
	must_be(corun_stop(corun_in(20 * CORUN_S)), 0, "corun_stop");
	return report(resize ? "with changes" : "without changes");
}

int
main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 5;
	size_t hogs = argc > 2 ? strtoul(argv[2], NULL, 10) : 4;
	unsigned changes = argc > 3 ? (unsigned) strtoul(argv[3], NULL, 10) : 60;
	bool good = false;

	if (hogs > HOGS_MAX)
		hogs = HOGS_MAX;
	for (unsigned long i = 0; i < rounds && !good; i++) {
		uint64_t threads = beside_threads(hogs, changes);
		uint64_t without = beside_coroutines(hogs, changes, false);
		uint64_t with = beside_coroutines(hogs, changes, true);

		good = with <= (threads > without ? threads : without) + MORE_NS;
	}
	printf("%sok 1 - changes of the pool add at most 20 ms to the longest gap\n1..1\n",
	       good ? "" : "not ");
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
