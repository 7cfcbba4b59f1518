/*
 * resize - everything at once while the pool is resized at random
 *
 *   resize [COROUTINES [SECONDS [SEED]]]        default 100000 30
 *
 * Coroutines yield, sleep, start others, arm timers, pass messages, lock, block and pin themselves;
 * a plain thread sets the pool's size to a random one between 1 and 64 a hundred times a second.
 * Each step adds to a sum, and at the end all sums have to agree: messages sent and received,
 * started and ended, timers fired and stopped, sections of the mutex. Prints TAP and what the
 * scheduler counted.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <corun/chan.h>
#include <corun/coroutine.h>
#include <corun/runtime.h>
#include <corun/stats.h>
#include <corun/sync.h>
#include <corun/time.h>

static _Atomic bool stop;
static _Atomic uint64_t steps, spawned, ended, timers_armed, timers_over, sent, received, sections;
static _Atomic uint64_t sent_sum, received_sum;
static uint64_t under_mutex; /* under mutex */
static struct corun_mutex mutex;
static struct corun_chan *channels[64];
static unsigned failures, number;

static void
check(const char *what, uint64_t a, uint64_t b)
{
	printf("%sok %u - %s: %llu, %llu\n", a == b ? "" : "not ", ++number, what,
	       (unsigned long long) a, (unsigned long long) b);
	failures += a != b;
}

static void
must_be(int got, int want, const char *what)
{
	if (got != want) {
		printf("Bail out! %s gave %d, not %d\n", what, got, want);
		exit(1);
	}
}

static void
leaf(void *arg)
{
	(void) arg;
	corun_yield();
	atomic_fetch_add(&ended, 1);
}

static void
timer_fired(void *arg)
{
	(void) arg;
	atomic_fetch_add(&timers_over, 1);
}

static void
spawn_and_join(void)
{
	struct corun_coroutine *co;

	atomic_fetch_add(&spawned, 1);
	must_be(corun_spawn(&co, NULL, leaf, NULL), 0, "corun_spawn");
	must_be(corun_join(co, CORUN_FOREVER), 0, "corun_join");
}

static void
arm_a_timer(uint32_t r)
{
	struct corun_timer *timer;

	atomic_fetch_add(&timers_armed, 1);
	must_be(corun_timer_start(&timer, corun_in(r % 2000000), timer_fired, NULL), 0,
		"corun_timer_start");
	corun_yield();
	if (corun_timer_stop(timer))
		atomic_fetch_add(&timers_over, 1);
	corun_timer_free(timer);
}

/* To one of the channels, or from it; neither waits for long. */
static void
pass_a_message(uint32_t r)
{
	struct corun_chan *ch = channels[r / 4 % 64];
	uint64_t v = r;

	if (r % 2 == 0) {
		if (corun_chan_send(ch, &v, corun_in(r % 500000)) == 0) {
			atomic_fetch_add(&sent, 1);
			atomic_fetch_add(&sent_sum, v);
		}
	} else if (corun_chan_recv(ch, &v, corun_in(r % 500000)) == 1) {
		atomic_fetch_add(&received, 1);
		atomic_fetch_add(&received_sum, v);
	}
}

static void
one_section(uint32_t r)
{
	corun_mutex_lock(&mutex);
	under_mutex++;
	if (r % 64 == 0)
		corun_yield();
	corun_mutex_unlock(&mutex);
	atomic_fetch_add(&sections, 1);
}

static void
block_or_pin(uint32_t r)
{
	if (r % 512 == 0) {
		struct timespec ts = { .tv_nsec = 200000 };

		corun_block_enter();
		nanosleep(&ts, NULL);
		corun_block_exit();
	} else if (r % 512 == 1) {
		corun_pin();
		corun_yield();
		corun_sleep(100 * CORUN_US);
		corun_unpin();
	} else {
		corun_checkpoint();
	}
}

