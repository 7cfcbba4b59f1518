/* cpu.max, cpu.cfs_quota_us and cpu.cfs_period_us, and what the policy makes of them */

#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "runtime/cpu/quota.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	struct corun_cpu_limit limit = { 0 };
	struct corun_cpu_decision decision;
	int64_t number;

	if (cpu_quota_parse_v2(text, size, &limit) == 0) {
		PROMISE(size < CPU_QUOTA_TEXT_SIZE);
		if (limit.limited)
			PROMISE(limit.period_us > 0 && limit.period_us <= INT64_MAX &&
				limit.quota_us <= INT64_MAX);
		else
			PROMISE(limit.period_us == 0 && limit.quota_us == 0);
	}
	decision = corun_cpu_decide(NULL, 64, &limit);
	PROMISE(decision.workers >= 2 && decision.workers <= 64);

	if (cpu_quota_parse_number(text, size, &number) == 0)
		PROMISE(size < CPU_QUOTA_TEXT_SIZE);
	return 0;
}
