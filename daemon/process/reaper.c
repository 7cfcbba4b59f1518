/*
 * Reaper - who waits for which child
 *
 * A process that ended keeps its number as long as nobody has waited for it. So who waits decides
 * what a number means, and the reaper must not wait for a child whose starter has yet to say that
 * it is his, nor for one that spawn() is about to wait for itself since it never came to exec.
 *
 * Invariants:
 * 1. While a start is under way (between reaper_begin() and reaper_claim() or reaper_give_up()), the
 *    reaper waits for claimed children only and leaves strangers as they are. Then no number that a
 *    starter has in hand can be that of another process: nobody but he waits for it.
 *    (The other way, to reap strangers and keep their statuses for whoever may claim them, takes an
 *    orphan's status for that of a new child which was given the same number.)
 * 2. A claim is a letter, put in before its start stops counting. The reaper looks at a child that
 *    ended, then at the count, then takes the letters, in this order: if the count is zero, each
 *    start that could have made this child has ended, and its letter is there.
 * 3. A stranger who was left is not forgotten: the reaper says so (`left`) before it looks at the
 *    count and the letters, and who makes the count smaller looks whether it was said after having
 *    done so; he sends SIGCHLD to this process, by which the control thread comes here again. All
 *    of it is sequentially consistent: one of the two sees the other.
 * 4. The table is the control thread's alone. Starters never wait for it, nor it for them: a
 *    coroutine that is preempted in the middle of reaper_claim() holds nobody up.
 *
 * A stranger at the head of the kernel's list hides those behind it from a look at "any child": then
 * each claimed child is asked for by its number, which is as many system calls as there are
 * children; but only as long as a start is under way: milliseconds, unless exec hangs with the file
 * system that the program lies on. Orphans wait for that, the ends of tasks do not.
 */

#include "daemon/process/reaper.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/mailbox.h"

enum { BUCKETS = 256 };

struct child {
	struct letter letter; /* until it is in the table */
	struct child *next;   /* in its bucket */
	pid_t pid;
	reaper_ended_fn *ended;
	void *arg;
};

static struct {
	struct mailbox claims;
	_Atomic unsigned starting; /* starts under way */
	_Atomic bool left;         /* a child was left alone, since starts are under way */
	_Atomic uint64_t orphans;

	/* the control thread's */
	struct child *buckets[BUCKETS];
} reaper;

int
reaper_open(void)
{
	/* Whoever started us may have had it ignored: then the kernel would keep no statuses. */
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -errno;
	return mailbox_open(&reaper.claims);
}

uint64_t
reaper_orphans(void)
{
	return atomic_load_explicit(&reaper.orphans, memory_order_relaxed);
}

/* ---- who starts ------------------------------------------------------------------------------ */

void
reaper_begin(void)
{
	atomic_fetch_add(&reaper.starting, 1);
}

void
reaper_give_up(void)
{
	atomic_fetch_sub(&reaper.starting, 1);
	if (atomic_exchange(&reaper.left, false))
		kill(getpid(), SIGCHLD);
}

int
reaper_claim(pid_t pid, reaper_ended_fn *ended, void *arg)
{
	struct child *child = malloc(sizeof(*child));

	if (child != NULL) {
		child->pid = pid;
		child->ended = ended;
		child->arg = arg;
		mailbox_put(&reaper.claims, &child->letter);
	}
	reaper_give_up();
	return child == NULL ? -ENOMEM : 0;
}

/* ---- the control thread ---------------------------------------------------------------------- */

static struct child **
bucket(pid_t pid)
{
	return &reaper.buckets[(unsigned) pid % BUCKETS];
}

static void
take_claims(void)
{
	struct letter *letter = mailbox_take(&reaper.claims);

	while (letter != NULL) {
		struct child *child = (struct child *) letter;
		struct child **at = bucket(child->pid);

		letter = letter->next;
		child->next = *at;
		*at = child;
	}
}

/* Where the pointer to it is; the pointer is NULL if nobody claimed it. */
static struct child **
find(pid_t pid)
{
	struct child **at = bucket(pid);

	while (*at != NULL && (*at)->pid != pid)
		at = &(*at)->next;
	return at;
}

/* A claimed child: reap it if it has ended. */
static bool
reap(struct child **at)
{
	struct child *child = *at;
	int status;

	if (waitpid(child->pid, &status, WNOHANG) != child->pid)
		return false;
	*at = child->next;
	child->ended(child->arg, status);
	free(child);
	return true;
}

static void
reap_each_claimed(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct child **at = &reaper.buckets[i];

		while (*at != NULL)
			if (!reap(at))
				at = &(*at)->next;
	}
}

/* Nobody claimed @pid so far. Return: false: it was left as it is. */
static bool
reap_stranger(pid_t pid)
{
	bool starting;
	struct child **at;

	atomic_store(&reaper.left, true);
	starting = atomic_load(&reaper.starting) > 0;
	take_claims();
	at = find(pid);
	if (*at != NULL) {
		reap(at);
		return true;
	}
	if (starting)
		return false;
	if (waitpid(pid, NULL, WNOHANG) == pid)
		atomic_fetch_add_explicit(&reaper.orphans, 1, memory_order_relaxed);
	return true;
}

void
reaper_run(void)
{
	for (;;) {
		siginfo_t info = { .si_pid = 0 };
		struct child **at;

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		at = find(info.si_pid);
		if (*at != NULL) {
			reap(at);
		} else if (!reap_stranger(info.si_pid)) {
			reap_each_claimed();
			return;
		}
	}
}
