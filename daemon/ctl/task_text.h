#pragma once

/* Task text - the object TASK of the protocol, for people */

#include <jansson.h>
#include <stdio.h>

/** task_fault() - what is missing in it; NULL: it is what the protocol says */
const char *task_fault(const json_t *task);

/** tasks_fault() - the same of a whole list, the body of GET /v1/tasks */
const char *tasks_fault(const json_t *list);

/** tasks_print() - the table of them, to stdout; nothing if there are none. Return: 0 or -ENOMEM */
int tasks_print(const json_t *list);

/** task_print() - all that is known of one, a line each */
void task_print(FILE *out, const json_t *task);

/** task_end_print() - how it ended last: "exit code 1" or "killed by SIGKILL" */
void task_end_print(FILE *out, const json_t *end);
