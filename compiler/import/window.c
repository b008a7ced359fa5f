// SPDX-License-Identifier: MIT
/*
 * Importers of what slides a window: convolutions and pools. Automatic padding
 * is resolved here, where shapes are known, so that later passes see numbers.
 */
#include <stdio.h>

#include "import.h"

#define SPATIAL_MAX	3
#define SIZE_MAX_31	INT32_MAX

/*
 * struct window
 * @n: spatial dimensions
 * @pad: all beginnings, then all ends
 */
struct window {
	uint32_t n;
	int64_t kernel[SPATIAL_MAX];
	int64_t stride[SPATIAL_MAX];
	int64_t dilation[SPATIAL_MAX];
	int64_t pad[2 * SPATIAL_MAX];
};

static int read_sizes(struct onnx_op *op, const char *name, int64_t *v,
		      size_t n, int64_t low)
{
	int got = op_ints(op, name, v, n);

	if (got == -ENOENT)
		return 0;
	if (got < 0)
		return got;
	if ((size_t)got != n)
		return op_fail(op, -EINVAL, "%s has %d elements, not %zu",
			       name, got, n);
	for (size_t i = 0; i < n; i++)
		if (v[i] < low || v[i] > SIZE_MAX_31)
			return op_fail(op, -EINVAL, "%s holds %lld", name,
				       (long long)v[i]);
	return 0;
}

/* Pads so that the output has ceil(input / stride) elements. */
static void pad_same(const struct fxq_tensor *x, struct window *w, bool upper)
{
	for (uint32_t i = 0; i < w->n; i++) {
		int64_t in = x->dims[2 + i], out, total;

		out = (in + w->stride[i] - 1) / w->stride[i];
		total = (out - 1) * w->stride[i] +
			(w->kernel[i] - 1) * w->dilation[i] + 1 - in;
		if (total < 0)
			total = 0;
		w->pad[i] = upper ? total / 2 : total - total / 2;
		w->pad[w->n + i] = total - w->pad[i];
	}
}

static int read_auto_pad(struct onnx_op *op, bool *ret_same, bool *ret_upper)
{
	const char *mode = op_str(op, "auto_pad", "NOTSET");

	*ret_upper = !strcmp(mode, "SAME_UPPER");
	*ret_same = *ret_upper || !strcmp(mode, "SAME_LOWER");
	if (!*ret_same && strcmp(mode, "NOTSET") && strcmp(mode, "VALID"))
		return op_fail(op, -EINVAL, "there is no auto_pad '%.32s'",
			       mode);
	return 0;
}

/*
 * Reads kernel_shape (or takes that of the weights @w), strides, dilations
 * and pads for the input @x.
 */
static int read_window(struct onnx_op *op, const struct fxq_tensor *x,
		       const struct fxq_tensor *w, struct window *ret)
{
	int err;

	*ret = (struct window){ .n = x->rank - 2 };
	if (x->rank < 3 || x->rank > 2 + SPATIAL_MAX)
		return op_fail(op, -ENOTSUP,
			       "its input has rank %u; 3, 4 and 5 are supported",
			       x->rank);
	if (w && w->rank != x->rank)
		return op_fail(op, -EINVAL,
			       "its weights have rank %u, its input %u",
			       w->rank, x->rank);

	for (uint32_t i = 0; i < ret->n; i++) {
		ret->kernel[i] = w ? w->dims[2 + i] : 0;
		ret->stride[i] = ret->dilation[i] = 1;
	}
	err = read_sizes(op, "kernel_shape", ret->kernel, ret->n, 1);
	if (!err)
		err = read_sizes(op, "strides", ret->stride, ret->n, 1);
	if (!err)
		err = read_sizes(op, "dilations", ret->dilation, ret->n, 1);
	if (!err)
		err = read_sizes(op, "pads", ret->pad, 2 * ret->n, 0);
	if (err)
		return err;

	for (uint32_t i = 0; i < ret->n; i++)
		if (!ret->kernel[i] ||
		    (w && ret->kernel[i] != w->dims[2 + i]))
			return op_fail(op, -EINVAL,
				       "kernel_shape is missing or unlike the weights");
	return 0;
}

static int read_padded_window(struct onnx_op *op, const struct fxq_tensor *x,
			      const struct fxq_tensor *w, struct window *ret)
{
	bool same, upper;
	int err;

	err = read_window(op, x, w, ret);
	if (!err)
		err = read_auto_pad(op, &same, &upper);
	if (!err && same)
		pad_same(x, ret, upper);
	return err;
}

static const char *numbered(struct onnx_op *op, const char *name, uint32_t n)
{
	return fx_graph_printf(op->imp->g, "%s%ud", name, n);
}

struct fx_node *build_conv(struct onnx_op *op, struct fx_node *x,
			   struct fx_node *weight, struct fx_node *bias)
{
	struct window w;
	struct call c;

	if (!x || !weight ||
	    read_padded_window(op, &x->out[0], &weight->out[0], &w))
		return NULL;

	c = op_call(op, numbered(op, "conv", w.n));
	call_in(&c, x);
	call_in(&c, weight);
	call_in(&c, bias);
	call_ints(&c, "stride", w.stride, w.n);
	call_ints(&c, "padding", w.pad, 2 * w.n);
	call_ints(&c, "dilation", w.dilation, w.n);
	call_int(&c, "groups", op_int(op, "group", 1));
	return op_build(&c);
}

int import_conv(struct onnx_op *op)
{
	if (!op_type(op, 0) || !op_type(op, 1))
		return op->imp->err;
	return op_output(op, 0, build_conv(op, op->in[0], op->in[1],
					   op->n_in > 2 ? op->in[2] : NULL));
}

