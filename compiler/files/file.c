// SPDX-License-Identifier: MIT
/*
 * file.c - whole files in memory
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define CHUNK	(64u << 10)

void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){ 0 };
}

/* Reads to the end, whatever the file said its size was. */
static int read_all(const char *name, int fd, size_t guess, struct bytes *ret)
{
	struct bytes b = { .data = malloc(guess + 1) };
	size_t room = guess + 1;

	while (b.data) {
		ssize_t n = read(fd, b.data + b.size, room - b.size);
		void *more;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			bytes_free(&b);
			return io_fail(-errno, "%s: it cannot be read: %s",
				       name, strerror(errno));
		}
		if (!n) {
			*ret = b;
			return 0;
		}
		b.size += n;
		if (b.size < room)
			continue;
		room = room + room / 2 + CHUNK;
		more = realloc(b.data, room);
		if (!more)
			bytes_free(&b);
		b.data = more;
	}
	return io_fail_memory(name);
}

int file_read(const char *path, struct bytes *ret)
{
	struct stat st;
	int fd, err;

	if (!strcmp(path, "-"))
		return read_all("standard input", STDIN_FILENO, CHUNK, ret);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return io_fail(-errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st))
		st.st_size = 0;

	err = read_all(path, fd, st.st_size > 0 ? st.st_size : CHUNK, ret);
	close(fd);
	return err;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= n;
		}
	}
	return 0;
}

int file_write(const char *path, const void *data, size_t size)
{
	bool is_stdout = !strcmp(path, "-");
	int fd = STDOUT_FILENO, ret;

	if (!is_stdout)
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return io_fail(-errno, "%s: it cannot be written: %s", path,
			       strerror(errno));

	ret = write_all(fd, data, size);
	if (!is_stdout && close(fd) && !ret)
		ret = -errno;
	if (!ret)
		return 0;
	/* Devices such as /dev/full stay. */
	if (!is_stdout) {
		struct stat st;

		if (!stat(path, &st) && S_ISREG(st.st_mode))
			unlink(path);
	}
	return io_fail(ret, "%s: it cannot be written: %s",
		       is_stdout ? "standard output" : path, strerror(-ret));
}

char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = strdup(slash ? slash + 1 : path);
	char *dot = name ? strrchr(name, '.') : NULL;

	if (dot && dot != name)
		*dot = '\0';
	return name;
}
