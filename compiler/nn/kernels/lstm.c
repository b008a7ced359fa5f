// SPDX-License-Identifier: MIT
/*
 * lstm: layers of long short-term memory, one after the other, each forwards
 * and, if bidirectional, backwards. The gates input, forget, cell, output stand
 * below one another in each weight.
 *
 * A layer reads rows of the one before it: (step, batch, features), as they lie.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "fmath.h"
#include "kernel.h"

/*
 * struct lstm - sizes of a call
 * @step, @sample: how far apart steps and samples are in x and in the result,
 *		   in rows
 */
struct lstm {
	int64_t length, batch, in, hidden, layers, step, sample;
	uint32_t directions, weights;
};

static int read_lstm(struct fxq_call *call, struct lstm *l)
{
	const struct fxq_tensor *x = &call->in[0];
	bool first = kern_int(call, "batch_first", 0) && x->rank == 3;
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret && (x->rank < 2 || x->rank > 3))
		ret = kern_refuse(call, -EINVAL, "the input has rank %u, not 2 or 3",
				  x->rank);
	if (ret)
		return ret;

	*l = (struct lstm){
		.length = x->dims[first], .in = x->dims[x->rank - 1],
		.batch = x->rank == 3 ? x->dims[!first] : 1,
		.hidden = kern_int(call, "hidden_size", 0),
		.layers = kern_int(call, "num_layers", 1),
		.directions = kern_int(call, "bidirectional", 0) ? 2 : 1,
		.weights = kern_int(call, "bias", 1) ? 4 : 2,
	};
	l->step = first ? 1 : l->batch;
	l->sample = first ? l->length : 1;
	if (l->hidden < 1 || l->hidden > INT32_MAX / 4 || l->layers < 1 ||
	    l->layers > 15)
		return kern_refuse(call, -EINVAL, "hidden_size is %" PRId64 " and num_layers %" PRId64 "; they are at least 1, layers at most 15",
				   l->hidden, l->layers);
	if (call->n_in != 1 + l->layers * l->directions * l->weights)
		return kern_refuse(call, -EINVAL, "%u inputs, and %" PRId64 " layers have others",
				   call->n_in, l->layers);
	return 0;
}

/* The weights of layer @i in direction @d have the shapes of its input. */
static int check_layer(struct fxq_call *call, const struct lstm *l, int64_t i,
		       uint32_t d)
{
	uint32_t at = 1 + (i * l->directions + d) * l->weights;
	int64_t in = i ? l->hidden * l->directions : l->in;
	int ret = 0;

	for (uint32_t k = 0; k < 2 && !ret; k++) {
		const struct fxq_tensor *w = &call->in[at + k];

		ret = kern_need(call, at + k, FXQ_DTYPE_F32);
		if (!ret && (w->rank != 2 || w->dims[0] != 4 * l->hidden ||
			     w->dims[1] != (k ? l->hidden : in)))
			ret = kern_refuse(call, -EINVAL, "weight %u is not (%" PRId64 ", %" PRId64 ")",
					  at + k, 4 * l->hidden,
					  k ? l->hidden : in);
	}
	for (uint32_t k = 2; k < l->weights && !ret; k++) {
		ret = kern_need(call, at + k, FXQ_DTYPE_F32);
		if (!ret)
			ret = kern_need_vector(call, at + k, "a bias",
					       4 * l->hidden);
	}
	return ret;
}

int infer_lstm(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t dims[3], rest;
	struct lstm l;
	int ret;

	ret = read_lstm(call, &l);
	for (int64_t i = 0; !ret && i < l.layers; i++)
		for (uint32_t d = 0; !ret && d < l.directions; d++)
			ret = check_layer(call, &l, i, d);
	if (ret)
		return ret;

	memcpy(dims, x->dims, sizeof(dims));
	dims[x->rank - 1] = l.hidden * l.directions;
	ret = kern_set_out(call, 0, FXQ_DTYPE_F32, x->rank, dims);
	rest = l.layers * l.directions;
	dims[0] = rest;
	dims[1] = x->rank == 3 ? l.batch : l.hidden;
	dims[2] = l.hidden;
	for (uint32_t i = 1; i < 3 && !ret; i++)
		ret = kern_set_out(call, i, FXQ_DTYPE_F32, x->rank, dims);
	return ret;
}

