/* Events and the pool's changes: numbers, order, what is kept, what is told and how often. */

#include <jansson.h>

#include "daemon/base/event.h"
#include "daemon/control/events.h"
#include "daemon/control/pool.h"
#include "tests/unit/control.h"

static struct control control;
static size_t watched;

static void
count(void)
{
	watched++;
}

static void
open_events(void)
{
	events_watch(count);
}

static void
nothing(void)
{
}

static void
start(void)
{
	control_start(&control, open_events, events_close);
}

static void
stop(void)
{
	control_stop(&control, loop_end);
}

/* The fields of event @n; NULL: it is not there. */
static json_t *
get(uint64_t n)
{
	uint64_t oldest;
	size_t len;
	const char *text = events_get(n, &len, &oldest);
	json_t *object;

	if (text == NULL)
		return NULL;
	ck_assert_int_eq(text[len - 1], '\n');
	ck_assert_ptr_null(memchr(text, '\n', len - 1));
	object = json_loadb(text, len, 0, NULL);
	ck_assert_ptr_nonnull(object);
	return object;
}

static void
check_three(void)
{
	ck_assert_uint_eq(events_last(), 3);
	ck_assert_uint_eq(events_oldest(), 1);
	ck_assert_uint_eq(watched, 3);
	ck_assert_ptr_null(get(0));
	ck_assert_ptr_null(get(4));
	for (int i = 1; i <= 3; i++) {
		json_t *event = get((uint64_t) i);
		int n, i_was;
		const char *name, *time;

		ck_assert_int_eq(json_unpack(event, "{s:i, s:s, s:s, s:i}", "n", &n, "event", &name,
					     "time", &time, "i", &i_was),
				 0);
		ck_assert_int_eq(n, i);
		ck_assert_int_eq(i_was, i * 10);
		ck_assert_str_eq(name, "test");
		ck_assert_uint_eq(strlen(time), strlen("2026-01-31T12:00:00.000Z"));
		json_decref(event);
	}
}

START_TEST(test_numbered_in_order)
{
	for (int i = 1; i <= 3; i++)
		event_emit("test", json_pack("{s:i}", "i", i * 10));
	control_run(check_three);
}
END_TEST

static void
check_own_fields(void)
{
	json_t *event = get(1);

	ck_assert_int_eq(json_integer_value(json_object_get(event, "n")), 1);
	ck_assert_str_eq(json_string_value(json_object_get(event, "event")), "test");
	json_decref(event);
}

START_TEST(test_own_fields_win)
{
	event_emit("test", json_pack("{s:i, s:s}", "n", 77, "event", "other"));
	control_run(check_own_fields);
}
END_TEST

static void
check_ring(void)
{
	uint64_t oldest = 0;
	size_t len;

	ck_assert_uint_eq(events_last(), EVENTS_KEPT + 10);
	ck_assert_uint_eq(events_oldest(), 11);
	ck_assert_ptr_null(events_get(10, &len, &oldest));
	ck_assert_uint_eq(oldest, 11);
	for (uint64_t n = 11; n <= EVENTS_KEPT + 10; n++) {
		json_t *event = get(n);

		ck_assert_int_eq(json_integer_value(json_object_get(event, "i")), (json_int_t) n);
		json_decref(event);
	}
}

START_TEST(test_the_oldest_go)
{
	for (int i = 1; i <= EVENTS_KEPT + 10; i++)
		event_emit("test", json_pack("{s:i}", "i", i));
	control_run(check_ring);
}
END_TEST

static void
check_lost(void)
{
	ck_assert_uint_eq(events_last(), 1);
	ck_assert_uint_eq(events_lost(), 1);
}

START_TEST(test_no_fields_are_counted)
{
	event_emit("test", NULL);
	event_emit("test", json_object());
	control_run(check_lost);
}
END_TEST

static void *
emit_hundred(void *arg)
{
	for (int i = 0; i < 100; i++)
		event_emit("test", json_pack("{s:i, s:i}", "thread", *(int *) arg, "i", i));
	return NULL;
}

static void
check_threads(void)
{
	int next[4] = { 0 };

	ck_assert_uint_eq(events_last(), 400);
	for (uint64_t n = 1; n <= 400; n++) {
		json_t *event = get(n);
		int thread, i;

		json_unpack(event, "{s:i, s:i}", "thread", &thread, "i", &i);
		ck_assert_int_eq(i, next[thread]++);
		json_decref(event);
	}
}

