// SPDX-License-Identifier: GPL-2.0
/*
 * fxq_ring.c - entries to the device, records from it
 *
 * The submission ring has room for one entry more than the scheduler has
 * credits: INVALIDATE, STOP and REARM, which are one at a time, always find
 * room. An entry is in the ring until its record is taken. Neither way reads a
 * register; a doorbell is written when the device says that it sleeps.
 *
 * A record is the device's word and may be wrong. It is copied once; a run is
 * found by the low bits of its number and taken for ended only if all of the
 * number is right. Whatever answers nothing is counted and ignored.
 */
#include <linux/dma-mapping.h>
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>

#include "fxq_device.h"
#include "fxq_job.h"
#include "fxq_run.h"
#include "fxq_trace.h"

#define SLOT_BITS	8
#define ADMIN_SLOT	((1u << SLOT_BITS) - 1)
#define ADMIN_WAIT_MS	2000

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
 * @depth: entries, a power of two from 2 to FXQ_DEPTH_MAX
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
	init_completion(&ring->admin_done);
	INIT_WORK(&ring->more, reap_more);
	return drmm_add_action_or_reset(&fdev->drm, free_ring, ring);
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

	memset(ring->memory, 0, (void *)ring->contexts - ring->memory);
	ring->produced = 0;
	ring->consumed = 0;
	/* The first record of all asks for an interrupt. */
	ring->shared->armed = 1;
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
	empty = !memchr_inv(ring->run, 0, sizeof(ring->run));
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

/* Gives a run a number and, unless the ring is held, to the device. */
static void place(struct fxq_device *fdev, struct fxq_run *run)
{
	struct fxq_ring *ring = &fdev->ring;
	struct fxq_submit entry;
	u32 slot = 0;

	/* Each run has a credit, so there is room. */
	while (slot < ring->depth - 2 && ring->run[slot])
		slot++;
	run->number = ++ring->next_count << SLOT_BITS | slot;
	ring->run[slot] = run;
	if (ring->held)
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
 */
void fxq_ring_submit(struct fxq_device *fdev, struct fxq_run *run)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;
	int dead;

	spin_lock_irqsave(&ring->lock, flags);
	dead = READ_ONCE(fdev->dead);
	if (!dead)
		place(fdev, run);
	spin_unlock_irqrestore(&ring->lock, flags);
	if (dead)
		fxq_run_end(run, NULL, dead);
}

/* Takes all runs out of the ring, in the order in which they were given. */
static unsigned int take_all(struct fxq_ring *ring, struct fxq_run **runs)
{
	unsigned int n = 0, i, j;

	for (i = 0; i < ring->depth; i++) {
		struct fxq_run *run = ring->run[i];

		ring->run[i] = NULL;
		if (!run)
			continue;
		for (j = n++; j && runs[j - 1]->number > run->number; j--)
			runs[j] = runs[j - 1];
		runs[j] = run;
	}
	return n;
}

/**
 * fxq_ring_hold - before a reset: take back what the device has
 * @fdev: the device, with fdev->admin held
 * @runs: room for twice as many as the ring is deep
 *
 * Whoever waits for an entry's answer is told that it was obeyed: a device that
 * begins anew knows no translation and runs nothing. Until fxq_ring_resume()
 * new runs wait.
 *
 * Return: how many there were, in order.
 */
unsigned int fxq_ring_hold(struct fxq_device *fdev, struct fxq_run **runs)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;
	unsigned int n;

	spin_lock_irqsave(&ring->lock, flags);
	ring->held = true;
	n = take_all(ring, runs);
	if (ring->admin_run) {
		ring->admin_run = 0;
		ring->admin_cause = FXQ_CAUSE_NONE;
		complete(&ring->admin_done);
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	return n;
}

/**
 * fxq_ring_resume - after a reset: give runs to the device again
 * @fdev: the device
 * @runs: what fxq_ring_hold() gave; NULL where a run has ended
 * @n: of @runs
 *
 * Those that came meanwhile follow.
 */
void fxq_ring_resume(struct fxq_device *fdev, struct fxq_run **runs,
		     unsigned int n)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&ring->lock, flags);
	n += take_all(ring, runs + n);
	ring->held = false;
	for (i = 0; i < n; i++)
		if (runs[i])
			place(fdev, runs[i]);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/* Is the next record there? Pairs with the device's store of the phase. */
