// SPDX-License-Identifier: MIT
/*
 * pipeline.c - frames in a row
 *
 * A frame is a slot of the program that is lent to the caller: its inputs and
 * outputs are where the steps look for them. How a frame moves on is the queue
 * of runs' affair (run.c); here is the order in which frames go in and come
 * out, and who has them.
 */
#include <stdlib.h>

#include <fxq/pipeline.h>

#include "program.h"

/* Whoever waits for a frame looks up this often, for another may free one. */
#define LOOK_NS		500000

enum frame_state {
	FRAME_FREE,
	FRAME_ACQUIRED,
	FRAME_SUBMITTED,
	FRAME_WAITED,		/* for, and with the caller */
};

/*
 * struct frame
 * @public: what the caller sees; the first member
 * @next: free ones of the pipeline, or those under way, oldest first
 * @mem: @bytes for tensors that have no home in the slot; inputs are the first
 *	 @in_bytes
 */
struct frame {
	struct fxq_frame public;
	struct fxq_pipeline *pipe;
	struct frame *next;
	struct slot *slot;
	enum frame_state state;
	uint8_t *mem;
	uint64_t bytes, in_bytes;
};

/*
 * struct fxq_pipeline - the device's lock protects it
 * @first: the oldest frame under way; @end: where the next goes
 * @submitted: how many so far
 */
struct fxq_pipeline {
	struct fxq_program *prog;
	struct frame *frames;
	uint32_t depth;
	struct frame *free, *first, **end;
	uint64_t submitted;
	bool finished;
};

/* Of a pipeline that is the parent's, nobody else knows here. */
static bool is_inherited(const struct fxq_pipeline *pipe)
{
	return device_is_inherited(pipe->prog->dev);
}

static void lock(struct fxq_pipeline *pipe)
{
	if (!is_inherited(pipe))
		pthread_mutex_lock(&pipe->prog->dev->lock);
}

static void unlock(struct fxq_pipeline *pipe)
{
	if (!is_inherited(pipe))
		pthread_mutex_unlock(&pipe->prog->dev->lock);
}

static void tell(struct fxq_pipeline *pipe)
{
	if (!is_inherited(pipe))
		pthread_cond_broadcast(&pipe->prog->dev->changed);
}

/*
 * Tensors of the image, each in its home or else in f->mem, from @at on. Returns
 * where they end.
 */
static uint64_t lay_out(const struct frame *f, const uint32_t *args, uint32_t n,
			struct fxq_tensor *to, uint64_t at)
{
	const struct fxq_program *p = f->pipe->prog;

	for (uint32_t k = 0; k < n; k++) {
		uint64_t home = p->home[args[k]];

		to[k] = p->types[args[k]];
		if (home != NO_PLACE) {
			to[k].data = (uint8_t *)f->slot->memory.mem + home;
			continue;
		}
		to[k].data = f->mem ? f->mem + at : NULL;
		at += fxq_align(p->image->tensors[args[k]].bytes + 1,
				FXQ_LINE_BYTES);
	}
	return at;
}

static void lay_out_inputs(struct frame *f)
{
	const struct fxq_image *image = f->pipe->prog->image;
	const struct fxq_image_header *h = image->header;

	f->in_bytes = lay_out(f, image->args + h->first_input, h->n_inputs,
			      f->public.in, 0);
}

static void lay_out_outputs(struct frame *f)
{
	const struct fxq_image *image = f->pipe->prog->image;
	const struct fxq_image_header *h = image->header;

	f->bytes = lay_out(f, image->args + h->first_output, h->n_outputs,
			   f->public.out, f->in_bytes);
}

/* Opening and closing */

static void push_free(struct frame *f)
{
	f->state = FRAME_FREE;
	f->next = f->pipe->free;
	f->pipe->free = f;
}

static int create_frame(struct fxq_pipeline *pipe, struct frame *f)
{
	const struct fxq_image_header *h = pipe->prog->image->header;

	f->pipe = pipe;
	f->public.n_in = h->n_inputs;
	f->public.n_out = h->n_outputs;
	f->public.in = calloc(h->n_inputs + 1ull, sizeof(*f->public.in));
	f->public.out = calloc(h->n_outputs + 1ull, sizeof(*f->public.out));
	if (!f->public.in || !f->public.out)
		return fxq_fail_memory("the frames of a pipeline");
	lay_out_inputs(f);
	lay_out_outputs(f);
	f->mem = fxq_pages_alloc(f->bytes);
	if (f->bytes && !f->mem)
		return fxq_fail_memory("the frames of a pipeline");
	push_free(f);
	return 0;
}

