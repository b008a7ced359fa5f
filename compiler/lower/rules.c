// SPDX-License-Identifier: MIT
/*
 * rules.c - the operators that the device takes, one line each
 */
#include <string.h>

#include "lower.h"

#define RULE(name, rule)	{ name, check_##rule, lower_##rule, false }
#define MOVE(name, rule)	{ name, check_##rule, lower_##rule, true }

static const struct op_rule rules[] = {
	RULE("qconv2d", conv),
	RULE("qconv_transpose2d", conv_transpose),
	RULE("qlinear", linear),
	RULE("qmatmul", matmul),
	RULE("qadd", binary),
	RULE("qsub", binary),
	RULE("qmul", binary),
	RULE("qminimum", binary),
	RULE("qmaximum", binary),
	RULE("qmax_pool2d", max_pool),
	RULE("qavg_pool2d", avg_pool),
	RULE("qmean_pool2d", mean_pool),
	RULE("qreduce", reduce),
	RULE("qlut", lut),
	RULE("qscale", view),
	RULE("qrequant", requant),
	RULE("qresize2d", resize),
	RULE("qsoftmax", softmax),
	RULE("qlayer_norm", layer_norm),
	MOVE("reshape", view),
	MOVE("flatten", view),
	MOVE("squeeze", view),
	MOVE("unsqueeze", view),
	MOVE("identity", view),
	MOVE("permute", permute),
	MOVE("slice", slice),
	MOVE("concat", concat),
	MOVE("pad", pad),
	MOVE("split", split),
	MOVE("getitem", getitem),
	MOVE("gather", gather),
	MOVE("expand", expand),
	MOVE("tile", expand),
	MOVE("depth_to_space", shuffle),
	MOVE("space_to_depth", shuffle),
};

const struct op_rule *op_rule_find(const struct fx_node *n)
{
	if (n->opcode != FX_CALL_FUNCTION || n->wrapped)
		return NULL;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (!strcmp(n->target, rules[i].name))
			return &rules[i];
	return NULL;
}

/* Multiply-accumulates of a convolution over its own pixels. */
static uint64_t window_macs(const struct fx_node *n, bool transposed)
{
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	const struct fxq_tensor *out = transposed ?
		&fx_node_in(n, 0)->out[0] : &n->out[0];

	/* One product for each weight and each pixel it is applied to. */
	return (uint64_t)fxq_tensor_count(w) * (uint64_t)out->dims[0] *
	       (uint64_t)out->dims[2] * (uint64_t)out->dims[3];
}

uint64_t node_macs(const struct fx_node *n)
{
	const struct fxq_tensor *x = n->n_args ? &fx_node_in(n, 0)->out[0] :
				     NULL;

	if (fx_node_is(n, "qconv2d") || fx_node_is(n, "conv2d"))
		return window_macs(n, false);
	if (fx_node_is(n, "qconv_transpose2d") ||
	    fx_node_is(n, "conv_transpose2d"))
		return window_macs(n, true);
	if (fx_node_is(n, "qlinear") || fx_node_is(n, "linear") ||
	    fx_node_is(n, "qmatmul") || fx_node_is(n, "matmul"))
		return (uint64_t)fxq_tensor_count(&n->out[0]) *
		       (uint64_t)x->dims[x->rank - 1];
	return 0;
}
