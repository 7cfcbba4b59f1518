#include "runtime/base/futex.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

#include "runtime/base/syscall.h"

int
futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	struct timespec ts;
	struct timespec *until = NULL;

	if (deadline_ns != UINT64_MAX) {
		ts.tv_sec = (time_t) (deadline_ns / 1000000000u);
		ts.tv_nsec = (long) (deadline_ns % 1000000000u);
		until = &ts;
	}
	/* WAIT_BITSET takes a point in time where WAIT takes a duration. */
	return (int) raw_syscall6(SYS_futex, (long) word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
				  value, (long) until, 0, FUTEX_BITSET_MATCH_ANY);
}

void
futex_wake(_Atomic uint32_t *word, int n)
{
	raw_syscall6(SYS_futex, (long) word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, n, 0, 0, 0);
}
