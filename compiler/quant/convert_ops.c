// SPDX-License-Identifier: MIT
/*
 * convert_ops.c - operators without weights, a row of the table each
 *
 * A handler answers with the integer operator that stands for the float one,
 * or with the reason why there is none. Convolutions and products of matrices
 * are worth a passage to integers; the operators here follow the form that
 * their inputs have.
 */
#include <math.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "nn/forms.h"

#include "convert.h"

struct job {
	struct convert *cv;
	const struct group *g;
	struct fx_node *n;		/* the float operator */
	struct fx_node *x;		/* integer form of its first input */
	struct qparams qp;		/* of the result */
	struct kwargs k;
	const char *reason;
};

typedef struct fx_node *(*handler)(struct job *j);

static struct fx_node *refuse(struct job *j, const char *reason)
{
	j->reason = reason;
	return NULL;
}

static float scale_of(const struct fx_node *q)
{
	return q->out[0].scale;
}

static struct fx_node *finish(struct job *j, const char *op,
			      struct fx_node *const *in, size_t n_in)
{
	put_clamp(&j->k, j->g->clamp, j->qp);
	put_qparams(&j->k, j->qp);
	return new_op(j->cv, j->g->last, op, in, n_in, &j->k);
}

/* Scale and zero point that constant @of came with, if its values are in them. */
static bool given_operand(const struct fx_node *of, struct qparams *ret)
{
	const struct fx_arg *scale = fx_node_kwarg(of, "scale");
	int64_t count = fxq_tensor_count(type_of(of));
	const float *v = const_floats(of);

	if (!scale || scale->count != 1 || !fx_node_kwarg(of, "zero_point"))
		return false;
	ret->scale = (float)scale->items[0].f;
	ret->zero_point = (int)fx_node_int(of, "zero_point", 0);
	if (!scale_ok(ret->scale) || ret->zero_point < -128 ||
	    ret->zero_point > 127)
		return false;
	for (int64_t i = 0; i < count; i++) {
		float q = v[i] / ret->scale;

		if (!(q >= -128.5f - ret->zero_point &&
		      q <= 127.5f - ret->zero_point &&
		      fabsf(q - fxq_rne(q)) <= 255 * 0x1p-23f))
			return false;
	}
	return true;
}

/* Float constant @of in eight bits. */
static struct fx_node *rounded_constant(struct job *j, struct fx_node *of,
					struct qparams qp)
{
	const float *v = const_floats(of);
	int64_t count = fxq_tensor_count(type_of(of));
	int8_t *q = fx_graph_alloc(j->cv->to, (size_t)count + 1);
	struct fx_node *c;

	for (int64_t i = 0; i < count; i++)
		q[i] = fxq_quantize_torch(v[i], qp.scale, qp.zero_point);
	c = new_const(j->cv, of, "int8", FXQ_DTYPE_I8, type_of(of)->rank,
		      type_of(of)->dims, q);
	c->out[0].scale = qp.scale;
	c->out[0].zero_point = qp.zero_point;
	return c;
}

/* In the scale that constant @of brings, or one of its own. */
static struct fx_node *constant_operand(struct job *j, struct fx_node *of)
{
	const float *v = const_floats(of);
	int64_t count = fxq_tensor_count(type_of(of));
	struct range r = { 0, 0 };
	struct qparams qp;

	if (!v)
		return refuse(j, "one operand is a constant that is not float");
	for (int64_t i = 0; i < count; i++) {
		r.min = v[i] < r.min ? v[i] : r.min;
		r.max = v[i] > r.max ? v[i] : r.max;
	}
	if (!given_operand(of, &qp))
		qp = affine_qparams(r);
	if (!scale_ok(qp.scale))
		return refuse(j, "one operand is a constant with infinite values");
	return rounded_constant(j, of, qp);
}

static struct fx_node *binary(struct job *j, const char *op, bool product)
{
	struct fx_node *in[2];

