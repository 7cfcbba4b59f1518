/* /proc/self/cgroup */

#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "runtime/cpu/cgroup.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	struct cpu_cgroup_membership who;
	struct cpu_cgroup_fault fault = { 0 };

	if (cpu_cgroup_parse_membership(text, size, &who, &fault) < 0) {
		PROMISE(fault.line > 0 && fault.line <= size && fault.why);
		return 0;
	}
	if (who.hierarchy == CORUN_CGROUP_NONE)
		return 0;
	PROMISE(who.path > text && who.path_len > 0);
	PROMISE(who.path + who.path_len < text + size);
	PROMISE(who.path[0] == '/' && who.path[who.path_len] == '\n');
	PROMISE(!memchr(who.path, '\0', who.path_len) && !memchr(who.path, '\n', who.path_len));
	return 0;
}
