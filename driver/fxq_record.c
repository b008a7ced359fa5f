// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_record.c - records from the device, and what they say of runs
 *
 * A record is the device's word and may be wrong. It is copied once; a run is
 * found by the low bits of its number and taken for ended only if all of the
 * number is right. Whatever answers nothing is counted and ignored. Jobs are
 * run in the order of their entries: a record of one that ran to its end says
 * that those before it have ended too, and that their records are lost if they
 * are not here.
 */
#include "fxq_device.h"
#include "fxq_ring.h"
#include "fxq_run.h"

/* More records than each entry's twice is no number to believe. */
#define MAX_LEFT(ring)	(2 * (ring)->depth)

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
	u32 slot = number & FXQ_ADMIN_SLOT;
	struct fxq_run *run = slot < ring->depth ? ring->run[slot] : NULL;

	return run && run->number == number ? run : NULL;
}

static void take_run(struct fxq_ring *ring, struct fxq_run *run,
		     struct list_head *to)
{
	ring->run[run->number & FXQ_ADMIN_SLOT] = NULL;
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
		fxq_ring_end_all(&lost, -EIO);
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

/**
 * fxq_ring_reap_more - take the records that an interrupt left behind
 * @work: of the ring
 */
void fxq_ring_reap_more(struct work_struct *work)
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
	fxq_ring_end_all(&runs, error);
	spin_unlock_irqrestore(&ring->end, flags);
}
