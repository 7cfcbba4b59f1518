/*
 * Listen - one daemon for each path
 *
 * Whoever holds the lock on PATH.lock owns PATH. A socket that is left there by a daemon that died
 * is replaced; one that answers is not, even if nobody holds the lock. The lock file is removed while
 * the lock is held, so who has locked looks whether it is still the file of that name.
 */

#include "daemon/control/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	SOCKET_MODE = 0660,
	FOLDER_MODE = 0755,
	BACKLOG = 128,
};

_Static_assert(sizeof(((struct listener *) 0)->path) ==
		       sizeof(((struct sockaddr_un *) 0)->sun_path),
	       "any path of a socket fits");

static int __attribute__((format(printf, 4, 5)))
fail(int error, char *fault, size_t fault_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault, fault_size, format, args);
	va_end(args);
	return error;
}

/* ---- where ----------------------------------------------------------------------------------- */

/* The folder of a default place is made: under /run it is gone after each boot. */
static int
make_folder(const char *path, char *fault, size_t fault_size)
{
	char folder[sizeof(((struct listener *) 0)->path)];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	*slash = '\0';
	if (mkdir(folder, FOLDER_MODE) == 0 || errno == EEXIST)
		return 0;
	return fail(-errno, fault, fault_size, "cannot make the folder %s: %s", folder,
		    strerror(errno));
}

static int
set_path(struct listener *listener, const char *folder, const char *name, char *fault,
	 size_t fault_size)
{
	size_t len = strlen(folder) + strlen(name);

	if (len == 0)
		return fail(-EINVAL, fault, fault_size, "the path of the socket is empty");
	if (len >= sizeof(listener->path))
		return fail(-ENAMETOOLONG, fault, fault_size,
			    "%s%s: the path of a socket has %zu bytes at most, this one has %zu",
			    folder, name, sizeof(listener->path) - 1, len);
	stpcpy(stpcpy(listener->path, folder), name);
	return 0;
}

static int
find_path(struct listener *listener, const char *path, char *fault, size_t fault_size)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	const char *folder = geteuid() == 0 ? "/run" : runtime_dir;
	int r;

	if (path == NULL)
		path = getenv("CORUN_SOCKET");
	if (path != NULL && *path != '\0')
		return set_path(listener, path, "", fault, fault_size);
	if (folder == NULL || *folder == '\0')
		return fail(-ENOENT, fault, fault_size, "XDG_RUNTIME_DIR is not set");
	r = set_path(listener, folder, "/corun/control.sock", fault, fault_size);
	return r == 0 ? make_folder(listener->path, fault, fault_size) : r;
}

/* ---- whose ----------------------------------------------------------------------------------- */

/* Return: is the open file still the one of that name? */
static bool
is_named(int fd, const char *name)
{
	struct stat open, there;

	return fstat(fd, &open) == 0 && stat(name, &there) == 0 && open.st_dev == there.st_dev &&
	       open.st_ino == there.st_ino;
}

static void
lock_name(const struct listener *listener, char *ret, size_t size)
{
	snprintf(ret, size, "%s.lock", listener->path);
}

static int
in_use(const struct listener *listener, int lock_fd, char *fault, size_t fault_size)
{
	char pid[24] = "";
	ssize_t n = lock_fd >= 0 ? pread(lock_fd, pid, sizeof(pid) - 1, 0) : 0;

	pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
	return fail(-EADDRINUSE, fault, fault_size,
		    "another process%s%s listens on %s; stop it, or choose another path",
		    *pid != '\0' ? ", pid " : "", pid, listener->path);
}

static int
take_lock(struct listener *listener, char *fault, size_t fault_size)
{
	char name[sizeof(listener->path) + sizeof(".lock")];

	lock_name(listener, name, sizeof(name));
	for (;;) {
		int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0)
			return fail(-errno, fault, fault_size, "cannot open %s: %s", name,
				    strerror(errno));
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			int r = errno == EWOULDBLOCK
					? in_use(listener, fd, fault, fault_size)
					: fail(-errno, fault, fault_size, "cannot lock %s: %s",
					       name, strerror(errno));

			close(fd);
			return r;
		}
		if (is_named(fd, name)) {
			listener->lock_fd = fd;
			if (ftruncate(fd, 0) == 0)
				dprintf(fd, "%ld\n", (long) getpid());
			return 0;
		}
		close(fd);
	}
}

