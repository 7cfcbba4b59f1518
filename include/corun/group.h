#pragma once

/*
 * Groups - who started a coroutine owns it
 *
 * A group is a set of coroutines. A coroutine that a member starts (corun_go, corun_spawn, or a
 * timer that a member started, when it fires) is a member of the same group. So whoever hosts code
 * of others starts its first coroutine with corun_group_go(), and can wait for the end of all that
 * came of it, count it and name it.
 */

#include <stddef.h>
#include <stdint.h>

#include <corun/coroutine.h>
#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct corun_group;

/**
 * corun_group_new() - make a group without members
 * @ret_group: set on success; the caller ends its use of it with corun_group_unref()
 *
 * Context: coroutine or plain thread; the runtime need not be started.
 * Return:  0, -ENOMEM.
 */
CORUN_EXPORT int corun_group_new(struct corun_group **ret_group);

/**
 * corun_group_go() - start @fn(@arg) as a member of @group, the first or one more
 * @attr: copied (its name is borrowed); NULL for the defaults
 *
 * A caller that is a member of another group starts a member of @group all the same.
 *
 * Context: coroutine or plain thread, with the runtime started.
 * Return:  0; -ENOMEM (no memory or address space for a stack); -ESRCH (not started); -EINVAL (a
 *          stack of over 1 GiB).
 */
CORUN_EXPORT int corun_group_go(struct corun_group *group, const struct corun_attr *attr,
				void (*fn)(void *arg), void *arg);

/**
 * corun_group_wait() - wait until no member lives, that is until the function of each has returned
 *
 * A timer that a member has started and that is still armed is no member. It makes a new one when
 * it fires, also after this call has returned; who wants an end for good stops the timers first.
 *
 * Context: coroutine (parks) or plain thread (blocks); several may wait at a time.
 * Return:  0: at some time during the call no member lived; -ETIMEDOUT: some lived at @deadline_ns;
 *          -EDEADLK: the caller is a member.
 */
CORUN_EXPORT int corun_group_wait(struct corun_group *group, uint64_t deadline_ns);

/** corun_group_size() - members that live now. Any thread; takes no lock. */
CORUN_EXPORT size_t corun_group_size(struct corun_group *group);

struct corun_member {
	uint64_t id;   /* as corun_id() gives it to the member */
	char name[32]; /* of its attr, cut to fit; "" if it has none */
	/*
	 * "running", "runnable" (another runs in its place), or "waiting: " and for what, such as
	 * "waiting: chan receive". Static storage. A member that blocks its thread, or whose worker
	 * was taken from it, is running.
	 */
	const char *state;
};

/**
 * corun_group_list() - who lives now, those longest in the group first
 * @ret: room for @n members; NULL if @n is 0
 *
 * The list as a whole is of one moment; the state of each is of the moment it was looked at.
 *
 * Context: coroutine or any other thread, also when all workers are stuck; waits for no coroutine.
 * Return:  how many live, which may be more than @n.
 */
CORUN_EXPORT size_t corun_group_list(struct corun_group *group, struct corun_member *ret, size_t n);

/**
 * corun_group_unref() - the caller no longer uses it; NULL is fine
 *
 * Members, and timers that members have started, keep the group alive without it.
 *
 * Context: coroutine or plain thread.
 */
CORUN_EXPORT void corun_group_unref(struct corun_group *group);

#ifdef __cplusplus
}
#endif
