// SPDX-License-Identifier: MIT
/*
 * device.c - devices, and what they are doing
 *
 * A stream that the device has no room for waits in a queue of ours. One that
 * fails stops its context, and with it whatever that context has queued; the
 * context is set going at once, and what was only stopped is queued again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

#define EMBEDDED	"embedded"
#define REAP_MAX	32
#define RETRIES_MAX	64

FXQ_PUBLIC const char *fxq_device_name(unsigned int i)
{
	return i ? NULL : EMBEDDED;
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

static void read_caps(struct fxq_device *dev)
{
	struct fxq_embed_caps caps;

	fxq_embed_caps(dev->embed, &caps);
	dev->caps = (struct fxq_device_caps){
		.spm_bytes = caps.spm_bytes,
		.acc_bytes = caps.acc_bytes,
		.max_descriptors = caps.max_descriptors,
		.clock_khz = caps.clock_khz,
		.macs = caps.macs,
		.max_inflight = caps.max_inflight,
	};
}

FXQ_PUBLIC int fxq_device_open(const char *name,
			       const struct fxq_device_config *config,
			       struct fxq_device **ret_dev)
{
	static const struct fxq_device_config none;
	const struct fxq_device_config *c = config ? config : &none;
	const struct fxq_embed_config embed = {
		.threads = c->threads,
		.debug = c->debug,
		.report = c->report,
		.priv = c->priv,
	};
	struct fxq_device *dev;
	int ret;

	if (name && strcmp(name, EMBEDDED))
		return fxq_fail(-ENODEV,
				"there is no device called %s; there is " EMBEDDED,
				fxq_quote(name));
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return fxq_fail_memory("a device");
	ret = fxq_embed_open(&embed, &dev->embed);
	if (ret) {
		free(dev);
		return fxq_fail(ret, "the embedded device does not start: %s",
				strerror(-ret));
	}
	read_caps(dev);
	init_locks(dev);
	*ret_dev = dev;
	return 0;
}

FXQ_PUBLIC void fxq_device_caps(const struct fxq_device *dev,
				struct fxq_device_caps *ret_caps)
{
	*ret_caps = dev->caps;
}

FXQ_PUBLIC void fxq_device_close(struct fxq_device *dev)
{
	if (!dev)
		return;
	fxq_embed_close(dev->embed);
	pthread_cond_destroy(&dev->changed);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

struct fxq_caps device_stream_caps(const struct fxq_device *dev)
{
	return (struct fxq_caps){ dev->caps.spm_bytes, dev->caps.acc_bytes,
				  dev->caps.max_descriptors };
}

int device_ctx_create(struct fxq_device *dev, uint32_t *ret_ctx)
{
	int ret = fxq_embed_ctx_create(dev->embed, ret_ctx);

	if (ret)
		return fxq_fail(ret, "the device has no room for another program: %s",
				strerror(-ret));
	return 0;
}

void device_ctx_destroy(struct fxq_device *dev, uint32_t ctx)
{
	if (ctx)
		fxq_embed_ctx_destroy(dev->embed, ctx);
}

int device_map(struct fxq_device *dev, uint32_t ctx, struct mapping *m,
	       bool writable)
{
	int ret;

	/* A program without device steps has no context, and needs none. */
	if (!m->mem || !ctx)
		return 0;
	ret = fxq_embed_map(dev->embed, ctx, m->mem,
			    fxq_align(m->size, FXQ_PAGE_BYTES), writable,
			    &m->va);
	if (ret)
		return fxq_fail(ret, "the device cannot map %llu bytes: %s",
				(unsigned long long)m->size, strerror(-ret));
	return 0;
}

