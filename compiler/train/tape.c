// SPDX-License-Identifier: MIT
/*
 * tape.c - what a forward computed, and the way back over it
 *
 * While the tape records, every operation of its thread is run here: inputs and
 * results become slots, found by the address of their elements, and an operation
 * that a parameter reaches becomes a record. Going back, a record's gradient
 * kernel turns the gradients of its results into those of its inputs; where a
 * value was used several times they are added, in the order of going back.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/train.h>

#include "fx/fx_priv.h"
#include "nn/kernels/crew.h"
#include "nn/nn_priv.h"
#include "fast.h"
#include "pool.h"
#include "tape.h"

/*
 * struct slot - a tensor that an operation read or made
 * @grad: of it; NULL: none so far
 * @needs: a parameter reaches it
 */
struct slot {
	struct fxq_tensor t;
	void *grad;
	bool needs;
};

/*
 * struct record - an operation that a parameter reaches
 * @slots: of its inputs, then of its results; NO_SLOT: an input that is absent
 */
#define NO_SLOT	SIZE_MAX
struct record {
	const struct fx_op *op;
	uint32_t n_in, n_out, n_attrs;
	size_t slots[MAX_ARGS + MAX_RESULTS];
	struct fxq_attr attrs[MAX_OPTIONS];
	int64_t ints[MAX_OPTIONS][FXQ_MAX_RANK];
};

/*
 * struct fx_tape
 * @parameters: of the model; the first slots are theirs. Their memory may move
 *		while the tape records, as when an observer finds that a learned
 *		scale is one for each channel, so it is looked up in the model
 */
struct fx_tape {
	struct recorder recorder;
	struct recorder *outer;
	bool recording;
	int threads;
	struct crew *crew;
	struct fx_parameter *parameters;
	size_t n_parameters;
	struct slot *slots;
	size_t n_slots;
	struct record *records;
	size_t n_records;
	struct pool pool;
	char error[FXQ_ERROR_MAX + 256];
};

int tape_fail(struct fx_tape *t, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->error, sizeof(t->error), fmt, args);
	va_end(args);
	return err;
}

const char *fx_tape_error(const struct fx_tape *t)
{
	return t->error;
}

/* Room for one more in an array that doubles. */
static void *grow(void *array, size_t n, size_t size)
{
	if (n & (n - 1) || n == 1)
		return array;
	array = realloc(array, (n ? 2 * n : 2) * size);
	if (!array)
		abort();
	return array;
}

static size_t add_slot(struct fx_tape *t, const struct fxq_tensor *tensor,
		       bool needs)
{
	t->slots = grow(t->slots, t->n_slots, sizeof(*t->slots));
	t->slots[t->n_slots] = (struct slot){ .t = *tensor, .needs = needs };
	return t->n_slots++;
}

static size_t find_slot(const struct fx_tape *t, const void *data)
{
	for (size_t i = t->n_slots; i--; )
		if (data == (i < t->n_parameters ? t->parameters[i].value :
						   &t->slots[i].t)->data)
			return i;
	return NO_SLOT;
}

/* The model's parameters */

static int add_parameter(const char *key, enum fx_member_kind kind,
			 struct fxq_tensor *value, void *ctx)
{
	struct fx_tape *t = ctx;
	struct fx_parameter *p;

	if (kind != FX_MEMBER_PARAMETER || find_slot(t, value->data) != NO_SLOT)
		return 0;
	t->parameters = grow(t->parameters, t->n_parameters, sizeof(*p));
	p = &t->parameters[t->n_parameters++];
	*p = (struct fx_parameter){ .key = must_print("%s", key),
				    .value = value, .grad = *value };
	p->grad.data = NULL;
	add_slot(t, value, value->dtype == FXQ_DTYPE_F32);
	return 0;
}

static int record_run(struct recorder *r, const struct fx_op *op,
		      struct fxq_call *call);

struct fx_tape *fx_tape_new(struct fx_module *model, int threads)
{
	struct fx_tape *t = must_alloc(sizeof(*t));

	t->recorder.run = record_run;
	t->threads = threads < 1 ? 1 : threads;
	t->crew = crew_new(t->threads);
	fx_module_each_tensor(model, add_parameter, t);
	return t;
}

void fx_tape_free(struct fx_tape *t)
{
	if (!t)
		return;
	fx_tape_end(t);
	crew_free(t->crew);
	for (size_t i = 0; i < t->n_parameters; i++)
		free((char *)t->parameters[i].key);
	free(t->parameters);
	free(t->slots);
	free(t->records);
	pool_finish(&t->pool);
	free(t);
}

const struct fx_parameter *fx_tape_parameters(const struct fx_tape *t,
					      size_t *ret_n)
{
	*ret_n = t->n_parameters;
	return t->parameters;
}

/* Forward */

