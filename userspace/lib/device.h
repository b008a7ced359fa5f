/* SPDX-License-Identifier: MIT */
/*
 * device.h - what a program asks of a device
 *
 * Two kinds stand behind these calls: the embedded machine, driven in this
 * process, and the device nodes of fxq.ko. What differs is in a table of
 * functions; queues, retries and sentences are the same for both.
 */
#ifndef FXQ_LIB_DEVICE_H
#define FXQ_LIB_DEVICE_H

#include <pthread.h>

#include <fxq/fxq_check.h>

#include "priv.h"

#define EMBEDDED	"embedded"

struct fxq_program;
struct slot;

/*
 * struct memory - a piece of memory that CPU and device reach
 * @mem: NULL if it is the device's alone
 * @va: embedded: where its context sees it
 * @handle: drm: of the buffer object
 */
struct memory {
	void *mem;
	uint64_t size;
	uint64_t va;
	uint32_t handle;
};

/* Bytes of a file that go to memory, or with @write come from there. */
struct file_part {
	bool write;
	int fd;
	void *data;
	uint32_t size;
	uint64_t offset;
};

/*
 * struct queue - runs that a device has, in order of submission
 * @reaping: a thread is waiting for the device, the others wait for changes
 * @running: slots whose stream the device has
 * @pending: slots whose stream it had no room for
 * @file_ended: told of @files, by whoever collects, what each file came to:
 *		bytes or a negative errno. With the lock held
 */
struct queue {
	bool reaping;
	struct slot *running;
	struct slot *pending;
	void (*file_ended)(void *files, uint64_t cookie, int result);
	void *files;
};

/*
 * struct run_end - how the device was done with a run
 * @error: 0; -ECANCELED: it was only stopped, and may be submitted again; else
 *	   why it failed: -EIO for a fault, -ETIME for a hang, -ENODEV
 * @cause: enum fxq_cause; FXQ_CAUSE_NONE if the device tells none
 * @index, @tag: of the descriptor at fault
 */
struct run_end {
	int error;
	uint32_t cause, index, tag;
	uint64_t cycles;
};

/*
 * struct device_ops - a kind of device. Functions that can fail return a
 * negative errno; those of the first group have kept a sentence.
 * @alloc: fills in m->mem and what the device needs, for m->size zeroed bytes
 * @load: makes a program with device steps ready, after its slots; chooses
 *	  p->queue
 * @unload: undoes that, or what a failed @load did; before the slots go
 *
 * @submit: hands over the stream of the slot's step and writes slot->run;
 *	    -EBUSY: there is no room until a run ends. With the lock held
 * @wait: until a run has ended: @run, the oldest of the queue, or any other.
 *	  1, or 0 when the time is over. Without the lock, one thread a queue
 * @collect: tells device_run_ended() what has. With the lock held, by the
 *	     thread that waited
 *
 * The last group is for programs that one thread has for itself; without it
 * @ring_open is NULL.
 * @ring_open: from now on @submit only prepares, with room for @entries
 * @ring_links: would a run that is submitted now be prepared at once, so that
 *		it may follow what was prepared before?
 * @ring_file: prepares a part of a file; what comes of it is told @file_ended.
 *	       With @link what is prepared next follows it
 * @ring_enter: hands over what is prepared, and waits for @n to end; where
 *		there is no room, hands over what there is for, and waits for
 *		one
 */
struct device_ops {
	void (*close)(struct fxq_device *dev);
	int (*alloc)(struct fxq_device *dev, struct memory *m);
	void (*free)(struct fxq_device *dev, struct memory *m);
	int (*load)(struct fxq_program *p);
	void (*unload)(struct fxq_program *p);

	int (*submit)(struct slot *slot);
	int (*wait)(struct fxq_program *p, uint64_t run, uint64_t timeout_ns);
	void (*collect)(struct fxq_program *p);

	int (*ring_open)(struct fxq_program *p, uint32_t entries);
	bool (*ring_links)(const struct fxq_program *p);
	void (*ring_file)(struct fxq_program *p, const struct file_part *f,
			  bool link, uint64_t cookie);
	int (*ring_enter)(struct fxq_program *p, uint32_t n,
			  uint64_t timeout_ns);
};

/*
 * struct fxq_device - the first member of what each kind has
 * @info: pointers lead to memory that the kind keeps
 * @lock: protects queues and slots; held for queue operations, never while a
 *	  stream or a function runs
 * @changed: a slot of some program has moved on, or nobody reaps any more
 * @calls: system calls that it took so far
 * @forks: device_forks() when it was opened
 */
struct fxq_device {
	const struct device_ops *ops;
	struct fxq_device_caps caps;
	struct fxq_device_info info;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	_Atomic uint64_t calls;
	unsigned int forks;
};

/* The kinds, each in its file. They fill in ops, caps, info and forks. */
int embed_device_open(const struct fxq_device_config *config,
		      struct fxq_device **ret_dev);
/* @name: as fxq_device_open() takes it; NULL: the first that opens. */
int drm_device_open(const char *name, struct fxq_device **ret_dev);

/*
 * Is it the parent's, of before fork()? Then its threads are not here, its locks
 * may be held by one of them, and what the kernel has for it is the parent's to
 * give back: nothing is left to be done but to free memory.
 */
bool device_is_inherited(const struct fxq_device *dev);
unsigned int device_forks(void);	/* that led to this process */
int device_fail_inherited(const struct fxq_device *dev);	/* -ENODEV */
/* m->size zeroed bytes for CPU and device. */
int device_alloc(struct fxq_device *dev, struct memory *m);
void device_free(struct fxq_device *dev, struct memory *m);
struct fxq_caps device_stream_caps(const struct fxq_device *dev);
/*
 * What @err means for @dev, as the end of a sentence. Valid until the thread asks
 * again.
 */
const char *device_trouble(const struct fxq_device *dev, int err);

/* With the lock held: */

/* Gives the stream of @slot's step to the device, or queues it for that. */
void device_submit(struct slot *slot);
/* The kind's: a slot that is in its queue's running list has ended. */
void device_run_ended(struct slot *slot, const struct run_end *end);
/*
 * Waits up to @timeout_ns for a run in the queue of @p, with the lock released
 * meanwhile, and moves slots on. Returns whether any run ended.
 */
bool device_reap(struct fxq_program *p, uint64_t timeout_ns);
/* Moves slots on whose runs have ended, after the kind has waited. */
void device_collect(struct fxq_program *p);

#endif /* FXQ_LIB_DEVICE_H */
