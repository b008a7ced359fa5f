// SPDX-License-Identifier: MIT
/*
 * device_embed.c - the machine in this process as a device
 *
 * The image's memory is mapped as it is, read-only: weights and streams are in
 * it. One scratch region serves all runs of a program, since a context executes
 * one at a time. All programs share one queue, as they share the machine's
 * completion ring.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/embed.h"

#include "fxq_contract.h"
#include "program.h"

#define EVENTS_MAX	32

/*
 * struct embed_device
 * @events, @n_events: that the thread which reaps is about to collect
 */
struct embed_device {
	struct fxq_device base;
	struct fxq_embed *embed;
	struct queue queue;
	struct fxq_embed_event events[EVENTS_MAX];
	int n_events;
};

/* What a program has on the machine. */
struct embed_program {
	uint32_t ctx;
	struct memory file, scratch;
};

static struct embed_device *to_embed(struct fxq_device *dev)
{
	return (struct embed_device *)dev;
}

static void embed_close(struct fxq_device *dev)
{
	/* Without its threads it cannot be taken apart: its memory stays. */
	if (!device_is_inherited(dev))
		fxq_embed_close(to_embed(dev)->embed);
	free(dev);
}

static int embed_alloc(struct fxq_device *dev, struct memory *m)
{
	m->mem = fxq_pages_alloc(m->size);
	return m->mem ? 0 : -ENOMEM;
}

static void embed_free(struct fxq_device *dev, struct memory *m)
{
	fxq_pages_free(m->mem, m->size);
}

static int map(struct fxq_program *p, struct memory *m, bool writable)
{
	struct embed_program *own = p->own;
	int ret;

	if (!m->mem)
		return 0;
	ret = fxq_embed_map(to_embed(p->dev)->embed, own->ctx, m->mem,
			    fxq_align(m->size, FXQ_PAGE_BYTES), writable,
			    &m->va);
	if (ret)
		return fxq_fail(ret, "the device cannot map %llu bytes: %s",
				(unsigned long long)m->size, strerror(-ret));
	return 0;
}

static int map_scratch(struct fxq_program *p)
{
	struct memory *scratch = &((struct embed_program *)p->own)->scratch;

	scratch->size = p->scratch_bytes;
	if (!scratch->size)
		return 0;
	if (embed_alloc(p->dev, scratch))
		return fxq_fail_memory("the scratch region of a program");
	return map(p, scratch, true);
}

static int embed_load(struct fxq_program *p)
{
	struct embed_device *dev = to_embed(p->dev);
	struct embed_program *own = calloc(1, sizeof(*own));
	int ret;

	if (!own)
		return fxq_fail_memory("a program");
	p->own = own;
	p->queue = &dev->queue;
	ret = fxq_embed_ctx_create(dev->embed, &own->ctx);
	if (ret)
		return fxq_fail(ret, "the device has no room for another program: %s",
				strerror(-ret));
	own->file.mem = p->image->mem;
	own->file.size = p->image->size;
	ret = map(p, &own->file, false);
	if (!ret)
		ret = map_scratch(p);
	for (uint32_t i = 0; i < p->config.slots && !ret; i++)
		ret = map(p, &p->slots[i].memory, true);
	return ret;
}

static void embed_unload(struct fxq_program *p)
{
	struct embed_program *own = p->own;

	if (own->ctx && !device_is_inherited(p->dev))
		fxq_embed_ctx_destroy(to_embed(p->dev)->embed, own->ctx);
	embed_free(p->dev, &own->scratch);
	free(own);
}

/* Where region @r of the slot's step is for the device. */
static struct fxq_embed_region region(const struct slot *slot,
				      const struct region_plan *r)
{
	const struct fxq_program *p = slot->prog;
	const struct embed_program *own = p->own;
	struct fxq_embed_region to = {
		.size = fxq_align(r->bytes, FXQ_LINE_BYTES),
		.writable = r->kind == FXQ_BIND_SCRATCH ||
			    r->kind == FXQ_BIND_OUTPUT,
	};

	if (!r->bytes)			/* unbound, or no weights at all */
		return to;
	if (r->kind == FXQ_BIND_WEIGHTS)
		to.va = own->file.va + (p->image->weights - p->image->mem);
	else if (r->kind == FXQ_BIND_SCRATCH)
		to.va = own->scratch.va;
	else
		to.va = slot->memory.va + r->offset;
	return to;
}

