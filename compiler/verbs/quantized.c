// SPDX-License-Identifier: MIT
/*
 * quantized.c - a layer on integers
 *
 * Weights are int8, the bias stays float: its integers depend on the scale of
 * what comes in, which the call brings. What is computed is the operator of the
 * integer reference, whose arithmetic is the machine's.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <fxq/fxq_arith.h>

#include "verbs.h"

static const struct {
	const char *layer, *op;
} integer_ops[] = {
	{ "Conv1d", "qconv2d" },
	{ "Conv2d", "qconv2d" },
	{ "ConvTranspose1d", "qconv_transpose2d" },
	{ "ConvTranspose2d", "qconv_transpose2d" },
	{ "Linear", "qlinear" },
};

static const char *integer_op(const struct fx_class *base)
{
	for (size_t i = 0; i < sizeof(integer_ops) / sizeof(*integer_ops); i++)
		if (!strcmp(base->name, integer_ops[i].layer))
			return integer_ops[i].op;
	return NULL;
}

bool has_integer_op(const struct fx_class *base)
{
	return integer_op(base);
}

const struct fxq_tensor *weight_tensor(const struct fx_module *m,
				       const char *name)
{
	const struct fx_member *member = module_member(m, name);

	return member ? fx_data(member->value) : NULL;
}

static fxv attribute(const struct fx_module *m, const char *name)
{
	return module_member(m, name)->value;
}

/* Of the result: a transposed convolution has them second, by groups. */
static int64_t count_channels(const struct fx_module *m)
{
	const struct fxq_tensor *w = weight_tensor(m, "weight");

	if (!weights_axis(layer_class_of(m)->base))
		return w->dims[0];
	return w->dims[1] * module_int(m, "groups");
}

/*
 * struct sums - what a layer's sums are counted in, when its input is known
 * @unit: s_x * s_w of each channel
 * @weights: the layer's own, or a copy in which channels are counted anew
 */
struct sums {
	float *unit;
	fxv weights;
};

/*
 * The weights of a channel, those of every group: rows of @inner, one in each
 * @pitch, from @first on.
 */
struct rows {
	int64_t first, inner, pitch, count;
};

static struct rows rows_of(const struct fx_module *m, int64_t c)
{
	const struct fxq_tensor *w = weight_tensor(m, "weight");
	uint32_t axis = weights_axis(layer_class_of(m)->base);
	int64_t inner = weights_beside(w, axis), n = w->dims[axis];

	return (struct rows){ c % n * inner, inner, n * inner,
			      fxq_tensor_count(w) };
}

#define for_each_weight(i, r)						\
	for (int64_t row_ = (r).first; row_ < (r).count; row_ += (r).pitch) \
		for (int64_t i = row_; i < row_ + (r).inner; i++)

/* How far sums of channel @c reach from 0. */
static double reach_of(const struct fx_module *m, int64_t c)
{
	const int8_t *q = weight_tensor(m, "weight")->data;
	struct rows r = rows_of(m, c);
	double sum = 0;

	for_each_weight(i, r)
		sum += abs(q[i]);
	return 255 * sum;
}

/* How far they may be off if units are 1 / @by times as large. */
static double loss_of(const struct fx_module *m, int64_t c, float by)
{
	const int8_t *q = weight_tensor(m, "weight")->data;
	struct rows r = rows_of(m, c);
	double sum = 0;

	for_each_weight(i, r)
		sum += fabs((double)fxq_rne((float)q[i] * by) / (double)by -
			    q[i]);
	return 255 * sum;
}

/* Weights of channel @c in such units. */
static void count_anew(const struct fx_module *m, int64_t c, float by,
		       struct sums *s)
{
	struct rows r = rows_of(m, c);
	int8_t *q;

	if (s->weights.tensor == attribute(m, "weight").tensor)
		s->weights = fx_copy_of(weight_tensor(m, "weight"));
	if (fx_error(s->weights))
		return;
	q = s->weights.tensor->t.data;
	for_each_weight(i, r)
		q[i] = (int8_t)fxq_rne((float)q[i] * by);
}

/*
 * A channel of small weights may have a bias that has no 32 bits in their unit.
 * It gets the least unit that holds it, if that costs no more than half a unit
 * of the result, @s_y; of a float result, 0, it costs what floats round.
 */
