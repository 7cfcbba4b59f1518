/*
 * throttled - hogs under a quota: what is throttled is not blocked
 *
 *   throttled [SECONDS]      default 10; run inside a cgroup with a quota (run.sh does it)
 *
 * 8 hogs, half of which never call the runtime, on 2 workers. Nothing may be counted as blocked,
 * and once those have been handed off the number of threads must not grow, but for a polite one
 * that is handed off, too, now and then. In builds with a sanitizer a switch takes so long that it
 * may happen to each of them.
 */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <corun/coroutine.h>
#include <corun/runtime.h>
#include <corun/stats.h>
#include <corun/time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { N_HOGS = 8, MAY_GROW = N_HOGS / 2 };
#else
enum { N_HOGS = 8, MAY_GROW = 1 };
#endif

static _Atomic bool stop;

static void
hog(void *arg)
{
	(void) arg;
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		;
}

static void
polite_hog(void *arg)
{
	(void) arg;
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		corun_checkpoint();
}

int
main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned) strtoul(argv[1], NULL, 10) : 10;
	struct corun_options options = { .policy = { .pin = 2 }, .ignore_env = true };
	struct corun_coroutine *all[N_HOGS];
	struct corun_stats early, late;
	uint64_t until_ns = corun_in(60 * CORUN_S);
	int ok;

	if (corun_start(&options) < 0)
		return 1;
	for (int i = 0; i < N_HOGS; i++) {
		if (corun_spawn(&all[i], NULL, i % 2 ? hog : polite_hog, NULL) < 0)
			return 1;
	}
	do {
		corun_sleep(100 * CORUN_MS);
		corun_stats(&early);
	} while (early.handed_off < N_HOGS / 2 && corun_now() < until_ns);
	corun_sleep(seconds * CORUN_S);
	corun_stats(&late);
	atomic_store(&stop, true);
	for (int i = 0; i < N_HOGS; i++)
		corun_join(all[i], CORUN_FOREVER);
	printf("# threads %llu, later %llu; handed off %llu; slices ended by the flag %llu\n",
	       (unsigned long long) early.threads, (unsigned long long) late.threads,
	       (unsigned long long) late.handoffs, (unsigned long long) late.preempted_flag);
	ok = late.blocked == 0;
	printf("%sok 1 - nothing is counted as blocked: %llu\n", ok ? "" : "not ",
	       (unsigned long long) late.blocked);
	ok = late.threads <= early.threads + MAY_GROW &&
	     late.threads <= 2 + N_HOGS / 2 + 2 + MAY_GROW;
	printf("%sok 2 - the number of threads does not grow\n", ok ? "" : "not ");
	printf("1..2\n");
	return late.blocked == 0 && ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
