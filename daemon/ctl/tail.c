#include "daemon/ctl/tail.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/escape.h"
#include "daemon/ctl/look_options.h"

enum { LINES_MAX = 1000000 };

/* Where the last @lines of them begin. A newline at the very end ends the last one. */
static const char *
last_lines(const char *text, size_t size, unsigned lines)
{
	const char *at = text + size;

	if (lines == TAIL_ALL || size == 0)
		return text;
	if (at[-1] == '\n')
		at--;
	for (;;) {
		const char *newline = memrchr(text, '\n', (size_t) (at - text));

		if (!newline)
			return text;
		if (--lines == 0)
			return newline + 1;
		at = newline;
	}
}

int
tail_print(struct client *client, const char *task, unsigned lines, const char *head)
{
	char *path = client_path(client, task, "/output");
	struct answer answer;
	const char *from;
	size_t size;
	int status = client_ask(client, "GET", path, NULL, 0, &answer);

	free(path);
	if (status != EXIT_OK)
		return status;
	if (answer.status < 200 || answer.status >= 300)
		status = client_check(client, &answer);
	if (status == EXIT_OK && answer.size > 0) {
		fputs(head, stdout);
		from = last_lines(answer.body, answer.size, lines);
		size = answer.size - (size_t) (from - answer.body);
		if (isatty(STDOUT_FILENO)) {
			escape_output(stdout, from, size);
			if (answer.body[answer.size - 1] != '\n')
				putchar('\n');
		} else {
			fwrite(from, 1, size, stdout);
		}
	}
	answer_free(&answer);
	return status;
}

int
tail_take_lines(const struct command *command, const char *value, unsigned *ret_lines)
{
	*ret_lines = look_options_number(value, LINES_MAX);
	if (*ret_lines == 0)
		return command_usage_error(command,
					   "--lines '%s': want a whole number from 1 to %d", value,
					   LINES_MAX);
	return 0;
}
