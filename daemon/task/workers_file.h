#pragma once

/*
 * Workers file - a worker count as a file, for programs that look for themselves
 *
 * DIR/workers is the daemon's, DIR/tasks/NAME.workers a task's: a number and a newline, replaced by
 * rename, so that a reader sees the old or the new one, whole.
 */

/** workers_file_set_dir() - the runtime directory, copied; NULL (also before): no files. Before any write. */
void workers_file_set_dir(const char *dir);

/**
 * workers_file_write() - write a count
 * @task: its name; NULL: the daemon's
 * Context: any plain thread, or between corun_block_enter() and _exit(). One writer for each file.
 * Return:  0, also without a directory; or a negative errno: the old file, if any, is still there.
 */
int workers_file_write(const char *task, unsigned workers);

/** workers_file_remove() - remove it; nothing happens if there is none. As above. */
void workers_file_remove(const char *task);

/** workers_file_path() - where it is. Return: allocated; NULL: no directory, or no memory. */
char *workers_file_path(const char *task);