static bool record_ready(const struct fxq_ring *ring)
{
	u32 at = ring->consumed & (ring->depth - 1);
	u32 pass = ring->consumed / ring->depth;

	return (READ_ONCE(ring->complete[at].phase) & 1) == !(pass & 1);
}

/* Takes the run that @number is of out of the ring, with ring->lock held. */
static struct fxq_run *take_run(struct fxq_ring *ring, u64 number)
{
	u32 slot = number & ADMIN_SLOT;
	struct fxq_run *run = slot < ring->depth ? ring->run[slot] : NULL;

	if (!run || run->number != number)
		return NULL;
	ring->run[slot] = NULL;
	return run;
}

static void take_record(struct fxq_ring *ring, struct fxq_complete *record,
			struct fxq_run **run)
{
	dma_rmb();
	*record = ring->complete[ring->consumed & (ring->depth - 1)];
	ring->consumed++;
	*run = take_run(ring, record->run);
	if (*run)
		return;
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
	u32 left = READ_ONCE(ring->shared->completed) - ring->consumed;

	while (!record_ready(ring)) {
		WRITE_ONCE(ring->shared->armed, ring->consumed + 1);
		dma_mb();
		if (record_ready(ring))
			break;
		if (!skip_lost || !left || left > ring->depth)
			return false;
		ring->consumed++;
		ring->strange++;
		left--;
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
	unsigned long flags;

	while (budget--) {
		spin_lock_irqsave(&ring->lock, flags);
		if (!find_record(ring, skip_lost)) {
			spin_unlock_irqrestore(&ring->lock, flags);
			return;
		}
		take_record(ring, &record, &run);
		spin_unlock_irqrestore(&ring->lock, flags);
		if (run)
			fxq_run_end(run, &record, 0);
	}
	queue_work(fxq_wq, &ring->more);
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
	u32 slot = number & ADMIN_SLOT;
	unsigned long flags;
	bool holds;

	spin_lock_irqsave(&ring->lock, flags);
	holds = slot < ring->depth && ring->run[slot] &&
		ring->run[slot]->number == number;
	spin_unlock_irqrestore(&ring->lock, flags);
	return holds;
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

	spin_lock_irqsave(&ring->lock, flags);
	run = take_run(ring, number);
	spin_unlock_irqrestore(&ring->lock, flags);
	if (run)
		fxq_run_end(run, NULL, error);
}

/**
 * fxq_ring_admin - have an entry answered that is no job
 * @fdev: the device, with fdev->admin held
 * @kind: INVALIDATE, STOP or REARM
 * @context: of the device's table
 * @first: INVALIDATE: first device address
 * @last: INVALIDATE: last device address
 *
 * Return: 0; -EIO if the device refuses, -ETIMEDOUT if it does not answer,
 * -ENODEV if it is gone.
 */
int fxq_ring_admin(struct fxq_device *fdev, enum fxq_submit_kind kind,
		   u32 context, u64 first, u64 last)
{
	struct fxq_ring *ring = &fdev->ring;
	struct fxq_submit entry = {
		.kind = kind, .context = context, .first = first, .last = last,
	};
	unsigned long flags;

	lockdep_assert_held(&fdev->admin);
	if (READ_ONCE(fdev->dead))
		return -ENODEV;
	/* There is nothing that it could forget, stop or go on with. */
	if (fdev->asleep)
		return 0;
	spin_lock_irqsave(&ring->lock, flags);
	reinit_completion(&ring->admin_done);
	entry.run = ++ring->next_count << SLOT_BITS | ADMIN_SLOT;
	ring->admin_run = entry.run;
	produce(fdev, &entry);
	spin_unlock_irqrestore(&ring->lock, flags);

	if (!wait_for_completion_timeout(&ring->admin_done,
					 msecs_to_jiffies(ADMIN_WAIT_MS))) {
		/* The interrupt may be lost, or the record. */
		fxq_ring_reap(fdev, false);
		if (!try_wait_for_completion(&ring->admin_done))
			return -ETIMEDOUT;
	}
	if (READ_ONCE(fdev->dead))
		return -ENODEV;
	return ring->admin_cause == FXQ_CAUSE_NONE ? 0 : -EIO;
}
