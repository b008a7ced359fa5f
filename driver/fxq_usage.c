// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_usage.c - who used the device for how long
 *
 * The device works at one run at a time, in the order of the ring. So the real
 * time of a run is from when its predecessor ended, or from when it was handed
 * over to an idle device, until it ended; added up, the clients' times are the
 * device's. A run that the device never began took none.
 *
 * What a client has used stands apart from its file, for runs may outlive it.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_job.h"
#include "fxq_run.h"
#include "fxq_usage.h"

/**
 * fxq_client_new - begin to count for a file
 * @file: the file
 *
 * Return: the account with a reference, or NULL without memory.
 */
struct fxq_client *fxq_client_new(const struct drm_file *file)
{
	struct fxq_client *client = kzalloc(sizeof(*client),
					    GFP_KERNEL_ACCOUNT);

	if (!client)
		return NULL;
	kref_init(&client->ref);
	client->id = file->client_id;
	return client;
}

/**
 * fxq_client_get - take a reference
 * @client: the account
 *
 * Return: @client.
 */
struct fxq_client *fxq_client_get(struct fxq_client *client)
{
	kref_get(&client->ref);
	return client;
}

static void client_free(struct kref *ref)
{
	kfree(container_of(ref, struct fxq_client, ref));
}

/**
 * fxq_client_put - drop a reference; may be called under any lock
 * @client: the account
 */
void fxq_client_put(struct fxq_client *client)
{
	kref_put(&client->ref, client_free);
}

/**
 * fxq_usage_init - begin to count for a device
 * @usage: all zero
 */
void fxq_usage_init(struct fxq_usage *usage)
{
	spin_lock_init(&usage->lock);
	usage->seen = ktime_get_ns();
}

/* Fills the slices up to @now, with usage->lock held. */
static void advance(struct fxq_usage *u, u64 now)
{
	u64 window = ARRAY_SIZE(u->slice) * FXQ_USAGE_SLICE_NS;

	if (u->runs)
		u->busy_ns += now - u->seen;
	/* What lies before the window needs no slices. */
	if (now - u->seen >= window) {
		memset(u->slice, 0, sizeof(u->slice));
		u->seen = now - window + 1;
	}
	while (u->seen < now) {
		u64 number = div_u64(u->seen, FXQ_USAGE_SLICE_NS);
		u64 end = (number + 1) * FXQ_USAGE_SLICE_NS;
		u32 i;

		div_u64_rem(number, ARRAY_SIZE(u->slice), &i);
		if (u->runs)
			u->slice[i] += min(end, now) - u->seen;
		u->seen = min(end, now);
		/* The next slice was another one, a window ago. */
		if (u->seen == end)
			u->slice[(i + 1) % ARRAY_SIZE(u->slice)] = 0;
	}
}

/**
 * fxq_usage_begin - a run is about to be handed to the device
 * @run: the run
 */
void fxq_usage_begin(struct fxq_run *run)
{
	struct fxq_usage *u = &run->job->ctx->fdev->usage;
	unsigned long flags;
	u64 now;

	spin_lock_irqsave(&u->lock, flags);
	now = ktime_get_ns();
	advance(u, now);
	if (!u->runs++)
		u->since = now;
	spin_unlock_irqrestore(&u->lock, flags);
	run->counted = true;
}

/**
 * fxq_usage_end - a run has ended
 * @run: the run; nothing happens if it was not handed over
 * @record: what the device says, or NULL: then the device hung at it
 */
void fxq_usage_end(struct fxq_run *run, const struct fxq_complete *record)
{
	struct fxq_client *client = run->job->ctx->client;
	struct fxq_usage *u = &run->job->ctx->fdev->usage;
	bool ran = !record || record->last != record->first;
	unsigned long flags;
	u64 now, ns = 0;

	if (!run->counted)
		return;
	run->counted = false;
	spin_lock_irqsave(&u->lock, flags);
	now = ktime_get_ns();
	advance(u, now);
	u->runs--;
	if (ran) {
		ns = now - u->since;
		u->since = now;
	}
	spin_unlock_irqrestore(&u->lock, flags);
	atomic64_add(ns, &client->busy_ns);
	atomic64_add(record ? record->cycles : 0, &client->cycles);
	atomic64_inc(&client->runs);
}

/**
 * fxq_usage_percent - how busy the device was in the last second
 * @usage: of the device
 *
 * Return: from 0 to 100, over the ten whole slices before the present one.
 */
unsigned int fxq_usage_percent(struct fxq_usage *usage)
{
	unsigned long flags;
	u64 now, busy = 0;
	u32 present, i;

	spin_lock_irqsave(&usage->lock, flags);
	now = ktime_get_ns();
	advance(usage, now);
	div_u64_rem(div_u64(now, FXQ_USAGE_SLICE_NS),
		    ARRAY_SIZE(usage->slice), &present);
	for (i = 0; i < ARRAY_SIZE(usage->slice); i++)
		if (i != present)
			busy += usage->slice[i];
	spin_unlock_irqrestore(&usage->lock, flags);
	return div_u64(busy * 100, FXQ_USAGE_SLICES * FXQ_USAGE_SLICE_NS);
}

/**
 * fxq_usage_fdinfo - what a file has used, for /proc/PID/fdinfo
 * @p: where to
 * @drm_file: the file
 */
void fxq_usage_fdinfo(struct drm_printer *p, struct drm_file *drm_file)
{
	struct fxq_file *file = drm_file->driver_priv;
	struct fxq_client *client = file->client;

	drm_printf(p, "drm-engine-npu:\t%llu ns\n",
		   (u64)atomic64_read(&client->busy_ns));
	drm_printf(p, "drm-cycles-npu:\t%llu\n",
		   (u64)atomic64_read(&client->cycles));
	drm_printf(p, "drm-maxfreq-npu:\t%llu Hz\n",
		   file->fdev->clock_khz * 1000ull);
	drm_show_memory_stats(p, drm_file);
}
