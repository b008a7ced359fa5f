// SPDX-License-Identifier: MIT
/*
 * run.c - the queue of runs
 *
 * Nobody owns a run. Whoever calls in does what there is to do: the steps of
 * a slot up to the next device step, or waiting for the device, which one
 * thread does for all. A run so moves on by itself as long as anybody waits
 * for any run, and while the CPU works on one, the device has the others.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "program.h"

/*
 * While other threads have slots of the same program, one that waits for the
 * device looks up this often to see whether they are done.
 */
#define SLICE_NS	500000

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int slot_fail(struct slot *slot, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(slot->completion.error, sizeof(slot->completion.error), fmt,
		  args);
	va_end(args);
	slot->completion.result = err;
	return err;
}

/* @slot: NULL: of no run */
static void tell_span(const struct fxq_program *p, enum fxq_trace_kind kind,
		      const struct slot *slot, uint64_t began, uint64_t ended)
{
	struct fxq_trace span = {
		.kind = kind, .began = began, .ended = ended,
	};

	if (!p->config.trace)
		return;
	if (slot) {
		span.slot = slot - p->slots;
		span.run = slot->number;
		span.step = slot->step;
	}
	p->config.trace(p->config.priv, &span);
}

/* Copies what is not the caller's memory already, and tells true shapes. */
static void deliver(struct slot *slot)
{
	const struct fxq_image *image = slot->prog->image;
	const struct fxq_image_header *h = image->header;

	for (uint32_t k = 0; k < h->n_outputs; k++) {
		uint32_t t = image->args[h->first_output + k];
		const struct fxq_tensor *from = &slot->tensors[t];
		struct fxq_tensor *to = &slot->out[k];
		void *data = to->data;
		uint64_t bytes;

		fxq_type_bytes(from, &bytes);
		if (bytes && data != from->data)
			memcpy(data, from->data, bytes);
		*to = *from;
		to->data = data;
	}
}

static void fail_canceled(struct slot *slot)
{
	slot_fail(slot, -ECANCELED, "canceled before layer %s",
		  image_layer(slot->prog->image, slot->step));
}

/* Runs steps on the CPU up to the next device step or the end. No lock. */
static void advance(struct slot *slot)
{
	const struct fxq_program *p = slot->prog;
	uint32_t n = program_steps(p);
	uint64_t at = now_ns();

	while (slot->step < n) {
		const struct fxq_image_step *s = &p->image->steps[slot->step];
		uint64_t before = at;

		if (slot->canceled) {
			fail_canceled(slot);
			return;
		}
		if (s->kind == FXQ_STEP_DEVICE)
			break;
		if (slot_call(slot, s, &p->plans[slot->step]))
			return;
		at = now_ns();
		tell_span(p, FXQ_TRACE_CPU, slot, before, at);
		slot->step_ns[slot->step++] = at - before;
	}
	slot->step_began = at;
	if (slot->step == n) {
		deliver(slot);
		return;
	}
	for (uint32_t i = 0; i < p->plans[slot->step].n_copies; i++) {
		const struct copy_plan *c = &p->plans[slot->step].copies[i];

		memcpy((uint8_t *)slot->memory.mem + c->offset,
		       slot->tensors[c->tensor].data,
		       p->image->tensors[c->tensor].bytes);
	}
}

/* Adds a run's times to the program's. */
static void account(struct slot *slot)
{
	struct fxq_program *p = slot->prog;

	for (uint32_t i = 0; i < program_steps(p); i++) {
		struct fxq_step_stats *s = &p->stats[i];
		uint64_t ns = slot->step_ns[i];

		if (!s->runs || ns < s->ns_min)
			s->ns_min = ns;
		if (ns > s->ns_max)
			s->ns_max = ns;
		s->ns_total += ns;
		s->cycles = slot->step_cycles[i];
		s->runs++;
	}
}

void slot_finish(struct slot *slot)
{
	struct fxq_program *p = slot->prog;
	uint64_t now = now_ns();

	if (!slot->completion.result)
		account(slot);
	slot->completion.ns = now - slot->began;
	tell_span(p, FXQ_TRACE_RUN, slot, slot->began, now);
	slot->state = SLOT_DONE;
	p->busy--;
	if (!slot->alone && !slot->lent)
		slot_list_push(&p->done, slot);
}

void slot_cancel(struct slot *slot)
{
	fail_canceled(slot);
	slot_finish(slot);
}

void slot_device_done(struct slot *slot, uint64_t cycles)
{
	uint64_t now = now_ns();

	tell_span(slot->prog, FXQ_TRACE_DEVICE, slot, slot->step_began, now);
	slot->step_ns[slot->step] = now - slot->step_began;
	slot->step_cycles[slot->step] = cycles;
	slot->completion.cycles += cycles;
	slot->step++;
	slot->state = SLOT_READY;
	slot_list_insert(&slot->prog->ready, slot);
}

