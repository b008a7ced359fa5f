/* SPDX-License-Identifier: MIT */
/*
 * The names of a model's values, and telling what went wrong with one. An
 * initializer becomes a constant of the graph when it is first used, so what
 * nobody uses costs nothing.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "import.h"

static size_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325;

	while (*s)
		h = (h ^ (uint8_t)*s++) * 0x100000001b3;
	return h ^ h >> 32;
}

static struct value *find(const struct importer *imp, const char *name)
{
	size_t i = hash(name) & (imp->n_slots - 1);

	while (imp->values[i].name && strcmp(imp->values[i].name, name))
		i = (i + 1) & (imp->n_slots - 1);
	return &imp->values[i];
}

bool imp_defined(const struct importer *imp, const char *name)
{
	return find(imp, name)->name;
}

int imp_define(struct importer *imp, const char *name, struct fx_node *node,
	       const Onnx__TensorProto *initializer)
{
	struct value *v = find(imp, name);

	if (v->name)
		return imp_fail(imp, -EINVAL,
				"the value '%.80s' is made twice", name);
	*v = (struct value){ name, node, initializer };
	return 0;
}

struct fx_node *imp_value(struct importer *imp, const char *name)
{
	struct value *v = find(imp, name);
	char error[FXQ_ERROR_MAX];
	struct fxq_tensor t;
	int ret;

	if (!v->name || v->node)
		return v->node;

	ret = tensor_from_proto(v->initializer, imp->dir, &t, error,
				sizeof(error));
	if (ret) {
		imp_fail(imp, ret, "%s", error);
		return NULL;
	}
	v->node = fx_graph_constant(imp->g, name, &t);
	v->node->source = fx_graph_strdup(imp->g, name);
	fxq_tensor_free(&t);
	return v->node;
}

static int vfail(struct importer *imp, int err, const char *where,
		 const char *fmt, va_list ap)
{
	char text[2 * FXQ_ERROR_MAX];

	if (imp->err)
		return imp->err;
	vsnprintf(text, sizeof(text), fmt, ap);
	snprintf(imp->error, imp->error_size, "%s%s", where, text);
	imp->err = err;
	return err;
}

int imp_fail(struct importer *imp, int err, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = vfail(imp, err, "", fmt, ap);
	va_end(ap);
	return ret;
}

int op_fail(struct onnx_op *op, int err, const char *fmt, ...)
{
	char where[160];
	va_list ap;
	int ret;

	snprintf(where, sizeof(where), "node '%.80s' (%.48s): ", op->source,
		 op->p->op_type);
	va_start(ap, fmt);
	ret = vfail(op->imp, err, where, fmt, ap);
	va_end(ap);
	return ret;
}

bool op_uses_output(const struct onnx_op *op, size_t i)
{
	return i < op->p->n_output && op->p->output[i] && *op->p->output[i];
}

int op_output(struct onnx_op *op, size_t i, struct fx_node *node)
{
	if (!node)
		return op_fail(op, -EINVAL, "it cannot be built");
	if (!op_uses_output(op, i))
		return 0;
	return imp_define(op->imp, op->p->output[i], node, NULL);
}
