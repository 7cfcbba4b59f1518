/*
 * Idle - who publishes work against who goes idle
 *
 * Stands for runtime/sched.c (sched_put, sched_put_global, sched_end_slice), runtime/steal.c (look,
 * from_global, from_others, stop_spinning, go_idle, work_anywhere), runtime/thread.c (wake_one,
 * wake_for_idle_worker, thread_sleep, helper_main) and runtime/runq.c. README.md says what is left
 * out.
 *
 * The property is I2 of sched.c: when nothing moves any more, no coroutine is queued while a
 * worker is idle. Each coroutine that runs starts others, and then ends or runs for ever: so
 * nobody but a thread that was woken, or did not fall asleep, can repair a lost wake-up.
 *
 * The store of a ring's tail is a plain one: it waits in the buffer of its thread (`late`) until
 * `memory` lets it out or the thread executes a locked instruction or a fence. All else that
 * takes part is locked or under sched.lock.
 *
 * Left out on purpose, each of which spin must find:
 * -DBROKEN_RING_FENCE     no fence between a put into the ring and the look at n_idle
 * -DBROKEN_GLOBAL_BATCH   n_global falls before the batch is in the ring
 * -DBROKEN_HELPER         the helper, having raised n_spinning in vain, does not look again
 * -DBROKEN_LISTED         a thread does not look again once it is listed
 * -DBROKEN_RESCAN         nor does it once its worker is idle
 * -DBROKEN_LAST_SPINNER   the last spinner finds something and wakes nobody
 */

#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef THREADS
#define THREADS 2 /* threads_max: all that the helper may make */
#endif
#ifndef SPAWNS
#define SPAWNS 3 /* coroutines beside the first */
#endif

#ifndef ENDS
#define ENDS 1 /* of time slices while another was to run next */
#endif

#define NONE 255

byte n_global;
byte next[WORKERS], head[WORKERS], tail[WORKERS];
byte late[WORKERS]; /* stores of the tail on their way */
byte n_idle = WORKERS;
byte n_spinning, n_idle_threads;
bool idle[WORKERS] = true;
bool listed[THREADS], spinning[THREADS];
byte given[THREADS];	  /* 1 + the worker, or 0 */
bool lock;		  /* sched.lock */
bool wanted;		  /* the helper is */
bool starting;		  /* a thread is being made */
byte made = 1;		  /* threads */
byte spawns = SPAWNS;
byte ends = ENDS;

#ifdef BROKEN_RESCAN
#define BROKEN_LISTED
#endif

/* A locked instruction or a fence of the thread that holds worker @x; may hold none. */
inline flush(x)
{
	if
	:: x != NONE -> tail[x] = tail[x] + late[x]; late[x] = 0
	:: else
	fi
}

/* worker_pop_idle_locked() into @x */
inline pop_worker(x)
{
	x = 0;
	do
	:: x < WORKERS && !idle[x] -> x++
	:: else -> break
	od;
	if
	:: x < WORKERS -> idle[x] = false; n_idle--
	:: else -> x = NONE
	fi
}

/* thread_pop_idle_locked() into @x */
inline pop_thread(x)
{
	x = 0;
	do
	:: x < THREADS && !listed[x] -> x++
	:: else -> break
	od;
	if
	:: x < THREADS -> listed[x] = false; n_idle_threads--
	:: else -> x = NONE
	fi
}

/* work_anywhere() */
inline look_anywhere()
{
	found = n_global != 0;
	i = 0;
	do
	:: !found && i < WORKERS ->
		h = head[i];
		l = tail[i];
		found = next[i] != 0;
		if
		:: l == tail[i] -> atomic { found = found || h != l; i++ }
		:: else -> found = false
		fi
	:: else -> break
	od;
	atomic { h = 0; l = 0; i = 0 }
}

