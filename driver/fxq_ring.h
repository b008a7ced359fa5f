/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_RING_H
#define FXQ_RING_H

#include <linux/completion.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <fxq/fxq_regs.h>

struct fxq_device;
struct fxq_run;

/* The low bits of an entry's number are its slot; one is for what is no job. */
#define FXQ_SLOT_BITS	8
#define FXQ_ADMIN_SLOT	((1u << FXQ_SLOT_BITS) - 1)

static_assert(FXQ_DEPTH_MAX <= 1u << FXQ_SLOT_BITS);

/**
 * struct fxq_ring - what driver and device share, see fxq_regs.h
 * @memory: all of it, coherent
 * @bytes: of @memory
 * @bus: where the device sees it
 * @depth: entries of either ring, a power of two
 * @shared: the page that spares register accesses
 * @submit: entries, written here
 * @complete: records, written by the device
 * @contexts: the device's table of contexts
 * @end: held from when runs are taken out of the ring until they have ended, so
 *	 that those of a context end in order; taken before @lock
 * @lock: protects all that follows
 * @produced: entries written
 * @consumed: records taken
 * @run: in the device's hands, by the low bits of their number
 * @runs: the same, in the order of their numbers
 * @next_count: high bits of the next run's number
 * @admin_run: number of the entry that @admin_done is about
 * @admin_cause: what its record said
 * @admin_done: its record came
 * @admin_progress: how far the device was when it was given the entry
 * @strange: records that answered nothing
 * @held: runs get numbers and wait
 * @back: runs that a reset took out of the ring, in order
 * @more: takes the records that an interrupt left behind
 */
struct fxq_ring {
	void *memory;
	size_t bytes;
	dma_addr_t bus;
	u32 depth;
	struct fxq_shared *shared;
	struct fxq_submit *submit;
	struct fxq_complete *complete;
	struct fxq_context_entry *contexts;

	spinlock_t end;
	spinlock_t lock;
	u32 produced, consumed;
	struct fxq_run *run[FXQ_DEPTH_MAX];
	struct list_head runs;
	u64 next_count;
	u64 admin_run;
	u32 admin_cause;
	struct completion admin_done;
	u64 admin_progress;
	u64 strange;
	bool held;
	struct list_head back;
	struct work_struct more;
};

/* fxq_ring.c */
int fxq_ring_init(struct fxq_device *fdev, u32 depth);
u32 fxq_ring_credits(const struct fxq_device *fdev);
bool fxq_ring_is_empty(struct fxq_device *fdev);
void fxq_ring_clear(struct fxq_device *fdev);
int fxq_ring_submit(struct fxq_device *fdev, struct fxq_run *run);
void fxq_ring_cancel(struct fxq_device *fdev, struct fxq_run *run, int error);
void fxq_ring_hold(struct fxq_device *fdev);
u32 fxq_ring_take_back(struct fxq_device *fdev, u64 *ret_begun);
void fxq_ring_resume(struct fxq_device *fdev);
void fxq_ring_drain(struct fxq_device *fdev, int error);
int fxq_ring_admin(struct fxq_device *fdev, enum fxq_submit_kind kind,
		   u32 context, u64 first, u64 last);
void fxq_ring_end_all(struct list_head *runs, int error);

/* fxq_record.c */
void fxq_ring_reap(struct fxq_device *fdev, bool skip_lost);
bool fxq_ring_holds(struct fxq_device *fdev, u64 number);
bool fxq_ring_passed(struct fxq_device *fdev, u64 number);
void fxq_ring_fail(struct fxq_device *fdev, u64 number, int error);
void fxq_ring_reap_more(struct work_struct *work);

#endif /* FXQ_RING_H */
