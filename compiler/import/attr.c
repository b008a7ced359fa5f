// SPDX-License-Identifier: MIT
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

/* An attribute of another type is refused; the caller sees the default. */
static const Onnx__AttributeProto *typed(struct onnx_op *op, const char *name,
					 const char *what,
					 Onnx__AttributeProto__AttributeType type,
					 bool (*has)(const Onnx__AttributeProto *))
{
	const Onnx__AttributeProto *a = op_attr(op, name);

	if (!a || ((!a->has_type || a->type == type) && has(a)))
		return a;
	op_fail(op, -EINVAL, "attribute '%s' is not %s", name, what);
	return NULL;
}

static bool has_int(const Onnx__AttributeProto *a)
{
	return a->has_i;
}

static bool has_float(const Onnx__AttributeProto *a)
{
	return a->has_f;
}

static bool has_str(const Onnx__AttributeProto *a)
{
	return a->has_s;
}

/* A list may be empty. */
static bool has_any(const Onnx__AttributeProto *a)
{
	return true;
}

int64_t op_int(struct onnx_op *op, const char *name, int64_t def)
{
	const Onnx__AttributeProto *a;

	a = typed(op, name, "an integer",
		  ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT, has_int);
	return a ? a->i : def;
}

double op_float(struct onnx_op *op, const char *name, double def)
{
	const Onnx__AttributeProto *a;

	a = typed(op, name, "a number",
		  ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT, has_float);
	return a ? (double)a->f : def;
}

const char *op_str(struct onnx_op *op, const char *name, const char *def)
{
	const Onnx__AttributeProto *a;
	char *s;

	a = typed(op, name, "text",
		  ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING, has_str);
	if (!a)
		return def;

	s = fx_graph_alloc(op->imp->g, a->s.len + 1);
	if (a->s.len)
		memcpy(s, a->s.data, a->s.len);
	return s;
}

int op_ints(struct onnx_op *op, const char *name, int64_t *v, size_t max)
{
	const Onnx__AttributeProto *a;

	a = typed(op, name, "a list of integers",
		  ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS, has_any);
	if (!a)
		return op->imp->err ? op->imp->err : -ENOENT;
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
