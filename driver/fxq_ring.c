// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_ring.c - entries to the device, and the runs that it has
 *
 * The rings have room for two entries more than the scheduler has credits:
 * INVALIDATE, STOP and REARM, which are one at a time, always find room, and a
 * record that comes twice overwrites none. An entry is in the ring until its
 * record is taken (fxq_record.c). Neither way reads a register; a doorbell is
 * written when the device says that it sleeps.
 *
 * A reset takes the runs out of the ring and puts those back that can run
 * again, in the order that they had.
 */
#include <linux/dma-mapping.h>
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>

#include "fxq_device.h"
#include "fxq_job.h"
#include "fxq_ring.h"
#include "fxq_run.h"
#include "fxq_trace.h"
#include "fxq_usage.h"

#define ADMIN_WAIT_MS	1000

static void free_ring(struct drm_device *drm, void *data)
{
	struct fxq_ring *ring = data;

	dma_free_coherent(drm->dev, ring->bytes, ring->memory, ring->bus);
}

/**
 * fxq_ring_init - memory for the rings; the device is not told yet
 * @fdev: the device
 * @depth: entries, a power of two from 4 to FXQ_DEPTH_MAX
 *
 * Return: 0 or a negative errno.
 */
int fxq_ring_init(struct fxq_device *fdev, u32 depth)
{
	struct fxq_ring *ring = &fdev->ring;
	size_t submit = ALIGN(sizeof(*ring->shared), SMP_CACHE_BYTES);
	size_t complete = submit + depth * sizeof(*ring->submit);
	size_t contexts = complete + depth * sizeof(*ring->complete);

	ring->depth = depth;
	ring->bytes = PAGE_ALIGN(contexts + FXQ_CONTEXTS_MAX *
				 sizeof(*ring->contexts));
	ring->memory = dma_alloc_coherent(fdev->drm.dev, ring->bytes,
					  &ring->bus, GFP_KERNEL);
	if (!ring->memory)
		return -ENOMEM;
	ring->shared = ring->memory;
	ring->submit = ring->memory + submit;
	ring->complete = ring->memory + complete;
	ring->contexts = ring->memory + contexts;
	spin_lock_init(&ring->lock);
	spin_lock_init(&ring->end);
	INIT_LIST_HEAD(&ring->runs);
	INIT_LIST_HEAD(&ring->back);
	init_completion(&ring->admin_done);
	INIT_WORK(&ring->more, fxq_ring_reap_more);
	return drmm_add_action_or_reset(&fdev->drm, free_ring, ring);
}

/**
 * fxq_ring_credits - how many runs the device may have at a time
 * @fdev: the device
 *
 * Return: their number; at least 2.
 */
u32 fxq_ring_credits(const struct fxq_device *fdev)
{
	return fdev->ring.depth - 2;
}

/**
 * fxq_ring_clear - empty rings, for a device that begins anew
 * @fdev: the device, which does not look at them now
 *
 * The context table and the runs that were in the ring stay.
 */
void fxq_ring_clear(struct fxq_device *fdev)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	memset(ring->memory, 0, (void *)ring->contexts - ring->memory);
	ring->produced = 0;
	ring->consumed = 0;
	/* The first record of all asks for an interrupt. */
	ring->shared->armed = 1;
	spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * fxq_ring_is_empty - has the device no run in its hands?
 * @fdev: the device
 *
 * Return: whether that is so.
 */
bool fxq_ring_is_empty(struct fxq_device *fdev)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;
	bool empty;

	spin_lock_irqsave(&ring->lock, flags);
	empty = list_empty(&ring->runs);
	spin_unlock_irqrestore(&ring->lock, flags);
	return empty;
}

/*
 * Hands over an entry, with ring->lock held. Device: sets sleeping, then looks
 * at produced; here produced is written, then sleeping is looked at.
 */
static void produce(struct fxq_device *fdev, const struct fxq_submit *entry)
{
	struct fxq_ring *ring = &fdev->ring;
	int cookie;

	ring->submit[ring->produced & (ring->depth - 1)] = *entry;
	ring->produced++;
	dma_wmb();
	WRITE_ONCE(ring->shared->produced, ring->produced);
	dma_mb();
	if (READ_ONCE(ring->shared->sleeping) &&
	    drm_dev_enter(&fdev->drm, &cookie)) {
		fxq_write(fdev, FXQ_REG_DOORBELL, 1);
		drm_dev_exit(cookie);
	}
}

