// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_coredump.c - what there was to see when a run failed
 *
 * The first fault or hang of a context leaves a page of text for devcoredump:
 * whose run it was, what the device said, how the ring stood, and the stream's
 * descriptors around the one at fault. "fxq-run dump" puts it into words.
 *
 * Runs end in interrupts. There a snapshot is taken, from memory that may be
 * refused; a worker makes text of it. The core keeps one dump of a device until
 * it is read, five minutes at most, and drops others meanwhile.
 */
#include <linux/devcoredump.h>
#include <linux/slab.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>
#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "fxq_contract.h"
#include "fxq_coredump.h"
#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_job.h"
#include "fxq_run.h"
#include "fxq_stream.h"

#define AROUND		16	/* descriptors before and behind the one */
#define HEAD_BYTES	2048	/* text that is no descriptor */
#define DESC_BYTES	(2 * FXQ_DESC_BYTES + 32)	/* text of one */

/**
 * struct snapshot - what is kept until the worker comes
 * @work: the worker's
 * @fdev: the device, with a reference
 * @error: that the run ended with
 * @recorded: @record is the device's
 * @record: what the device said
 * @client: whose run
 * @run: its number
 * @context: of the device's table
 * @job: number of the job
 * @shared: page that driver and device share
 * @produced: entries written
 * @consumed: records taken
 * @strange: records that answered nothing
 * @count: descriptors of the stream
 * @first: of @desc
 * @n: of @desc
 * @desc: around the one at fault
 */
struct snapshot {
	struct work_struct work;
	struct fxq_device *fdev;
	int error;
	bool recorded;
	struct fxq_complete record;
	u64 client, run;
	u32 context, job;
	struct fxq_shared shared;
	u32 produced, consumed;
	u64 strange;
	u32 count, first, n;
	struct fxq_desc desc[] __counted_by(n);
};

static void print_run(struct drm_printer *p, const struct snapshot *s)
{
	drm_printf(p, "fxq-coredump 1\n");
	drm_printf(p, "kernel: %s\n", init_utsname()->release);
	drm_printf(p, "contract: %s\n", FXQ_CONTRACT_HEX);
	drm_printf(p, "device: %s\n", dev_name(s->fdev->drm.dev));
	drm_printf(p, "client: %llu\n", s->client);
	drm_printf(p, "context: %u\n", s->context);
	drm_printf(p, "job: %u\n", s->job);
	drm_printf(p, "run: %#llx\n", s->run);
	drm_printf(p, "error: %d\n", s->error);
	if (!s->recorded)
		return;
	drm_printf(p, "cause: %u\n", s->record.cause);
	drm_printf(p, "index: %u\n", s->record.index);
	drm_printf(p, "tag: %u\n", s->record.tag);
	drm_printf(p, "address: %#llx\n", s->record.address);
	drm_printf(p, "cycles: %llu\n", s->record.cycles);
}

static void print_ring(struct drm_printer *p, const struct snapshot *s)
{
	drm_printf(p, "resets: %d\n", atomic_read(&s->fdev->resets));
	drm_printf(p, "depth: %u\n", s->fdev->ring.depth);
	drm_printf(p, "produced: %u\n", s->produced);
	drm_printf(p, "consumed: %u\n", s->consumed);
	drm_printf(p, "strange: %llu\n", s->strange);
	drm_printf(p, "taken: %u\n", s->shared.taken);
	drm_printf(p, "completed: %u\n", s->shared.completed);
	drm_printf(p, "running: %#llx\n", s->shared.running);
	drm_printf(p, "progress: %llu\n", s->shared.progress);
	drm_printf(p, "sleeping: %u\n", s->shared.sleeping);
}

static void print_stream(struct drm_printer *p, const struct snapshot *s)
{
	const u8 *bytes;
	u32 i;

	drm_printf(p, "descriptors: %u\n", s->count);
	for (i = 0; i < s->n; i++) {
		bytes = (const u8 *)&s->desc[i];
		drm_printf(p, "descriptor %u: %64phN%64phN\n", s->first + i,
			   bytes, bytes + 64);
	}
}

static void dump(struct work_struct *work)
{
	struct snapshot *s = container_of(work, struct snapshot, work);
	size_t room = HEAD_BYTES + s->n * DESC_BYTES;
	struct fxq_device *fdev = s->fdev;
	void *text = vzalloc(room);
	struct drm_print_iterator it = { .data = text, .remain = room };
	struct drm_printer p = drm_coredump_printer(&it);

	if (text) {
		print_run(&p, s);
		print_ring(&p, s);
		print_stream(&p, s);
		/* It frees the text. */
		dev_coredumpv(fdev->drm.dev, text, room - it.remain,
			      GFP_KERNEL);
	}
	kfree(s);
	clear_bit(0, &fdev->dumping);
	drm_dev_put(&fdev->drm);
}

/* Whoever ends a run may hold ring->lock, and both sides go on: a look at it. */
static void take_ring(struct snapshot *s, const struct fxq_ring *ring)
{
	s->produced = READ_ONCE(ring->produced);
	s->consumed = READ_ONCE(ring->consumed);
	s->strange = READ_ONCE(ring->strange);
	s->shared = *ring->shared;
}

static struct snapshot *take(const struct fxq_run *run,
			     const struct fxq_complete *record)
{
	const struct fxq_stream *stream = run->job->stream;
	u32 index = record ? min(record->index, stream->count - 1) : 0;
	u32 first = index - min(index, AROUND);
	u32 n = min(index + AROUND + 1, stream->count) - first;
	struct snapshot *s;

	s = kzalloc(struct_size(s, desc, n), GFP_NOWAIT | __GFP_NOWARN);
	if (!s)
		return NULL;
	s->count = stream->count;
	s->first = first;
	s->n = n;
	memcpy(s->desc, stream->mem.vaddr + (u64)first * FXQ_DESC_BYTES,
	       n * FXQ_DESC_BYTES);
	if (record) {
		s->recorded = true;
		s->record = *record;
	}
	return s;
}

/**
 * fxq_coredump - remember a run that failed
 * @run: the run, whose number it still has
 * @record: what the device says of it, or NULL
 * @error: that it ends with
 *
 * May be called with interrupts off. One of a device at a time is remembered.
 */
void fxq_coredump(const struct fxq_run *run, const struct fxq_complete *record,
		  int error)
{
	struct fxq_ctx *ctx = run->job->ctx;
	struct fxq_device *fdev = ctx->fdev;
	struct snapshot *s;

	/* A device that was pulled out is nobody's fault. */
	if (error == -ENODEV || test_and_set_bit(0, &fdev->dumping))
		return;
	s = take(run, record);
	if (!s) {
		clear_bit(0, &fdev->dumping);
		return;
	}
	take_ring(s, &fdev->ring);
	s->fdev = fdev;
	s->error = error;
	s->client = ctx->client->id;
	s->run = run->number;
	s->context = ctx->hw;
	s->job = run->job->id;
	drm_dev_get(&fdev->drm);
	INIT_WORK(&s->work, dump);
	queue_work(fxq_wq, &s->work);
}