START_TEST(test_from_many_threads)
{
	pthread_t threads[4];
	int numbers[4] = { 0, 1, 2, 3 };

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, emit_hundred, &numbers[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	control_run(check_threads);
}
END_TEST

/* ---- the pool -------------------------------------------------------------------------------- */

static unsigned told, told_workers;

static void
tell(const struct corun_pool_state *now)
{
	told++;
	told_workers = now->workers;
}

static void
watch_pool(void)
{
	pool_watch(tell);
}

static struct corun_cpu_level level = {
	.path = "/x",
	.dir = "/sys/fs/cgroup/x",
	.state = CORUN_LEVEL_LIMITED,
	.limit = { true, 230000, 100000 },
	.decides = true,
};
static struct corun_cpu_view view = {
	.hierarchy = CORUN_CGROUP_V2,
	.cgroup_path = "/x",
	.n_levels = 1,
	.levels = &level,
	.limit = { true, 230000, 100000 },
	.cpus = 8,
};
static struct corun_pool_state state = {
	.workers = 3,
	.reason = CORUN_BY_QUOTA,
	.limit = { true, 230000, 100000 },
	.cpus = 8,
};

static void
check_first(void)
{
	json_t *event = get(1), *cpu = json_loads(pool_cpu_json(), 0, NULL);

	ck_assert_uint_eq(pool_state()->workers, 3);
	ck_assert_int_eq(json_integer_value(json_object_get(event, "workers")), 3);
	ck_assert(json_is_null(json_object_get(event, "before")));
	ck_assert_str_eq(json_string_value(json_object_get(cpu, "because")),
			 "the quota of cgroup /x allows 2.3 CPUs, rounded up");
	ck_assert_int_eq(json_integer_value(json_object_get(cpu, "workers")), 3);
	ck_assert_uint_eq(told, 1);
	json_decref(event);
	json_decref(cpu);
}

static void
check_pinned(void)
{
	json_t *event = get(2), *cpu = json_loads(pool_cpu_json(), 0, NULL);

	ck_assert_uint_eq(events_last(), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(event, "workers")), 5);
	ck_assert_int_eq(json_integer_value(json_object_get(event, "before")), 3);
	ck_assert_str_eq(json_string_value(json_object_get(event, "reason")), "pin");
	ck_assert(json_is_true(json_object_get(event, "pinned")));
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(cpu, "policy"), "pin")),
			 5);
	ck_assert_uint_eq(told, 2);
	ck_assert_uint_eq(told_workers, 5);
	json_decref(event);
	json_decref(cpu);
}

/* The same look a hundred times is told once; a pin once more. */
START_TEST(test_pool_tells_changes_once)
{
	control_run(watch_pool);
	for (int i = 0; i < 100; i++)
		pool_on_look(&view, &state, NULL);
	control_run(nothing); /* events of a call are calls of their own */
	control_run(check_first);
	state.workers = 5;
	state.reason = CORUN_BY_PIN;
	state.pinned = true;
	for (int i = 0; i < 100; i++)
		pool_on_look(&view, &state, NULL);
	control_run(nothing);
	control_run(check_pinned);
	pool_close();
}
END_TEST

/* What stands on stderr after @looks of a level in these states. */
static void
log_of(const enum corun_cpu_level_state *states, size_t n, char *text, size_t size)
{
	int saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	size_t len;

	dup2(fileno(file), STDERR_FILENO);
	for (size_t i = 0; i < n; i++) {
		level.state = states[i];
		level.error = states[i] == CORUN_LEVEL_UNREADABLE ? -EACCES : -EINVAL;
		level.stale = states[i] != CORUN_LEVEL_LIMITED;
		pool_on_look(&view, &state, NULL);
		control_run(nothing);
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	fclose(file);
}

START_TEST(test_levels_are_logged_once)
{
	const enum corun_cpu_level_state states[] = {
		CORUN_LEVEL_LIMITED,   CORUN_LEVEL_MALFORMED,  CORUN_LEVEL_MALFORMED,
		CORUN_LEVEL_MALFORMED, CORUN_LEVEL_UNREADABLE, CORUN_LEVEL_UNREADABLE,
		CORUN_LEVEL_LIMITED,   CORUN_LEVEL_LIMITED,
	};
	char text[4096];

	unsetenv("JOURNAL_STREAM");
	log_of(states, sizeof(states) / sizeof(states[0]), text, sizeof(text));
	ck_assert_str_eq(
		text,
		"corund: 3 workers: the quota of cgroup /x allows 2.3 CPUs, rounded up\n"
		"corund: the quota in /sys/fs/cgroup/x is malformed; its last good value counts\n"
		"corund: the quota in /sys/fs/cgroup/x cannot be read: Permission denied; its last "
		"good value counts\n"
		"corund: the quota in /sys/fs/cgroup/x can be read again\n");
	pool_close();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("events");
	TCase *events = tcase_create("events"), *pool = tcase_create("pool");

	tcase_set_timeout(events, 60);
	tcase_set_timeout(pool, 60);
	tcase_add_checked_fixture(events, start, stop);
	tcase_add_checked_fixture(pool, start, stop);
	tcase_add_test(events, test_numbered_in_order);
	tcase_add_test(events, test_own_fields_win);
	tcase_add_test(events, test_the_oldest_go);
	tcase_add_test(events, test_no_fields_are_counted);
	tcase_add_test(events, test_from_many_threads);
	tcase_add_test(pool, test_pool_tells_changes_once);
	tcase_add_test(pool, test_levels_are_logged_once);
	suite_add_tcase(suite, events);
	suite_add_tcase(suite, pool);
	return tap_run(suite);
}