/* Gives a run a number and, if it takes any now, to the device. */
static void place(struct fxq_device *fdev, struct fxq_run *run)
{
	struct fxq_ring *ring = &fdev->ring;
	struct fxq_submit entry;
	u32 slot = 0;

	/* Each run has a credit, so there is room. */
	while (slot < fxq_ring_credits(fdev) - 1 && ring->run[slot])
		slot++;
	if (!run->counted)
		fxq_usage_begin(run);
	run->number = ++ring->next_count << FXQ_SLOT_BITS | slot;
	ring->run[slot] = run;
	list_add_tail(&run->link, &ring->runs);
	if (ring->held || READ_ONCE(fdev->dead))
		return;
	trace_fxq_run_submit(run);
	fxq_job_entry(run->job, &entry);
	entry.run = run->number;
	produce(fdev, &entry);
}

/**
 * fxq_ring_submit - give a run to the device
 * @fdev: the device
 * @run: the scheduler has a credit for it
 *
 * Return: 0, or what runs end with since the device was given up; this one is
 * then to be cancelled.
 */
int fxq_ring_submit(struct fxq_device *fdev, struct fxq_run *run)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;
	int dead;

	spin_lock_irqsave(&ring->lock, flags);
	dead = READ_ONCE(fdev->dead);
	if (!dead)
		place(fdev, run);
	spin_unlock_irqrestore(&ring->lock, flags);
	return dead;
}

static bool has_run_of(const struct list_head *runs, const struct fxq_ctx *ctx)
{
	const struct fxq_run *run;

	list_for_each_entry(run, runs, link)
		if (run->job->ctx == ctx)
			return true;
	return false;
}

/**
 * fxq_ring_cancel - end a run of a context that runs no more
 * @fdev: the device
 * @run: the scheduler has a credit for it
 * @error: that it ends with
 *
 * Whoever waits for the last of his runs takes his memory to be his own again.
 * So it must not end before those of its context that the device may still be
 * in: then it goes behind them, and ends as they do.
 */
void fxq_ring_cancel(struct fxq_device *fdev, struct fxq_run *run, int error)
{
	struct fxq_ring *ring = &fdev->ring;
	const struct fxq_ctx *ctx = run->job->ctx;
	unsigned long flags;
	bool behind;

	spin_lock_irqsave(&ring->end, flags);
	spin_lock(&ring->lock);
	behind = has_run_of(&ring->runs, ctx) || has_run_of(&ring->back, ctx);
	if (behind)
		place(fdev, run);
	spin_unlock(&ring->lock);
	if (!behind)
		fxq_run_end(run, NULL, error);
	spin_unlock_irqrestore(&ring->end, flags);
}

/* Takes all runs out of the ring, in order, with ring->lock held. */
static void take_all(struct fxq_ring *ring, struct list_head *to)
{
	list_splice_tail_init(&ring->runs, to);
	memset(ring->run, 0, sizeof(ring->run));
}

/**
 * fxq_ring_end_all - end runs that were taken out of the ring
 * @runs: in order, with ring->end held since they were taken
 * @error: that they end with
 */
void fxq_ring_end_all(struct list_head *runs, int error)
{
	struct fxq_run *run, *next;

	list_for_each_entry_safe(run, next, runs, link) {
		list_del(&run->link);
		fxq_run_end(run, NULL, error);
	}
}

/**
 * fxq_ring_drain - end all runs of a device that runs none any more
 * @fdev: the device
 * @error: that they end with
 *
 * Nobody waits for an answer any longer either.
 */
void fxq_ring_drain(struct fxq_device *fdev, int error)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;
	LIST_HEAD(runs);

	spin_lock_irqsave(&ring->end, flags);
	spin_lock(&ring->lock);
	list_splice_init(&ring->back, &runs);
	take_all(ring, &runs);
	if (ring->admin_run) {
		ring->admin_run = 0;
		complete(&ring->admin_done);
	}
	spin_unlock(&ring->lock);
	fxq_ring_end_all(&runs, error);
	spin_unlock_irqrestore(&ring->end, flags);
}

/**
 * fxq_ring_hold - before a reset: runs wait from now on
 * @fdev: the device, with fdev->admin held
 */
void fxq_ring_hold(struct fxq_device *fdev)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	ring->held = true;
	spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * fxq_ring_take_back - during a reset: what the device has not answered
 * @fdev: the device, which is still, with a held ring
 * @ret_begun: number of the last run that it had begun; it begins them in order
 *
 * Records that did arrive are taken. What is left is in ring->back.
 *
 * Return: how many runs that is.
 */
