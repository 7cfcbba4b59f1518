#pragma once

/* Configuration files in a folder of the test's own; each test is a process of its own. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "tests/unit/tap.h"

static char folder[64];

/* Into a new folder with tasks.d in it. */
static inline void
enter_folder(void)
{
	strcpy(folder, "/tmp/corun-config.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(mkdir("tasks.d", 0700), 0);
}

static inline void
leave_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static inline void
write_bytes(const char *file, const char *text, size_t len)
{
	FILE *out = fopen(file, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(text, 1, len, out), len);
	ck_assert_int_eq(fclose(out), 0);
}

static inline void
write_text(const char *file, const char *text)
{
	write_bytes(file, text, strlen(text));
}

/* All errors as they are printed. To be freed. */
static inline char *
printed(const struct config_errors *errors)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	config_errors_print(errors, out);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

static inline struct task_config *
must_load(const char *text)
{
	struct config_errors errors = { 0 };
	struct task_config *task = NULL;
	char *told;
	int r;

	write_text("t.task", text);
	r = config_load_task("t.task", NULL, &errors, &task);
	told = printed(&errors);
	ck_assert_str_eq(told, "");
	ck_assert_int_eq(r, 0);
	free(told);
	config_errors_free(&errors);
	return task;
}

/* "[Task]", "ExecStart=true", and then @line, the third. */
static inline struct task_config *
must_load_line(const char *line)
{
	char text[512];

	snprintf(text, sizeof(text), "[Task]\nExecStart=true\n%s\n", line);
	return must_load(text);
}
