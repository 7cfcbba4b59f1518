#include "daemon/ctl/output.h"

#include <errno.h>
#include <stdio.h>

int
output_flush(void)
{
	static int first_error;

	if (first_error)
		return first_error;
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout))
		first_error = errno ? -errno : -EIO;
	return first_error;
}