	for (size_t i = 0; i < 2; i++) {
		struct fx_node *of = fx_node_in(j->n, i);

		in[i] = fx_node_is_const(of) ? constant_operand(j, of) :
			as_integer(j->cv, of);
		if (!in[i])
			return j->reason ? NULL :
			       refuse(j, "an operand has no integer form");
	}
	if (product) {
		put_float(&j->k, "m",
			  (scale_of(in[0]) * scale_of(in[1])) / j->qp.scale);
	} else {
		put_float(&j->k, "m_a", scale_of(in[0]) / j->qp.scale);
		put_float(&j->k, "m_b", scale_of(in[1]) / j->qp.scale);
	}
	return finish(j, op, in, 2);
}

static struct fx_node *do_add(struct job *j)
{
	return binary(j, "qadd", false);
}

static struct fx_node *do_sub(struct job *j)
{
	return binary(j, "qsub", false);
}

static struct fx_node *do_mul(struct job *j)
{
	return binary(j, "qmul", true);
}

static struct fx_node *do_minimum(struct job *j)
{
	return binary(j, "qminimum", false);
}

static struct fx_node *do_maximum(struct job *j)
{
	return binary(j, "qmaximum", false);
}

static struct fx_node *do_matmul(struct job *j)
{
	const struct fxq_tensor *a = type_of(fx_node_in(j->n, 0));

	if (a->dims[a->rank - 1] > FORM_PRODUCTS)
		return refuse(j, "it sums more products than 32 bits are sure to hold");
	return binary(j, "qmatmul", true);
}

/*
 * Padding after the image grows to what ceil_mode's last windows reach; true
 * if it grew.
 */
static bool window_padding(const struct fx_node *n, const int64_t *kernel,
			   const int64_t *stride, const int64_t *dilation,
			   int64_t *pad)
{
	const struct fxq_tensor *x = type_of(fx_node_in(n, 0));
	bool grew = false;

	for (int i = 0; i < 2; i++) {
		int64_t need = (type_of(n)->dims[2 + i] - 1) * stride[i] +
			       dilation[i] * (kernel[i] - 1) + 1 -
			       x->dims[2 + i] - pad[i];

		grew |= need > pad[2 + i];
		if (need > pad[2 + i])
			pad[2 + i] = need;
	}
	return grew;
}

static struct fx_node *do_pool(struct job *j)
{
	int64_t kernel[2] = { 1, 1 }, stride[2], pad[4] = { 0 };
	int64_t dilation[2] = { 1, 1 };
	bool max = fx_node_is(j->n, "max_pool2d"), grew;
	bool count_pad = fx_node_int(j->n, "count_include_pad", 0);
	struct fx_node *in[2] = { j->x };
	float *table;
	int64_t taps;

	if (type_of(j->n)->rank != 4 || j->n->n_out != 1)
		return refuse(j, "pooling is for images, without indices");
	spatial(j->n, "kernel_size", kernel, 2);
	memcpy(stride, kernel, sizeof(stride));
	spatial(j->n, "stride", stride, 2);
	spatial(j->n, "padding", pad, 4);
	spatial(j->n, "dilation", dilation, 2);
	grew = window_padding(j->n, kernel, stride, dilation, pad);
	if (grew && !max && count_pad)
		return refuse(j, "windows reach past the padding that is counted");
	put_ints(&j->k, "kernel_size", kernel, 2);
	put_ints(&j->k, "stride", stride, 2);
	put_ints(&j->k, "padding", pad, 4);
	put_ints(&j->k, "dilation", dilation, 2);
	if (max)
		return finish(j, "qmax_pool2d", in, 1);
	put_int(&j->k, "count_include_pad", count_pad);
	taps = kernel[0] * kernel[1];
	table = fx_graph_alloc(j->cv->to, (size_t)taps * sizeof(*table));
	form_averages(scale_of(j->x), j->qp.scale, taps, table);
	in[1] = new_const(j->cv, j->n, "table", FXQ_DTYPE_F32, 1, &taps, table);
	return finish(j, "qavg_pool2d", in, 2);
}

static struct fx_node *do_mean_pool(struct job *j)
{
	const struct fxq_tensor *x = type_of(fx_node_in(j->n, 0));

