#pragma once

/* What `corunctl cpu` shows: a report, and the options that it came from */

#include <stdio.h>

#include "daemon/ctl/look_options.h"
#include "daemon/report/cpu_report.h"

struct shown {
	const struct look_options *options;
	struct cpu_report report;
};

/** shown_of() - the answer that @view gives under @options */
struct shown shown_of(const struct look_options *options, const struct corun_cpu_view *view);

/** cpu_show_text() - line by line */
void cpu_show_text(FILE *out, const struct shown *shown);

/** cpu_show_json() - one object; @compact: on one line. Return: 0, -ENOMEM, -EIO. */
int cpu_show_json(FILE *out, const struct shown *shown, bool compact);