static fxv fit_channel(const struct fx_module *m, int64_t c, float s_y,
		       struct sums *s)
{
	float b = ((float *)weight_tensor(m, "bias")->data)[c];
	double room = 0x1p31 - reach_of(m, c), unit = (double)s->unit[c];
	float least = fabsf(b) * 0x1p-30f;

	if (fabs((double)b) / unit < room)
		return fx_none;
	if (s->unit[c] < least && room > 0x1p30 &&
	    (!s_y || loss_of(m, c, s->unit[c] / least) * unit <=
		     0.5 * (double)s_y)) {
		count_anew(m, c, s->unit[c] / least, s);
		s->unit[c] = least;
		return s->weights;
	}
	return fx_poison(context.at, -ERANGE, "%s, channel %lld: bias %g in units of %g has no 32 bits; give this layer one scale for all weights, or no qconfig",
			 m->class->name, (long long)c, (double)b, unit);
}

/* A scale may be for all channels, or for those of a group. */
static fxv find_sums(const struct fx_module *m, float s_x, struct sums *ret)
{
	const struct fxq_tensor *scale = weight_tensor(m, "weight_scale");
	fxv s_y = attribute(m, "scale"), fits = fx_none;
	int64_t n = count_channels(m);

	ret->weights = attribute(m, "weight");
	ret->unit = must_alloc((size_t)n * sizeof(*ret->unit));
	for (int64_t c = 0; !fx_error(fits) && c < n; c++) {
		ret->unit[c] = s_x * ((float *)scale->data)
				     [c % fxq_tensor_count(scale)];
		fits = fit_channel(m, c, fx_is_none(s_y) ? 0 :
				   (float)fx_float(s_y), ret);
	}
	return fits;
}

/* rne(b / (s_x * s_w)) */
static fxv integer_bias(const struct fx_module *m, const struct sums *s)
{
	const struct fxq_tensor *b = weight_tensor(m, "bias");
	int64_t n = count_channels(m);
	fxv bias = fx_copy_of(&(struct fxq_tensor){
		.dtype = FXQ_DTYPE_I32, .rank = 1, .dims = { n } });

	for (int64_t c = 0; !fx_error(bias) && c < n; c++)
		((int32_t *)bias.tensor->t.data)[c] = (int32_t)fxq_rne_double(
			(double)((float *)b->data)[c] / (double)s->unit[c]);
	return bias;
}

/* m = (s_x * s_w) / s_y */
static fxv multipliers(const struct fx_module *m, const struct sums *s,
		       float s_y)
{
	int64_t n = count_channels(m);
	fxv v = fx_zeros(n);

	for (int64_t c = 0; !fx_error(v) && c < n; c++)
		((float *)v.tensor->t.data)[c] = s->unit[c] / s_y;
	return v;
}

static unsigned int clamp_of(unsigned int parts)
{
	return parts & FX_PART_RELU ? QUANTIZED_RELU :
	       parts & FX_PART_RELU6 ? QUANTIZED_RELU6 : 0;
}

static fxv run_quantized(struct fx_module *m, const fxv *args,
			 struct operation *o, const struct sums *s)
{
	unsigned int parts = layer_class_of(m)->parts;
	float s_y = (float)fx_float(attribute(m, "scale"));
	int z = (int)fx_int(attribute(m, "zero_point"));

	if (strcmp(attribute(m, "dtype").s, "torch.qint8"))
		z -= 128;
	o->in[3] = multipliers(m, s, s_y);
	o->in[4] = fx_none;
	o->n_in = 5;
	if (parts & FX_PART_ADD) {
		if (!value_is_quantized(args[1]))
			return fx_poison(context.at, -EINVAL, "%s adds a tensor that is not quantized",
					 m->class->name);
		o->in[5] = o->line ? line_image(args[1]) : args[1];
		o->n_in = 6;
		put_operation_float(o, "res_m",
				    value_type(args[1])->scale / s_y);
	}
	put_operation_result(o, s_y, z, clamp_of(parts));
	return operation_compute(context.at, o);
}

