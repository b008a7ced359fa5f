// SPDX-License-Identifier: MIT
/*
 * saved.c - what modules of the verbs must be made of, when a file brings them
 *
 * The shapes of a layer's weights are those that its float class would give it
 * for the same options. The rest are rules of the verbs themselves, one function
 * for each kind of class.
 */
#include <errno.h>
#include <math.h>

#include "saved.h"
#include "verbs.h"

static int bad_member(struct fx_module *m, const char *name, const char *what)
{
	return module_fail(m, -EINVAL, "'%s' is no %s", name, what);
}

static struct fx_module *child(const struct fx_module *m, const char *name)
{
	const struct fx_member *member = module_member(m, name);

	return member ? member->module : NULL;
}

static fxv value(const struct fx_module *m, const char *name)
{
	const struct fx_member *member = module_member(m, name);

	return member && member->kind == FX_MEMBER_ATTRIBUTE ? member->value :
	       fx_default;
}

static bool is_int(fxv v, int64_t lo, int64_t hi)
{
	return v.kind == FX_VALUE_INT && v.i >= lo && v.i <= hi;
}

static bool is_scale(double f)
{
	return isnormal((float)f) && f > 0;
}

static bool has_shape_of(const struct fxq_tensor *t,
			 const struct fxq_tensor *like, uint32_t dtype)
{
	return t && t->dtype == dtype && t->rank == like->rank &&
	       !memcmp(t->dims, like->dims, t->rank * sizeof(*t->dims));
}

/* Weights and bias, as a float layer with these options has them. */
static int check_weights(struct fx_module *m, uint32_t dtype, bool needs_bias)
{
	struct fx_module *like = float_like(m);
	int err = 0;

	if (like->error)
		err = module_fail(m, -EINVAL, "%s", like->error);
	else if (!has_shape_of(weight_tensor(m, "weight"),
			       weight_tensor(like, "weight"), dtype))
		err = bad_member(m, "weight", "weight of its options");
	else if ((needs_bias || module_member(m, "bias")) &&
		 !has_shape_of(weight_tensor(m, "bias"),
			       weight_tensor(like, "bias"), FXQ_DTYPE_F32))
		err = bad_member(m, "bias", "bias of its options");
	fx_module_put(like);
	return err;
}

/* One for all, or one for each channel along @axis of the weights. */
static int check_scales(struct fx_module *m, uint32_t axis)
{
	const struct fxq_tensor *s = weight_tensor(m, "weight_scale");
	const struct fxq_tensor *w = weight_tensor(m, "weight");

	if (!s || s->dtype != FXQ_DTYPE_F32 || s->rank != 1 ||
	    (s->dims[0] != 1 && s->dims[0] != w->dims[axis]))
		return bad_member(m, "weight_scale", "scale of its weights");
	for (int64_t i = 0; i < s->dims[0]; i++)
		if (!is_scale(((const float *)s->data)[i]))
			return bad_member(m, "weight_scale",
					  "scale of its weights");
	return 0;
}

static int check_reference(struct fx_module *m)
{
	const struct fxq_tensor *z = weight_tensor(m, "weight_zero_point");
	fxv lo = value(m, "weight_quant_min"), hi = value(m, "weight_quant_max");

	if (!is_int(value(m, "weight_axis"), 0, 1))
		return bad_member(m, "weight_axis", "axis of channels");
	if (!is_int(lo, INT8_MIN, 0))
		return bad_member(m, "weight_quant_min", "int8 below 0");
	if (!is_int(hi, 0, INT8_MAX))
		return bad_member(m, "weight_quant_max", "int8 above 0");
	if (check_weights(m, FXQ_DTYPE_F32, false) ||
	    check_scales(m, (uint32_t)value(m, "weight_axis").i))
		return -EINVAL;
	if (!has_shape_of(z, weight_tensor(m, "weight_scale"), FXQ_DTYPE_I32))
		return bad_member(m, "weight_zero_point", "one for each scale");
	for (int64_t i = 0; i < z->dims[0]; i++)
		if (((const int32_t *)z->data)[i] < lo.i ||
		    ((const int32_t *)z->data)[i] > hi.i)
			return bad_member(m, "weight_zero_point",
					  "integer of its weights");
	return 0;
}