static void
live(void *arg)
{
	uint32_t r = (uint32_t) (uintptr_t) arg;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		uint32_t draw;

		r = r * 1664525 + 1013904223;
		draw = r >> 8;
		atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed);
		switch (r >> 29) {
		case 0:
			corun_sleep(draw % 3000000);
			break;
		case 1:
			spawn_and_join();
			break;
		case 2:
			arm_a_timer(draw);
			break;
		case 3:
		case 4:
			pass_a_message(draw);
			break;
		case 5:
			one_section(draw);
			break;
		case 6:
			block_or_pin(draw);
			break;
		default:
			corun_yield();
			break;
		}
	}
}

static unsigned
resize_for(unsigned seconds, uint32_t r)
{
	uint64_t end = corun_in(seconds * CORUN_S);
	unsigned n = 0;

	for (; corun_now() < end; n++) {
		r = r * 1664525 + 1013904223;
		if (corun_set_workers(1 + (r >> 16) % 64) < 0)
			must_be(-1, 0, "corun_set_workers");
		corun_sleep(10 * CORUN_MS);
	}
	return n;
}

static void
print_stats(void)
{
	struct corun_stats s;

	corun_stats(&s);
	printf("#");
#define SHOW(name, kind, sentence)                                                                 \
	if (s.name != 0)                                                                           \
		printf(" %s=%llu", #name, (unsigned long long) s.name);
	CORUN_STATS(SHOW)
#undef SHOW
	printf("\n");
}

static void
drain_channels(void)
{
	for (int i = 0; i < 64; i++) {
		uint64_t v;

		while (corun_chan_try_recv(channels[i], &v) == 1) {
			atomic_fetch_add(&received, 1);
			atomic_fetch_add(&received_sum, v);
		}
		corun_chan_free(channels[i]);
	}
}

static void
compare(void)
{
	struct corun_stats s;

	/* A timer whose stop came too late still has its coroutine to run. */
	for (int i = 0; i < 1000 && atomic_load(&timers_over) != atomic_load(&timers_armed); i++)
		corun_sleep(10 * CORUN_MS);
	check("started and ended", atomic_load(&spawned), atomic_load(&ended));
	check("timers armed, and fired or stopped", atomic_load(&timers_armed),
	      atomic_load(&timers_over));
	check("messages sent and received", atomic_load(&sent), atomic_load(&received));
	check("their sums", atomic_load(&sent_sum), atomic_load(&received_sum));
	check("sections of the mutex", under_mutex, atomic_load(&sections));
	must_be(corun_stop(corun_in(20 * CORUN_S)), 0, "corun_stop");
	corun_stats(&s);
	check("coroutines by the scheduler's count, started and ended", s.spawned, s.ended);
	check("stacks in use, timers armed", s.stacks + s.timers, 0);
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	unsigned seconds = argc > 2 ? (unsigned) strtoul(argv[2], NULL, 10) : 30;
	uint32_t seed = argc > 3 ? (uint32_t) strtoul(argv[3], NULL, 10) : (uint32_t) time(NULL);
	struct corun_options options = { .policy = { .pin = 4 }, .ignore_env = true };
	struct corun_coroutine **all = calloc(n, sizeof(struct corun_coroutine *));
	unsigned resizes;

	options.no_membarrier = getenv("STRESS_NO_MEMBARRIER") != NULL;
	printf("# %zu coroutines, %u s, seed %u%s\n", n, seconds, seed,
	       options.no_membarrier ? ", without membarrier" : "");
	fflush(stdout);
	must_be(corun_start(&options), 0, "corun_start");
	for (size_t i = 0; i < 64; i++)
		must_be(corun_chan_new(&channels[i], sizeof(uint64_t), i % 4), 0, "corun_chan_new");
	for (size_t i = 0; i < n; i++)
		must_be(corun_spawn(&all[i], NULL, live,
				    (void *) (uintptr_t) (seed + i * 2654435761u)),
			0, "corun_spawn");
	resizes = resize_for(seconds, seed);
	atomic_store(&stop, true);
	for (size_t i = 0; i < n; i++)
		must_be(corun_join(all[i], corun_in(120 * CORUN_S)), 0, "corun_join");
	free(all);
	drain_channels();
	printf("# %u resizes, %llu steps\n", resizes, (unsigned long long) atomic_load(&steps));
	print_stats();
	compare();
	printf("1..%u\n", number);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
