/* SPDX-License-Identifier: MIT */
/*
 * Attributes of a model's node. Which ones a row asks for is remembered, so
 * that an attribute nobody understands is refused rather than ignored.
 */
#include <stdio.h>

#include "import.h"

const Onnx__AttributeProto *op_attr(struct onnx_op *op, const char *name)
{
	for (size_t i = 0; i < op->p->n_attribute && i < 64; i++) {
		const Onnx__AttributeProto *a = op->p->attribute[i];

		if (a->name && !strcmp(a->name, name)) {
			op->read |= (uint64_t)1 << i;
			return a;
		}
	}
	return NULL;
}

int64_t op_int(struct onnx_op *op, const char *name, int64_t def)
{
	const Onnx__AttributeProto *a = op_attr(op, name);

	return a && a->has_i ? a->i : def;
}

double op_float(struct onnx_op *op, const char *name, double def)
{
	const Onnx__AttributeProto *a = op_attr(op, name);

	return a && a->has_f ? (double)a->f : def;
}

const char *op_str(struct onnx_op *op, const char *name, const char *def)
{
	const Onnx__AttributeProto *a = op_attr(op, name);
	char *s;

	if (!a || !a->has_s)
		return def;

	s = fx_graph_alloc(op->imp->g, a->s.len + 1);
	if (a->s.len)
		memcpy(s, a->s.data, a->s.len);
	return s;
}

int op_ints(struct onnx_op *op, const char *name, int64_t *v, size_t max)
{
	const Onnx__AttributeProto *a = op_attr(op, name);

	if (!a)
		return -ENOENT;
	if (a->n_ints > max)
		return op_fail(op, -EINVAL,
			       "attribute '%s' has %zu elements, at most %zu make sense",
			       name, a->n_ints, max);
	for (size_t i = 0; i < a->n_ints; i++)
		v[i] = a->ints[i];
	return a->n_ints;
}

int op_check_attrs(struct onnx_op *op)
{
	if (op->p->n_attribute > 64)
		return op_fail(op, -EINVAL, "it has %zu attributes",
			       op->p->n_attribute);
	for (size_t i = 0; i < op->p->n_attribute; i++)
		if (!(op->read >> i & 1))
			return op_fail(op, -ENOTSUP,
				       "attribute '%.64s' is not known for opset %lld",
				       op->p->attribute[i]->name ?
				       op->p->attribute[i]->name : "",
				       (long long)op->imp->opset);
	return 0;
}
