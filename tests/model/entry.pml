/*
 * Entry - a thread that enters the runtime against the monitor that takes its worker
 *
 * Stands for runtime/entry.h (rt_enter, rt_exit) and runtime/preempt.c (preempt_take, decide,
 * await_decision, come_back, rt_enter_slow). README.md says what is left out.
 *
 * A thread's plain stores wait in a buffer of its own, oldest first, until `memory` lets one of
 * them out, as on x86. A locked instruction empties the buffer of who executes it; membarrier
 * empties all, one after the other.
 *
 * -DFENCED              each entry takes the slow path with its exchange
 * Left out on purpose, each of which spin must find:
 * -DBROKEN_MEMBARRIER   the monitor does not call membarrier
 * -DBROKEN_EXCHANGE     fenced, but the slow path repeats the store as a plain one
 * -DBROKEN_AWAIT        a thread that sees TAKE does not wait for the decision
 * -DBROKEN_WAKE         the monitor decides and does not look for ASLEEP
 * -DBROKEN_RELEASE      on exit in_rt = 0 may overtake what was stored before it
 * -DBROKEN_OWNER        the monitor does not ask whether the thread still holds that worker
 */

#ifndef THREADS
#define THREADS 3
#endif
#ifndef WORKERS
#define WORKERS 1
#endif
#ifndef COROUTINES
#define COROUTINES 2
#endif
#ifndef CALLS
#define CALLS 2 /* that each coroutine makes, its end included */
#endif
#ifndef TAKES
#define TAKES 2 /* tries of the monitor */
#endif

#ifndef RETIRES
#define RETIRES 0 /* how often a thread lets its worker go while there is work */
#endif

#define NONE 255

#define FENCE  1
#define TAKE   4
#define TAKEN  8
#define ASLEEP 16

#define IN_RT   0 /* what a buffered store is to */
#define CONTENT 1

byte in_rt[THREADS];
byte attention[THREADS];
byte worker[THREADS] = NONE;	 /* t->worker */
byte holder[WORKERS] = NONE;	 /* w->thread */
bool idle[WORKERS] = true;
bool listed[THREADS];		 /* in idle_threads */
byte given[THREADS];		 /* 1 + the worker, or 0 */
bool on_futex[THREADS];		 /* sleeps on its attention */
byte content[WORKERS];		 /* what a thread inside does to its worker */

chan buffer[THREADS] = [3] of { byte, byte, byte }; /* IN_RT, 0, value; CONTENT, worker, value */
chan global = [COROUTINES] of { byte };		    /* calls left */

byte retires = RETIRES;

/* What the model knows and the program does not. */
byte users[WORKERS];
byte written[WORKERS];
byte pending[THREADS]; /* CONTENT stores in the buffer */
byte ended;

inline let_out(x, kind, i, v)
{
	buffer[x]?kind,i,v;
	if
	:: kind == IN_RT -> in_rt[x] = v
	:: else -> content[i] = v; pending[x]--
	fi;
	kind = 0;
	i = 0;
	v = 0
}

inline flush(x, kind, i, v)
{
	do
	:: nempty(buffer[x]) -> let_out(x, kind, i, v)
	:: empty(buffer[x]) -> break
	od
}

/* Work and an idle worker and a sleeping thread: bring them together. (How: idle.pml.) */
inline wake_one()
{
	atomic {
		wt = 0;
		ww = 0;
		do
		:: wt < THREADS && !listed[wt] -> wt++
		:: else -> break
		od;
		do
		:: ww < WORKERS && !idle[ww] -> ww++
		:: else -> break
		od;
		if
		:: wt < THREADS && ww < WORKERS && len(global) > 0 ->
			listed[wt] = false;
			idle[ww] = false;
			holder[ww] = wt;
			given[wt] = ww + 1
		:: else
		fi;
		wt = 0;
		ww = 0
	}
}

/* An idle worker for @t, if there is one. */
inline acquire()
{
	atomic {
		ww = 0;
		do
		:: ww < WORKERS && !idle[ww] -> ww++
		:: ww + 1 < WORKERS -> ww++ /* any idle one */
		:: else -> break
		:: ww < WORKERS && idle[ww] -> break
		od;
		if
		:: ww < WORKERS ->
			idle[ww] = false;
			holder[ww] = t;
			worker[t] = ww
		:: else
		fi;
		ww = 0
	}
}

/* Inside the runtime: this thread alone has the worker, and sees what the one before did. */
inline use_worker()
{
	atomic {
		assert(worker[t] != NONE);
		ww = worker[t];
		users[ww]++;
		assert(users[ww] == 1);
		assert(pending[t] > 0 || content[ww] == written[ww]);
		written[ww]++;
		pending[t]++;
		buffer[t]!CONTENT,ww,written[ww];
		ww = 0
	};
	atomic {
		assert(worker[t] != NONE);
		users[worker[t]]--
	}
}