static void
drop_lock(struct listener *listener)
{
	char name[sizeof(listener->path) + sizeof(".lock")];

	if (listener->lock_fd < 0)
		return;
	lock_name(listener, name, sizeof(name));
	unlink(name);
	close(listener->lock_fd);
	listener->lock_fd = -1;
}

static struct sockaddr_un
address_of(const struct listener *listener)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, listener->path, sizeof(address.sun_path));
	return address;
}

/*
 * Does somebody answer there? Then it is not ours, lock or not. Only a refusal says that nobody does:
 * a socket of another kind, or of somebody who lets us not in, is alive as far as we know.
 */
static bool
is_alive(const struct listener *listener)
{
	struct sockaddr_un address = address_of(listener);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return true;
	alive = connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0 ||
		(errno != ECONNREFUSED && errno != ENOENT);
	close(fd);
	return alive;
}

static int
remove_stale(struct listener *listener, char *fault, size_t fault_size)
{
	struct stat there;

	if (lstat(listener->path, &there) < 0)
		return errno == ENOENT ? 0
				       : fail(-errno, fault, fault_size, "%s: %s", listener->path,
					      strerror(errno));
	if (!S_ISSOCK(there.st_mode))
		return fail(-EEXIST, fault, fault_size,
			    "%s is there and no socket; it is left alone", listener->path);
	if (is_alive(listener))
		return in_use(listener, -1, fault, fault_size);
	if (unlink(listener->path) < 0)
		return fail(-errno, fault, fault_size, "cannot remove the stale socket %s: %s",
			    listener->path, strerror(errno));
	return 0;
}

/* ---- listening ------------------------------------------------------------------------------- */

static int
make_socket(struct listener *listener, char *fault, size_t fault_size)
{
	struct sockaddr_un address = address_of(listener);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return fail(-errno, fault, fault_size, "socket: %s", strerror(errno));
	/* Of the descriptor before: the name never has more rights than these, whatever the umask. */
	if (fchmod(fd, SOCKET_MODE) == 0 &&
	    bind(fd, (struct sockaddr *) &address, sizeof(address)) == 0) {
		if (chmod(listener->path, SOCKET_MODE) == 0 && listen(fd, BACKLOG) == 0) {
			listener->fd = fd;
			return 0;
		}
		r = -errno;
		unlink(listener->path);
	} else {
		r = -errno;
	}
	close(fd);
	return fail(r, fault, fault_size, "cannot listen on %s: %s", listener->path, strerror(-r));
}

int
listen_open(struct listener *listener, const char *path, char *fault, size_t fault_size)
{
	int r;

	*listener = (struct listener){ .fd = -1, .lock_fd = -1 };
	r = find_path(listener, path, fault, fault_size);
	if (r == 0)
		r = take_lock(listener, fault, fault_size);
	if (r == 0)
		r = remove_stale(listener, fault, fault_size);
	if (r == 0)
		r = make_socket(listener, fault, fault_size);
	if (r < 0)
		drop_lock(listener);
	return r;
}

int
listen_take(struct listener *listener, int fd, char *fault, size_t fault_size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(address);

	*listener = (struct listener){ .fd = fd, .lock_fd = -1 };
	if (getsockname(fd, (struct sockaddr *) &address, &len) < 0 ||
	    address.sun_family != AF_UNIX)
		return fail(-EINVAL, fault, fault_size,
			    "the socket that was passed is no Unix socket (ListenStream=/a/path)");
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return fail(-errno, fault, fault_size, "the socket that was passed: %s",
			    strerror(errno));
	snprintf(listener->path, sizeof(listener->path), "%s%.*s",
		 address.sun_path[0] == '\0' ? "@" : "", (int) sizeof(address.sun_path) - 2,
		 address.sun_path[0] == '\0' ? address.sun_path + 1 : address.sun_path);
	return 0;
}

void
listen_close(struct listener *listener)
{
	if (listener->lock_fd >= 0)
		unlink(listener->path);
	drop_lock(listener);
	*listener = (struct listener){ .fd = -1, .lock_fd = -1 };
}
