/* SPDX-License-Identifier: MIT */
/*
 * socket.h - UNIX sockets that a server listens on
 */
#ifndef FXQ_SOCKET_H
#define FXQ_SOCKET_H

#include <stddef.h>

/*
 * Listens at @path; a socket there that nobody listens on any more is replaced.
 * Returns a descriptor, or a negative errno and the reason in @why.
 */
int fxq_listen(const char *path, char *why, size_t why_bytes);
/*
 * Who connected at @listener, or -1: nobody, or a client for whom no descriptor
 * is left. That one is sent away, or it would stay the next, and be told of
 * for as long as it waits.
 */
int fxq_accept(int listener);
/* Stops listening and removes @path. */
void fxq_unlisten(int fd, const char *path);

#endif /* FXQ_SOCKET_H */
