// SPDX-License-Identifier: MIT
/*
 * fast.c - which operators have a faster kernel in training
 */
#include <string.h>

#include "fast.h"

static const struct {
	const char *op;
	fxq_call_fn forward, grad;
} table[] = {
	{ "conv2d", fast_conv2d, fast_conv2d_grad },
};

fxq_call_fn fast_forward(const struct fx_op *op)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (!strcmp(table[i].op, op->fn.name))
			return table[i].forward;
	return op->fn.eval;
}

fxq_call_fn fast_grad(const struct fx_op *op)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (!strcmp(table[i].op, op->fn.name))
			return table[i].grad;
	return op->grad;
}
