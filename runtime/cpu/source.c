#include "config.h"

#include "runtime/cpu/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif
#endif

/* A fixture may hold anything, a fifo too: do not wait in open(2) for somebody to write. */
#define FILE_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define DIR_FLAGS  (O_PATH | O_CLOEXEC | O_DIRECTORY)

#define TEXT_FIRST 16384
#define TEXT_MAX   (64 << 20)

int
cpu_source_init(struct cpu_source *source, const char *root)
{
	source->root_fd = -1;
	if (root) {
		source->root_fd = open(root, DIR_FLAGS);
		if (source->root_fd < 0)
			return -errno;
	}
	return 0;
}

void
cpu_source_fini(struct cpu_source *source)
{
	if (source->root_fd >= 0)
		close(source->root_fd);
	source->root_fd = -1;
}

int
cpu_source_walk(int root_fd, const char *path)
{
	char name[NAME_MAX + 1];
	int dir = root_fd;
	int fd = -ENOENT;

	path += strspn(path, "/");
	while (*path) {
		size_t len = strcspn(path, "/");
		const char *next = path + len + strspn(path + len, "/");

		if (len > NAME_MAX) {
			fd = -ENAMETOOLONG;
		} else if (len == 2 && memcmp(path, "..", 2) == 0) {
			fd = -EXDEV;
		} else {
			memcpy(name, path, len);
			name[len] = '\0';
			fd = openat(dir, name, O_NOFOLLOW | (*next ? DIR_FLAGS : FILE_FLAGS));
			if (fd < 0)
				fd = -errno;
		}
		if (dir != root_fd)
			close(dir);
		if (fd < 0)
			return fd;
		dir = fd;
		path = next;
	}
	return fd;
}

/* The kernel's own way to stay below a folder: links work, and are resolved within it. */
static int
open_in_root(int root_fd, const char *path)
{
#if defined(SYS_openat2) && defined(RESOLVE_IN_ROOT)
	struct open_how how = { .flags = FILE_FLAGS, .resolve = RESOLVE_IN_ROOT };
	int tries = 3;
	long fd;

	/* EAGAIN: something was renamed meanwhile, and the kernel cannot be sure. */
	do {
		fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
	if (fd >= 0)
		return (int) fd;
	/* EPERM is what a seccomp filter says that is older than the call. */
	if (errno != ENOSYS && errno != EPERM)
		return -errno;
#endif
	return cpu_source_walk(root_fd, path);
}

int
cpu_source_open(const struct cpu_source *source, const char *path)
{
	int fd;

	if (source->root_fd >= 0)
		return open_in_root(source->root_fd, path);
	do {
		fd = open(path, FILE_FLAGS);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

static int
read_to_end(int fd, char **ret_text, size_t *ret_len)
{
	size_t size = TEXT_FIRST, len = 0;
	char *text = malloc(size);

	if (!text)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, text + len, size - len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int error = -errno;

			free(text);
			return error;
		}
		if (n == 0)
			break;
		len += (size_t) n;
		if (len == size - 1) {
			char *more = size < TEXT_MAX ? realloc(text, size * 2) : NULL;

			if (!more) {
				free(text);
				return size < TEXT_MAX ? -ENOMEM : -EFBIG;
			}
			text = more;
			size *= 2;
		}
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int
cpu_source_read_all(const struct cpu_source *source, const char *path, char **ret_text,
		    size_t *ret_len)
{
	int fd = cpu_source_open(source, path);
	int r;

	if (fd < 0)
		return fd;
	r = read_to_end(fd, ret_text, ret_len);
	close(fd);
	return r;
}

ssize_t
cpu_source_read_again(int fd, char *buf, size_t size)
{
	ssize_t n;

	do {
		n = pread(fd, buf, size, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

bool
cpu_source_unlinked(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 0;
}
