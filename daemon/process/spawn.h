#pragma once

/*
 * Spawn - start a program in a child process
 *
 * Everything that can fail or allocate is done before, in the parent: user and group are looked up,
 * vectors and descriptors made. Between clone and exec the child makes raw system calls on that
 * data only: it calls nothing in libc, takes no lock, allocates nothing. What fails there comes
 * back as a step and an errno.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct spawn_user { /* from spawn_look_up_user() */
	bool set;
	uid_t uid;
	gid_t gid;
	size_t n_groups;
	gid_t *groups;
};

/* What to start. All pointers are borrowed during spawn(). */
struct spawn_plan {
	const char *file;    /* an absolute path */
	char *const *argv;   /* ends with NULL */
	char *const *envp;   /* ends with NULL */
	const char *dir;     /* working directory; NULL: "/" */
	int fd_stdin;        /* becomes 0; -1: /dev/null, as with the next two */
	int fd_stdout;       /* becomes 1 */
	int fd_stderr;       /* becomes 2 */
	int cgroup_fd;       /* a directory of cgroup v2 to be born in; -1: the parent's */
	int cgroup_procs_fd; /* cgroup.procs (v1, or where clone3 cannot) to write "0" to; -1 */
	const struct spawn_user *user; /* NULL: the daemon's */
	bool new_session; /* setsid(): the child leads a process group and a session of its own */
};

/* Where a child failed before exec. */
enum spawn_step {
	SPAWN_CLONE,
	SPAWN_CGROUP,
	SPAWN_SESSION,
	SPAWN_DESCRIPTORS,
	SPAWN_GROUPS,
	SPAWN_GID,
	SPAWN_UID,
	SPAWN_DIR,
	SPAWN_EXEC,
};

struct spawn_result {
	pid_t pid;
	int pidfd;            /* close-on-exec; the caller closes it. -1: the kernel has none */
	enum spawn_step step; /* where it failed, if it did */
};

/**
 * spawn() - start it
 * @ret: set on success; on failure only @ret->step
 *
 * The child has no descriptors but 0 to 2, default signal dispositions, an empty signal mask. The
 * order of what is done there is that of enum spawn_step. A user that the daemon is already, without
 * a right to change users, is left as it is.
 *
 * Context: coroutine or plain thread; blocks the thread until the child has called exec (it says
 *          so to the runtime), which is for long where the program lies on a file system that
 *          hangs. reaper_begin() comes before, reaper_claim() or reaper_give_up() after: see
 *          reaper.h. Should the reaper run without them, it takes a failed child for an orphan.
 * Return:  0; a negative errno of the step in @ret->step. No child is left behind then.
 *          -ENOSYS with SPAWN_CLONE: the child does not share our memory (qemu-user), or was killed
 *          before it did anything.
 */
int spawn(const struct spawn_plan *plan, struct spawn_result *ret);

/**
 * spawn_more_descriptors() - raise the limit of open files to what is allowed
 *
 * A task takes up to seven, and 1024 is what most are started with. Children get the limit that was:
 * programs that use select(2) rely on a low one.
 *
 * Context: before the first spawn(). Return: 0; -errno: it stays as it is.
 */
int spawn_more_descriptors(void);

/** spawn_step_name() - what it was doing, for a message: "changing the user", "exec" ... */
const char *spawn_step_name(enum spawn_step step);

/**
 * spawn_look_up_user() - names or numbers to ids, and the user's supplementary groups
 * @group: NULL: the user's primary group
 * @ret:   set on success; for spawn_free_user()
 *
 * A number need not be in the user database; then @group must be given, and it is the only one.
 *
 * Context: may block for long (NSS); a plain thread, or between corun_block_enter() and _exit().
 * Return:  0; -ENOENT: no such user; -ESRCH: no such group, or none is known for the number; or
 *          what NSS says.
 */
int spawn_look_up_user(const char *user, const char *group, struct spawn_user *ret);
void spawn_free_user(struct spawn_user *user);

/**
 * spawn_find_program() - the absolute path that execvp would take for @name, by @path (PATH)
 * @ret: set on success; allocated with malloc(), the caller frees it
 *
 * A @name with a slash is not searched for. What is relative is so to the daemon's directory.
 *
 * Context: blocks in stat(2).
 * Return:  0; -ENOENT; -EACCES (found, but no executable file); -ENOMEM; or what stat(2) says.
 */
int spawn_find_program(const char *name, const char *path, char **ret);