/* @depth of the program's slots, or with 0 all that are free. */
static int take_slots(struct fxq_pipeline *pipe, uint32_t depth)
{
	struct fxq_program *p = pipe->prog;

	lock(pipe);
	for (uint32_t i = 0; i < p->config.slots; i++) {
		struct slot *slot = &p->slots[i];

		if (slot->state != SLOT_FREE || slot->lent ||
		    (depth && pipe->depth == depth))
			continue;
		slot->lent = true;
		pipe->frames[pipe->depth++].slot = slot;
	}
	unlock(pipe);
	if (pipe->depth && pipe->depth >= depth)
		return 0;
	return fxq_fail(-EBUSY,
			"a pipeline of %u frames needs as many slots, and of the program's %u only %u are free; load it with more",
			depth ? depth : 1, p->config.slots, pipe->depth);
}

FXQ_PUBLIC int fxq_pipeline_open(struct fxq_program *prog, uint32_t depth,
				 struct fxq_pipeline **ret_pipe)
{
	struct fxq_pipeline *pipe = calloc(1, sizeof(*pipe));
	int ret;

	if (!pipe)
		return fxq_fail_memory("a pipeline");
	pipe->prog = prog;
	pipe->end = &pipe->first;
	pipe->frames = calloc(prog->config.slots, sizeof(*pipe->frames));
	ret = pipe->frames ? take_slots(pipe, depth) :
			     fxq_fail_memory("a pipeline");
	for (uint32_t i = 0; i < pipe->depth && !ret; i++)
		ret = create_frame(pipe, &pipe->frames[i]);
	if (ret) {
		fxq_pipeline_close(pipe);
		return ret;
	}
	*ret_pipe = pipe;
	return 0;
}

FXQ_PUBLIC uint32_t fxq_pipeline_depth(const struct fxq_pipeline *pipe)
{
	return pipe->depth;
}

/* The oldest frame under way, if it has ended, is no longer under way. */
static struct frame *pop_ended(struct fxq_pipeline *pipe)
{
	struct frame *f = pipe->first;

	if (!f || f->slot->state != SLOT_DONE)
		return NULL;
	pipe->first = f->next;
	if (!pipe->first)
		pipe->end = &pipe->first;
	f->slot->state = SLOT_FREE;
	return f;
}

static void cancel(struct fxq_pipeline *pipe)
{
	struct fxq_program *p = pipe->prog;

	for (struct frame *f = pipe->first; f; f = f->next) {
		f->slot->canceled = true;
		if (slot_list_remove(&p->queue->pending, f->slot))
			slot_cancel(f->slot);
	}
	tell(pipe);
}

static void give_back(struct fxq_pipeline *pipe, struct frame *f)
{
	lock(pipe);
	f->slot->lent = false;
	f->slot->canceled = false;
	tell(pipe);
	unlock(pipe);
	fxq_pages_free(f->mem, f->bytes);
	free(f->public.in);
	free(f->public.out);
}

FXQ_PUBLIC void fxq_pipeline_close(struct fxq_pipeline *pipe)
{
	if (!pipe)
		return;
	lock(pipe);
	cancel(pipe);
	while (pipe->first && !is_inherited(pipe))
		if (!pop_ended(pipe))
			program_turn(pipe->prog, UINT64_MAX);
	unlock(pipe);
	for (uint32_t i = 0; i < pipe->depth; i++)
		give_back(pipe, &pipe->frames[i]);
	free(pipe->frames);
	free(pipe);
}

/* Frames */

static int fail_finished(void)
{
	return fxq_fail(-EPIPE, "the pipeline is finished: it takes no more frames");
}

static int fail_not_acquired(void)
{
	return fxq_fail(-EINVAL, "only a frame that was acquired, and once, can be submitted");
}

