// SPDX-License-Identifier: MIT
/*
 * conv.c - convolutions in training, forward and back
 *
 * The input lies padded in planes, split by stride, so that what a tap of the
 * kernel meets at all outputs is one plane, shifted (nn/kernels/field.h). With
 * the gradient of the output in a plane of the same pitch, zeros between its
 * rows, all three products have rows of contiguous numbers and no matrix is
 * written out:
 *
 *	output		sum over weights of weight × shifted input
 *	weights		sum over outputs of gradient × shifted input
 *	input		sum over weights of weight × gradient, shifted back
 *
 * Small images are put side by side, as many as make rows long enough. The
 * batch is cut into parts, which threads take one by one; each sums gradients of
 * weights of its own, and these are added in order.
 */
#include <string.h>

#include "conv.h"
#include "fast.h"
#include "nn/kernels/parallel.h"

static void pack_forward(const struct layer *l, struct worker *p, int64_t group)
{
	const float *w = l->w + group * l->c.oc * l->k;

	for (int64_t o = 0; o < l->c.oc; o++)
		for (int64_t k = 0; k < l->k; k++)
			pack(p->packed, o, k, l->k, w[o * l->k + k]);
}

static void forward_batch(const struct layer *l, struct worker *p,
			  struct batch b)
{
	const struct product_path *path = product_path();
	int64_t n = width_of(l, b);

	move_input(l, p, b, l->x, false);
	for (int64_t o = 0; o < l->c.oc; o += PRODUCT_ROWS) {
		path->strip(n, l->k, p->packed + o * l->k, p->in, l->off,
			    p->rows, l->plane_row);
		for (int64_t r = 0; r < PRODUCT_ROWS && o + r < l->c.oc; r++) {
			float *row = p->rows + r * l->plane_row;

			if (l->bias)
				for (int64_t i = 0; i < n; i++)
					row[i] += l->bias[b.group * l->c.oc +
							  o + r];
			move_output(l, b, o + r, l->y, row, false);
		}
	}
}

static int64_t cut(int64_t n, int64_t part, int64_t parts)
{
	return n / parts * part + (part < n % parts ? part : n % parts);
}

static void part_task(void *ctx, int64_t part, int thread)
{
	const struct layer *l = ctx;
	struct worker *p = &l->scratch[thread];
	int64_t end = cut(l->c.batch, part + 1, l->parts);

	p->dw = l->sums + part * sums_of_part(l);
	p->db = p->dw + weights_of(l);

	for (int64_t g = 0; g < l->c.groups; g++) {
		if (l->y)
			pack_forward(l, p, g);
		else if (l->dx)
			pack_backward(l, p, g);
		for (int64_t i = cut(l->c.batch, part, l->parts); i < end;
		     i += l->images) {
			struct batch b = { i, l->images, g };

			if (b.n > end - i)
				b.n = end - i;
			if (l->y)
				forward_batch(l, p, b);
			else
				backward_batch(l, p, b);
		}
	}
}

static void add_parts(const struct layer *l)
{
	int64_t n = weights_of(l), channels = l->c.groups * l->c.oc;

	for (int part = 0; part < l->parts; part++) {
		const float *dw = l->sums + part * sums_of_part(l);

		for (int64_t i = 0; l->dw && i < n; i++)
			l->dw[i] = dw[i] + (part ? l->dw[i] : 0);
		for (int64_t i = 0; l->db && i < channels; i++)
			l->db[i] = dw[n + i] + (part ? l->db[i] : 0);
	}
}

static int run(struct layer *l, int threads)
{
	int ret;

	ret = layer_init_scratch(l, threads);
	if (ret)
		return ret;
	/* With a stride some of the input may have met no tap. */
	if (l->dx && (l->c.stride[1] > 1 || l->c.stride[2] > 1))
		memset(l->dx, 0, l->c.batch * l->c.groups * l->c.ic *
		       convolution_in_size(&l->c) * sizeof(*l->dx));
	parallel_for(l->workers, l->parts, part_task, l);
	add_parts(l);
	return 0;
}

/* A few channels a group leave most of a strip empty: others do better. */
static bool is_worth_it(const struct layer *l)
{
	return l->c.oc >= PRODUCT_ROWS;
}

int fast_conv2d(struct fxq_call *call)
{
	struct layer l = { .x = call->in[0].data, .w = call->in[1].data,
			   .bias = kern_data(call, 2),
			   .y = call->out[0].data };
	int ret;

	ret = layer_init(&l, call);
	if (!ret)
		ret = is_worth_it(&l) ? run(&l, call->threads) :
					fx_op_find("conv2d")->fn.eval(call);
	layer_finish(&l);
	return ret;
}

int fast_conv2d_grad(struct fxq_call *call)
{
	uint32_t n_in = call->n_out;
	struct fxq_call forward = *call;
	struct layer l = { .x = call->in[0].data, .w = call->in[1].data,
			   .dy = call->in[n_in + 1].data,
			   .dx = call->out[0].data, .dw = call->out[1].data,
			   .db = n_in > 2 ? call->out[2].data : NULL };
	int ret;

	forward.n_in = n_in;
	ret = layer_init(&l, &forward);
	if (!ret)
		ret = is_worth_it(&l) && l.dy ? run(&l, call->threads) :
					fx_op_find("conv2d")->grad(call);
	layer_finish(&l);
	return ret;
}
