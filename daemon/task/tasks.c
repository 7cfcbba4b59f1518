/*
 * Tasks - the registry: an array sorted by name, in the control thread
 *
 * An entry outlives task_remove() until its task is gone: it can still be looked at, and a reload that
 * brings its name back waits for its end (`again`).
 */

#include "daemon/task/tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/task/workers_file.h"

struct entry {
	struct call gone; /* the first member */
	struct task *task;
	bool leaving;
	struct task_config *again; /* to be made anew when it is gone; a reference */
	bool kept;                 /* a reload has found it in the configuration */
};

static struct {
	struct entry **entries; /* sorted by name */
	size_t n;
	struct corun_pool_state pool;
	unsigned written;   /* what the daemon's workers file has; 0: nothing */
	void (*gone)(void); /* tasks_stop() is under way */
} tasks;

/* ---- the array --------------------------------------------------------------------------------- */

static const char *
entry_name(const struct entry *entry)
{
	return task_config(entry->task)->name;
}

/* Where @name is, or is to be. */
static size_t
place_of(const char *name, bool *ret_found)
{
	size_t low = 0, high = tasks.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(entry_name(tasks.entries[middle]), name);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = false;
	return low;
}

static struct entry *
find(const char *name)
{
	bool found;
	size_t place = place_of(name, &found);

	return found ? tasks.entries[place] : NULL;
}

static int
insert(struct entry *entry)
{
	struct entry **entries = reallocarray(tasks.entries, tasks.n + 1, sizeof(*entries));
	size_t place;
	bool found;

	if (entries == NULL)
		return -ENOMEM;
	tasks.entries = entries;
	place = place_of(entry_name(entry), &found);
	memmove(&entries[place + 1], &entries[place], (tasks.n - place) * sizeof(*entries));
	entries[place] = entry;
	tasks.n++;
	return 0;
}

static void
take_out(struct entry *entry)
{
	size_t place;
	bool found;

	place = place_of(entry_name(entry), &found);
	tasks.n--;
	memmove(&tasks.entries[place], &tasks.entries[place + 1],
		(tasks.n - place) * sizeof(*tasks.entries));
}

/* ---- making and removing ----------------------------------------------------------------------- */

static void
free_request(struct call *call)
{
	free(call);
}

/* The task tells of what comes of it: in the log, in events, in its status. */
static int
ask_start(struct task *task)
{
	struct task_request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return -ENOMEM;
	request->done.run = free_request;
	request->verb = TASK_START;
	task_ask(task, request);
	return 0;
}

static void task_is_gone(struct call *call);

static int
make(struct task_config *config)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	int r;

	if (entry == NULL)
		r = -ENOMEM;
	else
		r = task_new(config, &tasks.pool, &entry->task);
	if (r < 0) {
		log_line(LOG_LEVEL_ERR, config->name, "no such task can be made: %s",
			 strerrordesc_np(-r));
		free(entry);
		return r;
	}
	entry->gone.run = task_is_gone;
	entry->kept = true;
	r = insert(entry);
	if (r == 0)
		return ask_start(entry->task);
	log_line(LOG_LEVEL_ERR, config->name, "no memory; the task is not started");
	entry->leaving = true;
	task_remove(entry->task, &entry->gone);
	return r;
}

static void
tell_all_gone(void)
{
	void (*gone)(void) = tasks.gone;

	if (gone == NULL || tasks.n > 0)
		return;
	free(tasks.entries);
	tasks.entries = NULL;
	tasks.gone = NULL;
	tasks.written = 0;
	workers_file_remove(NULL);
	gone();
}

static void
task_is_gone(struct call *call)
{
	struct entry *entry = (struct entry *) call;
	struct task_config *again = entry->again;

	if (task_status(entry->task)->state == TASK_STUCK)
		log_line(LOG_LEVEL_ERR, entry_name(entry), "stuck, and left behind");
	if (find(entry_name(entry)) == entry)
		take_out(entry);
	free(entry);
	if (again != NULL && tasks.gone == NULL)
		make(again);
	if (again != NULL)
		task_config_unref(again);
	tell_all_gone();
}

static void
begin_to_remove(struct entry *entry)
{
	if (entry->again != NULL)
		task_config_unref(entry->again);
	entry->again = NULL;
	if (entry->leaving)
		return;
	entry->leaving = true;
	task_remove(entry->task, &entry->gone);
}

/* ---- all of them ------------------------------------------------------------------------------- */