/* Padding that gives a wanted output: what is cut off at both ends. */
static int pad_transposed(struct onnx_op *op, const struct fxq_tensor *x,
			  struct window *w, int64_t *extra)
{
	int64_t out[SPATIAL_MAX];
	bool same, upper, wanted;
	int err;

	err = read_auto_pad(op, &same, &upper);
	if (!err) {
		wanted = op_attr(op, "output_shape");
		err = read_sizes(op, "output_shape", out, w->n, 1);
	}
	if (err || (!same && !wanted))
		return err;

	for (uint32_t i = 0; i < w->n; i++) {
		int64_t in = x->dims[2 + i], total;

		if (!wanted)
			out[i] = in * w->stride[i];
		total = w->stride[i] * (in - 1) + extra[i] +
			(w->kernel[i] - 1) * w->dilation[i] + 1 - out[i];
		if (total < 0) {	/* more than the kernel reaches */
			extra[i] -= total;
			total = 0;
		}
		w->pad[i] = upper ? total / 2 : total - total / 2;
		w->pad[w->n + i] = total - w->pad[i];
	}
	return 0;
}

int import_conv_transpose(struct onnx_op *op)
{
	const struct fxq_tensor *x = op_type(op, 0), *weight = op_type(op, 1);
	int64_t extra[SPATIAL_MAX] = { 0 };
	struct window w;
	struct call c;
	int ret;

	if (!x || !weight)
		return op->imp->err;
	ret = read_window(op, x, weight, &w);
	if (!ret)
		ret = read_sizes(op, "output_padding", extra, w.n, 0);
	if (!ret)
		ret = pad_transposed(op, x, &w, extra);
	if (ret)
		return ret;

	c = op_call(op, numbered(op, "conv_transpose", w.n));
	call_in(&c, op->in[0]);
	call_in(&c, op->in[1]);
	call_in(&c, op->n_in > 2 ? op->in[2] : NULL);
	call_ints(&c, "stride", w.stride, w.n);
	call_ints(&c, "padding", w.pad, 2 * w.n);
	call_ints(&c, "output_padding", extra, w.n);
	call_ints(&c, "dilation", w.dilation, w.n);
	call_int(&c, "groups", op_int(op, "group", 1));
	return op_output(op, 0, op_build(&c));
}

/* The part that all pools share. */
static int start_pool(struct onnx_op *op, const char *name,
		      struct fx_node *in, struct call *c, struct window *w)
{
	int ret;

	if (!in)
		return op->imp->err;
	ret = read_padded_window(op, &in->out[0], NULL, w);
	if (ret)
		return ret;

	*c = op_call(op, numbered(op, name, w->n));
	call_in(c, in);
	call_ints(c, "kernel_size", w->kernel, w->n);
	call_ints(c, "stride", w->stride, w->n);
	call_ints(c, "padding", w->pad, 2 * w->n);
	call_ints(c, "dilation", w->dilation, w->n);
	call_int(c, "ceil_mode", op_int(op, "ceil_mode", 0));
	return 0;
}

int import_max_pool(struct onnx_op *op)
{
	size_t n = op_uses_output(op, 1) ? 2 : 1;
	struct fx_node *out[2] = { NULL };
	struct window w;
	struct call c;
	int ret;

	if (!op_type(op, 0))
		return op->imp->err;
	ret = start_pool(op, "max_pool", op->in[0], &c, &w);
	if (ret)
		return ret;

	call_int(&c, "n_out", n);
	call_int(&c, "storage_order", op_int(op, "storage_order", 0));
	ret = op_build_many(&c, out, n);
	for (size_t i = 0; i < n && !ret; i++)
		ret = op_output(op, i, out[i]);
	return ret;
}

int import_avg_pool(struct onnx_op *op)
{
	struct window w;
	struct call c;
	int ret;

	if (!op_type(op, 0))
		return op->imp->err;
	ret = start_pool(op, "avg_pool", op->in[0], &c, &w);
	if (ret)
		return ret;

	call_int(&c, "count_include_pad", op_int(op, "count_include_pad", 0));
	return op_output(op, 0, op_build(&c));
}

int import_lp_pool(struct onnx_op *op)
{
	struct window w;
	struct call c;
	int ret;

	if (!op_type(op, 0))
		return op->imp->err;
	ret = start_pool(op, "lp_pool", op->in[0], &c, &w);
	if (ret)
		return ret;

	c.name = "lp_pool";		/* one for any number of dimensions */
	call_int(&c, "p", op_int(op, "p", 2));
	return op_output(op, 0, op_build(&c));
}

int import_global_lp_pool(struct onnx_op *op)
{
	const struct fxq_tensor *t = op_type(op, 0);
	int64_t p = op_int(op, "p", 2), dims[FXQ_MAX_RANK];
	struct fx_node *x;

	if (!t)
		return op->imp->err;
	if (t->rank < 3)
		return op_fail(op, -EINVAL, "its input has rank %u", t->rank);
	for (uint32_t d = 2; d < t->rank; d++)
		dims[d - 2] = d;
	if (p == 1 || p == 2)
		return op_output(op, 0,
				 build_reduce(op, p == 1 ? "reduce_l1" :
					      "reduce_l2", op->in[0], dims,
					      t->rank - 2, true));
	x = build2(op, "pow", build1(op, "abs", op->in[0]),
		   build_scalar(op, FXQ_DTYPE_F32, p));
	x = build_reduce(op, "reduce_sum", x, dims, t->rank - 2, true);
	return op_output(op, 0, build2(op, "pow", x,
				       build_scalar(op, FXQ_DTYPE_F32,
						    1.0 / p)));
}
