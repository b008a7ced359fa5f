// SPDX-License-Identifier: MIT
/*
 * dropout_train: dropout while a network trains. Each element is dropped with
 * probability p; those that stay, which the second result tells, are divided
 * by 1 - p. What is dropped follows from the seed and the element's number.
 */
#include "grad.h"

int infer_dropout_train(struct fxq_call *call)
{
	double p = kern_float(call, "p", 0.5);
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_same_out(call);
	if (!ret)
		ret = kern_set_out(call, 1, FXQ_DTYPE_BOOL, call->in[0].rank,
				   call->in[0].dims);
	if (!ret && !(p >= 0 && p <= 1))
		ret = kern_refuse(call, -EINVAL, "p is %g, not from 0 to 1", p);
	return ret;
}

/* A number in [0, 1): the mixing steps of MurmurHash3 over seed and place. */
static double chance(uint64_t seed, uint64_t at)
{
	uint64_t h = seed * 0x9e3779b97f4a7c15ull + at;

	for (int i = 0; i < 2; i++) {
		h = (h ^ h >> 33) * 0xff51afd7ed558ccdull;
		h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ull;
	}
	return (double)(h >> 11) * 0x1p-53;
}

int eval_dropout_train(struct fxq_call *call)
{
	double p = kern_float(call, "p", 0.5);
	uint64_t seed = (uint64_t)kern_int(call, "seed", 0);
	const real *x;
	uint8_t *kept;
	real *y;
	int ret;

	ret = kern_begin(call, infer_dropout_train);
	if (ret)
		return ret;

	x = call->in[0].data;
	y = call->out[0].data;
	kept = call->out[1].data;
	for (int64_t i = 0; i < fxq_tensor_count(&call->in[0]); i++) {
		kept[i] = chance(seed, (uint64_t)i) >= p;
		y[i] = kept[i] ? (real)(x[i] / (1 - p)) : 0;
	}
	return 0;
}

GRAD_KERNEL(dropout_train)
{
	double p = kern_float(&g->call, "p", 0.5);
	const uint8_t *kept = g->out[1].data;
	const real *dy = grad_dy(g, 0);
	real *dx = grad_dx_zeroed(g, 0);

	for (int64_t i = 0; dx && dy && i < fxq_tensor_count(&g->in[0]); i++)
		dx[i] = kept[i] ? (real)(dy[i] / (1 - p)) : 0;
	return 0;
}
