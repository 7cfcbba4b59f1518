/* The quota files' grammars, cpu.stat, and the decision that follows. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cpu/quota.h"
#include "tests/fuzz/fuzz.h"

static void
check_decision(const struct corun_cpu_limit *limit)
{
	for (unsigned round = CORUN_ROUND_UP; round <= CORUN_ROUND_NEAREST; round++) {
		struct corun_cpu_policy policy = { .round = (enum corun_cpu_round) round };
		struct corun_cpu_decision d = corun_cpu_decide(&policy, 64, limit);

		fuzz_must(d.workers >= 1 && d.workers <= 64);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	struct corun_cpu_limit limit = { .limited = false };
	struct cpu_quota_stat stat;
	char word[64];
	unsigned workers;
	int64_t number;

	if (cpu_quota_parse_v2(text, size, &limit) == 0) {
		fuzz_must(size > 0);
		if (limit.limited)
			fuzz_must(limit.period_us > 0 && limit.period_us <= INT64_MAX);
		check_decision(&limit);
	}
	if (cpu_quota_parse_number(text, size, &number) == 0)
		fuzz_must(memchr(text, '\n', size) != NULL);
	cpu_quota_parse_stat(text, size, &stat);
	if (size < sizeof(word)) {
		memcpy(word, text, size);
		word[size] = '\0';
		if (corun_workers_parse(word, &workers) == 0)
			fuzz_must(workers <= CORUN_WORKERS_MAX);
	}
	return 0;
}
