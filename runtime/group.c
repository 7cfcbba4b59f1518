/*
 * Groups - the set of coroutines that came of one
 *
 *  G1  `co->group` is set before @co is queued for the first time and cleared when it leaves. In
 *      between @co is linked in the group's list, and n is the length of that list. Both are under
 *      the group's lock; n may be read without.
 *  G2  Who waits puts itself into `waiters` in the critical section in which it saw n > 0. Who
 *      takes n to 0 claims all that are there in the critical section in which it does so. So
 *      each waiter is either claimed by the last member's end, or saw that none lived: no end is
 *      missed. Those claimed are readied after the lock is released; a claimed waiter lies still
 *      until then (wait.h, W2), and its node is out of the list by then.
 *  G3  A member leaves before who joins it is told. So list, under the lock, reads names and
 *      objects of coroutines that have not ended: their stacks are in use and their names lent.
 *  G4  The group is freed by whose critical section finds refs == 0 and n == 0, and there is just
 *      one: users (handles, timers) and members only come from users and members. Nobody touches a
 *      group after the critical section that took away its own share, but for the futex wake in
 *      releasing the lock, which does no harm to a word that is something else by then.
 *
 * One lock and a list, rather than a counter: the list has to be consistent anyway, and whoever is
 * in no group pays for none of it: starting costs one look at the caller's `group`, ending one at
 * its own.
 *
 * Rejected: counting armed timers as members. A periodic timer would be a member that has no
 * name, no state and no stack, and never ends; what a host wants to show and to wait for is code
 * that runs. The timer keeps the group's memory, no more.
 */

#include "runtime/group.h"

#include <errno.h>
#include <string.h>

#include <corun/time.h>

#include "runtime/base/pages.h"
#include "runtime/base/relaxed.h"
#include "runtime/sched.h"
#include "runtime/wait.h"

struct corun_group {
	struct lock lock; /* rank GROUP */

	/* under the lock */
	_Atomic size_t n; /* for writing */
	size_t refs;      /* users that are no members */
	struct list members;
	struct list waiters;
};

struct waiter {
	struct list link;
	struct wait wait;
};

/* ---- for starting, ending and timers ------------------------------------------------------- */

void
group_enter(struct corun_group *group, struct coroutine *co)
{
	lock_acquire(&group->lock, LOCK_RANK_GROUP);
	co->group = group;
	list_push_tail(&group->members, &co->group_link);
	relaxed_add(&group->n, 1);
	lock_release(&group->lock, LOCK_RANK_GROUP);
}

/* The lock is held. G2: all who wait, into @claimed. */
static void
claim_waiters(struct corun_group *group, struct list *claimed)
{
	struct list *link;

	while ((link = list_pop_head(&group->waiters)) != NULL) {
		/* Who has timed out meanwhile takes the lock next and finds itself out of the list.
		 */
		if (wait_claim(&list_entry(link, struct waiter, link)->wait, WAKE_READY))
			list_push_tail(claimed, link);
	}
}

/* G4. The lock is held, and is released. */
static void
release(struct corun_group *group)
{
	bool unused = group->refs == 0 && relaxed_get(&group->n) == 0;

	lock_release(&group->lock, LOCK_RANK_GROUP);
	if (unused)
		pages_free(group, sizeof(*group));
}

void
group_leave(struct coroutine *co)
{
	struct corun_group *group = co->group;
	struct list claimed;
	struct list *link;

	list_init(&claimed);
	lock_acquire(&group->lock, LOCK_RANK_GROUP);
	co->group = NULL;
	list_remove(&co->group_link);
	relaxed_add(&group->n, (size_t) -1);
	if (relaxed_get(&group->n) == 0)
		claim_waiters(group, &claimed);
	release(group);
	while ((link = list_pop_head(&claimed)) != NULL)
		sched_ready(list_entry(link, struct waiter, link)->wait.co);
}

void
group_ref(struct corun_group *group)
{
	lock_acquire(&group->lock, LOCK_RANK_GROUP);
	group->refs++;
	lock_release(&group->lock, LOCK_RANK_GROUP);
}

