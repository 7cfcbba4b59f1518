/*
 * /proc/self/cgroup and /proc/self/mountinfo, in one input: the first line up to a NUL byte (or all
 * of it) is the one, the rest the other. What is found has to make sense.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cpu/cgroup.h"
#include "tests/fuzz/fuzz.h"

static void
check_mount(const struct cpu_cgroup_membership *who, const struct cpu_cgroup_mount *mount)
{
	fuzz_must(mount->root[0] == '/');
	fuzz_must(mount->below[0] == '\0' || mount->below[0] == '/');
	fuzz_must(strlen(mount->below) <= who->path_len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	const char *nul = memchr(text, '\0', size);
	size_t first = nul != NULL ? (size_t) (nul - text) : size;
	size_t rest = nul != NULL ? first + 1 : size;
	struct cpu_cgroup_membership who = { .path = NULL };
	struct cpu_cgroup_fault fault = { .why = NULL };
	struct cpu_cgroup_mount mount;

	if (cpu_cgroup_parse_membership(text, first, &who, &fault) < 0) {
		fuzz_must(fault.why != NULL);
		return 0;
	}
	if (who.hierarchy == CORUN_CGROUP_NONE)
		return 0;
	fuzz_must(who.path >= text && who.path + who.path_len <= text + first);
	fuzz_must(who.path_len >= 1 && who.path[0] == '/');
	if (cpu_cgroup_parse_mount(text + rest, size - rest, &who, &mount, &fault) > 0) {
		check_mount(&who, &mount);
		cpu_cgroup_mount_free(&mount);
	}
	return 0;
}
