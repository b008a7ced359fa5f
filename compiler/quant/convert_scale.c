// SPDX-License-Identifier: MIT
/*
 * convert_scale.c - how each value of the float graph is quantized
 *
 * By what the model says, or by what calibration saw; the parts of a
 * concatenation by what holds for the whole, so that joining them costs nothing.
 */
#include <errno.h>

#include "convert.h"

int range_of(struct convert *cv, struct fx_node *n, struct range *ret)
{
	struct qparams qp;

	if (!calibration_range(cv->cal, n, ret))
		return 0;
	if (value_of(n)->q)
		qp = qparams_of_node(value_of(n)->q);
	else if (calibration_fixed(cv->cal, n, &qp.scale, &qp.zero_point))
		return fx_graph_fail(cv->from, -ENODATA,
				     "value '%s' was never seen: calibrate with data, or load scales that name it",
				     n->name);
	ret->min = (float)(-128 - qp.zero_point) * qp.scale;
	ret->max = (float)(127 - qp.zero_point) * qp.scale;
	return 0;
}

int qparams_of(struct convert *cv, struct fx_node *n, struct qparams *ret)
{
	struct value *v = value_of(n);
	struct range r;
	int err;

	if (!v->has_qp) {
		if (fx_node_is(n, "softmax") && !is_given(n)) {
			v->qp = (struct qparams){ 1.0f / 256, -128 };
		} else if (calibration_fixed(cv->cal, n, &v->qp.scale,
					     &v->qp.zero_point)) {
			err = range_of(cv, n, &r);
			if (err)
				return err;
			v->qp = affine_qparams(r);
		}
		if (!scale_ok(v->qp.scale))
			return fx_graph_fail(cv->from, -ERANGE,
					     "value '%s' has the scale %g, which is not a normal number: are there NaN or infinite values in the calibration data?",
					     n->name, (double)v->qp.scale);
		v->has_qp = true;
	}
	*ret = v->qp;
	return 0;
}

bool has_scale(const struct convert *cv, const struct fx_node *n)
{
	struct qparams qp;
	struct range r;

	return !cv->given || value_of(n)->has_qp ||
	       !calibration_fixed(cv->cal, n, &qp.scale, &qp.zero_point) ||
	       !calibration_range(cv->cal, n, &r);
}

/* What only feeds a concatenation is made with the concatenation's scale. */
static void share_scale(struct fx_node *n, struct qparams qp)
{
	while (n->n_users == 1 && n->opcode == FX_CALL_FUNCTION &&
	       is_float(n) && !is_given(n)) {
		value_of(n)->qp = qp;
		value_of(n)->has_qp = true;
		if (!keeps_scale(n) || fx_node_is(n, "concat"))
			return;
		n = fx_node_in(n, 0);
	}
}

int share_scales(struct convert *cv)
{
	fx_for_each_node(n, cv->from) {
		struct qparams qp;
		int ret;

		if (!fx_node_is(n, "concat") || !is_float(n) ||
		    !has_scale(cv, n))
			continue;
		ret = qparams_of(cv, n, &qp);
		if (ret)
			return ret;
		for (size_t i = 0; i < n->n_args; i++)
			if (fx_node_in(n, i))
				share_scale(fx_node_in(n, i), qp);
	}
	return 0;
}