static int embed_submit(struct slot *slot)
{
	const struct fxq_program *p = slot->prog;
	const struct embed_program *own = p->own;
	const struct step_plan *plan = &p->plans[slot->step];
	const uint8_t *stream = (const void *)p->image->stream[slot->step];
	struct fxq_embed_region regions[FXQ_MAX_REGIONS];
	/* fxq_run() waits for it at once, and for nothing else before. */
	bool lone = slot->alone && p->busy == 1 && !p->queue->running &&
		    !p->n_workers;

	for (uint32_t r = 0; r < plan->n_regions; r++)
		regions[r] = region(slot, &plan->regions[r]);
	return (lone ? fxq_embed_submit_lone : fxq_embed_submit)(
			to_embed(p->dev)->embed, own->ctx,
			own->file.va + (stream - p->image->mem),
			p->image->n_stream[slot->step], regions,
			plan->n_regions, &slot->run);
}

static int embed_wait(struct fxq_program *p, uint64_t run, uint64_t timeout_ns)
{
	struct embed_device *dev = to_embed(p->dev);

	dev->n_events = fxq_embed_poll(dev->embed, dev->events, EVENTS_MAX,
				       timeout_ns);
	return dev->n_events > 0;
}

static void ended(struct embed_device *dev, const struct fxq_embed_event *event)
{
	struct run_end end = {
		.cause = event->cause,
		.index = event->index,
		.tag = event->tag,
		.cycles = event->cycles,
	};
	struct slot *slot = dev->queue.running;

	while (slot && slot->run != event->run)
		slot = slot->next;
	if (!slot)
		return;
	if (event->cause == FXQ_CAUSE_STOPPED)
		end.error = -ECANCELED;
	else if (event->cause != FXQ_CAUSE_NONE)
		end.error = -EIO;
	device_run_ended(slot, &end);
	/* The context is stopped; those behind this run are submitted again. */
	if (end.error == -EIO)
		fxq_embed_rearm(dev->embed, event->ctx);
}

static void embed_collect(struct fxq_program *p)
{
	struct embed_device *dev = to_embed(p->dev);

	for (int i = 0; i < dev->n_events; i++)
		ended(dev, &dev->events[i]);
}

static const struct device_ops embed_ops = {
	.close = embed_close,
	.alloc = embed_alloc,
	.free = embed_free,
	.load = embed_load,
	.unload = embed_unload,
	.submit = embed_submit,
	.wait = embed_wait,
	.collect = embed_collect,
};

static void read_caps(struct embed_device *dev)
{
	struct fxq_embed_caps caps;

	fxq_embed_caps(dev->embed, &caps);
	dev->base.caps = (struct fxq_device_caps){
		.spm_bytes = caps.spm_bytes,
		.acc_bytes = caps.acc_bytes,
		.max_descriptors = caps.max_descriptors,
		.clock_khz = caps.clock_khz,
		.macs = caps.macs,
		.max_inflight = caps.max_inflight,
	};
}

int embed_device_open(const struct fxq_device_config *config,
		      struct fxq_device **ret_dev)
{
	const struct fxq_embed_config embed = {
		.threads = config->threads,
		.debug = config->debug,
		.report = config->report,
		.profile = config->profile,
		.priv = config->priv,
	};
	struct embed_device *dev;
	char why[FXQ_EMBED_WHY];
	int ret;

	if (!fxq_embed_isa(why, sizeof(why)))
		return fxq_fail(-EINVAL, "%s", why);
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return fxq_fail_memory("a device");
	ret = fxq_embed_open(&embed, &dev->embed);
	if (ret) {
		free(dev);
		return fxq_fail(ret, "the embedded device does not start: %s",
				strerror(-ret));
	}
	dev->base.ops = &embed_ops;
	dev->base.forks = device_forks();
	dev->base.info = (struct fxq_device_info){
		.name = EMBEDDED,
		.address = "",
		.driver = "libfxq",
		.driver_version = FXQ_LIB_VERSION,
		.contract = FXQ_CONTRACT_HEX,
	};
	read_caps(dev);
	*ret_dev = &dev->base;
	return 0;
}