/* Works, or sleeps, for a moment. False: @deadline has passed. */
static bool look_again(struct fxq_pipeline *pipe, uint64_t deadline)
{
	uint64_t now = deadline ? now_ns() : 0;

	if (now >= deadline || is_inherited(pipe))
		return false;
	program_turn(pipe->prog, deadline - now > LOOK_NS ? now + LOOK_NS :
		     deadline);
	return true;
}

FXQ_PUBLIC int fxq_pipeline_acquire(struct fxq_pipeline *pipe,
				    uint64_t timeout_ns,
				    struct fxq_frame **ret_frame)
{
	uint64_t deadline = run_deadline(timeout_ns);
	struct frame *f;
	bool finished;

	lock(pipe);
	while (!pipe->free && !pipe->finished && look_again(pipe, deadline))
		;
	finished = pipe->finished;
	f = finished ? NULL : pipe->free;
	if (f) {
		pipe->free = f->next;
		f->state = FRAME_ACQUIRED;
	}
	unlock(pipe);
	if (finished)
		return fail_finished();
	if (!f)
		return fxq_fail(-EBUSY,
				"all %u frames are taken; wait for results and release them",
				pipe->depth);
	lay_out_inputs(f);
	*ret_frame = &f->public;
	return 0;
}

/* Puts an acquired frame at the end of those under way. With the lock held. */
static int enqueue(struct fxq_pipeline *pipe, struct frame *f)
{
	if (f->state != FRAME_ACQUIRED)
		return -EINVAL;
	if (pipe->finished)
		return -EPIPE;
	f->state = FRAME_SUBMITTED;
	f->public.number = pipe->submitted++;
	f->next = NULL;
	*pipe->end = f;
	pipe->end = &f->next;
	slot_take(f->slot);
	f->slot->canceled = false;
	return 0;
}

FXQ_PUBLIC int fxq_pipeline_submit(struct fxq_pipeline *pipe,
				   struct fxq_frame *public)
{
	struct frame *f = (struct frame *)public;
	int ret;

	/* Another program's frame may have fewer inputs. */
	if (f->pipe != pipe)
		return fail_not_acquired();
	ret = io_check_inputs(pipe->prog, public->in);
	if (ret)
		return ret;
	lock(pipe);
	ret = enqueue(pipe, f);
	unlock(pipe);
	if (ret)
		return ret == -EPIPE ? fail_finished() : fail_not_acquired();
	lay_out_outputs(f);
	slot_start(f->slot, public->in, public->out, public->user_data, false);
	return 0;
}

FXQ_PUBLIC int fxq_pipeline_wait(struct fxq_pipeline *pipe, uint64_t timeout_ns,
				 struct fxq_frame **ret_frame)
{
	uint64_t deadline = run_deadline(timeout_ns);
	struct frame *f;
	bool none;

	if (is_inherited(pipe))
		return device_fail_inherited(pipe->prog->dev);
	lock(pipe);
	while (!(f = pop_ended(pipe)) && (pipe->first || !pipe->finished) &&
	       program_turn(pipe->prog, deadline))
		;
	none = !f && !pipe->first && pipe->finished;
	if (f) {
		f->state = FRAME_WAITED;
		f->public.done = f->slot->completion;
	}
	unlock(pipe);
	if (none)
		return fxq_fail(-ENODATA, "the pipeline is finished, and each of its frames was given");
	if (!f)
		return fxq_fail(-ETIME, "no frame has ended in time");
	*ret_frame = &f->public;
	return 0;
}

FXQ_PUBLIC int fxq_pipeline_release(struct fxq_pipeline *pipe,
				    struct fxq_frame *public)
{
	struct frame *f = (struct frame *)public;
	bool ours;

	lock(pipe);
	ours = f->pipe == pipe && (f->state == FRAME_ACQUIRED ||
				   f->state == FRAME_WAITED);
	if (ours) {
		push_free(f);
		tell(pipe);
	}
	unlock(pipe);
	return ours ? 0 : fxq_fail(-EINVAL, "only a frame that is the caller's can be released, and once");
}

FXQ_PUBLIC void fxq_pipeline_finish(struct fxq_pipeline *pipe)
{
	lock(pipe);
	pipe->finished = true;
	tell(pipe);
	unlock(pipe);
}

FXQ_PUBLIC void fxq_pipeline_cancel(struct fxq_pipeline *pipe)
{
	lock(pipe);
	cancel(pipe);
	unlock(pipe);
}
