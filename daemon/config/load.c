#include "daemon/config/config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/parse.h"
#include "daemon/config/value.h"

enum { FILE_BYTES_MAX = 1 << 20, NAME_MAX_LEN = 128 };

static const char standard_file[] = SYSCONFDIR "/corun/corund.conf";
static const char task_ending[] = ".task";

/* ---- files ---------------------------------------------------------------------------------- */

struct text {
	char *bytes; /* FILE_BYTES_MAX + 1 of them */
	size_t len;
};

static int
read_all(int fd, struct text *text)
{
	while (text->len <= FILE_BYTES_MAX) {
		ssize_t n = read(fd, text->bytes + text->len, FILE_BYTES_MAX + 1 - text->len);

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			text->len += (size_t) n;
	}
	return -EFBIG;
}

/* An ordinary file, a pipe that has a writer, or /dev/null. */
static int
open_file(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (S_ISDIR(st.st_mode))
		r = -EISDIR;
	else if (fcntl(fd, F_SETFL, 0) < 0) /* a pipe is waited for */
		r = -errno;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static int
read_file(const struct config_place *at, struct text *text)
{
	int fd = open_file(at->file), r;

	if (fd >= 0) {
		text->len = 0;
		text->bytes = malloc(FILE_BYTES_MAX + 1);
		r = text->bytes ? read_all(fd, text) : -ENOMEM;
		close(fd);
		if (r == 0)
			return 0;
		free(text->bytes);
	} else {
		r = fd;
	}
	if (r == -ENOMEM)
		return config_no_memory(at);
	if (r == -EISDIR)
		config_complain(at, "it is a folder; a file is needed");
	else if (r == -EFBIG)
		config_complain(at, "more than %d bytes: this is no configuration", FILE_BYTES_MAX);
	else
		config_complain(at, "%s", strerror(-r));
	return r;
}

/* Is anything worse than a note in it since there were @n errors and @n_notes notes? */
static int
result(const struct config_errors *errors, size_t n, size_t n_notes)
{
	if (errors->no_memory)
		return -ENOMEM;
	return errors->n - n > errors->n_notes - n_notes ? -EINVAL : 0;
}

/* ---- a task --------------------------------------------------------------------------------- */

/* The name within the file's name; NULL: @at was told. */
static char *
take_name(const struct config_place *at)
{
	const char *slash = strrchr(at->file, '/'), *name = slash ? slash + 1 : at->file;
	size_t len = strlen(name), ending = strlen(task_ending);
	char *copy;

	if (len < ending || strcmp(name + len - ending, task_ending) != 0) {
		config_complain(at, "a task's file is called NAME%s", task_ending);
		return NULL;
	}
	len -= ending;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char) name[i]) && !strchr("-_.@", name[i]))
			len = 0;
	if (len == 0 || len > NAME_MAX_LEN || name[0] == '.') {
		config_complain(
			at,
			"a task's name has 1 to %d letters, digits, and '-', '_', '.', '@', and "
			"does not begin with '.'",
			NAME_MAX_LEN);
		return NULL;
	}
	copy = strndup(name, len);
	if (!copy)
		config_no_memory(at);
	return copy;
}

static void
read_task(struct task_config *task, const char *module_dir, const struct config_place *at)
{
	struct config_seen seen;
	struct text text;

	if (read_file(at, &text) < 0)
		return;
	config_parse_task(text.bytes, text.len, at, task, &seen);
	free(text.bytes);
	config_check_task(task, &seen, at);
	config_check_world(task, module_dir, &seen, at);
}

int
config_load_task(const char *file, const char *module_dir, struct config_errors *errors,
		 struct task_config **ret)
{
	struct config_place at = { .errors = errors, .file = file };
	size_t n = errors->n, n_notes = errors->n_notes;
	struct task_config *task = calloc(1, sizeof(*task));
	int r;