/*
 * struct layer - one layer in one direction
 * @x, @y: rows of its input and result, @in and @pitch elements apart
 * @h, @c: state of each sample
 * @gates: room for 4 * hidden
 */
struct layer {
	const struct lstm *l;
	const float *w_ih, *w_hh, *b_ih, *b_hh, *x;
	float *y, *h, *c, *gates;
	int64_t in, pitch;
};

static float dot(const float *a, const float *b, int64_t n)
{
	float sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* One sample, one step: @x in, the new h out, c updated. */
static void step(const struct layer *r, const float *x, float *h, float *c)
{
	int64_t hidden = r->l->hidden;

	for (int64_t g = 0; g < 4 * hidden; g++) {
		float own = dot(r->w_ih + g * r->in, x, r->in);
		float past = dot(r->w_hh + g * hidden, h, hidden);

		if (r->b_ih)
			own += r->b_ih[g], past += r->b_hh[g];
		r->gates[g] = own + past;
	}
	for (int64_t k = 0; k < hidden; k++) {
		float in = (float)fm_sigmoid(r->gates[k]);
		float forget = (float)fm_sigmoid(r->gates[hidden + k]);
		float cell = (float)fm_tanh(r->gates[2 * hidden + k]);
		float out = (float)fm_sigmoid(r->gates[3 * hidden + k]);

		c[k] = forget * c[k] + in * cell;
		h[k] = out * (float)fm_tanh(c[k]);
	}
}

static void run_layer(const struct layer *r, bool backwards)
{
	const struct lstm *l = r->l;

	for (int64_t t = 0; t < l->length; t++) {
		int64_t at = backwards ? l->length - 1 - t : t;

		for (int64_t s = 0; s < l->batch; s++) {
			int64_t row = at * l->step + s * l->sample;
			float *h = r->h + s * l->hidden;

			step(r, r->x + row * r->in, h, r->c + s * l->hidden);
			memcpy(r->y + row * r->pitch, h,
			       l->hidden * sizeof(*h));
		}
	}
}

/* Layers read one buffer and write the other; the last writes the result. */
static void run_layers(struct fxq_call *call, const struct lstm *l,
		       float *buffer[2], float *gates)
{
	int64_t width = l->hidden * l->directions;
	struct layer r = { .l = l, .x = call->in[0].data, .in = l->in,
			   .pitch = width, .gates = gates };
	float *last[2] = { call->out[1].data, call->out[2].data };
	const struct fxq_tensor *w = &call->in[1];

	for (int64_t i = 0; i < l->layers; i++) {
		float *y = i == l->layers - 1 ? call->out[0].data :
			   buffer[i & 1];

		for (uint32_t d = 0; d < l->directions; d++, w += l->weights) {
			int64_t at = (i * l->directions + d) * l->batch *
				     l->hidden;

			r.w_ih = w[0].data;
			r.w_hh = w[1].data;
			r.b_ih = l->weights == 4 ? w[2].data : NULL;
			r.b_hh = l->weights == 4 ? w[3].data : NULL;
			r.y = y + d * l->hidden;
			r.h = last[0] + at;
			r.c = last[1] + at;
			run_layer(&r, d);
		}
		r.x = y;
		r.in = width;
	}
}

int eval_lstm(struct fxq_call *call)
{
	float *buffer[2] = { 0 }, *gates;
	struct lstm l;
	size_t bytes;
	int ret;

	ret = kern_begin(call, infer_lstm);
	if (!ret)
		ret = read_lstm(call, &l);
	if (ret)
		return ret;

	bytes = fxq_tensor_bytes(&call->out[0]);
	gates = malloc(4 * l.hidden * sizeof(*gates));
	buffer[0] = malloc(bytes + 1);
	buffer[1] = malloc(bytes + 1);
	for (uint32_t i = 1; i < 3; i++)
		memset(call->out[i].data, 0, fxq_tensor_bytes(&call->out[i]));
	if (gates && buffer[0] && buffer[1])
		run_layers(call, &l, buffer, gates);
	else
		ret = kern_refuse(call, -ENOMEM, "no memory");
	free(gates);
	free(buffer[0]);
	free(buffer[1]);
	return ret;
}