/* thread_wake_one(), wake_one(): @x is the caller's worker */
inline wake_one(x, may_ask)
{
	again = true;
	do
	:: again ->
		again = false;
		if
		:: n_idle == 0 -> break
		:: else
		fi;
		if
		:: n_spinning != 0 -> break
		:: else
		fi;
		if
		:: atomic { n_spinning == 0 -> n_spinning = 1; flush(x) }
		:: atomic { n_spinning != 0 -> flush(x) }; break
		fi;
		atomic {
			!lock ->
			wt = NONE;
			ww = NONE;
			if
			:: n_idle > 0 -> pop_thread(wt)
			:: else
			fi;
			if
			:: wt != NONE -> pop_worker(ww)
			:: else
			fi
		};
		if
		:: wt != NONE ->
			atomic {
				spinning[wt] = true;
				given[wt] = ww + 1;
				wt = 0;
				ww = 0
			}
		:: else ->
			atomic { n_spinning--; wt = 0; ww = 0 };
			if
			:: may_ask -> wanted = true
			:: else ->
#ifndef BROKEN_HELPER
				/* Who raises n_spinning has promised to look. */
				if
				:: n_idle_threads > 0 ->
					look_anywhere();
					again = found;
					found = false
				:: else
				fi
#else
				skip
#endif
			fi
		fi
	:: else -> break
	od;
	again = false
}

inline acquire()
{
	if
	:: n_idle != 0 -> atomic { !lock -> pop_worker(w) }
	:: else
	fi
}

/* One coroutine into the own ring */
inline put_ring()
{
	late[w]++;
#ifndef BROKEN_RING_FENCE
	atomic { flush(w) };
#endif
	wake_one(w, true)
}

proctype thread(byte t)
{
	byte w = NONE, v, n, h, l, i, wt, ww;
	bool found, again, got;

	if
	:: t == 0 -> /* it is running the first coroutine */
		atomic { pop_worker(w); got = true };
		goto work
	:: else -> starting = false
	fi;

find:	/* steal_find_work() */
	if
	:: w == NONE ->
		acquire();
		if
		:: w == NONE -> goto idle_now
		:: else
		fi
	:: else
	fi;
	/* from_own() */
	if
	:: atomic { next[w] != 0 -> next[w] = 0; flush(w); got = true }
	:: next[w] == 0
	fi;
	if
	:: got -> goto work
	:: else
	fi;
	if
	:: atomic { head[w] != tail[w] + late[w] -> flush(w); head[w]++; got = true }
	:: head[w] == tail[w] + late[w]
	fi;
	if
	:: got -> goto work
	:: else
	fi;
	/* from_global() */
	if
	:: n_global != 0 ->
		atomic { !lock -> lock = true; flush(w) };
		/* a share of the queue: one to run, the others into the ring */
		n = n_global / WORKERS + 1;
		if
		:: n > n_global -> n = n_global
		:: else
		fi;
#ifdef BROKEN_GLOBAL_BATCH
		atomic { n_global = n_global - n; lock = false };
		if
		:: n > 0 -> got = true; late[w] = late[w] + n - 1
		:: else
		fi;
#else
		if
		:: n > 0 -> got = true; late[w] = late[w] + n - 1
		:: else
		fi;
		atomic { n_global = n_global - n; flush(w) };
		lock = false;
#endif
		n = 0
	:: else
	fi;
	if
	:: got -> goto work
	:: else
	fi;
	/* start_spinning(): at most half as many as workers are busy */
	if
	:: !spinning[t] ->
		n = n_spinning;
		if
		:: 2 * n >= WORKERS - n_idle -> n = 0; goto idle_now
		:: else -> atomic { n = 0; spinning[t] = true; n_spinning++; flush(w) }
		fi
	:: else
	fi;
	/* from_others() */
	v = 0;
	do
	:: v == WORKERS -> break
	:: v < WORKERS && v == w -> v++
	:: v < WORKERS && v != w ->
		/* runq_steal() */
		atomic { h = head[v]; l = tail[v]; n = l - h; n = n - n / 2 };
		if
		:: n == 0 ->
			/* steal_next() */
			if
			:: atomic { next[v] != 0 -> next[v] = 0; got = true }
			:: next[v] == 0
			fi
		:: else ->
			if
			:: atomic { head[v] == h -> head[v] = h + n; flush(w); got = true }
			:: head[v] != h -> got = false
			fi;
			if
			:: got -> late[w] = late[w] + n - 1
			:: else -> v-- /* once more */
			fi
		fi;
		atomic { h = 0; l = 0; n = 0 };
		if
		:: got -> break
		:: else -> v++
		fi
	od;
	v = 0;
	if
	:: got -> goto work
	:: else
	fi;

idle_now: /* go_idle() */
	if
	:: w != NONE ->
		atomic { !lock -> flush(w); idle[w] = true; n_idle++; w = NONE }
	:: else
	fi;
	if
	:: spinning[t] -> atomic { spinning[t] = false; n_spinning-- }
	:: else
	fi;
#ifndef BROKEN_RESCAN
	look_anywhere();
	if
	:: found ->
		found = false;
		acquire();
		if
		:: w != NONE -> atomic { spinning[t] = true; n_spinning++ }; goto find
		:: else
		fi
	:: else
	fi;
#endif
	/* thread_sleep() */
	atomic { !lock -> listed[t] = true; n_idle_threads++ };
#ifndef BROKEN_LISTED
	if
	:: n_idle > 0 -> look_anywhere()
	:: else
	fi;
	if
	:: found -> found = false; wake_one(NONE, true) /* perhaps this thread itself */
	:: else
	fi;
#endif
end_sleep:
	atomic { given[t] != 0 -> w = given[t] - 1; given[t] = 0 };
	goto find;

work:	/* stop_spinning(), then the coroutine */
	got = false;
	if
	:: spinning[t] ->
		atomic { spinning[t] = false; n_spinning--; flush(w); again = n_spinning == 0 };
#ifdef BROKEN_LAST_SPINNER
		again = false;
#endif
		if
		:: again -> wake_one(w, true)
		:: else
		fi
	:: else
	fi;
	do
	:: atomic { spawns > 0 -> spawns-- };
		if
		:: atomic { found = next[w] != 0; next[w] = 1; flush(w) };
			/* sched_put(as_next): the one that was there goes into the ring */
			if
			:: found -> found = false; put_ring()
			:: else -> wake_one(w, true)
			fi
		:: put_ring()
		fi
	:: atomic { spawns > 1 -> spawns = spawns - 2 };
		/* a burst from elsewhere, from the network for one */
		atomic { !lock -> n_global = n_global + 2; flush(w) };
		wake_one(w, true)
	:: atomic { ends > 0 && next[w] != 0 -> ends--; next[w] = 0; flush(w) };
		/* sched_end_slice(): who was next goes behind the ring, and this one to all */
		late[w]++;
		if
		:: atomic { head[w] != tail[w] + late[w] -> flush(w); head[w]++; got = true }
		:: head[w] == tail[w] + late[w]
		fi;
		atomic { !lock -> n_global++; flush(w) };
		wake_one(w, true);
		if
		:: got -> goto work
		:: else -> goto find
		fi
	:: goto find /* it ends, or parks */
	:: break /* it runs for ever */
	od;
end_hog:
	false
}

