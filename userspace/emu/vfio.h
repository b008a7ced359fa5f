/* SPDX-License-Identifier: MIT */
/*
 * vfio.h - one client of the vfio-user protocol, served
 */
#ifndef FXQ_VFIO_H
#define FXQ_VFIO_H

#include "function.h"
#include "vfio_message.h"

#define VFIO_WHY	160

/*
 * struct vfio_client
 * @why: once vfio_serve() has failed, the reason in a sentence
 */
struct vfio_client {
	struct fxq_function *function;
	struct vfio_stream *stream;
	struct vfio_message message;
	bool greeted;			/* VERSION came first */
	char why[VFIO_WHY];
};

/* @f has no other client. */
void vfio_client_init(struct vfio_client *c, struct fxq_function *f,
		      struct vfio_stream *stream);
/* Takes back what the client had: the function is reset. */
void vfio_client_finish(struct vfio_client *c);
/*
 * Answers the messages that have arrived. Returns 0 when more may come, or a
 * negative errno when there is no more to talk about; -ENOTCONN: the client
 * went between two messages.
 */
int vfio_serve(struct vfio_client *c);

#endif /* FXQ_VFIO_H */
