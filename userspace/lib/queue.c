// SPDX-License-Identifier: MIT
/*
 * queue.c - queues: requests are added, handed over together, and collected
 *
 * A queue has a program of its own, with a slot for each request, and a ring if
 * the device has any. Handing over and waiting are one call of the kernel.
 */
#include <stdlib.h>
#include <string.h>

#include "request.h"

#define DEPTH_DEFAULT	32
#define DEPTH_MAX	64
#define PART_MAX	(1u << 30)
#define SOME		8	/* completions at a time */

static int check_config(struct fxq_queue_config *c)
{
	if (!c->depth)
		c->depth = DEPTH_DEFAULT;
	if (!c->batch)
		c->batch = (c->depth + 1) / 2;
	if (c->depth > DEPTH_MAX || c->batch > c->depth ||
	    c->flags & ~FXQ_QUEUE_PLAIN)
		return fxq_fail(-EINVAL,
				"a queue of depth %u in batches of %u with flags %#x is asked for; at most %d, no more than the depth, and %#x are possible",
				c->depth, c->batch, c->flags, DEPTH_MAX,
				FXQ_QUEUE_PLAIN);
	return 0;
}

/*
 * Is it a device step from one tensor in a slot's memory to another, with nothing
 * to be moved there first?
 */
static bool makes_chains(const struct fxq_program *p)
{
	const struct fxq_image *image = p->image;
	const struct fxq_image_header *h = image->header;

	return program_steps(p) == 1 && !p->plans[0].n_copies &&
	       h->n_inputs == 1 && h->n_outputs == 1 &&
	       p->home[image->args[h->first_input]] != NO_PLACE &&
	       p->home[image->args[h->first_output]] != NO_PLACE;
}

/* Where the ring does not open the queue does without. */
static void open_ring(struct fxq_queue *q)
{
	struct fxq_program *p = q->prog;

	if (!p->own || !p->dev->ops->ring_open)
		return;
	p->queue->file_ended = request_file_ended;
	p->queue->files = q;
	/* A read, a run and a write of each at a time. */
	q->ring = !p->dev->ops->ring_open(p, 3 * q->depth);
	q->chains = q->ring && makes_chains(p);
}

FXQ_PUBLIC int fxq_queue_open(struct fxq_device *dev, struct fxq_image *image,
			      const struct fxq_queue_config *config,
			      struct fxq_queue **ret_queue)
{
	struct fxq_queue_config c = config ? *config :
					     (struct fxq_queue_config){ 0 };
	struct fxq_program_config pc = { 0 };
	struct fxq_queue *q;
	int ret = check_config(&c);

	if (ret)
		return ret;
	q = calloc(1, sizeof(*q));
	if (!q)
		return fxq_fail_memory("a queue");
	q->depth = pc.slots = c.depth;
	q->batch = c.batch;
	pc.threads = c.threads;
	q->entries = calloc(q->depth, sizeof(*q->entries));
	ret = q->entries ? fxq_program_load(dev, image, &pc, &q->prog) :
			   fxq_fail_memory("a queue");
	if (ret) {
		fxq_queue_close(q);
		return ret;
	}
	if (!(c.flags & FXQ_QUEUE_PLAIN))
		open_ring(q);
	q->calls_before = dev->calls;
	*ret_queue = q;
	return 0;
}

FXQ_PUBLIC void fxq_queue_close(struct fxq_queue *q)
{
	struct fxq_completion completion;

	if (!q)
		return;
	while (q->prog && fxq_queue_reap(q, &completion, 1, UINT64_MAX))
		;
	fxq_program_unload(q->prog);
	free(q->entries);
	free(q);
}

FXQ_PUBLIC void fxq_queue_info(const struct fxq_queue *q,
			       struct fxq_queue_info *ret_info)
{
	*ret_info = (struct fxq_queue_info){
		.depth = q->depth,
		.batch = q->batch,
		.ring = q->ring,
		.calls = q->own_calls + q->prog->dev->calls - q->calls_before,
	};
}

FXQ_PUBLIC const struct fxq_program *
fxq_queue_program(const struct fxq_queue *q)
{
	return q->prog;
}

/* Does a part have memory, and a size that one entry can move? */
static int check_part(const struct fxq_queue *q,
		      const struct fxq_queue_part *part, bool write)
{
	const struct fxq_image *image = q->prog->image;
	const struct fxq_image_header *h = image->header;
	uint32_t n = write ? h->n_outputs : h->n_inputs;
	uint32_t first = write ? h->first_output : h->first_input;
	uint64_t max = PART_MAX;

	if (!part->data)
		max = n ? image->tensors[image->args[first]].bytes : 0;
	if (part->size <= max && part->size <= PART_MAX &&
	    part->offset <= INT64_MAX - PART_MAX)
		return 0;
	return fxq_fail(-EINVAL,
			"%llu bytes at byte %llu are to be %s file %d; at most %llu are possible",
			(unsigned long long)part->size,
			(unsigned long long)part->offset,
			write ? "written to" : "read from", part->fd,
			(unsigned long long)(max < PART_MAX ? max : PART_MAX));
}

