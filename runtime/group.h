#pragma once

/* Groups - what starting, ending and timers need of them; the public side is <corun/group.h> */

#include <corun/group.h>

struct coroutine;

/*
 * All of these inside the runtime (or from where timers fire), with locks of ranks up to TIMERS
 * held at most.
 */

/** group_enter() - @co, which has its id and name and is not queued yet, becomes a member */
void group_enter(struct corun_group *group, struct coroutine *co);

/** group_leave() - the function of @co has returned, or will never be called; it is a member */
void group_leave(struct coroutine *co);

/** group_ref() - one more user that is no member. @group must be in use. */
void group_ref(struct corun_group *group);

/** group_unref() - one less; the group is freed if there is neither user nor member */
void group_unref(struct corun_group *group);
