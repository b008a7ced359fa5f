// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_ring.c - entries to the device, records from it
 *
 * The rings have room for two entries more than the scheduler has credits:
 * INVALIDATE, STOP and REARM, which are one at a time, always find room, and a
 * record that comes twice overwrites none. An entry is in the ring until its
 * record is taken. Neither way reads a register; a doorbell is written when the
 * device says that it sleeps.
 *
 * A record is the device's word and may be wrong. It is copied once; a run is
 * found by the low bits of its number and taken for ended only if all of the
 * number is right. Whatever answers nothing is counted and ignored. Jobs are
 * run in the order of their entries: a record of one that ran to its end says
 * that those before it have ended too, and that their records are lost if they
 * are not here.
 */
#include <linux/dma-mapping.h>
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>

#include "fxq_device.h"
#include "fxq_job.h"
#include "fxq_run.h"
#include "fxq_trace.h"
#include "fxq_usage.h"

#define SLOT_BITS	8
#define ADMIN_SLOT	((1u << SLOT_BITS) - 1)
#define ADMIN_WAIT_MS	1000
/* More records than each entry's twice is no number to believe. */
#define MAX_LEFT(ring)	(2 * (ring)->depth)

static_assert(FXQ_DEPTH_MAX <= 1u << SLOT_BITS);

static void reap_more(struct work_struct *work);

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
	INIT_WORK(&ring->more, reap_more);
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
	run->number = ++ring->next_count << SLOT_BITS | slot;
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

/* With ring->end held, since they were taken out of the ring. */
static void end_all(struct list_head *runs, int error)
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
	end_all(&runs, error);
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

static struct fxq_complete *next_slot(const struct fxq_ring *ring)
{
	return &ring->complete[ring->consumed & (ring->depth - 1)];
}

static u32 next_phase(const struct fxq_ring *ring)
{
	return !(ring->consumed / ring->depth & 1);
}

/* Is the next record there? Pairs with the device's store of the phase. */
static bool record_ready(const struct fxq_ring *ring)
{
	return (READ_ONCE(next_slot(ring)->phase) & 1) == next_phase(ring);
}

/*
 * Passes by what has no record though the device has written @left: the oldest,
 * if newer ones lie over them, or else one slot that was left out. That will be
 * one of the next pass.
 */
static void skip_lost_records(struct fxq_ring *ring, u32 left)
{
	u32 over = left > ring->depth ? left - ring->depth : 0;

	if (!over)
		WRITE_ONCE(next_slot(ring)->phase, next_phase(ring));
	ring->consumed += over ? over : 1;
	ring->strange += over ? over : 1;
}

/* The run in the ring that @number is of, with ring->lock held. */
static struct fxq_run *find_run(struct fxq_ring *ring, u64 number)
{
	u32 slot = number & ADMIN_SLOT;
	struct fxq_run *run = slot < ring->depth ? ring->run[slot] : NULL;

	return run && run->number == number ? run : NULL;
}

static void take_run(struct fxq_ring *ring, struct fxq_run *run,
		     struct list_head *to)
{
	ring->run[run->number & ADMIN_SLOT] = NULL;
	list_move_tail(&run->link, to);
}

/* Takes the runs before @number: they have ended, and no record says so. */
static void take_overtaken(struct fxq_ring *ring, u64 number,
			   struct list_head *lost)
{
	struct fxq_run *run, *next;

	list_for_each_entry_safe(run, next, &ring->runs, link) {
		if (run->number >= number)
			break;
		take_run(ring, run, lost);
	}
}

/* The next record, its run in @ended, and in @lost those that it overtook. */
static void take_record(struct fxq_ring *ring, struct fxq_complete *record,
			struct list_head *lost, struct list_head *ended)
{
	struct fxq_run *run;

	dma_rmb();
	*record = *next_slot(ring);
	ring->consumed++;
	run = find_run(ring, record->run);
	if (run) {
		if (record->cause == FXQ_CAUSE_NONE)
			take_overtaken(ring, run->number, lost);
		take_run(ring, run, ended);
		return;
	}
	if (record->run == ring->admin_run && ring->admin_run) {
		ring->admin_run = 0;
		ring->admin_cause = record->cause;
		complete(&ring->admin_done);
		return;
	}
	ring->strange++;
}

