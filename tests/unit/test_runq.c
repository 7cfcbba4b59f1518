/* Go's scenarios of its local queue (conformance 59 to 61): none lost, none twice, half is stolen.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "runtime/coroutine.h"
#include "runtime/runq.h"
#include "tests/unit/tap.h"

static struct coroutine items[RUNQ_SIZE * 4];
static struct runq queue, other;

static void
setup(void)
{
	memset(&queue, 0, sizeof(queue));
	memset(&other, 0, sizeof(other));
}

START_TEST(sched_local_queue)
{
	for (int n = 0; n <= RUNQ_SIZE; n++) {
		for (int i = 0; i < n; i++)
			ck_assert_ptr_null(runq_put(&queue, &items[i]));
		for (int i = 0; i < n; i++) {
			ck_assert(!runq_empty(&queue));
			ck_assert_ptr_eq(runq_get(&queue), &items[i]);
		}
		ck_assert(runq_empty(&queue));
		ck_assert_ptr_null(runq_get(&queue));
	}
}
END_TEST

START_TEST(sched_local_queue_steal)
{
	for (uint32_t n = 1; n <= RUNQ_SIZE; n++) {
		uint32_t stolen = 0, kept = 0, moved;
		struct coroutine *co;

		for (uint32_t i = 0; i < n; i++)
			ck_assert_ptr_null(runq_put(&queue, &items[i]));
		ck_assert_ptr_nonnull(runq_steal(&other, &queue, &moved));
		stolen = 1;
		while ((co = runq_get(&other)) != NULL)
			stolen++;
		while ((co = runq_get(&queue)) != NULL)
			kept++;
		ck_assert_uint_eq(stolen, moved);
		ck_assert_uint_eq(stolen + kept, n);
		ck_assert_uint_le(stolen - kept, 1);
	}
	ck_assert_ptr_null(runq_steal(&other, &queue, &(uint32_t){ 0 }));
}
END_TEST

START_TEST(full_ring_spills_half)
{
	struct coroutine *list;
	int n = 0;

	for (int i = 0; i < RUNQ_SIZE; i++)
		ck_assert_ptr_null(runq_put(&queue, &items[i]));
	list = runq_put(&queue, &items[RUNQ_SIZE]);
	ck_assert_ptr_eq(list, &items[0]);
	for (struct coroutine *co = list; co != NULL; co = co->link, n++)
		ck_assert_ptr_eq(co, n < RUNQ_SIZE / 2 ? &items[n] : &items[RUNQ_SIZE]);
	ck_assert_int_eq(n, RUNQ_SIZE / 2 + 1);
	ck_assert_ptr_eq(runq_get(&queue), &items[RUNQ_SIZE / 2]);
}
END_TEST

/* ---- one owner, three thieves ------------------------------------------------------------------
 */

enum { THIEVES = 3, ROUNDS = 2000000 };

static _Atomic uint32_t seen[RUNQ_SIZE * 4];
static _Atomic bool done;

static void
see(struct coroutine *co)
{
	atomic_fetch_add(&seen[co - items], 1);
}

static void *
thief(void *arg)
{
	struct runq *mine = arg;

	while (!atomic_load(&done)) {
		uint32_t n;
		struct coroutine *co = runq_steal(mine, &queue, &n);

		while (co != NULL) {
			see(co);
			co = runq_get(mine);
		}
		co = runq_take_next(&queue);
		if (co != NULL)
			see(co);
	}
	return NULL;
}

/* Each item is put again only after it was seen, so a double would be counted twice. */
START_TEST(owner_and_thieves)
{
	static struct runq theirs[THIEVES];
	pthread_t threads[THIEVES];
	uint64_t put = 0, got = 0;
	uint32_t expected[RUNQ_SIZE * 4] = { 0 };

	for (int i = 0; i < THIEVES; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, thief, &theirs[i]), 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t k = i * 7919 % (RUNQ_SIZE * 4);
		struct coroutine *co = &items[k];

		if (atomic_load(&seen[k]) == expected[k]) {
			expected[k]++;
			put++;
			if (i % 3 == 0)
				co = atomic_exchange(&queue.next, co);
			while (co != NULL) {
				struct coroutine *list = runq_put(&queue, co);

				co = NULL;
				for (; list != NULL; list = list->link)
					see(list);
			}
		}
		if (i % 5 == 0 && (co = runq_get(&queue)) != NULL)
			see(co);
	}
	/* What is left is the owner's; then all have been seen exactly as often as they were put.
	 */
	atomic_store(&done, true);
	for (int i = 0; i < THIEVES; i++)
		pthread_join(threads[i], NULL);
	for (struct coroutine *co; (co = runq_take_next(&queue)) != NULL;)
		see(co);
	for (struct coroutine *co; (co = runq_get(&queue)) != NULL;)
		see(co);
	ck_assert(runq_empty(&queue));
	for (int k = 0; k < RUNQ_SIZE * 4; k++) {
		got += atomic_load(&seen[k]);
		ck_assert_uint_eq(atomic_load(&seen[k]), expected[k]);
	}
	ck_assert_uint_eq(got, put);
	ck_assert_uint_gt(put, 1000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("runq");
	TCase *tcase = tcase_create("runq");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, sched_local_queue);
	tcase_add_test(tcase, sched_local_queue_steal);
	tcase_add_test(tcase, full_ring_spills_half);
	tcase_add_test(tcase, owner_and_thieves);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
