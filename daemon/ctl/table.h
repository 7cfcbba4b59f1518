#pragma once

/*
 * Table - rows of texts in columns
 *
 * Cells are escaped (escape.h) and never cut. On a terminal that is too narrow, each row becomes a
 * block instead: its first cell, and below it a line for each of the others.
 */

#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 8 };

struct table {
	size_t n_columns;
	const char *const *titles;
	size_t n_rows;
	char **cells; /* n_rows * n_columns, allocated one by one */
	int error;    /* -ENOMEM: a row was lost; table_print() says so */
};

/** table_add() - add a row of table->n_columns cells, which are copied; NULL is "-" */
void table_add(struct table *table, const char *const *cells);

/**
 * table_print() - print and free it; no rows: nothing
 * @width: of the terminal; 0: no matter
 * Return: 0, or -ENOMEM when rows are missing.
 */
int table_print(struct table *table, FILE *out, size_t width);

/** terminal_width() - how wide stdout is; 0: it is no terminal, or does not say */
size_t terminal_width(void);
