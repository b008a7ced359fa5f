// SPDX-License-Identifier: MIT
/*
 * device.c - devices by name, and what they are doing
 *
 * A stream that the device has no room for waits in a queue of ours. One that
 * fails stops its context, and with it whatever that context has queued; what
 * was only stopped is queued again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drm_sysfs.h"
#include "program.h"

#define RETRIES_MAX	64

static unsigned int forks;	/* since the first device was opened */

FXQ_PUBLIC const char *fxq_device_name(unsigned int i)
{
	static __thread struct accel_node nodes[ACCEL_NODES_MAX];
	unsigned int n = accel_list(SYSFS, nodes);

	if (i < n)
		return nodes[i].name;
	return i == n ? EMBEDDED : NULL;
}

static void count_fork(void)
{
	forks++;
}

static int watch_forks(void)
{
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	static bool watched;

	pthread_mutex_lock(&once);
	if (!watched)
		watched = !pthread_atfork(NULL, NULL, count_fork);
	pthread_mutex_unlock(&once);
	return watched ? 0 : fxq_fail_memory("a device");
}

unsigned int device_forks(void)
{
	return forks;
}

bool device_is_inherited(const struct fxq_device *dev)
{
	return dev->forks != forks;
}

int device_fail_inherited(const struct fxq_device *dev)
{
	return fxq_fail(-ENODEV, "%s was opened before fork(); a child opens a device of its own",
			dev->info.name);
}

static void init_locks(struct fxq_device *dev)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&dev->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&dev->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static int open_kind(const char *name, const struct fxq_device_config *config,
		     struct fxq_device **ret_dev)
{
	bool embedded = name && !strcmp(name, EMBEDDED);

	if (!name && !config->debug && !config->profile &&
	    !drm_device_open(NULL, ret_dev))
		return 0;
	if (!name || embedded)
		return embed_device_open(config, ret_dev);
	if (config->debug)
		return fxq_fail(-ENOTSUP,
				"%s has no debug mode; that is what the device "
				EMBEDDED " is for", fxq_quote(name));
	if (config->profile)
		return fxq_fail(-ENOTSUP,
				"%s does not time the descriptors of a run; that "
				"is what the device " EMBEDDED " is for",
				fxq_quote(name));
	return drm_device_open(name, ret_dev);
}

FXQ_PUBLIC int fxq_device_open(const char *name,
			       const struct fxq_device_config *config,
			       struct fxq_device **ret_dev)
{
	static const struct fxq_device_config none;
	struct fxq_device *dev;
	int ret = watch_forks();

	if (!ret)
		ret = open_kind(name, config ? config : &none, &dev);
	if (ret)
		return ret;
	init_locks(dev);
	*ret_dev = dev;
	return 0;
}

FXQ_PUBLIC void fxq_device_caps(const struct fxq_device *dev,
				struct fxq_device_caps *ret_caps)
{
	*ret_caps = dev->caps;
}

FXQ_PUBLIC void fxq_device_info(const struct fxq_device *dev,
				struct fxq_device_info *ret_info)
{
	*ret_info = dev->info;
}

FXQ_PUBLIC void fxq_device_close(struct fxq_device *dev)
{
	if (!dev)
		return;
	if (!device_is_inherited(dev)) {
		pthread_cond_destroy(&dev->changed);
		pthread_mutex_destroy(&dev->lock);
	}
	dev->ops->close(dev);
}

int device_alloc(struct fxq_device *dev, struct memory *m)
{
	return m->size <= FXQ_PAGES_MAX ? dev->ops->alloc(dev, m) : -ENOMEM;
}

void device_free(struct fxq_device *dev, struct memory *m)
{
	dev->ops->free(dev, m);
}

struct fxq_caps device_stream_caps(const struct fxq_device *dev)
{
	return (struct fxq_caps){ dev->caps.spm_bytes, dev->caps.acc_bytes,
				  dev->caps.max_descriptors };
}

