/* SPDX-License-Identifier: MIT */
/*
 * server.h - a function, its clients one after another, and those who wait
 */
#ifndef FXQ_SERVER_H
#define FXQ_SERVER_H

#include <stdbool.h>

#include "control.h"
#include "function.h"
#include "vfio.h"

/*
 * struct fxq_server
 * @listener: where clients connect; the next is accepted when one has gone
 * @control: who may ask for faults; set up by the caller
 * @stop: readable when the server shall end, -1: it never shall
 * @once: end with the first client
 * @say: told what happens, in sentences
 */
struct fxq_server {
	struct fxq_function *function;
	int listener;
	struct control control;
	int stop;
	bool once;
	void (*say)(const char *text);

	bool connected, ended;
	uint64_t greet_by;		/* ms of CLOCK_MONOTONIC */
	struct vfio_socket socket;
	struct vfio_client client;
};

/* Serves until told to stop. Returns 0 or a negative errno. */
int fxq_server_run(struct fxq_server *s);

#endif /* FXQ_SERVER_H */
