/*
 * Park - a waiter, and three who compete to wake it
 *
 * Stands for runtime/wait.h and wait.c, runtime/sched.c (sched_park, park_notify, publish_parked),
 * runtime/timer.c (fire_wait, timer_remove, timers_move), the queue of runtime/chan.c (await,
 * claim_first) and the watches of runtime/context.c. README.md says what is left out.
 *
 * The waiter waits ROUNDS times. Each time its wait is in the queue of a partner, and perhaps in a
 * heap of timers and in the list of a context. `alive` holds while the wait lies on the stack of
 * the waiter: who touches it otherwise touches something else.
 *
 * -DPLAIN                  the waiter is a plain thread, which parks on a futex
 * Left out on purpose, each of which spin must find:
 * -DBROKEN_CLAIM           wakers ready without having won the claim
 * -DBROKEN_PERMIT          who is parked in the end does not look for a permit
 * -DBROKEN_HEAP_FIRST      a timer that fires leaves its heap before it claims
 * -DBROKEN_REMOVE          the waiter leaves its node in the partner's queue
 * -DBROKEN_MOVED           timer_remove() does not ask again which heap has the timer
 * -DBROKEN_READ_AFTER      a waker reads the wait once more after it has readied
 * -DBROKEN_LATE_CLAIM      plain: who times out and loses the claim does not await the permit
 */

#ifndef ROUNDS
#define ROUNDS 2
#endif

#define RUNNING  0
#define PARKED   1
#define NOTIFIED 2

byte park;
bool claim, alive;
bool linked;		 /* the node, in the partner's queue */
bool watching;		 /* the watch, in the context's list */
byte heap;		 /* 1 or 2: the timer is in that heap; 0: in none */
bool queue_lock, context_lock, heap_lock[3];

/* The coroutine seen from outside. */
bool left;   /* it has left its stack, or is about to; the next on its thread takes care of it */
bool saved;  /* its context is */
byte queued; /* in a run queue */
bool go_on = true;
byte readied; /* in this round */
bool canceled, over;

inline acquire(lock)
{
	atomic { !lock -> lock = true }
}

inline try_claim(won)
{
	atomic {
		assert(alive);
		won = !claim;
		claim = true
	}
#ifdef BROKEN_CLAIM
	won = true
#endif
}

/* sched_put() */
inline put()
{
	atomic {
		assert(queued == 0 && saved);
		queued++
	}
}

/* sched_ready(): park_notify(), and into the queue */
inline ready(was)
{
	atomic {
		readied++;
		assert(readied == 1);
		was = park;
		park = NOTIFIED;
		assert(was != NOTIFIED)
	};
#ifndef PLAIN
	if
	:: was == PARKED -> park = RUNNING; put()
	:: else
	fi;
#endif
	was = 0
#ifdef BROKEN_READ_AFTER
	; assert(alive)
#endif
}