u32 fxq_ring_take_back(struct fxq_device *fdev, u64 *ret_begun)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;
	u32 n;

	fxq_ring_reap(fdev, true);
	spin_lock_irqsave(&ring->lock, flags);
	*ret_begun = READ_ONCE(ring->shared->running);
	take_all(ring, &ring->back);
	n = list_count_nodes(&ring->back);
	spin_unlock_irqrestore(&ring->lock, flags);
	return n;
}

/**
 * fxq_ring_resume - after a reset: give runs to the device again
 * @fdev: the device
 *
 * They are in ring->back, without those that have ended; what came meanwhile
 * follows. Those of contexts that run no more end, and if the device has gone
 * after all, that is all of them.
 */
void fxq_ring_resume(struct fxq_device *fdev)
{
	struct fxq_ring *ring = &fdev->ring;
	struct fxq_run *run, *next;
	unsigned long flags;
	LIST_HEAD(runs);

	spin_lock_irqsave(&ring->end, flags);
	spin_lock(&ring->lock);
	list_splice_init(&ring->back, &runs);
	take_all(ring, &runs);
	ring->held = false;
	list_for_each_entry_safe(run, next, &runs, link) {
		const struct fxq_ctx *ctx = run->job->ctx;

		if (fxq_ctx_error(ctx) && !has_run_of(&ring->runs, ctx))
			continue;
		list_del(&run->link);
		place(fdev, run);
	}
	spin_unlock(&ring->lock);
	list_for_each_entry_safe(run, next, &runs, link) {
		list_del(&run->link);
		fxq_run_end(run, NULL, fxq_ctx_error(run->job->ctx));
	}
	spin_unlock_irqrestore(&ring->end, flags);
}

/* Puts an entry that is no job into the ring; false: there is no room. */
static bool place_admin(struct fxq_device *fdev, struct fxq_submit *entry)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;
	bool room;

	spin_lock_irqsave(&ring->lock, flags);
	/* Of records that came twice more are consumed than were asked for. */
	room = !READ_ONCE(fdev->dead) &&
	       (s32)(ring->produced - ring->consumed) < (s32)ring->depth;
	if (room) {
		reinit_completion(&ring->admin_done);
		entry->run = ++ring->next_count << FXQ_SLOT_BITS | FXQ_ADMIN_SLOT;
		ring->admin_run = entry->run;
		ring->admin_progress = READ_ONCE(ring->shared->progress);
		produce(fdev, entry);
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	return room;
}

static bool admin_answered(struct fxq_device *fdev)
{
	if (wait_for_completion_timeout(&fdev->ring.admin_done,
					msecs_to_jiffies(ADMIN_WAIT_MS)))
		return true;
	/* The interrupt may be lost, or a record. */
	fxq_ring_reap(fdev, true);
	return try_wait_for_completion(&fdev->ring.admin_done);
}

/**
 * fxq_ring_admin - have an entry answered that is no job
 * @fdev: the device, with fdev->admin held
 * @kind: INVALIDATE, STOP or REARM
 * @context: of the device's table
 * @first: INVALIDATE: first device address
 * @last: INVALIDATE: last device address
 *
 * What is not answered is said once more: it does no harm twice, and the answer
 * may be what was lost. None of the three can be refused for a reason, so that
 * a refusal is no answer.
 *
 * Return: 0; -ETIMEDOUT if the device does not obey, or the errno that runs end
 * with since it was given up.
 */
int fxq_ring_admin(struct fxq_device *fdev, enum fxq_submit_kind kind,
		   u32 context, u64 first, u64 last)
{
	struct fxq_submit entry = {
		.kind = kind, .context = context, .first = first, .last = last,
	};
	bool obeyed = false;
	int tries;

	lockdep_assert_held(&fdev->admin);
	if (READ_ONCE(fdev->dead))
		return READ_ONCE(fdev->dead);
	/* There is nothing that it could forget, stop or go on with. */
	if (fdev->asleep)
		return 0;
	for (tries = 0; tries < 2 && !obeyed; tries++)
		obeyed = place_admin(fdev, &entry) && admin_answered(fdev) &&
			 fdev->ring.admin_cause == FXQ_CAUSE_NONE;
	if (READ_ONCE(fdev->dead))
		return READ_ONCE(fdev->dead);
	return obeyed ? 0 : -ETIMEDOUT;
}
