#include <stdio.h>

#include "daemon/ctl/capture.h"
#include "daemon/ctl/command.h"

int
capture(const struct corun_cpu_view *view, const char *root, const char *file)
{
	(void) view, (void) root, (void) file;
	fputs("corunctl cpu: this corunctl was built without libarchive, so it has no --capture\n",
	      stderr);
	return EXIT_FAILED;
}
