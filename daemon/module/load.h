#pragma once

/*
 * Load - from a name to a module's table, or to a sentence that says what is wrong with the file
 *
 * A file is loaded once, however many tasks run it, and stays loaded: its timers may still fire when
 * no task runs it any more. Only when the file has changed (another inode, size or time) and a task
 * starts with it while no run of it lives, it is unloaded and the new one loaded. While a run does
 * live, new ones get the code that is loaded, and are told so.
 */

#include <stdbool.h>

#include <corun/module.h>

struct module_object; /* a loaded file, shared by its runs */

struct module_fault {
	char text[768]; /* a sentence without a newline */
};

/** module_fault_set() - Return: @err */
int module_fault_set(struct module_fault *fault, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * module_object_get() - load it, or find it loaded, and begin a run
 * @module:    as in Module=: "proxy" for @dir/proxy.so, or a path
 * @ret:       set on success; the caller ends the run with module_object_put()
 * @ret_stale: set on success: the file has changed since it was loaded
 *
 * Runs the constructors of what it loads. Context: coroutine or plain thread; blocks (it says so to
 * the runtime).
 * Return: 0; a negative errno, and a sentence in @fault.
 */
int module_object_get(const char *module, const char *dir, struct module_object **ret,
		      bool *ret_stale, struct module_fault *fault);

/** module_object_put() - the run has ended. Any thread or coroutine; never waits. */
void module_object_put(struct module_object *object);

const struct corun_module *module_object_table(const struct module_object *object);
const char *module_object_path(const struct module_object *object);