/* The sums themselves, as floats: nothing is rounded to 8 bits. */
static fxv run_raw(struct fx_module *m, struct operation *o,
		   const struct sums *s)
{
	bool linear = !strcmp(o->op, "qlinear");
	const struct fxq_tensor *x = value_shape(o->in[0]);
	struct operation scale = { .op = "dequantize_channels", .n_in = 2 };

	if (linear && x->dtype == FXQ_DTYPE_NONE)
		return fx_poison(context.at, -EINVAL, "%s gives its sums: give the type of the graph's inputs first",
				 m->class->name);
	put_operation_int(o, "raw", 1);
	scale.in[0] = operation_compute(context.at, o);
	scale.in[1] = multipliers(m, s, 1);
	put_operation_int(&scale, "axis", linear ? x->rank - 1 : 1);
	return operation_compute(context.at, &scale);
}

fxv operation_on_integers(struct fx_module *m, fxv x, struct operation *ret)
{
	char error[FXQ_ERROR_MAX];

	if (!value_is_quantized(x))
		return fx_poison(context.at, -EINVAL, "%s takes a quantized tensor",
				 m->class->name);
	if (layer_operation(m, x, ret, error))
		return fx_poison(context.at, -EINVAL, "%s: %s", m->class->name,
				 error);
	return fx_none;
}

fxv forward_quantized(struct fx_module *m, const fxv *args)
{
	struct operation o;
	struct sums s;
	fxv y = operation_on_integers(m, args[0], &o);

	if (fx_error(y))
		return y;
	y = find_sums(m, value_type(args[0])->scale, &s);
	if (fx_error(y))
		goto free_unit;
	line_to_image(&o);
	o.op = integer_op(layer_class_of(m)->base);
	o.in[1] = o.line ? line_weights(s.weights) : s.weights;
	o.in[2] = integer_bias(m, &s);
	o.n_in = 3;
	y = fx_is_none(attribute(m, "scale")) ? run_raw(m, &o, &s) :
						run_quantized(m, args, &o, &s);
	if (o.line)
		y = line_of_image(y);
free_unit:
	free(s.unit);
	return y;
}

bool has_integer_layer(const struct fx_module *reference)
{
	const struct layer_class *class = layer_class_of(reference);
	const struct fxq_tensor *z =
		weight_tensor(reference, "weight_zero_point");
	int64_t n = fxq_tensor_count(z);

	/* Sums have one scale along the channels of the result alone. */
	if (!integer_op(class->base) ||
	    (n > 1 && fx_int(attribute(reference, "weight_axis")) !=
		      weights_axis(class->base)))
		return false;
	for (int64_t i = 0; i < n; i++)
		if (((int32_t *)z->data)[i])
			return false;
	return true;
}

/* Int8, in the float weights' own order. */
static fxv integer_weights(const struct fx_module *reference)
{
	const struct fxq_tensor *w = weight_tensor(reference, "weight");
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I8, w->rank, w->dims);
	fxv q = fx_copy_of(&t);

	if (!fx_error(q))
		weight_integers(reference, q.tensor->t.data);
	return q;
}

void add_qparams(struct fx_module *m, const struct result_qparams *q)
{
	fx_add_attribute(m, "scale", q ? fx_of_float((double)q->scale) :
				     fx_none);
	fx_add_attribute(m, "zero_point", q ? fx_of_int(q->zero_point) :
					  fx_none);
	fx_add_attribute(m, "dtype", (fxv){
		.kind = FX_VALUE_NAME, .s = q ? q->dtype : NULL });
}

struct fx_module *make_quantized(struct fx_module *reference,
				 unsigned int parts,
				 const struct result_qparams *q)
{
	const struct fx_class *base = layer_class_of(reference)->base;
	const struct fxq_tensor *bias = weight_tensor(reference, "bias");
	struct fx_module *m;

	m = layer_new(layer_class(LAYER_QUANTIZED, base, parts), reference);
	fx_add_buffer(m, "weight", integer_weights(reference));
	fx_add_buffer(m, "weight_scale",
		      fx_copy_of(weight_tensor(reference, "weight_scale")));
	/* Torch packs zeros where there is none. */
	fx_add_buffer(m, "bias", bias ? fx_copy_of(bias) :
		      fx_zeros(count_channels(m)));
	add_qparams(m, q);
	return m;
}
