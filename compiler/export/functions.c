// SPDX-License-Identifier: MIT
/*
 * functions.c - activations that ONNX spells otherwise
 *
 * What has no operator of its own in the opset that is written becomes a few.
 */
#include "export.h"

/* Clip between the bounds that there are. */
static int clip(struct exporter *e, struct fx_node *n, const double *lo,
		const double *hi)
{
	Onnx__NodeProto *p = ex_node(e, n, "Clip");

	ex_in(e, p, ex_name(fx_node_in(n, 0)));
	ex_in(e, p, lo ? ex_const_float(e, ex_part(e, n, "min"), *lo) : NULL);
	if (hi)
		ex_in(e, p, ex_const_float(e, ex_part(e, n, "max"), *hi));
	ex_trim(p);
	ex_out(e, p, ex_name(n));
	return 0;
}

static int export_relu6(struct exporter *e, struct fx_node *n)
{
	return clip(e, n, &(double){ 0 }, &(double){ 6 });
}

static int export_hardtanh(struct exporter *e, struct fx_node *n)
{
	double lo = fx_node_float(n, "min_val", -1);
	double hi = fx_node_float(n, "max_val", 1);

	return clip(e, n, &lo, &hi);
}

static int export_clamp(struct exporter *e, struct fx_node *n)
{
	double lo = fx_node_float(n, "min", 0), hi = fx_node_float(n, "max", 0);

	return clip(e, n, fx_node_kwarg(n, "min") ? &lo : NULL,
		    fx_node_kwarg(n, "max") ? &hi : NULL);
}

/* ONNX aligns slopes at the last dimension, torch at that of channels. */
static int export_prelu(struct exporter *e, struct fx_node *n)
{
	const struct fx_node *slope = fx_node_in(n, 1);
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0];
	int64_t shape[FXQ_MAX_RANK] = { fxq_tensor_count(&slope->out[0]) };
	Onnx__NodeProto *p;
	const char *turned;

	if (slope->out[0].rank != 1 || x->rank < 3 || shape[0] == 1) {
		ex_whole(e, n, "PRelu");
		return 0;
	}
	for (uint32_t i = 1; i < x->rank - 1; i++)
		shape[i] = 1;
	if (fx_node_is_const(slope)) {
		struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32,
						      x->rank - 1, shape);

		t.data = slope->out[0].data;
		turned = ex_const(e, ex_part(e, n, "slope"), &t);
	} else {
		turned = ex_step(e, n, "Reshape", ex_name(slope),
				 ex_const_ints(e, ex_part(e, n, "shape"), shape,
					       x->rank - 1),
				 ex_part(e, n, "slope"));
	}
	p = ex_node(e, n, "PRelu");
	ex_in(e, p, ex_name(fx_node_in(n, 0)));
	ex_in(e, p, turned);
	ex_out(e, p, ex_name(n));
	return 0;
}

static int export_hardsigmoid(struct exporter *e, struct fx_node *n)
{
	Onnx__NodeProto *p = ex_whole(e, n, "HardSigmoid");

	ex_float(e, p, "alpha", fx_node_float(n, "alpha", 1.0 / 6));
	ex_float(e, p, "beta", fx_node_float(n, "beta", 0.5));
	return 0;
}

/* x * sigmoid(x) */
static int export_silu(struct exporter *e, struct fx_node *n)
{
	const char *x = ex_name(fx_node_in(n, 0));
	const char *s = ex_step(e, n, "Sigmoid", x, NULL, ex_part(e, n, "gate"));

	ex_step(e, n, "Mul", x, s, ex_name(n));
	return 0;
}

/* x * tanh(softplus(x)) */
static int export_mish(struct exporter *e, struct fx_node *n)
{
	const char *x = ex_name(fx_node_in(n, 0)), *t;

	t = ex_step(e, n, "Softplus", x, NULL, ex_part(e, n, "soft"));
	t = ex_step(e, n, "Tanh", t, NULL, ex_part(e, n, "gate"));
	ex_step(e, n, "Mul", x, t, ex_name(n));
	return 0;
}

/* What gelu takes erf or tanh of. */
static const char *gelu_argument(struct exporter *e, const struct fx_node *n,
				 const char *x, bool tanh)
{
	const char *t;

	if (!tanh)
		return ex_step(e, n, "Mul", x,
			       ex_const_float(e, ex_part(e, n, "root"),
					      0.70710678118654752),
			       ex_part(e, n, "scaled"));
	/* sqrt(2 / pi) (x + 0.044715 x^3) */
	t = ex_step(e, n, "Mul", x, x, ex_part(e, n, "square"));
	t = ex_step(e, n, "Mul", t, x, ex_part(e, n, "cube"));
	t = ex_step(e, n, "Mul", t,
		    ex_const_float(e, ex_part(e, n, "part"), 0.044715),
		    ex_part(e, n, "bend"));
	t = ex_step(e, n, "Add", x, t, ex_part(e, n, "bent"));
	return ex_step(e, n, "Mul", t,
		       ex_const_float(e, ex_part(e, n, "root"),
				      0.79788456080286536),
		       ex_part(e, n, "scaled"));
}

/* x * (1 + erf(x / sqrt(2))) / 2 */
static int export_gelu(struct exporter *e, struct fx_node *n)
{
	bool tanh = !strcmp(fx_node_str(n, "approximate", "none"), "tanh");
	const char *x = ex_name(fx_node_in(n, 0)), *t;

	t = gelu_argument(e, n, x, tanh);
	t = ex_step(e, n, tanh ? "Tanh" : "Erf", t, NULL, ex_part(e, n, "turn"));
	t = ex_step(e, n, "Add", t, ex_const_float(e, ex_part(e, n, "one"), 1),
		    ex_part(e, n, "gate"));
	t = ex_step(e, n, "Mul", x, t, ex_part(e, n, "double"));
	ex_step(e, n, "Mul", t, ex_const_float(e, ex_part(e, n, "half"), 0.5),
		ex_name(n));
	return 0;
}

const struct ex_special ex_functions[] = {
	{ "clamp",		export_clamp },
	{ "gelu",		export_gelu },
	{ "hardsigmoid",	export_hardsigmoid },
	{ "hardtanh",		export_hardtanh },
	{ "mish",		export_mish },
	{ "prelu",		export_prelu },
	{ "relu6",		export_relu6 },
	{ "silu",		export_silu },
	{ NULL },
};