	if (x->rank != 4)
		return refuse(j, "its mean is not that of an image");
	put_float(&j->k, "m", scale_of(j->x) /
		  (j->qp.scale * (float)(x->dims[2] * x->dims[3])));
	return finish(j, "qmean_pool2d", &j->x, 1);
}

/* Reductions over one dimension; more than one is refused. */
static struct fx_node *do_reduce(struct job *j)
{
	const struct fxq_tensor *x = type_of(fx_node_in(j->n, 0));
	bool mean = fx_node_is(j->n, "reduce_mean");
	bool max = fx_node_is(j->n, "reduce_max");
	int64_t dim[FXQ_MAX_RANK];
	struct kwargs shape = { .g = j->cv->to };
	struct fx_node *q;

	if (fx_node_ints(j->n, "dims", dim, FXQ_MAX_RANK) != 1)
		return refuse(j, "it reduces more than one dimension");
	dim[0] += dim[0] < 0 ? x->rank : 0;
	put_int(&j->k, "dim", dim[0]);
	put_str(&j->k, "kind", max ? "max" : "sum");
	put_float(&j->k, "m", mean ? scale_of(j->x) /
		  (j->qp.scale * (float)x->dims[dim[0]]) :
		  scale_of(j->x) / j->qp.scale);
	q = finish(j, "qreduce", &j->x, 1);
	if (type_of(j->n)->rank == x->rank)
		return q;
	put_ints(&shape, "shape", type_of(j->n)->dims, type_of(j->n)->rank);
	q = new_op(j->cv, j->n, "reshape", &q, 1, &shape);
	q->out[0].scale = j->qp.scale;
	q->out[0].zero_point = j->qp.zero_point;
	return q;
}

bool is_long_softmax(const struct fx_node *n)
{
	int64_t dim = fx_node_int(n, "dim", -1);

	if (!fx_node_is(n, "softmax"))
		return false;
	dim += dim < 0 ? type_of(n)->rank : 0;
	return type_of(n)->dims[dim] > FORM_LONGEST;
}

static struct fx_node *do_softmax(struct job *j)
{
	const struct fxq_tensor *x = type_of(j->n);
	int64_t dim = fx_node_int(j->n, "dim", -1);
	struct fx_node *in[2] = { j->x };
	uint32_t table[256];

	dim += dim < 0 ? x->rank : 0;
	if (is_long_softmax(j->n))
		return refuse(j, "it runs over more than 4096 elements");
	form_softmax(scale_of(j->x), table);
	in[1] = new_const(j->cv, j->n, "table", FXQ_DTYPE_U32, 1,
			  (int64_t[]){ 256 }, table);
	put_int(&j->k, "dim", dim);
	put_float(&j->k, "m", 1.0f / j->qp.scale);
	return finish(j, "qsoftmax", in, 2);
}

static struct fx_node *do_layer_norm(struct job *j)
{
	const struct fxq_tensor *x = type_of(j->n);
	const float *g = const_floats(fx_node_in(j->n, 1));
	const float *h = const_floats(fx_node_in(j->n, 2));
	int64_t n = x->dims[x->rank - 1], axis = fx_node_int(j->n, "axis", -1);
	float eps = (float)fx_node_float(j->n, "eps", 1e-5);
	const struct fx_arg *shape = fx_node_kwarg(j->n, "normalized_shape");
	struct fx_node *in[2] = { j->x };
	float *gh;

	if (shape)
		axis = -(int64_t)shape->count;
	axis += axis < 0 ? x->rank : 0;
	if (axis != (int64_t)x->rank - 1 || n > FORM_LONGEST)
		return refuse(j, "it does not run over a last dimension of at most 4096");
	if ((fx_node_in(j->n, 1) && !g) || (fx_node_in(j->n, 2) && !h))
		return refuse(j, "its weights are computed, not constant");
	gh = fx_graph_alloc(j->cv->to, (size_t)n * 2 * sizeof(*gh));
	form_layer_norm(g, h, n, j->qp.scale, gh);
	in[1] = new_const(j->cv, j->n, "weight", FXQ_DTYPE_F32, 2,
			  (int64_t[]){ n, 2 }, gh);
	put_float(&j->k, "eps", form_layer_norm_eps(eps, n, scale_of(j->x)));
	return finish(j, "qlayer_norm", in, 2);
}