/* How its result is quantized, or nothing of it: the sums are. */
static int check_result(struct fx_module *m)
{
	fxv scale = value(m, "scale"), zero = value(m, "zero_point");
	fxv dtype = value(m, "dtype");
	bool is_signed;

	if (fx_is_none(scale))
		return fx_is_none(zero) ? 0 :
		       bad_member(m, "zero_point", "None, as scale is");
	if (dtype.kind != FX_VALUE_NAME || !dtype.s ||
	    (strcmp(dtype.s, "torch.qint8") &&
	     strcmp(dtype.s, "torch.quint8")))
		return bad_member(m, "dtype", "type of eight bits");
	is_signed = !strcmp(dtype.s, "torch.qint8");
	if (scale.kind != FX_VALUE_FLOAT || !is_scale(scale.f))
		return bad_member(m, "scale", "scale");
	if (!is_int(zero, is_signed ? INT8_MIN : 0,
		    is_signed ? INT8_MAX : UINT8_MAX))
		return bad_member(m, "zero_point", "zero point of its dtype");
	return 0;
}

static int check_quantized(struct fx_module *m)
{
	const struct fx_class *base = layer_class_of(m)->base;
	uint32_t axis = weights_axis(base);

	if (!has_integer_op(base))
		return module_fail(m, -EINVAL, "there are no integers for a %s",
				   base->name);
	if (check_weights(m, FXQ_DTYPE_I8, true) || check_scales(m, axis))
		return -EINVAL;
	return check_result(m);
}

/* What the float module has, and how the result is quantized. */
static int check_operator(struct fx_module *m)
{
	struct fx_module *like = float_like(m);
	int err = 0;

	if (like->error || !has_operator(like))
		err = module_fail(m, -EINVAL, "there are no integers for a %s of these options",
				  like->class->name);
	for (size_t i = 0; !err && i < like->n_members; i++) {
		const char *name = like->members[i].name;

		if (!has_shape_of(weight_tensor(m, name),
				  weight_tensor(like, name), FXQ_DTYPE_F32))
			err = bad_member(m, name, "parameter of its options");
	}
	fx_module_put(like);
	if (!err && fx_is_none(value(m, "scale")))
		err = bad_member(m, "scale", "scale");
	return err ? err : check_result(m);
}

/* Of a layer with as many channels as the norm is of. */
static bool is_norm_of(const struct fx_module *bn, const struct fx_module *m)
{
	const struct fxq_tensor *b;
	struct fx_module *like;
	bool fits;

	if (!bn || !(bn->class->flags & FX_CLASS_BATCH_NORM))
		return false;
	like = float_like(m);
	b = weight_tensor(like, "bias");
	fits = !like->error && b->dims[0] == module_int(bn, "num_features");
	fx_module_put(like);
	return fits;
}

static int check_qat(struct fx_module *m)
{
	struct fx_module *fake = child(m, "weight_fake_quant");

	if (check_weights(m, FXQ_DTYPE_F32, false))
		return -EINVAL;
	if (layer_class_of(m)->parts & FX_PART_BN &&
	    !is_norm_of(child(m, "bn"), m))
		return bad_member(m, "bn", "batch norm of its channels");
	if (!fake || !fx_is_observer(fake))
		return bad_member(m, "weight_fake_quant", "fake quantizer");
	return 0;
}

