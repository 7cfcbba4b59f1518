#include "contrib/modules/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <corun/coroutine.h>
#include <corun/io.h>
#include <corun/time.h>

enum { BACKLOG = 4096, HOST_BYTES = 256 }; /* the kernel has its own limit of the backlog */

/* ---- words ----------------------------------------------------------------------------------- */

static const char *
unix_path(const char *address)
{
	return strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
}

static bool
unix_address(const char *path, struct sockaddr_un *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	if (path[0] != '/' || strlen(path) >= sizeof(ret->sun_path))
		return false;
	strcpy(ret->sun_path, path);
	return true;
}

/* "HOST:PORT" into its parts; @host is "" for all. Return: the port, or NULL. */
static const char *
split(const char *address, char host[HOST_BYTES])
{
	const char *colon = strrchr(address, ':');
	size_t len = colon != NULL ? (size_t) (colon - address) : 0;
	char *end;
	unsigned long port;

	if (colon == NULL || len >= HOST_BYTES)
		return NULL;
	port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port > 65535)
		return NULL;
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	} else if (memchr(address, ':', len) != NULL) {
		return NULL;
	}
	memcpy(host, address, len);
	host[len] = '\0';
	if (strcmp(host, "*") == 0)
		host[0] = '\0';
	return colon + 1;
}

int
address_check(const char *value, char *why, size_t size)
{
	struct sockaddr_un un;
	char host[HOST_BYTES];

	if (unix_path(value) != NULL ? unix_address(unix_path(value), &un)
				     : split(value, host) != NULL)
		return 0;
	snprintf(why, size,
		 "is no address; HOST:PORT, [IPV6]:PORT or unix:/PATH (at most %zu characters) "
		 "would be",
		 sizeof(un.sun_path) - 1);
	return -1;
}

/* ---- names to addresses ---------------------------------------------------------------------- */

/* Freed with freeaddrinfo(). A name may take long: the worker goes on with others. */
__attribute__((noinline)) static int
look_up(const char *host, const char *port, int flags, struct addrinfo **ret)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = flags | AI_NUMERICHOST | AI_NUMERICSERV };
	int r = getaddrinfo(host, port, &hints, ret);

	if (r == EAI_NONAME) {
		hints.ai_flags = flags | AI_NUMERICSERV;
		corun_block_enter();
		r = getaddrinfo(host, port, &hints, ret);
		corun_block_exit();
	}
	switch (r) {
	case 0:
		return 0;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_AGAIN:
		return -EAGAIN;
	default:
		return -EADDRNOTAVAIL;
	}
}

/* ---- listen ---------------------------------------------------------------------------------- */

/* Not inlined: errno's address is that of the thread. */
__attribute__((noinline)) static int
bind_and_listen(int fd, const struct sockaddr *addr, socklen_t len)
{
	return bind(fd, addr, len) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
}

static int
listen_at(const struct sockaddr *addr, socklen_t len)
{
	int fd = corun_socket(addr->sa_family, SOCK_STREAM, 0);
	int r, on = 1, off = 0;

	if (fd < 0)
		return fd;
	if (addr->sa_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	r = bind_and_listen(fd, addr, len);
	if (r < 0)
		corun_close(fd);
	return r < 0 ? r : fd;
}

/* A socket that nobody listens on any more? What is no socket refuses connections, too, and stays. */
static bool
is_stale(const struct sockaddr_un *un)
{
	struct stat there;
	int fd, r;

	if (lstat(un->sun_path, &there) < 0 || !S_ISSOCK(there.st_mode))
		return false;
	r = fd = corun_socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0) {
		r = corun_connect(fd, (const struct sockaddr *) un, sizeof(*un), corun_in(CORUN_S));
		corun_close(fd);
	}
	return r == -ECONNREFUSED;
}

static int
listen_unix(const char *path)
{
	struct sockaddr_un un;
	int fd = -EINVAL;

	if (unix_address(path, &un))
		fd = listen_at((const struct sockaddr *) &un, sizeof(un));
	if (fd == -EADDRINUSE && is_stale(&un)) {
		unlink(path);
		fd = listen_at((const struct sockaddr *) &un, sizeof(un));
	}
	return fd;
}

/* The first address of the host; of all of this machine, IPv6 with IPv4 where there is IPv6. */
static int
listen_tcp(const char *host, const char *port)
{
	struct addrinfo *list;
	int fd = look_up(host[0] != '\0' ? host : "::", port, AI_PASSIVE, &list);

	if (fd == 0) {
		fd = listen_at(list->ai_addr, list->ai_addrlen);
		freeaddrinfo(list);
	}
	if (host[0] == '\0' && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL))
		return listen_tcp("0.0.0.0", port);
	return fd;
}

static void
name_of(int fd, char ret[ADDRESS_TEXT_BYTES])
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	char host[HOST_BYTES] = "?", port[16] = "?";

	if (getsockname(fd, (struct sockaddr *) &at, &len) == 0)
		getnameinfo((struct sockaddr *) &at, len, host, sizeof(host), port, sizeof(port),
			    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(ret, ADDRESS_TEXT_BYTES, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host,
		 port);
}

int
address_listen(const char *address, char ret_name[ADDRESS_TEXT_BYTES])
{
	char host[HOST_BYTES];
	const char *port;
	int fd;

	if (unix_path(address) != NULL) {
		snprintf(ret_name, ADDRESS_TEXT_BYTES, "%s", address);
		return listen_unix(unix_path(address));
	}
	port = split(address, host);
	if (port == NULL)
		return -EINVAL;
	fd = listen_tcp(host, port);
	if (fd >= 0)
		name_of(fd, ret_name);
	return fd;
}

void
address_unlink(const char *address)
{
	if (unix_path(address) != NULL)
		unlink(unix_path(address));
}

/* ---- connect --------------------------------------------------------------------------------- */

static int
connect_at(const struct sockaddr *addr, socklen_t len, struct corun_context *ctx)
{
	int fd = corun_socket(addr->sa_family, SOCK_STREAM, 0);
	int r;

	if (fd < 0)
		return fd;
	r = corun_connect_ctx(fd, addr, len, ctx);
	if (r < 0)
		corun_close(fd);
	return r < 0 ? r : fd;
}

int
address_connect(const char *address, struct corun_context *ctx)
{
	struct addrinfo *list;
	struct sockaddr_un un;
	char host[HOST_BYTES];
	const char *port;
	int fd;

	if (unix_path(address) != NULL)
		return unix_address(unix_path(address), &un)
			       ? connect_at((const struct sockaddr *) &un, sizeof(un), ctx)
			       : -EINVAL;
	port = split(address, host);
	if (port == NULL)
		return -EINVAL;
	fd = look_up(host[0] != '\0' ? host : "localhost", port, 0, &list);
	if (fd < 0)
		return fd;
	fd = -EADDRNOTAVAIL;
	for (struct addrinfo *at = list; at != NULL && fd < 0 && corun_context_error(ctx) == 0;
	     at = at->ai_next)
		fd = connect_at(at->ai_addr, at->ai_addrlen, ctx);
	freeaddrinfo(list);
	return fd;
}
