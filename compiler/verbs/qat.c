// SPDX-License-Identifier: MIT
/*
 * qat.c - a layer that is trained with the error of quantization
 *
 * With a batch norm, what is quantized are the weights that folding will give:
 * w * g / sqrt(running_var + eps). The sums are divided by the same factor, so
 * that the norm sees what it saw without quantization, and may still take the
 * statistics of the batch (Jacob et al., 2018, as torch computes it). All of it
 * is operators, whose gradients training knows.
 */
#include <errno.h>

#include "verbs.h"

static fxv call2(const char *op, fxv a, fxv b)
{
	const struct operation o = { .op = op, .n_in = 2, .in = { a, b } };

	return operation_run(context.at, &o);
}

static fxv call1(const char *op, fxv x)
{
	const struct operation o = { .op = op, .n_in = 1, .in = { x } };

	return operation_run(context.at, &o);
}

static fxv shaped(fxv v, uint32_t rank, const int64_t *dims)
{
	const struct operation o = {
		.op = "reshape", .n_in = 1, .in = { v }, .n_attrs = 1,
		.attrs[0] = { .name = "shape", .type = FXQ_ATTR_INTS,
			      .count = rank, .ints = dims },
	};

	return operation_run(context.at, &o);
}

/* @v, of one dimension, along dimension @axis of @rank, to be broadcast. */
static fxv along(fxv v, uint32_t rank, uint32_t axis)
{
	int64_t dims[FXQ_MAX_RANK];

	for (uint32_t d = 0; d < rank; d++)
		dims[d] = d == axis ? -1 : 1;
	return shaped(v, rank, dims);
}

static fxv member_value(const struct fx_module *m, const char *name)
{
	const struct fx_member *member = module_member(m, name);

	return member ? member->value : fx_none;
}

static struct fx_module *member_module(const struct fx_module *m,
				       const char *name)
{
	return module_member(m, name)->module;
}

/* g / sqrt(running_var + eps) */
static fxv folding_factor(const struct fx_module *bn)
{
	fxv eps = fx_of_float(module_float(bn, "eps"));
	fxv std = call1("sqrt", call2("add", member_value(bn, "running_var"),
				      eps));

	return call2("div", member_value(bn, "weight"), std);
}

uint32_t weights_axis(const struct fx_class *base)
{
	return !strncmp(base->name, "ConvTranspose", 13);
}

/*
 * The weights times a factor for each output channel. Transposed ones have them
 * second, those of one group after those of another: (groups, in, out, sides).
 */
static fxv times_factor(const struct fx_module *m, fxv w, fxv factor)
{
	const struct fxq_tensor *t = fx_data(w);
	int64_t dims[FXQ_MAX_RANK + 1], ones[FXQ_MAX_RANK + 1];
	int64_t groups;

	if (!weights_axis(layer_class_of(m)->base))
		return call2("mul", w, along(factor, t->rank, 0));

	groups = module_int(m, "groups");
	for (uint32_t d = 1; d < t->rank; d++) {
		dims[d + 1] = t->dims[d];
		ones[d + 1] = d == 1 ? t->dims[d] : 1;
	}
	dims[0] = ones[0] = groups;
	dims[1] = t->dims[0] / groups;
	ones[1] = 1;
	w = call2("mul", shaped(w, t->rank + 1, dims),
		  shaped(factor, t->rank + 1, ones));
	return shaped(w, t->rank, t->dims);
}

static fxv run_layer(struct fx_module *m, fxv x, fxv weight, fxv bias)
{
	char error[FXQ_ERROR_MAX];
	struct operation o;

	if (layer_operation(m, x, &o, error))
		return fx_poison(context.at, -EINVAL, "%s: %s", m->class->name,
				 error);
	o.in[1] = weight;
	o.in[2] = bias;
	return operation_run(context.at, &o);
}

static fxv run_with_norm(struct fx_module *m, fxv x)
{
	struct fx_module *bn = member_module(m, "bn");
	const struct fx_loc *at = context.at;
	fxv factor = folding_factor(bn), w = member_value(m, "weight");
	fxv bias = member_value(m, "bias");
	uint32_t rank = fx_data(w)->rank;

	/* The channels of a result are its second dimension, or the last. */
	w = times_factor(m, w, factor);
	w = fx_call_at(at, member_module(m, "weight_fake_quant"), FX_ARGS(w));
	x = run_layer(m, x, w, fx_none);
	x = call2("div", x, along(factor, rank, 1));
	if (!fx_is_none(bias))
		x = call2("add", x, along(bias, rank, 1));
	return fx_call_at(at, bn, FX_ARGS(x));
}

fxv forward_qat(struct fx_module *m, const fxv *args)
{
	unsigned int parts = layer_class_of(m)->parts;
	fxv x = args[0], w;

	if (parts & FX_PART_BN) {
		x = run_with_norm(m, x);
	} else {
		w = fx_call_at(context.at, member_module(m, "weight_fake_quant"),
			       FX_ARGS(member_value(m, "weight")));
		x = run_layer(m, x, w, member_value(m, "bias"));
	}
	if (parts & FX_PART_ADD)
		x = call2("add", x, args[1]);
	if (parts & FX_PART_ACT)
		x = call1(parts & FX_PART_RELU ? "relu" : "relu6", x);
	return x;
}

static void copy_parameter(struct fx_module *to, const struct fx_module *from,
			   const char *name)
{
	const struct fxq_tensor *t = weight_tensor(from, name);

	if (t)
		fx_add_parameter(to, name, fx_copy_of(t));
}

struct fx_module *make_qat(const struct fx_module *m,
			   const struct fx_module *proto)
{
	const struct layer_class *class = layer_class_of(m);
	const struct fx_module *layer = class ? m->members[0].module : m;
	unsigned int parts = class ? class->parts : 0;
	struct fx_module *qat, *fake;

	qat = layer_new(layer_class(LAYER_QAT, layer->class, parts), layer);
	copy_parameter(qat, layer, "weight");
	copy_parameter(qat, layer, "bias");
	if (parts & FX_PART_BN)
		fx_add_module(qat, "bn", fx_module_copy(m->members[1].module));
	fake = observer_of_weights(layer, proto);
	fake->training = layer->training;
	fx_add_module(qat, "weight_fake_quant", fake);
	return qat;
}

struct fx_module *float_of_qat(const struct fx_module *m)
{
	const struct layer_class *class = layer_class_of(m);
	struct fx_module *layer = layer_new(class->base, m), *folded;

	copy_parameter(layer, m, "weight");
	copy_parameter(layer, m, "bias");
	if (!(class->parts & FX_PART_BN))
		return layer;
	folded = fold_batch_norm(layer, member_module(m, "bn"));
	fx_module_put(layer);
	return folded;
}
