// SPDX-License-Identifier: MIT
/*
 * The names of a model's values, and telling what went wrong with one. An
 * initializer becomes a constant of the graph when it is first used, so what
 * nobody uses costs nothing.
 */
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "import.h"

/*
 * A balanced tree: whoever writes the names cannot make looking one up slow.
 */
static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct value *)a)->name,
		      ((const struct value *)b)->name);
}

static struct value *find(const struct importer *imp, const char *name)
{
	const struct value key = { .name = name };
	struct value **found = tfind(&key, &imp->values, by_name);

	return found ? *found : NULL;
}

bool imp_defined(const struct importer *imp, const char *name)
{
	return find(imp, name);
}

int imp_define(struct importer *imp, const char *name, struct fx_node *node,
	       const Onnx__TensorProto *initializer)
{
	struct value *v = malloc(sizeof(*v));
	struct value **place;

	if (!v)
		return imp_fail(imp, -ENOMEM, "no memory");
	*v = (struct value){ name, node, initializer };
	place = tsearch(v, &imp->values, by_name);
	if (place && *place == v)
		return 0;

	free(v);
	return place ? imp_fail(imp, -EINVAL,
				"the value '%.80s' is made twice", name) :
		       imp_fail(imp, -ENOMEM, "no memory");
}

void imp_forget_values(struct importer *imp)
{
	tdestroy(imp->values, free);
	imp->values = NULL;
}

struct fx_node *imp_value(struct importer *imp, const char *name)
{
	struct value *v = find(imp, name);
	char error[FXQ_ERROR_MAX];
	struct fxq_tensor t;
	int ret;

	if (!v || v->node)
		return v ? v->node : NULL;

	ret = tensor_from_proto(v->initializer, imp->dir, &t, error,
				sizeof(error));
	if (ret) {
		imp_fail(imp, ret, "%s", error);
		return NULL;
	}
	v->node = fx_graph_constant(imp->g, name, &t);
	fxq_tensor_free(&t);
	if (!v->node) {
		imp_fail(imp, -EINVAL, "%s", fx_graph_error(imp->g));
		return NULL;
	}
	v->node->source = fx_graph_strdup(imp->g, name);
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