void fx_tape_begin(struct fx_tape *t)
{
	fx_tape_end(t);
	for (size_t i = 0; i < t->n_parameters; i++) {
		t->parameters[i].grad.data = NULL;
		t->slots[i].grad = NULL;
	}
	t->n_slots = t->n_parameters;
	t->n_records = 0;
	t->error[0] = '\0';
	pool_put_all(&t->pool);

	t->recording = true;
	t->outer = context.recorder;
	context.recorder = &t->recorder;
}

void fx_tape_end(struct fx_tape *t)
{
	if (t->recording)
		context.recorder = t->outer;
	t->recording = false;
}

/* A tensor that the tape does not know may be gone when it goes back. */
static int slot_of_input(struct fx_tape *t, const struct fxq_tensor *in,
			 size_t *ret_slot)
{
	struct fxq_tensor copy = *in;

	*ret_slot = NO_SLOT;
	if (!in->data)
		return 0;
	*ret_slot = find_slot(t, in->data);
	if (*ret_slot != NO_SLOT)
		return 0;

	copy.data = pool_get(&t->pool, fxq_tensor_bytes(in));
	if (!copy.data)
		return -ENOMEM;
	memcpy(copy.data, in->data, fxq_tensor_bytes(in));
	*ret_slot = add_slot(t, &copy, false);
	return 0;
}

static bool needs(const struct fx_tape *t, size_t slot)
{
	return slot != NO_SLOT && t->slots[slot].needs;
}

static int run_kernel(struct fx_tape *t, fxq_call_fn fn, struct fxq_call *call)
{
	struct crew *before = crew_use(t->crew);
	int ret;

	call->threads = t->threads;
	ret = fn(call);
	crew_use(before);
	return ret;
}

static int eval(struct fx_tape *t, const struct fx_op *op,
		struct fxq_call *call)
{
	int ret;

	for (uint32_t i = 0; i < call->n_out; i++)
		call->out[i].data = NULL;
	ret = op_check_arity(op, call);
	if (!ret && op->fn.infer)
		ret = function_infer(&op->fn, call);
	for (uint32_t i = 0; !ret && i < call->n_out; i++) {
		call->out[i].data = pool_get(&t->pool,
					     fxq_tensor_bytes(&call->out[i]));
		ret = call->out[i].data ? 0 : -ENOMEM;
	}
	if (ret)
		return ret;
	return run_kernel(t, fast_forward(op), call);
}

/* The attributes, which the caller keeps for no longer than the call. */
static int keep_attrs(struct record *r, const struct fxq_call *call)
{
	r->n_attrs = call->n_attrs;
	for (uint32_t i = 0; i < call->n_attrs; i++) {
		const struct fxq_attr *a = &call->attrs[i];

		if (a->type == FXQ_ATTR_FLOATS || a->count > FXQ_MAX_RANK)
			return -EINVAL;
		r->attrs[i] = *a;
		if (a->type == FXQ_ATTR_INTS)
			memcpy(r->ints[i], a->ints, a->count * sizeof(int64_t));
	}
	return 0;
}

static int remember(struct fx_tape *t, const struct fx_op *op,
		    const struct fxq_call *call, const size_t *in, bool needed)
{
	struct record *r;
	int ret;

	for (uint32_t i = 0; i < call->n_out; i++)
		add_slot(t, &call->out[i],
			 needed && call->out[i].dtype == FXQ_DTYPE_F32);
	if (!needed)
		return 0;

	t->records = grow(t->records, t->n_records, sizeof(*r));
	r = &t->records[t->n_records];
	r->op = op;
	r->n_in = call->n_in;
	r->n_out = call->n_out;
	memcpy(r->slots, in, call->n_in * sizeof(*in));
	for (uint32_t i = 0; i < call->n_out; i++)
		r->slots[r->n_in + i] = t->n_slots - call->n_out + i;
	ret = keep_attrs(r, call);
	if (!ret)
		t->n_records++;
	return ret;
}

static int record_run(struct recorder *recorder, const struct fx_op *op,
		      struct fxq_call *call)
{
	struct fx_tape *t = (struct fx_tape *)recorder;
	size_t in[MAX_ARGS];
	bool needed = false;
	int ret;

	if (call->n_in > MAX_ARGS || call->n_attrs > MAX_OPTIONS ||
	    call->n_out > MAX_RESULTS)
		return -E2BIG;
	for (uint32_t i = 0; i < call->n_in; i++) {
		ret = slot_of_input(t, &call->in[i], &in[i]);
		if (ret)
			return ret;
		needed |= needs(t, in[i]);
	}

	ret = eval(t, op, call);
	if (ret)
		return ret;
	return remember(t, op, call, in, needed);
}

/* Backward */

static int out_of_memory(struct fx_tape *t)
{
	return tape_fail(t, -ENOMEM, "no memory for gradients");
}

static void add_into(float *restrict sum, const float *restrict x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		sum[i] += x[i];
}

