/*
 * Resize - slots that retire and come back, against their holders and the taker
 *
 * Stands for runtime/worker.c (worker_set_pool_size, grow_locked, shrink_locked, finish_shrink,
 * worker_retire, worker_let_go) with the threads of runtime/steal.c that hold workers and the
 * monitor of runtime/preempt.c (pass_on) that takes them. README.md says what is left out.
 *
 * Coroutines and timers are counted. The pool is resized RESIZES times to any size while threads
 * acquire workers, start coroutines, arm timers, and lose their workers.
 *
 * Left out on purpose, each of which spin must find:
 * -DBROKEN_RETIRE     the state becomes DEAD without asking again whether the worker retires
 * -DBROKEN_LET_GO     a worker becomes idle without asking under the lock whether it retires
 * -DBROKEN_EMPTY      a retiring worker dies with its queue
 * -DBROKEN_TIMERS     ... or with its timers
 * -DBROKEN_IDLE       an idle worker dies at once, with what it has
 * -DBROKEN_REVIVE     growing does not take the mark from a worker that is held
 * -DBROKEN_HOLDER     finish_shrink() retires workers that somebody holds
 */

#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef THREADS
#define THREADS 2
#endif
#ifndef RESIZES
#define RESIZES 2
#endif
#ifndef SPAWNS
#define SPAWNS 1
#endif
#ifndef TIMERS
#define TIMERS 1
#endif
#ifndef TAKES
#define TAKES 1
#endif

#define NONE  255
#define OTHER 254 /* whoever wakes a thread, before that runs */

#define DEAD 0
#define IDLE 1
#define HELD 2

byte state[SLOTS] = IDLE;
byte holder[SLOTS] = NONE; /* w->thread */
bool retiring[SLOTS];
byte queue[SLOTS], timers[SLOTS];
byte global;		   /* in the global queue */
byte n_idle = SLOTS;
byte n_retiring;
byte n_workers = SLOTS;
byte worker[THREADS] = NONE; /* t->worker */
bool in_user[THREADS];	     /* in_rt == 0: entry.pml has the protocol */

byte spawns = SPAWNS, arms = TIMERS;
byte alive, armed;	/* what must not be lost */
byte users[SLOTS];	/* who holds it in truth */
bool resized;

/* worker_retire(), worker_let_go(); the caller holds @w, and no longer after it */
inline let_go(w)
{
	do
	:: retiring[w] ->
#ifndef BROKEN_EMPTY
		/* others steal from it meanwhile, one by one */
		do
		:: atomic { queue[w] > 0 -> queue[w]--; list++ }
		:: queue[w] == 0 -> break
		od;
#endif
#ifndef BROKEN_TIMERS
		atomic { timers[0] = timers[0] + timers[w]; timers[w] = 0 };
#endif
		atomic {
			if
#ifndef BROKEN_RETIRE
			:: !retiring[w] -> gone = false
			:: retiring[w] ->
#else
			:: true ->
#endif
				if
				:: retiring[w] -> n_retiring--
				:: else
				fi;
				retiring[w] = false;
				state[w] = DEAD;
				holder[w] = NONE;
				users[w]--;
				gone = true
			fi
		};
		atomic { global = global + list; list = 0 };
		if
		:: gone -> gone = false; break
		:: else
		fi
	:: else ->
		atomic {
			if
#ifndef BROKEN_LET_GO
			:: retiring[w]
			:: !retiring[w] ->
#else
			:: true ->
#endif
				state[w] = IDLE;
				holder[w] = NONE;
				users[w]--;
				n_idle++;
				gone = true
			fi
		};
		if
		:: gone -> gone = false; break
		:: else
		fi
	od
}

/* worker_acquire(): any idle one, if there is one */
inline acquire(t)
{
	atomic {
		i = 0;
		do
		:: i < SLOTS && state[i] != IDLE -> i++
		:: i < SLOTS && state[i] == IDLE -> break
		:: i + 1 < SLOTS -> i++
		:: i == SLOTS -> break
		od;
		if
		:: i < SLOTS ->
			state[i] = HELD;
			holder[i] = t;
			n_idle--;
			users[i]++;
			assert(users[i] == 1);
			worker[t] = i
		:: else
		fi;
		i = 0
	}
}

inline assert_held()
{
	assert(worker[t] != NONE && state[worker[t]] == HELD && users[worker[t]] == 1)
}