	if (!task)
		return config_no_memory(&at);
	task->refs = 1;
	task->name = take_name(&at);
	task->file = strdup(file);
	if (!task->file)
		config_no_memory(&at);
	else if (task->name)
		read_task(task, module_dir ? module_dir : MODULEDIR, &at);
	r = result(errors, n, n_notes);
	if (r < 0)
		task_config_unref(task);
	else
		*ret = task;
	return r;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int
add_task(struct config *config, struct task_config *task)
{
	struct task_config **tasks =
		reallocarray(config->tasks, config->n_tasks + 1, sizeof(*tasks));

	if (!tasks) {
		task_config_unref(task);
		return -ENOMEM;
	}
	config->tasks = tasks;
	tasks[config->n_tasks++] = task;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(struct task_config *const *) a)->name,
		      (*(struct task_config *const *) b)->name);
}

/* As alphasort(), in the same order everywhere. */
static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
load_entry(struct config *config, const char *folder, const char *name,
	   struct config_errors *errors)
{
	size_t len = strlen(name), ending = strlen(task_ending);
	struct config_place at = { .errors = errors };
	struct task_config *task;
	char *file;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	if (asprintf(&file, "%s/%s", folder, name) < 0) {
		config_no_memory(&at);
		return;
	}
	at.file = file;
	if (len < ending || strcmp(name + len - ending, task_ending) != 0)
		config_note(&at, "left out: its name does not end with %s", task_ending);
	else if (config_load_task(file, config->module_dir, errors, &task) == 0 &&
		 add_task(config, task) < 0)
		config_no_memory(&at);
	free(file);
}

/* tasks.d beside @file. */
static void
load_tasks(struct config *config, const char *file, struct config_errors *errors)
{
	const char *slash = strrchr(file, '/');
	struct config_place at = { .errors = errors };
	struct dirent **entries;
	char *folder;
	int n;

	if (asprintf(&folder, "%.*stasks.d", slash ? (int) (slash - file) + 1 : 0, file) < 0) {
		config_no_memory(&at);
		return;
	}
	at.file = folder;
	n = scandir(folder, &entries, NULL, by_bytes);
	if (n < 0 && errno == ENOENT)
		config_note(&at, "there is no such folder, and so there are no tasks");
	else if (n < 0)
		config_complain(&at, "%s", strerror(errno));
	for (int i = 0; i < n; i++) {
		load_entry(config, folder, entries[i]->d_name, errors);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	free(folder);
	if (config->n_tasks)
		qsort(config->tasks, config->n_tasks, sizeof(*config->tasks), by_name);
}

/* Without a file, @text is empty. */
static void
load_conf(struct config *config, const struct text *text, const struct config_place *at)
{
	struct config_seen seen;

	config_parse(text->bytes, text->len, at, config, &seen);
	config_check(config, &seen, at);
	if (!config->module_dir && !(config->module_dir = strdup(MODULEDIR)))
		config_no_memory(at);
}

int
config_load(const char *file, struct config_errors *errors, struct config **ret)
{
	struct config_place at = { .errors = errors, .file = file ? file : standard_file };
	struct text text = { .bytes = NULL, .len = 0 };
	size_t n = errors->n, n_notes = errors->n_notes;
	struct config *config = calloc(1, sizeof(*config));
	int r = 0;

	if (!config)
		return config_no_memory(&at);
	if (file || access(at.file, F_OK) == 0 || errno != ENOENT) {
		r = read_file(&at, &text);
		if (r == 0 && !(config->file = strdup(at.file)))
			config_no_memory(&at);
	}
	if (r == 0) {
		load_conf(config, &text, &at);
		free(text.bytes);
	}
	if (config->module_dir)
		load_tasks(config, at.file, errors);
	r = result(errors, n, n_notes);
	if (r < 0)
		config_free(config);
	else
		*ret = config;
	return r;
}

void
config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->n_tasks; i++)
		task_config_unref(config->tasks[i]);
	free(config->tasks);
	config_values_clear("Corund", config);
	free(config->file);
	free(config);
}

void
config_note_kept(const struct config *old, const struct config *new, struct config_errors *errors)
{
	struct config_place at = { .errors = errors, .file = new->file };

	for (size_t i = 0; i < config_n_options; i++) {
		const struct config_option *option = &config_options[i];

		if (strcmp(option->section, "Corund") == 0 && option->reload == RELOAD_DAEMON &&
		    !config_value_same(option, old, new))
			config_note(&at,
				    "%s= is another now, but stays until corund is started anew",
				    option->key);
	}
}