static void
write_workers(void)
{
	int r;

	if (tasks.pool.workers == tasks.written)
		return;
	r = workers_file_write(NULL, tasks.pool.workers);
	if (r < 0)
		log_line(LOG_LEVEL_WARNING, NULL,
			 "the worker count cannot be written to a file: %s", strerrordesc_np(-r));
	tasks.written = tasks.pool.workers;
}

int
tasks_start(const struct config *config, const struct corun_pool_state *pool)
{
	int result = 0;

	tasks.pool = *pool;
	task_set_module_dir(config->module_dir);
	write_workers();
	for (size_t i = 0; i < config->n_tasks; i++) {
		int r = make(config->tasks[i]);

		if (r < 0)
			result = r;
	}
	return result;
}

void
tasks_pool_changed(const struct corun_pool_state *pool)
{
	tasks.pool = *pool;
	write_workers();
	for (size_t i = 0; i < tasks.n; i++)
		task_pool_changed(tasks.entries[i]->task, pool);
}

void
tasks_stop(void (*gone)(void))
{
	tasks.gone = gone;
	for (size_t i = tasks.n; i > 0; i--) {
		begin_to_remove(tasks.entries[i - 1]);
		task_abandon(tasks.entries[i - 1]->task);
	}
	tell_all_gone();
}

void
tasks_hurry(void)
{
	for (size_t i = 0; i < tasks.n; i++)
		task_hurry(tasks.entries[i]->task);
}

/* ---- looking ----------------------------------------------------------------------------------- */

struct task *
tasks_find(const char *name)
{
	struct entry *entry = find(name);

	return entry != NULL ? entry->task : NULL;
}

struct task *
tasks_nth(size_t i)
{
	return i < tasks.n ? tasks.entries[i]->task : NULL;
}

void
tasks_counts(size_t *ret_all, size_t *ret_running, size_t *ret_failed)
{
	*ret_all = tasks.n;
	*ret_running = *ret_failed = 0;
	for (size_t i = 0; i < tasks.n; i++) {
		enum task_state state = task_status(tasks.entries[i]->task)->state;

		*ret_running += state == TASK_RUNNING;
		*ret_failed += state == TASK_FAILED || state == TASK_STUCK;
	}
}

/* ---- reload ------------------------------------------------------------------------------------ */

static int
add_name(char ***list, const char *name)
{
	size_t n = 0;
	char **longer;

	while (*list != NULL && (*list)[n] != NULL)
		n++;
	longer = reallocarray(*list, n + 2, sizeof(*longer));
	if (longer == NULL)
		return -ENOMEM;
	*list = longer;
	longer[n + 1] = NULL;
	longer[n] = strdup(name);
	return longer[n] != NULL ? 0 : -ENOMEM;
}

static int
reload_one(struct task_config *config, struct tasks_change *change)
{
	struct entry *entry = find(config->name);
	int r;

	if (entry == NULL) {
		r = make(config);
		return r < 0 ? r : add_name(&change->added, config->name);
	}
	entry->kept = true;
	if (entry->leaving) {
		if (entry->again != NULL)
			task_config_unref(entry->again);
		entry->again = task_config_ref(config);
		return add_name(&change->added, config->name);
	}
	if (task_config_same(task_config(entry->task), config)) {
		change->n_unchanged++;
		return 0;
	}
	task_reconfigure(entry->task, config);
	return add_name(&change->changed, config->name);
}

static int
remove_one(struct entry *entry, struct tasks_change *change)
{
	if (entry->leaving && entry->again == NULL)
		return 0; /* an earlier reload said so */
	if (task_status(entry->task)->state == TASK_STUCK)
		log_line(LOG_LEVEL_WARNING, entry_name(entry),
			 "stuck; it stays until it has ended");
	begin_to_remove(entry);
	return add_name(&change->removed, entry_name(entry));
}

int
tasks_reload(const struct config *config, struct tasks_change *ret)
{
	int result = 0, r;

	*ret = (struct tasks_change){ 0 };
	task_set_module_dir(config->module_dir);
	for (size_t i = 0; i < tasks.n; i++)
		tasks.entries[i]->kept = false;
	for (size_t i = 0; i < config->n_tasks; i++) {
		r = reload_one(config->tasks[i], ret);
		if (r < 0)
			result = r;
	}
	for (size_t i = 0; i < tasks.n; i++) {
		r = tasks.entries[i]->kept ? 0 : remove_one(tasks.entries[i], ret);
		if (r < 0)
			result = r;
	}
	return result;
}

static void
free_names(char **names)
{
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		free(names[i]);
	free(names);
}

void
tasks_change_free(struct tasks_change *change)
{
	free_names(change->added);
	free_names(change->removed);
	free_names(change->changed);
	*change = (struct tasks_change){ 0 };
}
