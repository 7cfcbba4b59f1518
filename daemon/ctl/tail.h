#pragma once

/* Tail - the end of a task's output */

#include "daemon/ctl/client.h"

enum { TAIL_ALL = 0 };

/** tail_take_lines() - the value of --lines. Return: 0; EXIT_USAGE after a message. */
int tail_take_lines(const struct command *command, const char *value, unsigned *ret_lines);

/**
 * tail_print() - print the last lines of a task's output, as far as the daemon has kept it
 * @lines: how many; TAIL_ALL: all
 * @head:  printed before them, if there are any
 * On a terminal, control characters are escaped; elsewhere every byte is as the task wrote it.
 * Return: EXIT_OK, or an exit code after a message.
 */
int tail_print(struct client *client, const char *task, unsigned lines, const char *head);