proctype thread(byte t)
{
	byte w, i, list;
	bool gone, got;

end:	/* asleep until there is something for it to do; how it is woken: idle.pml */
	(n_idle > 0 && (global > 0 || queue[0] > 0 || queue[SLOTS - 1] > 0));
	acquire(t);
find:
	if
	:: worker[t] == NONE -> goto end
	:: else
	fi;
	if
	:: retiring[worker[t]] ->
		atomic { w = worker[t]; worker[t] = NONE };
		let_go(w);
		acquire(t);
		goto find
	:: else
	fi;
	atomic {
		assert_held();
		w = worker[t];
		if
		:: queue[w] > 0 -> queue[w]--; got = true
		:: else ->
			if
			:: global > 0 -> global--; got = true
			:: else ->
				/* steal */
				i = 0;
				do
				:: i < SLOTS && queue[i] == 0 -> i++
				:: else -> break
				od;
				if
				:: i < SLOTS -> queue[i]--; got = true
				:: else
				fi;
				i = 0
			fi
		fi
	};
	if
	:: !got ->
		atomic { w = worker[t]; worker[t] = NONE };
		let_go(w);
		goto end
	:: else -> got = false
	fi;

user:
	in_user[t] = true;
	/* rt_enter(): the worker may have been taken */
	atomic { in_user[t] = false; w = 0 };
	if
	:: worker[t] == NONE ->
		acquire(t);
		if
		:: worker[t] == NONE -> global++; goto end
		:: else
		fi
	:: else
	fi;
	if
	:: atomic { spawns > 0 -> assert_held(); spawns--; alive++; queue[worker[t]]++ }; goto user
	:: atomic { arms > 0 -> assert_held(); arms--; armed++; timers[worker[t]]++ }; goto user
	:: atomic { assert_held(); queue[worker[t]]++ }; goto find /* yield */
	:: atomic { assert_held(); alive-- }; goto find /* end */
	fi
}

/* The monitor: takes a worker from a thread that runs user code. */
proctype monitor()
{
	byte takes, t, w, list;
	bool gone;

end:	do
	:: atomic {
		takes < TAKES && in_user[0] && worker[0] != NONE ->
		takes++; w = worker[0]; worker[0] = NONE; t = 1
	   };
		goto pass_on
#if THREADS > 1
	:: atomic {
		takes < TAKES && in_user[1] && worker[1] != NONE ->
		takes++; w = worker[1]; worker[1] = NONE; t = 0
	   };
		goto pass_on
#endif
	od;
pass_on:
	/* An heir would be a thread that looks at `retiring` next: as if it let go and acquired. */
	let_go(w);
	atomic { w = 0; t = 0; goto end }
}

proctype resizer()
{
	byte resizes, n, w, list;
	bool gone;

	do
	:: resizes == RESIZES -> break
	:: resizes < RESIZES ->
		n = 1;
		do
		:: n < SLOTS -> n++
		:: break
		od;
		atomic {
			n_workers = n;
			w = 0;
			do
			:: w < n ->
				/* grow_locked() */
				if
				:: state[w] == DEAD -> state[w] = IDLE; holder[w] = NONE; n_idle++
				:: else ->
					if
#ifndef BROKEN_REVIVE
					:: retiring[w] -> retiring[w] = false; n_retiring--
#endif
					:: else
					fi
				fi;
				w++
			:: w >= n && w < SLOTS ->
				/* shrink_locked() */
				if
#ifdef BROKEN_IDLE
				:: state[w] == IDLE -> state[w] = DEAD; n_idle--
				:: state[w] == HELD && !retiring[w] ->
#else
				:: state[w] == IDLE ->
					state[w] = HELD;
					n_idle--;
					users[w]++;
					retiring[w] = true;
					n_retiring++
				:: state[w] == HELD && !retiring[w] ->
#endif
					retiring[w] = true;
					n_retiring++
				:: else
				fi;
				w++
			:: else -> break
			od
		};
		/* finish_shrink() */
		w = n;
		do
		:: w < SLOTS ->
			gone = holder[w] == NONE;
#ifdef BROKEN_HOLDER
			gone = true;
#endif
			if
			:: gone && retiring[w] -> gone = false; let_go(w)
			:: else -> gone = false
			fi;
			w++
		:: else -> break
		od;
		resizes++
	od;
	atomic { n = 0; w = 0 };
	resized = true
}

/* Timers fire from the heap of any slot that lives, on whoever looks. */
proctype clock()
{
end:	do
	:: atomic { timers[0] > 0 && state[0] != DEAD -> timers[0]--; armed-- }
#if SLOTS > 1
	:: atomic { timers[1] > 0 && state[1] != DEAD -> timers[1]--; armed-- }
#endif
#if SLOTS > 2
	:: atomic { timers[2] > 0 && state[2] != DEAD -> timers[2]--; armed-- }
#endif
	od
}

#define UNTOUCHED(i)                                                                              \
	(state[i] != DEAD ||                                                                      \
	 (users[i] == 0 && queue[i] == 0 && timers[i] == 0 && !retiring[i] && holder[i] == NONE))

/* R3, and nobody has a dead worker; at every moment. */
proctype always()
{
end:
	atomic {
		!UNTOUCHED(0) ||
		!UNTOUCHED(SLOTS - 1) || users[0] > 1 || users[SLOTS - 1] > 1 ||
		(users[0] > 0 && state[0] != HELD) ||
		(users[SLOTS - 1] > 0 && state[SLOTS - 1] != HELD) ->
		assert(false)
	}
}

/* Nothing can move any more. */
proctype at_the_end()
{
	byte i, live;

	timeout ->
	atomic {
		do
		:: i < SLOTS ->
			if
			:: state[i] != DEAD -> live++
			:: else
			fi;
			i++
		:: else -> break
		od;
		assert(resized && alive == 0 && armed == 0);
		assert(n_retiring == 0 && n_idle == live && live == n_workers)
	}
}

init
{
	byte i;

	atomic {
		alive = 1;
		global = 1;
		i = 0;
		do
		:: i < THREADS -> run thread(i); i++
		:: else -> break
		od;
		run monitor();
		run resizer();
		run clock();
		run always();
		run at_the_end()
	}
}
