/*
 * A main() for a fuzz target where libFuzzer is not at hand: every file of the fixtures and of the
 * corpus, whole, cut off at each byte, and with each byte changed. Speaks TAP.
 */

#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX 65536

static unsigned long n_files, n_inputs;

/* A copy of its own for each input, so that a sanitizer sees each byte read too far. */
static void
try_input(const char *text, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	PROMISE(copy);
	memcpy(copy, text, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	n_inputs++;
}

static void
try_variants(char *text, size_t size)
{
	static const char odd[] = { '\0', '\n', ' ', ':', '/', '\\', '9', '-', '.', '\xff' };

	for (size_t cut = 0; cut <= size; cut++)
		try_input(text, cut);
	for (size_t at = 0; at < size; at++) {
		char was = text[at];

		text[at] = odd[at % sizeof(odd)];
		try_input(text, size);
		text[at] = odd[(at + size) % sizeof(odd)];
		try_input(text, size);
		text[at] = was;
	}
}

static int
try_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	static char text[FILE_MAX];
	size_t size;
	FILE *file;

	(void) st, (void) ftw;
	if (kind != FTW_F)
		return 0;
	file = fopen(path, "r");
	if (!file)
		return errno;
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	n_files++;
	try_variants(text, size);
	return 0;
}

int
main(int argc, char **argv)
{
	static const char *const folders[] = { "fixtures", "fuzz/corpus" };
	const char *top = getenv("CORUN_TOP_SRCDIR");
	char path[PATH_MAX];

	for (int i = 1; i < argc; i++)
		if (nftw(argv[i], try_file, 16, FTW_PHYS) != 0)
			return EXIT_FAILURE;
	if (argc > 1)
		return EXIT_SUCCESS;

	printf("1..2\n");
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/tests/%s", top ? top : ".", folders[i]);
		n_files = n_inputs = 0;
		if (nftw(path, try_file, 16, FTW_PHYS) != 0 || n_files == 0)
			printf("not ");
		printf("ok %d - %s: %lu files, %lu inputs\n", i + 1, folders[i], n_files, n_inputs);
		fflush(stdout);
	}
	return EXIT_SUCCESS;
}
