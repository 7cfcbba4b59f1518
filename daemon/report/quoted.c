#include "daemon/report/quoted.h"

void
quoted_print(FILE *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char) *p;

		if (c < ' ' || c == 0x7f)
			fprintf(out, "\\%03o", c);
		else if (c == '\\')
			fputs("\\\\", out);
		else
			putc(c, out);
	}
}
