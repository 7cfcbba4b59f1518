/* A worker count as a user spells it */

#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include <corun/cpu.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	unsigned workers = 4711;
	int r;

	PROMISE(text);
	memcpy(text, data, size);
	text[size] = '\0';
	r = corun_workers_parse(text, &workers);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE);
	PROMISE(r == 0 ? workers <= CORUN_WORKERS_MAX : workers == 4711);
	free(text);
	return 0;
}