static struct fx_node *do_resize(struct job *j)
{
	struct fx_node *in[3] = { j->x };

	if (!resize_tables(j->cv, j->n, &in[1], &in[2], &j->reason))
		return NULL;
	put_int(&j->k, "bilinear", !strcmp(fx_node_str(j->n, "mode", "nearest"),
					   "linear"));
	put_float(&j->k, "m", scale_of(j->x) / j->qp.scale);
	return finish(j, "qresize2d", in, 3);
}

static struct fx_node *do_concat(struct job *j)
{
	struct fx_node *in[64], *q;

	if (j->n->n_args > 64)
		return refuse(j, "it joins more than 64 values");
	for (size_t i = 0; i < j->n->n_args; i++) {
		struct fx_node *of = fx_node_in(j->n, i);

		in[i] = !of ? NULL :
			const_floats(of) ? rounded_constant(j, of, j->qp) :
			fx_node_is_const(of) ? NULL :
			as_integer_of(j->cv, of, j->qp);
		if (!in[i])
			return refuse(j, "one of its parts has no integer form");
	}
	for (size_t i = 0; i < j->n->n_kwargs; i++)
		j->k.v[j->k.n++] = j->n->kwargs[i];
	q = new_op(j->cv, j->n, "concat", in, j->n->n_args, &j->k);
	q->out[0].scale = j->qp.scale;
	q->out[0].zero_point = j->qp.zero_point;
	return q;
}

/* What moves elements keeps its operator; only the values become int8. */
static struct fx_node *do_move(struct job *j)
{
	struct fx_node *in[8] = { j->x }, *q;
	bool is_pad = fx_node_is(j->n, "pad");

	if (j->n->n_args > 8 || j->n->n_kwargs > 16)
		return refuse(j, "it has too many parameters");
	for (size_t i = 1; i < j->n->n_args; i++) {
		struct fx_node *of = fx_node_in(j->n, i);

		if (of && !fx_node_is_const(of))
			return refuse(j, "where it moves elements is computed");
		in[i] = of ? as_float(j->cv, of) : NULL;
	}
	for (size_t i = 0; i < j->n->n_kwargs; i++)
		if (!is_pad || strcmp(j->n->kwargs[i].name, "value"))
			j->k.v[j->k.n++] = j->n->kwargs[i];
	if (is_pad && !strcmp(fx_node_str(j->n, "mode", "constant"), "constant"))
		put_int(&j->k, "value",
			fxq_quantize_torch((float)fx_node_float(j->n, "value", 0),
					   j->x->out[0].scale,
					   j->x->out[0].zero_point));
	q = new_op(j->cv, j->n, j->n->target, in, j->n->n_args, &j->k);
	for (int i = 0; i < q->n_out; i++) {
		q->out[i].scale = j->x->out[0].scale;
		q->out[i].zero_point = j->x->out[0].zero_point;
	}
	return q;
}

enum follows {
	ALWAYS,		/* worth making integers for */
	INPUT,		/* integer if its input is */
};

/*
 * struct row - how an operator becomes integer
 * @keeps_scale: its result has the scale of its input
 * @mixed: some of its inputs may be constants, the first as well
 */