/* "0" is the layer, those that follow are what it takes along, in order. */
static int check_fused(struct fx_module *m)
{
	const struct layer_class *class = layer_class_of(m), *inner;
	unsigned int parts = class->parts;
	const struct fx_class *act = parts & FX_PART_RELU ? &fx_class_ReLU :
				     parts & FX_PART_RELU6 ? &fx_class_ReLU6 :
				     NULL;
	size_t n = 1 + !!(parts & FX_PART_BN) + !!act;
	struct fx_module *layer = child(m, "0");

	inner = layer ? layer_class_of(layer) : NULL;
	if (!layer || (layer->class != class->base &&
		       (!inner || inner->kind != LAYER_REFERENCE ||
			inner->base != class->base)))
		return bad_member(m, "0", class->base->name);
	for (size_t i = 0; i < m->n_members; i++)
		if (!m->members[i].module)
			return bad_member(m, m->members[i].name, "module");
	if (m->n_members != n || m->members[0].module != layer)
		return module_fail(m, -EINVAL, "it has %zu modules, the first of which is '0'",
				   n);
	if (parts & FX_PART_BN && !is_norm_of(m->members[1].module, layer))
		return bad_member(m, m->members[1].name,
				  "batch norm of its channels");
	if (act && m->members[n - 1].module->class != act)
		return bad_member(m, m->members[n - 1].name, act->name);
	return 0;
}

/* Notes that convert_fx() reads: observers, or that a node is quantized. */
static int check_notes(struct fx_module *m)
{
	if (value(m, "_backend").kind != FX_VALUE_STR)
		return bad_member(m, "_backend", "name of a backend");
	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i].kind != FX_MEMBER_ATTRIBUTE &&
		    !(m->members[i].module &&
		      fx_is_observer(m->members[i].module)))
			return bad_member(m, m->members[i].name, "observer");
	return 0;
}

const struct fx_class *saved_class_named(const char *name)
{
	return strcmp(name, fx_class_Prepared.name) ? layer_class_named(name) :
						      &fx_class_Prepared;
}

bool saved_is_class(const struct fx_class *class)
{
	return class == &fx_class_Prepared ||
	       layer_class_of(&(struct fx_module){ .class = class });
}

bool saved_takes(const struct fx_module *m, const struct fx_member *member)
{
	return !strcmp(member->name, GIVEN_SCALES) && member->module &&
	       member->module->class == &fx_class_GivenScalesObserver &&
	       is_layer(&fx_backend_fxq, m);
}

int saved_check(struct fx_module *m)
{
	static int (*const checks[LAYER_KIND_COUNT])(struct fx_module *m) = {
		[LAYER_FUSED] = check_fused,
		[LAYER_REFERENCE] = check_reference,
		[LAYER_QUANTIZED] = check_quantized,
		[LAYER_OPERATOR] = check_operator,
		[LAYER_QAT] = check_qat,
	};
	const struct layer_class *class = layer_class_of(m);

	return class ? checks[class->kind](m) : check_notes(m);
}

/* May convert_fx() make an integer layer of it? The backend may be a program's. */
static bool is_convertible(const struct fx_module *m)
{
	const struct layer_class *class = layer_class_of(m);

	if (!is_layer(&fx_backend_fxq, m) && !is_layer(&fx_backend_torch, m))
		return false;
	return !class || class->kind == LAYER_QAT ||
	       (class->kind == LAYER_FUSED &&
		m->members[0].module->class == class->base);
}

int saved_check_prepared(struct fx_module *gm)
{
	struct fx_module *prepared = fx_module_at(gm, PREPARED);

	if (!prepared)
		return 0;
	if (prepared->class != &fx_class_Prepared)
		return module_fail(gm, -EINVAL, "its '" PREPARED "' is a %s",
				   prepared->class->name);
	fx_for_each_node(n, gm->graph) {
		if (!child(prepared, n->name))
			continue;
		if (n->opcode != FX_CALL_MODULE || !is_convertible(n->module))
			return module_fail(gm, -EINVAL, "node '%s' has an observer of weights and is no layer",
					   n->name);
	}
	return 0;
}