proctype thread(byte t)
{
	byte calls, a, kind, i, v, wt, ww;

loop:	/* steal_find_work(): inside */
	if
	:: worker[t] == NONE -> acquire()
	:: else
	fi;
	if
	:: worker[t] != NONE ->
		use_worker();
		if
		:: atomic { global?calls -> flush(t, kind, i, v) }; goto user
		:: atomic {
			len(global) == 0 || retires > 0 -> /* nothing to run, or it retires */
			if
			:: len(global) > 0 -> retires--
			:: else
			fi;
			/* worker_let_go(): under the lock, a full fence */
			flush(t, kind, i, v);
			idle[worker[t]] = true;
			holder[worker[t]] = NONE;
			worker[t] = NONE
		   }
		fi
	:: else
	fi;
	atomic {
		/* Looked once more after it was let go: idle.pml. */
		ww = 0;
		do
		:: ww < WORKERS && !idle[ww] -> ww++
		:: else -> break
		od;
		if
		:: ww < WORKERS && len(global) > 0 -> ww = 0; goto loop
		:: else -> ww = 0; listed[t] = true
		fi
	};
end_sleep:
	atomic {
		given[t] != 0 ->
		worker[t] = given[t] - 1;
		given[t] = 0
	};
	goto loop;

user:	/* rt_exit() */
#ifdef BROKEN_RELEASE
	in_rt[t] = 0;
#else
	buffer[t]!IN_RT,0,0;
#endif
	/* user code; then rt_enter() */
	buffer[t]!IN_RT,0,1;
	a = attention[t];
	if
	:: a == 0 -> goto inside
	:: else
	fi;

slow:	/* rt_enter_slow() */
#ifdef BROKEN_EXCHANGE
	buffer[t]!IN_RT,0,1;
#else
	atomic {
		flush(t, kind, i, v);
		in_rt[t] = 1
	};
#endif
	a = attention[t];
	if
#ifndef BROKEN_AWAIT
	:: a & TAKE ->
		/* await_decision() */
		atomic {
			flush(t, kind, i, v);
			attention[t] = attention[t] | ASLEEP;
			a = attention[t]
		};
		do
		:: a & TAKE ->
			/* futex_wait(): sleeps if the word is still the same */
			atomic {
				if
				:: attention[t] == a -> on_futex[t] = true
				:: else
				fi
			};
			!on_futex[t];
			atomic {
				a = attention[t];
				if
				:: a & TAKE -> attention[t] = a | ASLEEP; a = attention[t]
				:: else
				fi
			}
		:: else -> break
		od;
		atomic { attention[t] = attention[t] & ~ASLEEP; a = 0 };
		goto slow
#endif
	:: (a & TAKEN) && !(a & TAKE) ->
		/* come_back() */
		atomic { attention[t] = attention[t] & ~TAKEN; a = 0 };
		acquire();
		if
		:: worker[t] != NONE -> goto slow
		:: else ->
			global!calls;
			calls = 0;
			wake_one();
			goto loop
		fi
	:: else
	fi;

inside:
	a = 0;
	use_worker();
	calls--;
	if
	:: calls > 0 -> goto user
	:: else -> ended++; goto loop
	fi
}

inline decide(add)
{
	atomic { attention[t] = attention[t] | add };
	atomic {
		a = attention[t];
		attention[t] = a & ~(TAKE | ASLEEP)
	};
#ifndef BROKEN_WAKE
	if
	:: a & ASLEEP -> on_futex[t] = false
	:: else
	fi;
#endif
	a = 0
}

inline put_heir_back()
{
	if
	:: heir != NONE -> listed[heir] = true
	:: else
	fi
}

proctype monitor()
{
	byte takes, t, w, heir = NONE, a, kind, i, v, wt, ww;
	bool out;

	do
	:: takes == TAKES -> break
	:: takes < TAKES ->
		takes++;
		w = 0;
		do
		:: w + 1 < WORKERS -> w++
		:: break
		od;
		t = holder[w];
		if
		:: t == NONE -> goto next
		:: else
		fi;
		if
		:: in_rt[t] != 0 -> goto next
		:: else
		fi;
		/* take_heir(); none is needed for a worker that retires */
		heir = NONE;
		if
		:: atomic {
			heir = 0;
			do
			:: heir < THREADS && !listed[heir] -> heir++
			:: else -> break
			od;
			if
			:: heir == THREADS -> heir = NONE; goto next
			:: else -> listed[heir] = false
			fi
		   }
		:: skip
		fi;
		atomic { attention[t] = attention[t] | TAKE };
#if !defined(FENCED) && !defined(BROKEN_MEMBARRIER)
		wt = 0;
		do
		:: wt < THREADS ->
			atomic {
				flush(wt, kind, i, v);
				wt++
			}
		:: else -> break
		od;
		wt = 0;
#endif
		out = in_rt[t] == 0;
#ifndef BROKEN_OWNER
		out = out && worker[t] == w;
#endif
		if
		:: !out ->
			decide(0);
			put_heir_back();
			wake_one();
			goto next
		:: else
		fi;
		atomic {
			assert(users[w] == 0);
			worker[t] = NONE;
			out = false
		};
		decide(TAKEN);
		/* pass_on(): to the heir; or the worker retires and somebody brought it back */
		if
		:: atomic { heir != NONE -> holder[w] = heir; given[heir] = w + 1 }
		:: atomic { holder[w] = NONE; idle[w] = true };
			put_heir_back();
			wake_one()
		fi;
next:
		atomic { t = 0; w = 0; heir = NONE; out = false }
	od
}

proctype memory()
{
	byte x, kind, i, v;

end:	do
	:: atomic { nempty(buffer[0]) -> let_out(0, kind, i, v) }
	:: atomic { nempty(buffer[1]) -> let_out(1, kind, i, v) }
#if THREADS > 2
	:: atomic { nempty(buffer[2]) -> let_out(2, kind, i, v) }
#endif
#if THREADS > 3
	:: atomic { nempty(buffer[3]) -> let_out(3, kind, i, v) }
#endif
	od
}

/* Nothing can move any more: every coroutine has come to its end. */
proctype at_the_end()
{
	timeout -> assert(ended == COROUTINES)
}

init
{
	byte i;

	atomic {
		i = 0;
		do
		:: i < COROUTINES -> global!CALLS; i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < THREADS ->
			in_rt[i] = 1;
#ifdef FENCED
			attention[i] = FENCE;
#endif
			run thread(i);
			i++
		:: else -> break
		od;
		run monitor();
		run memory();
		run at_the_end()
	}
}