/*
 * Is there a record to take? If not, an interrupt is asked for at the next one,
 * or with @skip_lost a slot that was left without a record is passed by. Which
 * slots the device has left is read before the slots are looked at.
 */
static bool find_record(struct fxq_ring *ring, bool skip_lost)
{
	u32 end = READ_ONCE(ring->shared->completed);
	u32 left;

	while (!record_ready(ring)) {
		WRITE_ONCE(ring->shared->armed, ring->consumed + 1);
		dma_mb();
		if (record_ready(ring))
			break;
		left = end - ring->consumed;
		if (!skip_lost || !left || left > MAX_LEFT(ring))
			return false;
		skip_lost_records(ring, left);
	}
	return true;
}

/**
 * fxq_ring_reap - take the records that are there and end their runs
 * @fdev: the device
 * @skip_lost: the device has written records that did not arrive: pass by them
 *
 * Asks for an interrupt at the next record. A device that writes them without
 * end gets its turn again later: this may be an interrupt.
 */
void fxq_ring_reap(struct fxq_device *fdev, bool skip_lost)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned int budget = 2 * ring->depth;
	struct fxq_complete record;
	struct fxq_run *run;
	LIST_HEAD(lost);
	LIST_HEAD(ended);
	unsigned long flags;
	bool more = true;

	spin_lock_irqsave(&ring->end, flags);
	while (budget-- && more) {
		spin_lock(&ring->lock);
		more = find_record(ring, skip_lost);
		if (more)
			take_record(ring, &record, &lost, &ended);
		spin_unlock(&ring->lock);
		end_all(&lost, -EIO);
		run = list_first_entry_or_null(&ended, struct fxq_run, link);
		if (!run)
			continue;
		list_del(&run->link);
		fxq_run_end(run, &record, 0);
	}
	spin_unlock_irqrestore(&ring->end, flags);
	if (more)
		queue_work(fdev->timeouts, &ring->more);
}

static void reap_more(struct work_struct *work)
{
	struct fxq_ring *ring = container_of(work, struct fxq_ring, more);

	fxq_ring_reap(container_of(ring, struct fxq_device, ring), false);
}

/**
 * fxq_ring_holds - has a run of this number no record yet?
 * @fdev: the device
 * @number: of the run
 *
 * Return: whether it is in the device's hands.
 */
bool fxq_ring_holds(struct fxq_device *fdev, u64 number)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;
	bool holds;

	spin_lock_irqsave(&ring->lock, flags);
	holds = find_run(ring, number);
	spin_unlock_irqrestore(&ring->lock, flags);
	return holds;
}

/**
 * fxq_ring_passed - is the device done with a run that has no record yet?
 * @fdev: the device
 * @number: of the run
 *
 * A record is written before its run is left: one that is not there when the
 * ring is reaped after this is lost. The device wakes before it takes an entry,
 * so that one which has taken all and sleeps has run all.
 *
 * Return: whether it is.
 */
bool fxq_ring_passed(struct fxq_device *fdev, u64 number)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;
	bool passed, all;

	spin_lock_irqsave(&ring->lock, flags);
	all = READ_ONCE(ring->shared->taken) == ring->produced;
	dma_rmb();
	passed = find_run(ring, number) && !ring->held &&
		 (READ_ONCE(ring->shared->running) > number ||
		  (all && READ_ONCE(ring->shared->sleeping)));
	dma_rmb();
	spin_unlock_irqrestore(&ring->lock, flags);
	return passed;
}

/**
 * fxq_ring_fail - end a run whose record will not come
 * @fdev: the device
 * @number: of the run; nothing happens if it has ended
 * @error: that it ends with
 */
void fxq_ring_fail(struct fxq_device *fdev, u64 number, int error)
{
	struct fxq_ring *ring = &fdev->ring;
	struct fxq_run *run;
	unsigned long flags;
	LIST_HEAD(runs);

	spin_lock_irqsave(&ring->end, flags);
	spin_lock(&ring->lock);
	run = find_run(ring, number);
	if (run)
		take_run(ring, run, &runs);
	spin_unlock(&ring->lock);
	end_all(&runs, error);
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
		entry->run = ++ring->next_count << SLOT_BITS | ADMIN_SLOT;
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