/* Where region @r of the slot's step is for the device. */
static struct fxq_embed_region region(const struct slot *slot,
				      const struct region_plan *r)
{
	const struct fxq_program *p = slot->prog;
	struct fxq_embed_region to = {
		.size = fxq_align(r->bytes, FXQ_LINE_BYTES),
		.writable = r->kind == FXQ_BIND_SCRATCH ||
			    r->kind == FXQ_BIND_OUTPUT,
	};

	if (!r->bytes)			/* unbound, or no weights at all */
		return to;
	if (r->kind == FXQ_BIND_WEIGHTS)
		to.va = p->file.va + (p->image->weights - p->image->mem);
	else if (r->kind == FXQ_BIND_SCRATCH)
		to.va = p->scratch.va;
	else
		to.va = slot->memory.va + r->offset;
	return to;
}

/* Hands the stream over; -EBUSY: no room now. */
static int try_submit(struct fxq_device *dev, struct slot *slot)
{
	const struct fxq_program *p = slot->prog;
	const struct step_plan *plan = &p->plans[slot->step];
	const uint8_t *stream = (const void *)p->image->stream[slot->step];
	struct fxq_embed_region regions[FXQ_MAX_REGIONS];

	for (uint32_t r = 0; r < plan->n_regions; r++)
		regions[r] = region(slot, &plan->regions[r]);
	return fxq_embed_submit(dev->embed, p->ctx,
				p->file.va + (stream - p->image->mem),
				p->image->n_stream[slot->step], regions,
				plan->n_regions, &slot->run);
}

void device_submit(struct fxq_device *dev, struct slot *slot)
{
	int ret = dev->pending ? -EBUSY : try_submit(dev, slot);

	slot->state = SLOT_DEVICE;
	if (!ret) {
		slot_list_push(&dev->running, slot);
	} else if (ret == -EBUSY && dev->running) {
		slot_list_push(&dev->pending, slot);
	} else {
		slot_fail(slot, ret, "layer %s: the device takes no streams: %s",
			  image_layer(slot->prog->image, slot->step),
			  strerror(-ret));
		slot_finish(slot);
	}
}

/* Gives pending streams to the device, in order, as many as it takes. */
static void submit_pending(struct fxq_device *dev)
{
	struct slot *waiting = dev->pending, *slot;

	dev->pending = NULL;
	while ((slot = slot_list_pop(&waiting)))
		device_submit(dev, slot);
}

static void fail_run(struct slot *slot, const struct fxq_embed_event *event)
{
	const struct fxq_image *image = slot->prog->image;
	const char *layer = image_layer(image, slot->step);
	const char *op = "none";

	if (event->tag < image->n[SECTION_TAGS])
		layer = fxq_quote(image_string(image,
					       image->tags[event->tag].layer));
	if (event->index < image->n_stream[slot->step])
		op = fxq_op_name(image->stream[slot->step][event->index].opcode);
	slot_fail(slot, -EIO,
		  "layer %s: descriptor %u (%s) of step %u failed: %s",
		  layer, event->index, op, slot->step,
		  fxq_cause_text(event->cause));
}

static void dispatch(struct fxq_device *dev, const struct fxq_embed_event *event)
{
	struct slot *slot = dev->running;

	while (slot && slot->run != event->run)
		slot = slot->next;
	if (!slot)
		return;
	slot_list_remove(&dev->running, slot);
	if (event->cause == FXQ_CAUSE_NONE) {
		slot_device_done(slot, event->cycles);
	} else if (event->cause == FXQ_CAUSE_STOPPED &&
		   slot->retries++ < RETRIES_MAX) {
		device_submit(dev, slot);
	} else {
		fail_run(slot, event);
		slot_finish(slot);
		fxq_embed_rearm(dev->embed, slot->prog->ctx);
	}
}

int device_reap(struct fxq_device *dev, uint64_t timeout_ns)
{
	struct fxq_embed_event events[REAP_MAX];
	int n, i;

	dev->reaping = true;
	pthread_mutex_unlock(&dev->lock);
	n = fxq_embed_poll(dev->embed, events, REAP_MAX, timeout_ns);
	pthread_mutex_lock(&dev->lock);
	dev->reaping = false;
	for (i = 0; i < n; i++)
		dispatch(dev, &events[i]);
	submit_pending(dev);
	pthread_cond_broadcast(&dev->changed);
	return n > 0 ? n : 0;
}
