// SPDX-License-Identifier: MIT
/*
 * The importers that need no thought: an operator of the graph with the same
 * inputs, its attributes renamed by the row's rules. Parameters that ONNX
 * passes as tensors become kwargs if they are constants; if not, the tensor
 * stays an input and its value is read when the model runs.
 */
#include <stdio.h>

#include "import.h"

#define LIST_MAX	64

/* Input number @i becomes the kwarg rule->to, if its value is known. */
static int apply_input(struct onnx_op *op, const struct rule *rule,
		       struct call *c, size_t i)
{
	int64_t v[LIST_MAX];
	double f = 0;
	int n;

	if (rule->kind == RULE_IN_FLOAT)
		n = op_const_float(op, i, &f);
	else
		n = op_const_ints(op, i, v, LIST_MAX);
	if (n == -ENOENT || n == -ENODATA)
		return 0;
	if (n < 0)
		return n;

	if (rule->kind == RULE_IN_FLOAT)
		call_float(c, rule->to, f);
	else if (rule->kind == RULE_IN_INTS)
		call_ints(c, rule->to, v, n);
	else if (n == 1)
		call_int(c, rule->to, v[0]);
	else
		return op_fail(op, -EINVAL, "input %zu must be one integer", i);
	c->in[i] = NULL;
	return 0;
}

static int apply_rule(struct onnx_op *op, const struct rule *rule,
		      struct call *c)
{
	int64_t v[LIST_MAX];
	int n;

	switch (rule->kind) {
	case RULE_INT:
		call_int(c, rule->to, op_int(op, rule->from, rule->i));
		return 0;
	case RULE_FLOAT:
		call_float(c, rule->to, op_float(op, rule->from, rule->f));
		return 0;
	case RULE_STR:
		call_str(c, rule->to, op_str(op, rule->from, rule->s));
		return 0;
	case RULE_OPT_INT:
		if (op_attr(op, rule->from))
			call_int(c, rule->to, op_int(op, rule->from, 0));
		return 0;
	case RULE_INTS:
		n = op_ints(op, rule->from, v, LIST_MAX);
		if (n >= 0)
			call_ints(c, rule->to, v, n);
		return n == -ENOENT || n >= 0 ? 0 : n;
	case RULE_IGNORE:
		op_attr(op, rule->from);
		return 0;
	default:
		return apply_input(op, rule, c, rule->i);
	}
}

int apply_rules(struct onnx_op *op, struct call *c)
{
	const struct rule *rule = op->row->rules;
	int ret = 0;

	for (; rule && rule->kind != RULE_END && !ret; rule++)
		ret = apply_rule(op, rule, c);
	return ret;
}

int import_direct(struct onnx_op *op)
{
	struct call c = op_call(op, op->row->name);
	int ret;

	for (size_t i = 0; i < op->n_in; i++)
		call_in(&c, op->in[i]);
	ret = apply_rules(op, &c);
	if (ret)
		return ret;

	return op_output(op, 0, op_build(&c));
}

int import_refused(struct onnx_op *op)
{
	return op_fail(op, -ENOTSUP, "%s", op->row->name);
}
