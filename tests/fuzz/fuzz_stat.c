/* cpu.stat */

#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "runtime/cpu/quota.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpu_quota_stat stat;

	if (cpu_quota_parse_stat((const char *) data, size, &stat) == 0)
		PROMISE(stat.nr_periods <= INT64_MAX && stat.nr_throttled <= INT64_MAX &&
			stat.throttled_us <= INT64_MAX);
	return 0;
}
