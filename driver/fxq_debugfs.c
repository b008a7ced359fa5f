// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_debugfs.c - what the driver and the device believe of each other
 *
 * For whoever debugs either: contexts, their mappings, the ring. Root alone
 * gets here, and nothing that is printed is promised.
 */
#include <linux/seq_file.h>
#include <drm/drm_debugfs.h>
#include <drm/drm_drv.h>
#include <drm/fxq_accel.h>

#include "fxq_ctx.h"
#include "fxq_debugfs.h"
#include "fxq_device.h"

static struct fxq_device *device_of(struct seq_file *m)
{
	struct drm_debugfs_entry *entry = m->private;

	return to_fxq(entry->dev);
}

/* The context that has entry @hw of the device's table, with a reference. */
static struct fxq_ctx *context_at(struct fxq_device *fdev, unsigned int hw)
{
	struct fxq_ctx *ctx;

	mutex_lock(&fdev->admin);
	ctx = fdev->ctx[hw];
	/* One that is about to be released is not shown. */
	if (ctx && !kref_get_unless_zero(&ctx->ref))
		ctx = NULL;
	mutex_unlock(&fdev->admin);
	return ctx;
}

static void show_context(struct seq_file *m, struct fxq_ctx *ctx)
{
	static const char *const states[] = {
		[DRM_FXQ_CTX_READY] = "ready",
		[DRM_FXQ_CTX_BANNED] = "banned",
		[DRM_FXQ_CTX_LOST] = "lost",
	};
	unsigned long flags;

	spin_lock_irqsave(&ctx->state_lock, flags);
	seq_printf(m, "%2u %6llu %-6s %5d %8d %10llu %14llu %6d %5u %6u %5u %#llx\n",
		   ctx->hw, ctx->client->id, states[ctx->state], ctx->error,
		   atomic_read(&ctx->inflight), ctx->runs, ctx->cycles,
		   atomic_read(&ctx->fdev->resets) - ctx->resets_before,
		   ctx->fault.cause, ctx->fault.index, ctx->fault.tag,
		   ctx->fault.address);
	spin_unlock_irqrestore(&ctx->state_lock, flags);
}

static int contexts_show(struct seq_file *m, void *unused)
{
	struct fxq_device *fdev = device_of(m);
	struct fxq_ctx *ctx;
	unsigned int hw;

	seq_puts(m, "hw client state  error inflight       runs         cycles resets cause  index   tag address\n");
	for (hw = 0; hw < FXQ_CONTEXTS_MAX; hw++) {
		ctx = context_at(fdev, hw);
		if (!ctx)
			continue;
		show_context(m, ctx);
		fxq_ctx_put(ctx);
	}
	return 0;
}

static void show_mappings(struct seq_file *m, struct fxq_ctx *ctx)
{
	struct fxq_mapping *map;

	mutex_lock(&ctx->lock);
	list_for_each_entry(map, &ctx->mappings, link)
		seq_printf(m, "%2u %#012llx %10zu %-10s %4u%s\n", ctx->hw,
			   map->node.start, map->obj->size,
			   map->writable ? "read-write" : "read-only",
			   map->jobs, map->closed ? " closed" : "");
	mutex_unlock(&ctx->lock);
}

static int mappings_show(struct seq_file *m, void *unused)
{
	struct fxq_device *fdev = device_of(m);
	struct fxq_ctx *ctx;
	unsigned int hw;

	seq_puts(m, "hw      address      bytes access     jobs\n");
	for (hw = 0; hw < FXQ_CONTEXTS_MAX; hw++) {
		ctx = context_at(fdev, hw);
		if (!ctx)
			continue;
		show_mappings(m, ctx);
		fxq_ctx_put(ctx);
	}
	return 0;
}

static void show_driver_side(struct seq_file *m, struct fxq_ring *ring)
{
	unsigned int inside = 0, i;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	for (i = 0; i < ring->depth; i++)
		inside += !!ring->run[i];
	seq_printf(m, "depth:     %u\nproduced:  %u\nconsumed:  %u\n",
		   ring->depth, ring->produced, ring->consumed);
	seq_printf(m, "runs:      %u\nheld:      %u\nstrange:   %llu\n",
		   inside, ring->held, ring->strange);
	spin_unlock_irqrestore(&ring->lock, flags);
}

static void show_device_side(struct seq_file *m,
			     const struct fxq_shared *shared)
{
	seq_printf(m, "armed:     %u\ntaken:     %u\ncompleted: %u\n",
		   READ_ONCE(shared->armed), READ_ONCE(shared->taken),
		   READ_ONCE(shared->completed));
	seq_printf(m, "running:   %#llx\nprogress:  %llu\nsleeping:  %u\n",
		   READ_ONCE(shared->running), READ_ONCE(shared->progress),
		   READ_ONCE(shared->sleeping));
}

static int ring_show(struct seq_file *m, void *unused)
{
	struct fxq_device *fdev = device_of(m);
	int cookie;

	show_driver_side(m, &fdev->ring);
	show_device_side(m, fdev->ring.shared);
	seq_printf(m, "resets:    %d\ndead:      %d\n",
		   atomic_read(&fdev->resets), READ_ONCE(fdev->dead));
	mutex_lock(&fdev->admin);
	seq_printf(m, "asleep:    %u\n", fdev->asleep);
	if (!fdev->asleep && drm_dev_enter(&fdev->drm, &cookie)) {
		seq_printf(m, "status:    %#x\n",
			   fxq_read(fdev, FXQ_REG_STATUS));
		drm_dev_exit(cookie);
	}
	mutex_unlock(&fdev->admin);
	return 0;
}

static const struct drm_debugfs_info files[] = {
	{ "contexts", contexts_show },
	{ "mappings", mappings_show },
	{ "ring", ring_show },
};

/**
 * fxq_debugfs_init - make the files; they go with the node
 * @fdev: the device, about to be registered
 */
void fxq_debugfs_init(struct fxq_device *fdev)
{
	drm_debugfs_add_files(&fdev->drm, files, ARRAY_SIZE(files));
}
