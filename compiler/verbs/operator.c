// SPDX-License-Identifier: MIT
/*
 * operator.c - a module without integer weights whose result has its own scale
 *
 * "quantized.Hardswish": the float module with scale and zero point of its
 * result, which takes integers and gives integers. What it computes is the
 * integer form of the operator that the float module is.
 */
#include <string.h>

#include "verbs.h"

fxv forward_operator(struct fx_module *m, const fxv *args)
{
	const char *dtype = module_member(m, "dtype")->value.s;
	struct qresult to = {
		(float)fx_float(module_member(m, "scale")->value),
		(int)fx_int(module_member(m, "zero_point")->value),
	};
	struct operation o;
	fxv refused = operation_on_integers(m, args[0], &o);

	if (fx_error(refused))
		return refused;
	if (strcmp(dtype, "torch.qint8"))
		to.zero_point -= 128;
	return quantized_run(context.at, &o, &to);
}

bool has_operator(struct fx_module *m)
{
	char error[FXQ_ERROR_MAX];
	struct operation o;

	return m->class->op && !operation_of_module(m, fx_none, &o, error) &&
	       quantized_has_own(&o);
}

struct fx_module *make_operator(const struct fx_module *m,
				const struct result_qparams *q)
{
	struct fx_module *ret;

	ret = layer_new(layer_class(LAYER_OPERATOR, m->class, 0), m);
	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i].kind == FX_MEMBER_PARAMETER)
			fx_add_parameter(ret, m->members[i].name,
				fx_copy_of(fx_data(m->members[i].value)));
	add_qparams(ret, q);
	return ret;
}
