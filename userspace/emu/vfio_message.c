// SPDX-License-Identifier: MIT
/*
 * vfio_message.c - whole messages out of a stream, with their descriptors
 *
 * A header is read by itself and then just the bytes that it announces: the
 * kernel hands descriptors over with the first bytes that they were sent with,
 * so what arrives while a message is read belongs to that message.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vfio_message.h"

#define SEND_TIMEOUT_MS	5000	/* a peer that takes no replies has gone */

static void close_all(const int *fds, unsigned int n)
{
	while (n)
		close(fds[--n]);
}

/* Takes the descriptors of @h. Returns how many; the rest are closed. */
static unsigned int take_rights(struct msghdr *h, int *fds)
{
	unsigned int n = 0;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0), i;
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i + sizeof(fd) <= bytes; i += sizeof(fd)) {
			memcpy(&fd, CMSG_DATA(c) + i, sizeof(fd));
			if (n < VFIO_MAX_FDS)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

static ssize_t socket_receive(struct vfio_stream *stream, void *buf, size_t len,
			      int *fds, unsigned int *n_fds)
{
	struct vfio_socket *s = (struct vfio_socket *)stream;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(VFIO_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr h = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t n;

	do {
		n = recvmsg(s->fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*n_fds = take_rights(&h, fds);
	if (!(h.msg_flags & MSG_CTRUNC))
		return n;
	close_all(fds, *n_fds);
	*n_fds = 0;
	return -EMFILE;
}

static int await_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int ret;

	do {
		ret = poll(&p, 1, SEND_TIMEOUT_MS);
	} while (ret < 0 && errno == EINTR);
	return ret > 0 ? 0 : -ETIMEDOUT;
}

static int socket_send(struct vfio_stream *stream, const void *buf, size_t len)
{
	struct vfio_socket *s = (struct vfio_socket *)stream;
	const uint8_t *at = buf;
	int ret = 0;

	while (len && !ret) {
		ssize_t n = send(s->fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0) {
			at += n;
			len -= n;
		} else if (errno == EAGAIN) {
			ret = await_room(s->fd);
		} else if (errno != EINTR) {
			ret = -errno;
		}
	}
	return ret;
}

void vfio_socket_init(struct vfio_socket *s, int fd)
{
	s->stream.receive = socket_receive;
	s->stream.send = socket_send;
	s->fd = fd;
}

static int check_header(const struct vfio_header *h)
{
	if ((h->flags & VFIO_USER_TYPE_MASK) != VFIO_USER_REQUEST)
		return -EBADMSG;
	if (h->size < sizeof(*h) || h->size - sizeof(*h) > VFIO_MAX_BODY)
		return -EMSGSIZE;
	return 0;
}

/* Adds up to @len bytes at @to. Returns how many, or a negative errno. */
static ssize_t receive_some(struct vfio_message *m, struct vfio_stream *s,
			    void *to, size_t len)
{
	int fds[VFIO_MAX_FDS];
	unsigned int n_fds = 0, i;
	ssize_t n = s->receive(s, to, len, fds, &n_fds);

	if (n <= 0)
		return n ? n : -ENOTCONN;
	m->have += n;
	if (n_fds > VFIO_MAX_FDS - m->n_fds) {
		close_all(fds, n_fds);
		return -EMFILE;
	}
	for (i = 0; i < n_fds; i++)
		m->fds[m->n_fds++] = fds[i];
	return n;
}

int vfio_message_receive(struct vfio_message *m, struct vfio_stream *s)
{
	const uint32_t header = sizeof(m->header);
	ssize_t n = 1;
	int ret;

	while (n > 0 && m->have < header) {
		n = receive_some(m, s, (uint8_t *)&m->header + m->have,
				 header - m->have);
		ret = m->have == header ? check_header(&m->header) : 0;
		if (ret)
			return ret;
	}
	while (n > 0 && m->have < m->header.size)
		n = receive_some(m, s, m->body + (m->have - header),
				 m->header.size - m->have);
	if (n == -EAGAIN)
		return 0;
	return n < 0 ? n : 1;
}

int vfio_message_take_fd(struct vfio_message *m)
{
	if (m->n_fds != 1)
		return -1;
	m->n_fds = 0;
	return m->fds[0];
}

void vfio_message_finish(struct vfio_message *m)
{
	close_all(m->fds, m->n_fds);
	m->n_fds = 0;
	m->have = 0;
}

int vfio_message_reply(const struct vfio_message *m, struct vfio_stream *s,
		       int error, const void *body, uint32_t len)
{
	uint8_t buf[sizeof(struct vfio_header) + VFIO_MAX_BODY];
	struct vfio_header h = {
		.id = m->header.id,
		.command = m->header.command,
		.flags = VFIO_USER_REPLY | (error ? VFIO_USER_ERROR : 0),
		.error = error,
	};

	if (m->header.flags & VFIO_USER_NO_REPLY)
		return 0;
	len = error ? 0 : len;
	h.size = sizeof(h) + len;
	memcpy(buf, &h, sizeof(h));
	if (len)
		memcpy(buf + sizeof(h), body, len);
	return s->send(s, buf, h.size);
}
