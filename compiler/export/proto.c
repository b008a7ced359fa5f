// SPDX-License-Identifier: MIT
/*
 * proto.c - the messages of ONNX's schema, made one by one
 *
 * protobuf-c packs them; nothing is ever freed singly.
 */
#include <stdarg.h>
#include <stdio.h>

#include "export.h"

void *ex_alloc(struct exporter *e, size_t bytes)
{
	return fx_graph_alloc(e->arena, bytes);
}

const char *ex_printf(struct exporter *e, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fx_graph_strdup(e->arena, text);
}

static void *copy(struct exporter *e, const void *from, size_t bytes)
{
	return memcpy(ex_alloc(e, bytes + 1), from, bytes);
}

static char *text(struct exporter *e, const char *s)
{
	return copy(e, s, strlen(s));
}

/* Room for one more pointer behind the @n that @list has: twice as many. */
static void *grown(struct exporter *e, void *list, size_t n)
{
	void **more;

	if (n & (n - 1) || (!n && list))
		return list;
	more = ex_alloc(e, (n ? 2 * n : 1) * sizeof(*more));
	if (n)
		memcpy(more, list, n * sizeof(*more));
	return more;
}

#define APPEND(e, list, n, item)			\
	do {						\
		(list) = grown(e, list, n);		\
		(list)[(n)++] = (item);			\
	} while (0)

/* @name, or if a node is called so already with a number behind it. */
static const char *unique(struct exporter *e, const char *name)
{
	const Onnx__GraphProto *g = e->graph;
	const char *tried = name;

	for (size_t i = 0, n = 1; i < g->n_node; i++)
		if (!strcmp(g->node[i]->name, tried)) {
			tried = ex_printf(e, "%s.%zu", name, ++n);
			i = (size_t)-1;
		}
	return tried;
}

Onnx__NodeProto *ex_node(struct exporter *e, const struct fx_node *n,
			 const char *op_type)
{
	Onnx__NodeProto *p = ex_alloc(e, sizeof(*p));

	onnx__node_proto__init(p);
	p->op_type = text(e, op_type);
	p->name = text(e, unique(e, n->source ? n->source : n->name));
	APPEND(e, e->graph->node, e->graph->n_node, p);
	return p;
}

void ex_in(struct exporter *e, Onnx__NodeProto *p, const char *name)
{
	APPEND(e, p->input, p->n_input, text(e, name ? name : ""));
}

void ex_trim(Onnx__NodeProto *p)
{
	while (p->n_input && !*p->input[p->n_input - 1])
		p->n_input--;
}

const char *ex_out(struct exporter *e, Onnx__NodeProto *p, const char *name)
{
	APPEND(e, p->output, p->n_output, text(e, name));
	return name;
}

static Onnx__AttributeProto *attribute(struct exporter *e, Onnx__NodeProto *p,
				       const char *name, int type)
{
	Onnx__AttributeProto *a = ex_alloc(e, sizeof(*a));

	onnx__attribute_proto__init(a);
	a->name = text(e, name);
	a->has_type = true;
	a->type = type;
	APPEND(e, p->attribute, p->n_attribute, a);
	return a;
}

#define TYPE(name)	ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##name

void ex_int(struct exporter *e, Onnx__NodeProto *p, const char *name,
	    int64_t v)
{
	Onnx__AttributeProto *a = attribute(e, p, name, TYPE(INT));

	a->has_i = true;
	a->i = v;
}

void ex_float(struct exporter *e, Onnx__NodeProto *p, const char *name,
	      double v)
{
	Onnx__AttributeProto *a = attribute(e, p, name, TYPE(FLOAT));

	a->has_f = true;
	a->f = (float)v;
}

void ex_str(struct exporter *e, Onnx__NodeProto *p, const char *name,
	    const char *v)
{
	Onnx__AttributeProto *a = attribute(e, p, name, TYPE(STRING));

	a->has_s = true;
	a->s.len = strlen(v);
	a->s.data = copy(e, v, a->s.len);
}

void ex_ints(struct exporter *e, Onnx__NodeProto *p, const char *name,
	     const int64_t *v, size_t n)
{
	Onnx__AttributeProto *a = attribute(e, p, name, TYPE(INTS));

	a->n_ints = n;
	a->ints = copy(e, v, n * sizeof(*v));
}

static Onnx__TensorProto *tensor(struct exporter *e, const char *name,
				 const struct fxq_tensor *t)
{
	Onnx__TensorProto *p = ex_alloc(e, sizeof(*p));

	onnx__tensor_proto__init(p);
	p->name = text(e, name);
	p->n_dims = t->rank;
	p->dims = copy(e, t->dims, t->rank * sizeof(*t->dims));
	p->has_data_type = true;
	p->data_type = onnx_data_type(t->dtype);
	p->has_raw_data = true;
	p->raw_data.len = fxq_tensor_bytes(t);
	p->raw_data.data = t->data;
	return p;
}

void ex_tensor(struct exporter *e, Onnx__NodeProto *p, const char *name,
	       const struct fxq_tensor *t)
{
	attribute(e, p, name, TYPE(TENSOR))->t = tensor(e, name, t);
}

const char *ex_const(struct exporter *e, const char *name,
		     const struct fxq_tensor *t)
{
	APPEND(e, e->graph->initializer, e->graph->n_initializer,
	       tensor(e, name, t));
	return name;
}

const char *ex_const_ints(struct exporter *e, const char *name,
			  const int64_t *v, size_t n)
{
	int64_t count = (int64_t)n;
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I64, 1, &count);

	t.data = copy(e, v, n * sizeof(*v));
	return ex_const(e, name, &t);
}

const char *ex_const_int(struct exporter *e, const char *name, int64_t v)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I64, 0, NULL);

	t.data = copy(e, &v, sizeof(v));
	return ex_const(e, name, &t);
}

const char *ex_const_float(struct exporter *e, const char *name, double v)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 0, NULL);
	float f = (float)v;

	t.data = copy(e, &f, sizeof(f));
	return ex_const(e, name, &t);
}

static Onnx__TensorShapeProto *shape(struct exporter *e,
				     const struct fxq_tensor *t)
{
	Onnx__TensorShapeProto *s = ex_alloc(e, sizeof(*s));

	onnx__tensor_shape_proto__init(s);
	for (uint32_t i = 0; i < t->rank; i++) {
		Onnx__TensorShapeProto__Dimension *d = ex_alloc(e, sizeof(*d));

		onnx__tensor_shape_proto__dimension__init(d);
		d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
		d->dim_value = t->dims[i];
		APPEND(e, s->dim, s->n_dim, d);
	}
	return s;
}

Onnx__ValueInfoProto *ex_value_info(struct exporter *e, const char *name,
				    const struct fxq_tensor *t)
{
	Onnx__ValueInfoProto *v = ex_alloc(e, sizeof(*v));
	Onnx__TypeProto__Tensor *tensor_type = ex_alloc(e, sizeof(*tensor_type));

	onnx__value_info_proto__init(v);
	onnx__type_proto__tensor__init(tensor_type);
	tensor_type->has_elem_type = true;
	tensor_type->elem_type = onnx_data_type(t->dtype);
	tensor_type->shape = shape(e, t);
	v->name = text(e, name);
	v->type = ex_alloc(e, sizeof(*v->type));
	onnx__type_proto__init(v->type);
	v->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	v->type->tensor_type = tensor_type;
	return v;
}
