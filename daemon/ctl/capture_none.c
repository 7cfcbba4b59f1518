#include <stdio.h>

#include "daemon/ctl/capture.h"

int
capture(const struct shown *shown, const char *file)
{
	(void) shown, (void) file;
	fputs("corunctl cpu: this corunctl was built without libarchive, so it has no --capture\n",
	      stderr);
	return EXIT_FAILED;
}
