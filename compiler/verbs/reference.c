// SPDX-License-Identifier: MIT
/*
 * reference.c - a float layer whose weights are those of an integer one
 *
 * It keeps the float weights, as torch's reference modules do, and computes
 * with what they are after they have been integers. Between a dequantize and a
 * quantize it is what an integer layer should give, but for the rounding of
 * float sums.
 */
#include <errno.h>
#include <stdlib.h>

#include <fxq/fxq_arith.h>

#include "verbs.h"

static uint32_t weight_axis(const struct fx_module *m)
{
	return (uint32_t)fx_int(module_member(m, "weight_axis")->value);
}

void weight_integers(const struct fx_module *m, int8_t *q)
{
	const struct fxq_tensor *w = weight_tensor(m, "weight");
	const struct fxq_tensor *s = weight_tensor(m, "weight_scale");
	const int32_t *z = weight_tensor(m, "weight_zero_point")->data;
	int lo = (int)fx_int(module_member(m, "weight_quant_min")->value);
	int hi = (int)fx_int(module_member(m, "weight_quant_max")->value);
	int64_t inner = weights_beside(w, weight_axis(m));
	int64_t n = fxq_tensor_count(s);
	const float *v = w->data, *scale = s->data;

	for (int64_t i = 0; i < fxq_tensor_count(w); i++) {
		int64_t c = i / inner % n;

		q[i] = fxq_q(v[i] * (1.0f / scale[c]), z[c], lo, hi);
	}
}

/* The weights after they have been integers. */
static fxv rounded_weights(const struct fx_module *m)
{
	const struct fxq_tensor *s = weight_tensor(m, "weight_scale");
	const int32_t *z = weight_tensor(m, "weight_zero_point")->data;
	fxv w = fx_copy_of(weight_tensor(m, "weight"));
	int64_t inner, n = fxq_tensor_count(s), count;
	int8_t *q;

	if (fx_error(w))
		return w;
	count = fxq_tensor_count(fx_data(w));
	inner = weights_beside(fx_data(w), weight_axis(m));
	q = must_alloc((size_t)count);
	weight_integers(m, q);
	for (int64_t i = 0; i < count; i++)
		((float *)w.tensor->t.data)[i] =
			(float)(q[i] - z[i / inner % n]) *
			((float *)s->data)[i / inner % n];
	free(q);
	return w;
}

fxv forward_reference(struct fx_module *m, const fxv *args)
{
	char error[FXQ_ERROR_MAX];
	struct operation o;

	if (layer_operation(m, args[0], &o, error))
		return fx_poison(context.at, -EINVAL, "%s: %s", m->class->name,
				 error);
	o.in[1] = rounded_weights(m);
	return operation_run(context.at, &o);
}

static fxv copy_of_ints(const int32_t *v, int64_t n)
{
	return fx_copy_of(&(struct fxq_tensor){
		.dtype = FXQ_DTYPE_I32, .rank = 1, .dims = { n },
		.data = (void *)v });
}

/* Shows it the weights, if it has seen none. */
static int find_qparams(struct fx_module *gm, struct fx_module *layer,
			struct fx_module *observer, struct fx_qparams *ret)
{
	fxv w = fx_view_of(weight_tensor(layer, "weight")), seen = fx_none;
	int err = fx_calculate_qparams(observer, ret);

	if (err == -ENODATA) {
		seen = fx_call_at(NULL, observer, FX_ARGS(w));
		err = fx_calculate_qparams(observer, ret);
	}
	if (fx_error(seen))
		module_fail(gm, -EINVAL, "weights of a %s: %s",
			    layer->class->name, fx_error(seen));
	else if (err)
		module_fail(gm, err, "weights of a %s: %s",
			    layer->class->name, ret->error);
	fx_drop(seen);
	fx_drop(w);
	return err;
}

struct fx_module *make_reference(struct fx_module *gm, struct fx_module *layer,
				 struct fx_module *observer)
{
	struct fx_module *own = observer_of_weights(layer, observer), *m;
	struct fx_qparams q;
	int err;

	err = find_qparams(gm, layer, own, &q);
	fx_module_put(own);
	if (err)
		return NULL;
	if (q.dtype != FX_QINT8) {
		root_fail(gm, "weights of %s: integers of a layer are qint8; give the observer of weights this dtype",
			  layer->class->name);
		fx_qparams_free(&q);
		return NULL;
	}
	m = layer_new(layer_class(LAYER_REFERENCE, layer->class, 0), layer);
	fx_add_parameter(m, "weight",
			 fx_copy_of(weight_tensor(layer, "weight")));
	if (module_member(layer, "bias"))
		fx_add_parameter(m, "bias",
				 fx_copy_of(weight_tensor(layer, "bias")));
	fx_add_buffer(m, "weight_scale", fx_tensor_of(q.scale, (size_t)q.n));
	fx_add_buffer(m, "weight_zero_point", copy_of_ints(q.zero_point, q.n));
	fx_add_attribute(m, "weight_axis",
			 fx_of_int(q.ch_axis < 0 ? 0 : q.ch_axis));
	fx_add_attribute(m, "weight_quant_min", fx_of_int(q.quant_min));
	fx_add_attribute(m, "weight_quant_max", fx_of_int(q.quant_max));
	fx_qparams_free(&q);
	return m;
}