/*
 * Takes a slot that is nobody's through its CPU steps and hands it on. With
 * the lock held, which is released meanwhile.
 */
static void carry(struct slot *slot)
{
	struct fxq_program *p = slot->prog;

	slot->state = SLOT_CPU;
	p->on_cpu++;
	pthread_mutex_unlock(&p->dev->lock);
	advance(slot);
	pthread_mutex_lock(&p->dev->lock);
	p->on_cpu--;
	if (slot->completion.result || slot->step == program_steps(p))
		slot_finish(slot);
	else
		device_submit(slot);
	pthread_cond_broadcast(&p->dev->changed);
}

/* Sleeps until another thread has moved a slot, or @deadline. */
static void wait_change(struct fxq_device *dev, uint64_t deadline)
{
	struct timespec t = {
		.tv_sec = deadline / 1000000000,
		.tv_nsec = deadline % 1000000000,
	};

	if (deadline == UINT64_MAX)
		pthread_cond_wait(&dev->changed, &dev->lock);
	else
		pthread_cond_timedwait(&dev->changed, &dev->lock, &t);
}

/* Waits for the device, or for others: what program_turn() does else. */
static bool wait_turn(struct fxq_program *p, uint64_t deadline)
{
	struct queue *q = p->queue;
	uint64_t now, left;

	now = deadline && deadline != UINT64_MAX ? now_ns() : 0;
	left = deadline == UINT64_MAX ? UINT64_MAX :
	       deadline > now ? deadline - now : 0;
	if (q->running && !q->reaping && p->busy > p->on_cpu) {
		if (p->on_cpu && left > SLICE_NS)
			device_reap(p, SLICE_NS);
		else if (!device_reap(p, left))
			return left == UINT64_MAX;
		return true;
	}
	if (!left)
		return false;
	wait_change(p->dev, deadline);
	return true;
}

bool program_turn(struct fxq_program *p, uint64_t deadline)
{
	struct slot *slot = slot_list_pop(&p->ready);
	uint64_t began;
	bool moved;

	if (slot) {
		carry(slot);
		return true;
	}
	began = p->config.trace ? now_ns() : 0;
	moved = wait_turn(p, deadline);
	if (deadline)
		tell_span(p, FXQ_TRACE_WAIT, NULL, began, now_ns());
	return moved;
}

uint64_t run_deadline(uint64_t timeout_ns)
{
	uint64_t deadline;

	if (!timeout_ns ||
	    __builtin_add_overflow(now_ns(), timeout_ns, &deadline))
		return timeout_ns ? UINT64_MAX : 0;
	return deadline;
}

void program_drain(struct fxq_program *p)
{
	pthread_mutex_lock(&p->dev->lock);
	while (p->busy)
		program_turn(p, UINT64_MAX);
	pthread_mutex_unlock(&p->dev->lock);
}

void *program_worker(void *arg)
{
	struct fxq_program *p = arg;

	pthread_mutex_lock(&p->dev->lock);
	while (!p->stopping) {
		if (p->busy)
			program_turn(p, UINT64_MAX);
		else
			wait_change(p->dev, UINT64_MAX);
	}
	pthread_mutex_unlock(&p->dev->lock);
	return NULL;
}

/* Tensors of a new run: the caller's where they have no home of their own. */
static void begin(struct slot *slot, const struct fxq_tensor *in,
		  struct fxq_tensor *out)
{
	const struct fxq_program *p = slot->prog;
	const struct fxq_image *image = p->image;
	const struct fxq_image_header *h = image->header;
	uint32_t k, t;

	for (k = 0; k < p->n_dynamic; k++) {
		t = p->dynamic[k];
		slot->tensors[t].dtype = p->types[t].dtype;
		slot->tensors[t].rank = p->types[t].rank;
		memcpy(slot->tensors[t].dims, p->types[t].dims,
		       sizeof(p->types[t].dims));
	}
	for (k = 0; k < h->n_outputs; k++) {
		t = image->args[h->first_output + k];
		if (p->home[t] == NO_PLACE &&
		    !(image->tensors[t].flags & FXQ_TENSOR_CONST))
			slot->tensors[t].data = out[k].data;
	}
	for (k = 0; k < h->n_inputs; k++) {
		t = image->args[h->first_input + k];
		slot->tensors[t].rank = in[k].rank;
		memcpy(slot->tensors[t].dims, in[k].dims, sizeof(in[k].dims));
		if (p->home[t] == NO_PLACE)
			slot->tensors[t].data = in[k].data;
		else if (slot->tensors[t].data != in[k].data)
			memcpy(slot->tensors[t].data, in[k].data,
			       image->tensors[t].bytes);
	}
}