proctype waiter()
{
	byte round, h;
	bool won, timed, watched;

	do
	:: round == ROUNDS -> break
	:: round < ROUNDS ->
		atomic {
			assert(!linked && !watching && heap == 0);
			claim = false;
			alive = true;
			readied = 0
		};
		/* the caller of wait_park(): await() */
		acquire(queue_lock);
		atomic { linked = true; queue_lock = false };

		/* wait_park() */
		if
		:: acquire(context_lock);
			if
			:: canceled ->
				context_lock = false;
				try_claim(won);
				if
				:: won -> goto remove
				:: else
				fi
			:: else -> atomic { watched = true; watching = true; context_lock = false }
			fi
		:: skip
		fi;
		if
		:: timed = true
		:: skip
		:: /* the deadline has passed */
			try_claim(won);
			if
			:: won -> goto out
			:: else
			fi
		fi;
#ifdef PLAIN
		/* park_plain() */
		if
		:: atomic { park == RUNNING -> park = PARKED }
		:: atomic { park != RUNNING }
		fi;
		do
		:: park != PARKED -> break
		:: timed ->
			try_claim(won);
			if
			:: won -> break
			:: else -> timed = false
			fi;
#ifdef BROKEN_LATE_CLAIM
			break
#endif
		od;
		park = RUNNING;
		timed = false;
#else
		if
		:: timed ->
			/* timer_add() */
			acquire(heap_lock[1]);
			heap = 1;
			heap_lock[1] = false
		:: else
		fi;
		/* sched_park() */
		if
		:: atomic { park == NOTIFIED -> park = RUNNING }
		:: atomic {
			park != NOTIFIED ->
			go_on = false;
			left = true
		   };
			/* another thread may carry it from here on */
			go_on
		fi;
		if
		:: timed ->
			/* timer_remove() */
			do
			:: h = heap;
				if
				:: h == 0 -> break
				:: else
				fi;
				acquire(heap_lock[h]);
				if
#ifndef BROKEN_MOVED
				:: heap != h -> heap_lock[h] = false
				:: heap == h ->
#else
				:: true ->
#endif
					heap = 0;
					heap_lock[h] = false;
					break
				fi
			od;
			h = 0;
			timed = false
		:: else
		fi;
#endif
out:
		if
		:: watched ->
			/* context_unwatch() */
			acquire(context_lock);
			atomic { watching = false; context_lock = false; watched = false }
		:: else
		fi;
remove:
		/* the caller again */
		assert(claim);
#ifndef BROKEN_REMOVE
		acquire(queue_lock);
		atomic { linked = false; queue_lock = false };
#endif
		atomic { alive = false; won = false; timed = false; round++ }
	od;
	over = true
}

/* Comes round as long as the waiter does. */
proctype partner()
{
	bool won;
	byte was;

end:	do
	:: linked ->
		acquire(queue_lock);
		if
		:: linked ->
			linked = false;
			try_claim(won)
		:: else
		fi;
		queue_lock = false;
		if
		:: won -> won = false; ready(was)
		:: else
		fi
	od
}

/* timers_run(), by whoever comes by; a heap's timers may be moved to another before. */
proctype timers()
{
	bool won;
	byte was, h;

end:	do
	:: heap != 0 ->
		h = heap;
		if
		:: h == 0 -> goto end
		:: else
		fi;
		acquire(heap_lock[h]);
		if
		:: heap == h ->
			/* fire_wait(); the slot is out of the order already */
#ifdef BROKEN_HEAP_FIRST
			heap = 0;
			try_claim(won);
#else
			try_claim(won);
			heap = 0;
#endif
			if
			:: won -> won = false; ready(was)
			:: else
			fi
		:: else
		fi;
		heap_lock[h] = false;
		h = 0
	od
}

/* timers_move(): the worker of heap 1 leaves the pool. */
proctype mover()
{
	acquire(heap_lock[1]);
	acquire(heap_lock[2]);
	if
	:: heap == 1 -> heap = 2
	:: else
	fi;
	heap_lock[1] = false;
	heap_lock[2] = false
}

proctype canceller()
{
	bool won;
	byte was;

	acquire(context_lock);
	canceled = true;
	if
	:: watching ->
		watching = false;
		try_claim(won);
		if
		:: won -> ready(was)
		:: else
		fi
	:: else
	fi;
	context_lock = false
}

/* The next coroutine on the thread that was left: finish_left(), publish_parked(). */
proctype successor()
{
end:	do
	:: atomic { left -> left = false; saved = true };
		if
#ifdef BROKEN_PERMIT
		:: park = PARKED
#else
		:: atomic { park == RUNNING -> park = PARKED }
		:: atomic { park != RUNNING }; park = RUNNING; put()
#endif
		fi
	od
}

/* A thread that looks for work. */
proctype picker()
{
end:	do
	:: atomic {
		queued > 0 ->
		assert(queued == 1 && saved && !go_on);
		queued--;
		saved = false;
		go_on = true
	   }
	od
}

/* Nothing can move any more. */
proctype at_the_end()
{
	timeout -> assert(over && queued == 0 && park == RUNNING)
}

init
{
	atomic {
		run waiter();
		run partner();
		run canceller();
#ifndef PLAIN
		run timers();
		run mover();
		run successor();
		run picker();
#endif
		run at_the_end()
	}
}