void
group_unref(struct corun_group *group)
{
	lock_acquire(&group->lock, LOCK_RANK_GROUP);
	must(group->refs > 0);
	group->refs--;
	release(group);
}

/* ---- public -------------------------------------------------------------------------------- */

int
corun_group_new(struct corun_group **ret)
{
	struct corun_group *group;

	rt_enter();
	group = pages_alloc(sizeof(*group));
	rt_exit();
	if (group == NULL)
		return -ENOMEM;
	group->refs = 1;
	list_init(&group->members);
	list_init(&group->waiters);
	*ret = group;
	return 0;
}

int
corun_group_go(struct corun_group *group, const struct corun_attr *attr, void (*fn)(void *arg),
	       void *arg)
{
	return coroutine_start(NULL, attr, group, fn, arg);
}

/* Park in the group's list. Return: whether the end of the last member came before the deadline. */
static bool
await_end(struct corun_group *group, struct waiter *me, uint64_t deadline_ns)
{
	enum wake why = wait_park(&me->wait, WAIT_GROUP, deadline_ns, NULL);
	bool none;

	lock_acquire(&group->lock, LOCK_RANK_GROUP);
	if (list_is_linked(&me->link))
		list_remove(&me->link);
	none = why == WAKE_READY || relaxed_get(&group->n) == 0;
	lock_release(&group->lock, LOCK_RANK_GROUP);
	return none;
}

int
corun_group_wait(struct corun_group *group, uint64_t deadline_ns)
{
	struct waiter me = { .link = { NULL, NULL } };
	struct coroutine *co = rt_enter();
	bool alive;
	int r = 0;

	if (co->group == group) {
		rt_exit();
		return -EDEADLK;
	}
	wait_init(&me.wait, co);
	lock_acquire(&group->lock, LOCK_RANK_GROUP);
	alive = relaxed_get(&group->n) > 0;
	if (alive)
		list_push_tail(&group->waiters, &me.link);
	lock_release(&group->lock, LOCK_RANK_GROUP);
	if (alive && !await_end(group, &me, deadline_ns))
		r = -ETIMEDOUT;
	rt_exit();
	return r;
}

size_t
corun_group_size(struct corun_group *group)
{
	return relaxed_get(&group->n);
}

/* What `why` says of one that has parked; before that, and after, it is runnable. */
static const char *
state_of(struct coroutine *co)
{
	static const char *const waiting[] = {
#define WAIT_WHY(id, words) [WAIT_##id] = "waiting: " words,
#include "runtime/wait_whys.def"
#undef WAIT_WHY
	};
	uint32_t park = atomic_load_explicit(&co->park, memory_order_relaxed);
	uint8_t why = relaxed_get(&co->why);

	if (why == WAIT_NOTHING)
		return "running";
	return park == PARK_PARKED && why != WAIT_TURN ? waiting[why] : "runnable";
}

static void
describe(struct coroutine *co, struct corun_member *ret)
{
	size_t len = co->name != NULL ? strnlen(co->name, sizeof(ret->name) - 1) : 0;

	ret->id = co->id;
	memcpy(ret->name, co->name != NULL ? co->name : "", len);
	ret->name[len] = '\0';
	ret->state = state_of(co);
}

size_t
corun_group_list(struct corun_group *group, struct corun_member *ret, size_t n)
{
	struct list *link;
	size_t alive;

	rt_enter();
	lock_acquire(&group->lock, LOCK_RANK_GROUP);
	alive = relaxed_get(&group->n);
	link = group->members.next;
	for (size_t i = 0; i < n && link != &group->members; i++, link = link->next)
		describe(list_entry(link, struct coroutine, group_link), &ret[i]);
	lock_release(&group->lock, LOCK_RANK_GROUP);
	rt_exit();
	return alive;
}

void
corun_group_unref(struct corun_group *group)
{
	if (group == NULL)
		return;
	rt_enter();
	group_unref(group);
	rt_exit();
}