void slot_take(struct slot *slot)
{
	slot->state = SLOT_CPU;
	slot->number = slot->prog->n_runs++;
	slot->prog->busy++;
}

/* A free slot, taken; NULL if there is none. With the lock held. */
static struct slot *take_slot(struct fxq_program *p)
{
	for (uint32_t i = 0; i < p->config.slots; i++) {
		struct slot *slot = &p->slots[i];

		if (slot->state != SLOT_FREE || slot->lent)
			continue;
		slot_take(slot);
		return slot;
	}
	return NULL;
}

void slot_start(struct slot *slot, const struct fxq_tensor *in,
		struct fxq_tensor *out, void *user_data, bool alone)
{
	struct fxq_program *p = slot->prog;

	slot->completion = (struct fxq_completion){ .user_data = user_data };
	slot->began = now_ns();
	slot->alone = alone;
	slot->training = p->training;
	slot->out = out;
	slot->step = 0;
	slot->retries = 0;
	begin(slot, in, out);
	pthread_mutex_lock(&p->dev->lock);
	carry(slot);
	tell_span(p, FXQ_TRACE_SUBMIT, slot, slot->began, now_ns());
	pthread_mutex_unlock(&p->dev->lock);
}

static int fail_busy(const struct fxq_program *p)
{
	return fxq_fail(-EBUSY,
			"all %u slots are taken; poll for completions first",
			p->config.slots);
}

FXQ_PUBLIC int fxq_submit(struct fxq_program *prog, const struct fxq_tensor *in,
			  struct fxq_tensor *out, void *user_data)
{
	struct slot *slot;
	int ret;

	ret = io_check(prog, in, out);
	if (ret)
		return ret;
	pthread_mutex_lock(&prog->dev->lock);
	slot = take_slot(prog);
	pthread_mutex_unlock(&prog->dev->lock);
	if (!slot)
		return fail_busy(prog);
	slot_start(slot, in, out, user_data, false);
	return 0;
}

static void release(struct slot *slot, struct fxq_completion *ret)
{
	*ret = slot->completion;
	slot->state = SLOT_FREE;
	pthread_cond_broadcast(&slot->prog->dev->changed);
}

FXQ_PUBLIC int fxq_poll(struct fxq_program *prog,
			struct fxq_completion *completions, int max,
			uint64_t timeout_ns)
{
	uint64_t deadline = run_deadline(timeout_ns);
	int n = 0;

	if (device_is_inherited(prog->dev))
		return 0;
	pthread_mutex_lock(&prog->dev->lock);
	while (max > 0 && !prog->done && prog->busy &&
	       program_turn(prog, deadline))
		;
	while (n < max && prog->done)
		release(slot_list_pop(&prog->done), &completions[n++]);
	pthread_mutex_unlock(&prog->dev->lock);
	return n;
}

/* Has every slot a completion that only fxq_poll() takes, or is a pipeline's? */
static bool all_done(const struct fxq_program *p)
{
	for (uint32_t i = 0; i < p->config.slots; i++) {
		const struct slot *slot = &p->slots[i];

		if (!slot->lent && (slot->state != SLOT_DONE || slot->alone))
			return false;
	}
	return true;
}

static int fail_timed(struct fxq_completion *completion, int err)
{
	completion->result = err;
	snprintf(completion->error, sizeof(completion->error), "%s",
		 fxq_error());
	return err;
}

FXQ_PUBLIC int fxq_run_timed(struct fxq_program *prog,
			     const struct fxq_tensor *in,
			     struct fxq_tensor *out,
			     struct fxq_completion *ret_completion)
{
	struct slot *slot;
	int ret;

	*ret_completion = (struct fxq_completion){ 0 };
	ret = io_check(prog, in, out);
	if (ret)
		return fail_timed(ret_completion, ret);
	pthread_mutex_lock(&prog->dev->lock);
	while (!(slot = take_slot(prog)) && !all_done(prog))
		program_turn(prog, UINT64_MAX);
	pthread_mutex_unlock(&prog->dev->lock);
	if (!slot)
		return fail_timed(ret_completion, fail_busy(prog));

	slot_start(slot, in, out, NULL, true);
	pthread_mutex_lock(&prog->dev->lock);
	while (slot->state != SLOT_DONE)
		program_turn(prog, UINT64_MAX);
	release(slot, ret_completion);
	pthread_mutex_unlock(&prog->dev->lock);
	if (ret_completion->result)
		fxq_fail(ret_completion->result, "%s", ret_completion->error);
	return ret_completion->result;
}

FXQ_PUBLIC int fxq_run(struct fxq_program *prog, const struct fxq_tensor *in,
		       struct fxq_tensor *out)
{
	struct fxq_completion completion;

	return fxq_run_timed(prog, in, out, &completion);
}
