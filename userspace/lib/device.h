/* SPDX-License-Identifier: MIT */
/*
 * device.h - what a program asks of a device
 *
 * Behind these calls is the embedded machine; a device node of the kernel's
 * comes behind the same ones. A device routes completions to the slots of the
 * programs on it. One lock for all of them: it is held for queue operations,
 * never while a stream or a function runs.
 */
#ifndef FXQ_LIB_DEVICE_H
#define FXQ_LIB_DEVICE_H

#include <pthread.h>

#include <fxq/fxq_check.h>

#include "emu/embed.h"

#include "priv.h"

struct fxq_program;
struct slot;

/*
 * struct fxq_device
 * @changed: a slot of some program has moved on, or nobody reaps any more
 * @reaping: a thread is waiting for the device, the others wait for @changed
 * @running: slots whose stream the device has, in order of submission
 * @pending: slots whose stream it had no room for
 */
struct fxq_device {
	struct fxq_embed *embed;
	struct fxq_device_caps caps;
	pthread_mutex_t lock;		/* protects all below, and slots */
	pthread_cond_t changed;
	bool reaping;
	struct slot *running;
	struct slot *pending;
};

/* A piece of memory that a context sees. */
struct mapping {
	void *mem;
	uint64_t size, va;
};

int device_ctx_create(struct fxq_device *dev, uint32_t *ret_ctx);
void device_ctx_destroy(struct fxq_device *dev, uint32_t ctx);
/* Maps m->mem and writes m->va. The context's end unmaps it. */
int device_map(struct fxq_device *dev, uint32_t ctx, struct mapping *m,
	       bool writable);
struct fxq_caps device_stream_caps(const struct fxq_device *dev);

/* With the lock held: */

/* Gives the stream of @slot's step to the device, or queues it for that. */
void device_submit(struct fxq_device *dev, struct slot *slot);
/*
 * Waits up to @timeout_ns for completions, with the lock released meanwhile,
 * and moves their slots on. Returns how many.
 */
int device_reap(struct fxq_device *dev, uint64_t timeout_ns);

#endif /* FXQ_LIB_DEVICE_H */
