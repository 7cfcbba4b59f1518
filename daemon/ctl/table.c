#include "daemon/ctl/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/ctl/escape.h"

enum { GAP = 2 };

void
table_add(struct table *table, const char *const *cells)
{
	size_t n = table->n_columns;
	char **more = reallocarray(table->cells, (table->n_rows + 1) * n, sizeof(*more));

	if (more == NULL) {
		table->error = -ENOMEM;
		return;
	}
	table->cells = more;
	more += table->n_rows * n;
	for (size_t i = 0; i < n; i++) {
		more[i] = strdup(cells[i] ? cells[i] : "-");
		if (more[i] == NULL)
			table->error = -ENOMEM;
	}
	table->n_rows++;
}

static const char *
cell(const struct table *table, size_t row, size_t column)
{
	const char *text = table->cells[row * table->n_columns + column];

	return text ? text : "?";
}

static void
pad(FILE *out, size_t width, size_t to)
{
	fprintf(out, "%*s", width < to ? (int) (to - width) : 0, "");
}

static void
print_rows(const struct table *table, FILE *out, const size_t *widths)
{
	size_t last = table->n_columns - 1;

	for (size_t i = 0; i < last; i++)
		fprintf(out, "%-*s", (int) widths[i] + GAP, table->titles[i]);
	fprintf(out, "%s\n", table->titles[last]);
	for (size_t row = 0; row < table->n_rows; row++)
		for (size_t i = 0; i <= last; i++) {
			const char *text = cell(table, row, i);

			escape_line(out, text);
			if (i < last)
				pad(out, escape_width(text), widths[i] + GAP);
			else
				putc('\n', out);
		}
}

static void
print_blocks(const struct table *table, FILE *out)
{
	size_t widest = 0;

	for (size_t i = 1; i < table->n_columns; i++)
		if (strlen(table->titles[i]) > widest)
			widest = strlen(table->titles[i]);
	for (size_t row = 0; row < table->n_rows; row++) {
		escape_line(out, cell(table, row, 0));
		putc('\n', out);
		for (size_t i = 1; i < table->n_columns; i++) {
			fprintf(out, "  %-*s", (int) widest + GAP, table->titles[i]);
			escape_line(out, cell(table, row, i));
			putc('\n', out);
		}
	}
}

int
table_print(struct table *table, FILE *out, size_t width)
{
	size_t widths[TABLE_COLUMNS_MAX], all = 0;

	for (size_t i = 0; i < table->n_columns; i++) {
		widths[i] = strlen(table->titles[i]);
		for (size_t row = 0; row < table->n_rows; row++) {
			size_t w = escape_width(cell(table, row, i));

			if (w > widths[i])
				widths[i] = w;
		}
		all += widths[i] + (i + 1 < table->n_columns ? GAP : 0);
	}
	if (table->n_rows > 0 && width > 0 && all > width)
		print_blocks(table, out);
	else if (table->n_rows > 0)
		print_rows(table, out, widths);

	for (size_t i = 0; i < table->n_rows * table->n_columns; i++)
		free(table->cells[i]);
	free(table->cells);
	table->cells = NULL;
	table->n_rows = 0;
	return table->error;
}

size_t
terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}
