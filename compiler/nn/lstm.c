// SPDX-License-Identifier: MIT
/*
 * lstm.c - one layer of long short-term memory, in the operators of nn.h
 *
 * Parameters are torch's: the gates input, forget, cell, output stand below one
 * another in each weight. The result is (every h, (last h, last c)).
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "nn_priv.h"

static void add_weight(struct fx_module *m, const char *name, int64_t hidden,
		       const int64_t *dims)
{
	fxv v = fx_full_of(0.0f, dims);

	if (v.kind == FX_VALUE_TENSOR)
		random_fill(&v.tensor->t, (float)(1.0 / sqrt((double)hidden)));
	fx_add_parameter(m, name, v);
}

int init_lstm(struct fx_module *m)
{
	int64_t in = module_int(m, "input_size");
	int64_t hidden = module_int(m, "hidden_size");

	if (in < 1 || hidden < 1)
		return module_fail(m, -EINVAL, "input_size and hidden_size are at least 1");

	add_weight(m, "weight_ih_l0", hidden, FX_DIMS(4 * hidden, in));
	add_weight(m, "weight_hh_l0", hidden, FX_DIMS(4 * hidden, hidden));
	add_weight(m, "bias_ih_l0", hidden, FX_DIMS(4 * hidden));
	add_weight(m, "bias_hh_l0", hidden, FX_DIMS(4 * hidden));
	return 0;
}

/* One step: the new h and c. */
static void step(struct fx_module *m, fxv x, fxv *h, fxv *c)
{
	fxv own = fx_linear(x, fx_member(m, "weight_ih_l0"),
			    fx_member(m, "bias_ih_l0"));
	fxv past = fx_linear(*h, fx_member(m, "weight_hh_l0"),
			     fx_member(m, "bias_hh_l0"));
	fxv in, forget, cell, out;

	fx_unpack(fx_method(fx_add(own, past), chunk, 4, .dim = -1),
		  &in, &forget, &cell, &out);
	*c = fx_add(fx_mul(fx_sigmoid(forget), *c),
		    fx_mul(fx_sigmoid(in), fx_tanh(cell)));
	*h = fx_mul(fx_sigmoid(out), fx_tanh(*c));
}

/* A zero (batch, hidden), or (hidden) without a batch. */
static fxv first_state(const struct fxq_tensor *x, int64_t hidden)
{
	return x->rank == 3 ? fx_zeros(x->dims[1], hidden) : fx_zeros(hidden);
}

fxv forward_lstm(struct fx_module *m, const fxv *args)
{
	const struct fxq_tensor *x = fx_data(args[0]);
	int64_t hidden = module_int(m, "hidden_size");
	fxv all, h, c;

	if (!x || x->dtype != FXQ_DTYPE_F32 || x->rank < 2 || x->rank > 3 ||
	    x->dims[x->rank - 1] != module_int(m, "input_size"))
		return fx_poison(context.at, -EINVAL, "LSTM takes a float32 tensor (L, N, I) or (L, I) with I its input_size");

	h = first_state(x, hidden);
	c = first_state(x, hidden);
	all = x->rank == 3 ? fx_zeros(x->dims[0], x->dims[1], hidden) :
	      fx_zeros(x->dims[0], hidden);
	for (int64_t t = 0; t < x->dims[0]; t++) {
		step(m, fx_getitem(args[0], t), &h, &c);
		fx_setitem(all, t, h);
	}
	h = fx_getitem(h, fx_none);
	c = fx_getitem(c, fx_none);
	return fx_tuple(all, fx_tuple(h, c));
}
