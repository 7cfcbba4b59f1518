#pragma once

/*
 * Run modules in a test: as the daemon does, with the reaper in a plain thread.
 *
 * A test is a coroutine; in_runtime() runs it.
 */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <corun/chan.h>
#include <corun/coroutine.h>
#include <corun/runtime.h>
#include <corun/time.h>

#include "daemon/module/module.h"
#include "daemon/process/output.h"
#include "daemon/process/reaper.h"
#include "tests/unit/tap.h"

enum { KEYS_MAX = 8, SOON_S = 30 };

/* ---- the process ----------------------------------------------------------------------------- */

static inline void *
reap(void *arg)
{
	sigset_t *sigchld = arg;

	for (;;) {
		sigwaitinfo(sigchld, NULL);
		reaper_run();
	}
	return NULL;
}

/* Coroutines that never end are left to the end of the process. */
static inline void
in_runtime(unsigned workers, void (*fn)(void *arg))
{
	static sigset_t sigchld;
	struct corun_options options = { .policy = { .pin = workers }, .ignore_env = true };
	pthread_t thread;

	sigemptyset(&sigchld);
	sigaddset(&sigchld, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &sigchld, NULL);
	ck_assert_int_eq(reaper_open(), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, reap, &sigchld), 0);
	ck_assert_int_eq(corun_start(&options), 0);
	ck_assert_int_eq(corun_run(fn, NULL), 0);
}

/* ---- a module in it -------------------------------------------------------------------------- */

struct hosted {
	struct task_config config;
	struct key_value keys[KEYS_MAX];
	struct module_start start;
	struct module_run *run;
	struct corun_chan *ended; /* int: what it returned; room for two, for there must be one */
	char module[4096];
	char fault[1024];
};

static inline unsigned
seven_workers(void *arg)
{
	(void) arg;
	return 7;
}

static inline void
hosted_ended(void *arg, int result)
{
	struct hosted *h = arg;

	ck_assert_int_eq(corun_chan_try_send(h->ended, &result), 0);
}

/* Where make puts the modules of folder @dir. */
static inline void
built(char *ret, size_t size, const char *dir, const char *name)
{
	const char *top = getenv("CORUN_TOP_BUILDDIR");

	snprintf(ret, size, "%s/%s/.libs/%s.so", top != NULL ? top : ".", dir, name);
}

/* @module: a path. The keys: pairs, up to a NULL. */
static inline void
hosted_init(struct hosted *h, const char *module, const char *const *pairs)
{
	static char set[] = "SET=in the task", added[] = "ADDED=in the task", threads[] = "THREADS";
	static char *environment[] = { set, added, NULL }, *counts[] = { threads, NULL };

	memset(h, 0, sizeof(*h));
	snprintf(h->module, sizeof(h->module), "%s", module);
	h->config.refs = 1;
	h->config.name = strdup("test");
	h->config.file = strdup("test.task");
	h->config.type = TASK_MODULE;
	h->config.module = h->module;
	h->config.options = h->keys;
	h->config.environment = environment;
	h->config.export_workers_as = counts;
	for (size_t i = 0; pairs != NULL && pairs[2 * i] != NULL; i++) {
		ck_assert_uint_lt(i, KEYS_MAX);
		h->keys[i].key = strdup(pairs[2 * i]);
		h->keys[i].value = strdup(pairs[2 * i + 1]);
		h->keys[i].line = (unsigned) i + 10;
		h->config.n_options = i + 1;
	}
	h->start.config = &h->config;
	h->start.dir = "/nonexistent";
	h->start.workers = seven_workers;
	h->start.ended = hosted_ended;
	h->start.arg = h;
	ck_assert_int_eq(corun_chan_new(&h->ended, sizeof(int), 2), 0);
	ck_assert_int_eq(output_open("test", &h->start.output), 0);
}

static inline void
hosted_run(struct hosted *h)
{
	int r = module_run(&h->start, &h->run, h->fault, sizeof(h->fault));

	ck_assert_msg(r == 0, "module_run: %d: %s", r, h->fault);
}

/* Wait for its end. Return: what it returned. */
static inline int
hosted_wait(struct hosted *h)
{
	int result = -1;

	ck_assert_int_eq(corun_chan_recv(h->ended, &result, corun_in(SOON_S * CORUN_S)), 1);
	return result;
}

static inline void
hosted_free(struct hosted *h)
{
	ck_assert_uint_eq(corun_chan_len(h->ended), 0);
	module_run_free(h->run);
	output_close(h->start.output);
	corun_chan_free(h->ended);
	for (size_t i = 0; i < h->config.n_options; i++) {
		free(h->keys[i].key);
		free(h->keys[i].value);
	}
	free(h->config.name);
	free(h->config.file);
}

/* Is @text among the last output? Waits for it. */
static inline bool
hosted_said(struct hosted *h, const char *text)
{
	uint64_t until_ns = corun_in(SOON_S * CORUN_S);

	do {
		char *tail;
		long n = output_tail(h->start.output, &tail);
		bool found;

		ck_assert_int_ge(n, 0);
		found = memmem(tail, (size_t) n, text, strlen(text)) != NULL;
		free(tail);
		if (found)
			return true;
		corun_sleep(5 * CORUN_MS);
	} while (corun_now() < until_ns);
	return false;
}