FXQ_PUBLIC int fxq_queue_add(struct fxq_queue *q,
			     const struct fxq_request *request)
{
	struct entry *e = q->entries;
	int ret = io_check(q->prog, request->in, request->out);

	if (!ret)
		ret = check_part(q, &request->read, false);
	if (!ret)
		ret = check_part(q, &request->write, true);
	if (ret)
		return ret;
	if (q->used == q->depth)
		return fxq_fail(-EBUSY,
				"the queue has its %u requests; reap completions first",
				q->depth);
	while (e->state != ENTRY_FREE)
		e++;
	q->used++;
	*e = (struct entry){
		.state = ENTRY_ADDED, .request = *request, .began = now_ns(),
		.completion.user_data = request->user_data,
	};
	if (q->ring)
		request_start(q, e);
	return 0;
}

FXQ_PUBLIC int fxq_queue_flush(struct fxq_queue *q)
{
	int ret;

	if (q->ring) {
		ret = q->prog->dev->ops->ring_enter(q->prog, 0, 0);
		return ret ? fxq_fail(ret, "io_uring takes nothing: %s",
				      strerror(-ret)) : 0;
	}
	for (uint32_t i = 0; i < q->depth; i++)
		if (q->entries[i].state == ENTRY_ADDED)
			request_start(q, &q->entries[i]);
	return 0;
}

/* Takes what the ring has said of parts further. Was there anything? */
static bool take_told(struct fxq_queue *q)
{
	bool any = false;

	for (uint32_t i = 0; i < q->depth; i++) {
		struct entry *e = &q->entries[i];

		for (; e->told; any = true) {
			e->told--;
			request_part_ended(q, e);
		}
	}
	return any;
}

/* Brings requests on as far as they go; waits for runs, without a ring. */
static void bring_on(struct fxq_queue *q, uint64_t timeout_ns)
{
	struct fxq_program *p = q->prog;
	struct fxq_completion some[SOME];
	bool any;
	int n;

	do {
		if (q->ring) {
			pthread_mutex_lock(&p->dev->lock);
			device_collect(p);
			pthread_mutex_unlock(&p->dev->lock);
		}
		any = take_told(q);
		n = fxq_poll(p, some, SOME, q->done ? 0 : timeout_ns);
		for (int i = 0; i < n; i++)
			request_run_ended(q, &some[i]);
	} while (n || any);
}

/*
 * How many completions of the ring to wait for: so many that a batch of
 * requests may have ended, and no more than can come.
 */
static uint32_t to_wait_for(const struct fxq_queue *q)
{
	uint32_t parts = q->files, requests = 0, n;

	for (const struct slot *s = q->prog->queue->running; s; s = s->next)
		parts++;
	for (uint32_t i = 0; i < q->depth; i++)
		requests += q->entries[i].state != ENTRY_FREE;
	n = q->batch < requests ? q->batch * parts / requests : parts;
	return parts && !n ? 1 : n;
}

/* The ring is of no use any more: neither are the parts that it has. */
static void give_up_files(struct fxq_queue *q, int error)
{
	for (uint32_t i = 0; i < q->depth; i++) {
		struct entry *e = &q->entries[i];

		if (e->state == ENTRY_READING || e->state == ENTRY_WRITING)
			e->told = 1;
		else if (e->links)
			e->told = e->links - (e->slot->state == SLOT_DEVICE);
		if (e->told)
			e->result[0] = e->result[1] = error;
	}
	q->files = 0;
}

static int take_done(struct fxq_queue *q, struct fxq_completion *completions,
		     int max)
{
	int n = 0;

	while (n < max && q->done) {
		struct entry *e = q->done;

		q->done = e->next;
		completions[n++] = e->completion;
		e->state = ENTRY_FREE;
		q->used--;
	}
	return n;
}

FXQ_PUBLIC int fxq_queue_reap(struct fxq_queue *q,
			      struct fxq_completion *completions, int max,
			      uint64_t timeout_ns)
{
	uint64_t end, now = now_ns();
	int ret;

	if (device_is_inherited(q->prog->dev))
		return 0;
	if (__builtin_add_overflow(now, timeout_ns, &end))
		end = UINT64_MAX;
	if (!q->done && !q->ring)
		fxq_queue_flush(q);
	if (!q->done)
		bring_on(q, q->ring ? 0 : timeout_ns);
	while (q->ring && !q->done && q->used) {
		ret = q->prog->dev->ops->ring_enter(q->prog, timeout_ns ?
						    to_wait_for(q) : 0,
						    end == UINT64_MAX ? end :
						    end - now);
		if (ret)
			give_up_files(q, ret);
		bring_on(q, 0);
		now = now_ns();
		if (now >= end)
			break;
	}
	return take_done(q, completions, max);
}
