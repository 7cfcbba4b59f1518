#include "runtime/base/must.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
say(const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t) n;
	}
}

void
must_failed(const char *cond, const char *file, int line)
{
	char digits[16];
	size_t i = sizeof(digits) - 1;

	digits[i] = '\0';
	do {
		digits[--i] = (char) ('0' + line % 10);
		line /= 10;
	} while (line > 0 && i > 0);

	say("corun: internal error: ");
	say(file);
	say(":");
	say(digits + i);
	say(": this must hold: ");
	say(cond);
	say("\n");
	abort();
}

void
must_die(const char *sentence)
{
	say("corun: ");
	say(sentence);
	say("\n");
	abort();
}
