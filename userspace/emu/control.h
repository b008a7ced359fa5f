/* SPDX-License-Identifier: MIT */
/*
 * control.h - faults at will: a line in, a line out
 *
 * For tests, on the host or, through a virtio-serial port, in the guest. A
 * line is a command; its answer is "ok", "error: " and a sentence, or JSON.
 */
#ifndef FXQ_CONTROL_H
#define FXQ_CONTROL_H

#include <poll.h>

#include "function.h"

#define CONTROL_CLIENTS		4
#define CONTROL_LINE		4096
#define CONTROL_FDS		(1 + CONTROL_CLIENTS)

struct control_client {
	int fd;			/* -1: none */
	size_t have;
	char line[CONTROL_LINE];
};

/* @listener: -1: there is no control socket */
struct control {
	struct fxq_function *function;
	int listener;
	struct control_client client[CONTROL_CLIENTS];
};

void control_init(struct control *c, struct fxq_function *f, int listener);
void control_finish(struct control *c);
/* What to wait for: CONTROL_FDS entries. */
void control_wait(const struct control *c, struct pollfd *p);
/* Acts on what these entries tell. */
void control_serve(struct control *c, const struct pollfd *p);
/*
 * Acts on one line, which is taken apart. Returns the answer without its end
 * of line, to be freed; NULL: no memory.
 */
char *control_obey(struct fxq_function *f, char *line);

#endif /* FXQ_CONTROL_H */
