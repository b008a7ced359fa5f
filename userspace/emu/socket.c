// SPDX-License-Identifier: MIT
/*
 * socket.c - UNIX sockets that a server listens on
 *
 * A process that was killed leaves its socket behind: nobody accepts there, so
 * a connection is refused, and the name may be used again. Whatever else has
 * the name, a live server's socket or a file, is left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "socket.h"

#define BACKLOG	8

/* A descriptor to let go when there are no others. */
static int spare = -1;

static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Does @addr name a socket that nobody listens on? */
static int is_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd, ret;

	if (lstat(addr->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return 0;
	fd = open_socket();
	if (fd < 0)
		return 0;
	ret = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	ret = ret && errno == ECONNREFUSED;
	close(fd);
	return ret;
}

static int bind_to(int fd, const struct sockaddr_un *addr)
{
	if (!bind(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		return 0;
	if (errno != EADDRINUSE || !is_stale(addr))
		return -errno;
	if (unlink(addr->sun_path))
		return -errno;
	return bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) ?
	       -errno : 0;
}

static const char *reason(int error)
{
	if (error == -EADDRINUSE)
		return "something else has this name: another fxq-emu, or a file; choose another name";
	return strerror(-error);
}

static void open_spare(void)
{
	if (spare < 0)
		spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int fxq_listen(const char *path, char *why, size_t why_bytes)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, ret;

	if (!*path || strlen(path) >= sizeof(addr.sun_path)) {
		snprintf(why, why_bytes,
			 "the name of a socket has 1 to %zu characters, not %zu; choose another directory",
			 sizeof(addr.sun_path) - 1, strlen(path));
		return -ENAMETOOLONG;
	}
	strcpy(addr.sun_path, path);
	fd = open_socket();
	ret = fd < 0 ? fd : bind_to(fd, &addr);
	open_spare();
	if (!ret && listen(fd, BACKLOG)) {
		ret = -errno;
		unlink(path);
	}
	if (!ret)
		return fd;
	snprintf(why, why_bytes, "%s", reason(ret));
	if (fd >= 0)
		close(fd);
	return ret;
}

int fxq_accept(int listener)
{
	const int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd = accept4(listener, NULL, NULL, flags);

	if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
		return fd;
	if (spare >= 0)
		close(spare);
	spare = -1;
	fd = accept4(listener, NULL, NULL, flags);
	if (fd >= 0)
		close(fd);
	open_spare();
	return -1;
}

void fxq_unlisten(int fd, const char *path)
{
	unlink(path);
	close(fd);
}