/* The gradient of an input, or a part of it, has arrived at @data. */
static void take_gradient(struct fx_tape *t, struct slot *s, void *data)
{
	if (!s->grad) {
		s->grad = data;
		return;
	}
	add_into(s->grad, data, fxq_tensor_count(&s->t));
	pool_put(&t->pool, data);
}

/*
 * Inputs, results, their gradients, of which those without data are zero; and
 * room for the gradients that are wanted.
 */
static int prepare_grad(struct fx_tape *t, struct record *r,
			struct fxq_tensor *in, struct fxq_tensor *out)
{
	uint32_t n_values = r->n_in + r->n_out;

	for (uint32_t i = 0; i < n_values; i++)
		in[i] = r->slots[i] == NO_SLOT ? (struct fxq_tensor){ 0 } :
						 t->slots[r->slots[i]].t;
	for (uint32_t i = 0; i < r->n_out; i++) {
		in[n_values + i] = in[r->n_in + i];
		in[n_values + i].data = t->slots[r->slots[r->n_in + i]].grad;
	}
	for (uint32_t i = 0; i < r->n_in; i++) {
		out[i] = in[i];
		out[i].data = NULL;
		if (!needs(t, r->slots[i]))
			continue;
		out[i].data = pool_get(&t->pool, fxq_tensor_bytes(&in[i]));
		if (!out[i].data)
			return out_of_memory(t);
	}
	return 0;
}

static bool has_gradient(const struct fx_tape *t, const struct record *r)
{
	for (uint32_t i = 0; i < r->n_out; i++)
		if (t->slots[r->slots[r->n_in + i]].grad)
			return true;
	return false;
}

/* Gradients of a record's results serve no one else. */
static void put_gradients(struct fx_tape *t, const struct record *r)
{
	for (uint32_t i = 0; i < r->n_out; i++) {
		struct slot *s = &t->slots[r->slots[r->n_in + i]];

		if (s->grad)
			pool_put(&t->pool, s->grad);
		s->grad = NULL;
	}
}

static int go_back(struct fx_tape *t, struct record *r)
{
	struct fxq_tensor in[MAX_ARGS + 2 * MAX_RESULTS], out[MAX_ARGS];
	struct fxq_call call = {
		.n_in = r->n_in + 2 * r->n_out, .in = in,
		.n_out = r->n_in, .out = out,
		.n_attrs = r->n_attrs, .attrs = r->attrs,
	};
	fxq_call_fn grad = fast_grad(r->op);
	int ret;

	if (!grad)
		return tape_fail(t, -EOPNOTSUPP, "'%s' has no gradient; a parameter cannot be trained through it",
				 r->op->fn.name);
	/* The array may have moved since they were copied. */
	for (uint32_t i = 0; i < r->n_attrs; i++)
		if (r->attrs[i].type == FXQ_ATTR_INTS)
			r->attrs[i].ints = r->ints[i];

	ret = prepare_grad(t, r, in, out);
	if (ret)
		return ret;
	ret = run_kernel(t, grad, &call);
	if (ret)
		return tape_fail(t, ret, "gradient of '%s': %s", r->op->fn.name,
				 call.error[0] ? call.error : strerror(-ret));
	for (uint32_t i = 0; i < r->n_in; i++)
		if (out[i].data)
			take_gradient(t, &t->slots[r->slots[i]], out[i].data);
	put_gradients(t, r);
	return 0;
}

/* The slot of @loss, with a gradient of 1. */
static int start_at(struct fx_tape *t, fxv loss)
{
	const struct fxq_tensor *tensor = fx_data(loss);
	struct slot *s;
	size_t slot;

	if (fx_error(loss))
		return tape_fail(t, -EINVAL, "%s", fx_error(loss));
	if (!tensor || tensor->dtype != FXQ_DTYPE_F32 ||
	    fxq_tensor_count(tensor) != 1)
		return tape_fail(t, -EINVAL, "a loss is a float32 tensor of one element; take the mean of this one");
	slot = find_slot(t, tensor->data);
	if (!needs(t, slot) || slot < t->n_parameters)
		return tape_fail(t, -EINVAL, "the loss does not depend on any parameter through operators");

	s = &t->slots[slot];
	s->grad = pool_get(&t->pool, sizeof(float));
	if (!s->grad)
		return out_of_memory(t);
	*(float *)s->grad = 1.0f;
	return 0;
}

int fx_tape_backward(struct fx_tape *t, fxv loss)
{
	int ret;

	fx_tape_end(t);
	for (size_t i = 0; i < t->n_parameters; i++)
		t->slots[i].t = *t->parameters[i].value;
	ret = start_at(t, loss);
	for (size_t i = t->n_records; !ret && i--; )
		if (has_gradient(t, &t->records[i]))
			ret = go_back(t, &t->records[i]);
	for (size_t i = 0; !ret && i < t->n_parameters; i++) {
		t->parameters[i].grad = t->slots[i].t;
		t->parameters[i].grad.data = t->slots[i].grad;
	}
	return ret;
}