static const struct row {
	const char *name;
	handler handle;
	enum follows follows;
	bool keeps_scale;
	bool mixed;
} rows[] = {
	{ "matmul",		do_matmul,	ALWAYS,	false,	true },
	{ "add",		do_add,		INPUT,	false,	true },
	{ "sub",		do_sub,		INPUT,	false,	true },
	{ "mul",		do_mul,		INPUT,	false,	true },
	{ "minimum",		do_minimum,	INPUT,	false,	true },
	{ "maximum",		do_maximum,	INPUT,	false,	true },
	{ "max_pool2d",		do_pool,	INPUT,	true },
	{ "avg_pool2d",		do_pool,	INPUT,	false },
	{ "global_avg_pool",	do_mean_pool,	INPUT,	false },
	{ "reduce_mean",	do_reduce,	INPUT,	false },
	{ "reduce_sum",		do_reduce,	INPUT,	false },
	{ "reduce_max",		do_reduce,	INPUT,	false },
	{ "softmax",		do_softmax,	INPUT,	false },
	{ "layer_norm",		do_layer_norm,	INPUT,	false },
	{ "resize",		do_resize,	INPUT,	false },
	{ "concat",		do_concat,	INPUT,	false,	true },
	{ "reshape",		do_move,	INPUT,	true },
	{ "flatten",		do_move,	INPUT,	true },
	{ "squeeze",		do_move,	INPUT,	true },
	{ "unsqueeze",		do_move,	INPUT,	true },
	{ "permute",		do_move,	INPUT,	true },
	{ "slice",		do_move,	INPUT,	true },
	{ "split",		do_move,	INPUT,	true },
	{ "getitem",		do_move,	INPUT,	true },
	{ "pad",		do_move,	INPUT,	true },
	{ "gather",		do_move,	INPUT,	true },
	{ "expand",		do_move,	INPUT,	true },
	{ "tile",		do_move,	INPUT,	true },
	{ "depth_to_space",	do_move,	INPUT,	true },
	{ "space_to_depth",	do_move,	INPUT,	true },
};

static const struct row *row_of(const struct fx_node *n)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (fx_node_is(n, rows[i].name))
			return &rows[i];
	return NULL;
}

bool keeps_scale(const struct fx_node *n)
{
	const struct row *row = row_of(n);

	return row && row->keeps_scale;
}

const char *fx_op_device_form(const struct fx_op *op)
{
	static const char *const others[][2] = {
		{ "conv2d",		"itself" },
		{ "conv_transpose2d",	"itself" },
		{ "linear",		"itself" },
		{ "batch_norm",		"in its layer" },
		{ "prelu",		"in its layer" },
		{ "conv1d",		"as an image" },
		{ "conv_transpose1d",	"as an image" },
		{ "max_pool1d",		"as an image" },
		{ "avg_pool1d",		"as an image" },
		{ "adaptive_avg_pool2d", "if it divides" },
		{ "identity",		"gone" },
		{ "dropout",		"gone" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, op->fn.name))
			return "itself";
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!strcmp(others[i][0], op->fn.name))
			return others[i][1];
	return op->flags & FX_OP_POINTWISE ? "a table" : NULL;
}

static bool any_input_is_integer(const struct convert *cv,
				 const struct fx_node *n)
{
	for (size_t i = 0; i < n->n_args; i++) {
		const struct fx_node *in = fx_node_in(n, i);

		if (in && is_float(in) && !fx_node_is_const(in) &&
		    is_integer(cv, in))
			return true;
	}
	return false;
}

struct fx_node *convert_op(struct convert *cv, const struct group *g,
			   const char **reason)
{
	const struct row *row = row_of(g->head);
	struct job j = { .cv = cv, .g = g, .n = g->head, .k = { .g = cv->to } };
	struct fx_node *q;

	if (!is_float(g->head)) {
		*reason = "it does not compute float values";
		return NULL;
	}
	if (!row) {
		*reason = fx_graph_printf(cv->to, "operator %s has no integer form",
					  g->head->target);
		return NULL;
	}
	if (row->follows == INPUT && !any_input_is_integer(cv, g->head)) {
		*reason = "its inputs are on the CPU";
		return NULL;
	}
	j.x = fx_node_in(g->head, 0);
	j.x = fx_node_is_const(j.x) ? NULL : as_integer(cv, j.x);
	if (!j.x && !row->mixed) {
		*reason = "its input has no integer form";
		return NULL;
	}
	if (row->keeps_scale)
		j.qp = qparams_of_node(j.x);
	else if (qparams_of(cv, g->last, &j.qp))
		return NULL;
	q = row->handle(&j);
	*reason = j.reason;
	return q;
}
