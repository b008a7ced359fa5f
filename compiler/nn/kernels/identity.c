// SPDX-License-Identifier: MIT
/*
 * identity, and dropout, which in evaluation is one; its second result, if
 * asked for, says that every element was kept.
 */
#include "kernel.h"

static void copy(struct fxq_call *call)
{
	memcpy(call->out[0].data, call->in[0].data,
	       fxq_tensor_bytes(&call->in[0]));
}

static int infer_copy(struct fxq_call *call)
{
	int ret;

	ret = kern_need_any(call, 0);
	if (!ret)
		ret = kern_same_out(call);
	if (ret)
		return ret;

	call->out[0].scale = call->in[0].scale;
	call->out[0].zero_point = call->in[0].zero_point;
	return 0;
}

int infer_identity(struct fxq_call *call)
{
	return infer_copy(call);
}

int eval_identity(struct fxq_call *call)
{
	int ret;

	ret = kern_begin(call, infer_identity);
	if (!ret && fxq_tensor_count(&call->in[0]))
		copy(call);
	return ret;
}

int infer_dropout(struct fxq_call *call)
{
	int ret;

	ret = kern_most_outs(call, 2);
	if (!ret)
		ret = infer_copy(call);
	if (!ret && call->n_out > 1)
		ret = kern_set_out(call, 1, FXQ_DTYPE_BOOL, call->in[0].rank,
				   call->in[0].dims);
	return ret;
}

int eval_dropout(struct fxq_call *call)
{
	int ret;

	ret = kern_begin(call, infer_dropout);
	if (ret || !fxq_tensor_count(&call->in[0]))
		return ret;

	copy(call);
	if (call->n_out > 1)
		memset(call->out[1].data, 1, fxq_tensor_bytes(&call->out[1]));
	return 0;
}