/* Makes threads; the last resort of who wanted to wake one and found none. */
proctype helper()
{
	byte n, h, l, i, wt, ww;
	bool found, again;

end:	do
	:: wanted ->
		wanted = false;
		/* too_few() */
		if
		:: n_idle_threads == 0 ->
			if
			:: made < THREADS && !starting ->
				atomic { starting = true; run thread(made); made++ };
				goto end
			:: else
			fi
		:: else
		fi;
		wake_one(NONE, false)
	od
}

proctype memory()
{
	byte x;

end:	do
	:: atomic { late[0] > 0 -> tail[0]++; late[0]-- }
#if WORKERS > 1
	:: atomic { late[1] > 0 -> tail[1]++; late[1]-- }
#endif
#if WORKERS > 2
	:: atomic { late[2] > 0 -> tail[2]++; late[2]-- }
#endif
	od
}

/* Nothing can move any more. */
proctype at_the_end()
{
	byte i;
	bool work;

	timeout ->
	atomic {
		work = n_global > 0;
		do
		:: i < WORKERS ->
			work = work || head[i] != tail[i] || next[i] != 0;
			i++
		:: else -> break
		od;
		assert(!(work && n_idle > 0));
		assert(n_spinning == 0)
	}
}

init
{
	atomic {
		run thread(0);
		run helper();
		run memory();
		run at_the_end()
	}
}
