// SPDX-License-Identifier: MIT
/*
 * What a loss makes of the losses of its elements.
 */
#include "loss.h"

int loss_reduction(struct fxq_call *call, enum reduction *ret)
{
	static const char *const names[] = { "mean", "sum", "none" };
	const char *name = kern_str(call, "reduction", "mean");

	for (int i = 0; i < 3; i++)
		if (!strcmp(name, names[i])) {
			*ret = i;
			return 0;
		}
	return kern_refuse(call, -EINVAL,
			   "reduction is \"%.40s\", not \"mean\", \"sum\" or \"none\"",
			   name);
}

int loss_set_out(struct fxq_call *call, const struct fxq_tensor *each)
{
	enum reduction reduction;
	int ret;

	ret = loss_reduction(call, &reduction);
	if (ret)
		return ret;
	return kern_set_out(call, 0, FXQ_DTYPE_F32,
			    reduction == REDUCE_NONE ? each->rank : 0,
			    each->dims);
}
