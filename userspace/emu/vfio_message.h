/* SPDX-License-Identifier: MIT */
/*
 * vfio_message.h - whole messages out of a stream, with their descriptors
 */
#ifndef FXQ_VFIO_MESSAGE_H
#define FXQ_VFIO_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vfio_wire.h"

#define VFIO_MAX_FDS	8
#define VFIO_MAX_DATA	4096u	/* of one region access: a whole region */
/* REGION_WRITE_MULTI with 200 writes, the most that QEMU gathers, fits. */
#define VFIO_MAX_BODY	8192u

/*
 * struct vfio_stream - where bytes come from and go to
 * @receive: up to @len bytes, and the file descriptors that came with them in
 *	 @fds (room for VFIO_MAX_FDS; *@n_fds of them, the caller's from then
 *	 on). Returns how many bytes, 0 at the end, -EAGAIN, or another errno
 * @send: all of @len bytes, or a negative errno
 */
struct vfio_stream {
	ssize_t (*receive)(struct vfio_stream *s, void *buf, size_t len,
			   int *fds, unsigned int *n_fds);
	int (*send)(struct vfio_stream *s, const void *buf, size_t len);
};

/* A connected stream socket, non-blocking. */
struct vfio_socket {
	struct vfio_stream stream;
	int fd;
};

void vfio_socket_init(struct vfio_socket *s, int fd);

/*
 * struct vfio_message - the message that is arriving
 * @have: bytes of it that are here, the header's first
 * @fds: what came with it and nobody has taken: closed with the message
 */
struct vfio_message {
	struct vfio_header header;
	uint8_t body[VFIO_MAX_BODY];
	uint32_t have;
	int fds[VFIO_MAX_FDS];
	unsigned int n_fds;
};

/*
 * Takes what has arrived. Returns 1 when @m is whole, 0 when more is to come,
 * -ENOTCONN at the end of the stream, -EMSGSIZE or -EMFILE for a message that
 * is too long or has too many descriptors, -EBADMSG for one that is no request.
 * After an error the stream makes no sense any more.
 */
int vfio_message_receive(struct vfio_message *m, struct vfio_stream *s);
static inline uint32_t vfio_body_bytes(const struct vfio_message *m)
{
	return m->header.size - sizeof(m->header);
}
/* The message's only descriptor, now the caller's; -1 if there is not one. */
int vfio_message_take_fd(struct vfio_message *m);
/* Makes room for the next; closes the descriptors that are left. */
void vfio_message_finish(struct vfio_message *m);
/*
 * Answers @m with @len bytes, or with @error (a positive errno) and none;
 * unless @m wants no reply.
 */
int vfio_message_reply(const struct vfio_message *m, struct vfio_stream *s,
		       int error, const void *body, uint32_t len);

#endif /* FXQ_VFIO_MESSAGE_H */