const char *device_trouble(const struct fxq_device *dev, int err)
{
	static __thread char text[128];

	if (err == -ENODEV)
		snprintf(text, sizeof(text),
			 "%s is gone, unplugged or without its driver",
			 dev->info.name);
	else if (err == -EIO)
		snprintf(text, sizeof(text),
			 "%s failed, and a reset did not bring it back",
			 dev->info.name);
	else
		snprintf(text, sizeof(text), "%s takes no streams: %s",
			 dev->info.name, strerror(-err));
	return text;
}

void device_submit(struct slot *slot)
{
	struct fxq_program *p = slot->prog;
	struct queue *q = p->queue;
	int ret = q->pending ? -EBUSY : p->dev->ops->submit(slot);

	slot->state = SLOT_DEVICE;
	if (!ret) {
		slot_list_push(&q->running, slot);
	} else if (q->pending || (ret == -EBUSY && q->running)) {
		slot_list_push(&q->pending, slot);
	} else {
		slot_fail(slot, ret, "layer %s: %s",
			  image_layer(p->image, slot->step),
			  device_trouble(p->dev, ret));
		slot_finish(slot);
	}
}

/* Gives pending streams to the device, in order, as many as it takes. */
static void submit_pending(struct queue *q)
{
	struct slot *waiting = q->pending, *slot;

	q->pending = NULL;
	while ((slot = slot_list_pop(&waiting)))
		device_submit(slot);
}

/* The layer at fault: the descriptor's, or else the step's. */
static const char *layer_of(const struct slot *slot, const struct run_end *end)
{
	const struct fxq_image *image = slot->prog->image;

	if (end->tag >= image->n[SECTION_TAGS])
		return image_layer(image, slot->step);
	return fxq_quote(image_string(image, image->tags[end->tag].layer));
}

static void fail_fault(struct slot *slot, const struct run_end *end)
{
	const struct fxq_image *image = slot->prog->image;
	const char *op = "none";

	if (end->index < image->n_stream[slot->step])
		op = fxq_op_name(image->stream[slot->step][end->index].opcode);
	slot_fail(slot, end->error,
		  "layer %s: descriptor %u (%s) of step %u failed: %s",
		  layer_of(slot, end), end->index, op, slot->step,
		  fxq_cause_text(end->cause));
}

static void fail_run(struct slot *slot, const struct run_end *end)
{
	const struct fxq_device *dev = slot->prog->dev;

	if (end->cause != FXQ_CAUSE_NONE)
		fail_fault(slot, end);
	else if (end->error == -ETIME)
		slot_fail(slot, end->error,
			  "layer %s: step %u hung, or took longer than the driver lets a run take; %s was reset",
			  layer_of(slot, end), slot->step, dev->info.name);
	else
		slot_fail(slot, end->error, "layer %s: %s",
			  image_layer(slot->prog->image, slot->step),
			  device_trouble(dev, end->error));
}

void device_run_ended(struct slot *slot, const struct run_end *end)
{
	slot_list_remove(&slot->prog->queue->running, slot);
	if (!end->error) {
		slot_device_done(slot, end->cycles);
	} else if (end->error == -ECANCELED &&
		   slot->retries++ < RETRIES_MAX) {
		device_submit(slot);
	} else {
		fail_run(slot, end);
		slot_finish(slot);
	}
}

/* There may be room now, and others may have waited for that. */
static void go_on(struct fxq_program *p)
{
	submit_pending(p->queue);
	pthread_cond_broadcast(&p->dev->changed);
}

void device_collect(struct fxq_program *p)
{
	p->dev->ops->collect(p);
	go_on(p);
}

bool device_reap(struct fxq_program *p, uint64_t timeout_ns)
{
	struct queue *q = p->queue;
	uint64_t run = q->running->run;
	int ended;

	q->reaping = true;
	pthread_mutex_unlock(&p->dev->lock);
	ended = p->dev->ops->wait(p, run, timeout_ns);
	pthread_mutex_lock(&p->dev->lock);
	q->reaping = false;
	if (ended)
		p->dev->ops->collect(p);
	go_on(p);
	return ended;
}
