// SPDX-License-Identifier: MIT
/*
 * model.c - from a graph to the bytes of an ONNX file
 *
 * Each node's data is the name of its value while the model is made. Inputs
 * and outputs keep the names that they have for the user; where a value of the
 * graph happens to be called so, it gives way.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "export.h"

#define MODEL_MAX	((size_t)1 << 30)	/* what the importer takes, too */

int ex_fail(struct exporter *e, const struct fx_node *n, int err,
	    const char *fmt, ...)
{
	char why[FXQ_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return fx_graph_fail(e->g, err, "node '%s' (%s): %s",
			     n->source ? n->source : n->name, n->target, why);
}

/* Names */

const char *ex_name(const struct fx_node *n)
{
	return n ? n->data : NULL;
}

const char *ex_part(struct exporter *e, const struct fx_node *n,
		    const char *what)
{
	return ex_printf(e, "%s.%s", ex_name(n), what);
}

/* The results of the graph, and how many. */
static const struct fx_arg *results(const struct fx_graph *g, size_t *ret_n)
{
	const struct fx_node *out = fx_graph_output(g);
	const struct fx_arg *a = out && out->n_args ? out->args : NULL;

	if (!a || a->kind == FX_ARG_NODE) {
		*ret_n = out ? out->n_args : 0;
		return a;
	}
	*ret_n = a->count;
	return a->items;
}

/* The @i-th of the names, joined by commas, that an imported output has. */
static const char *result_name(struct exporter *e, size_t i, size_t n)
{
	const char *at = fx_graph_output(e->g)->source;
	size_t commas = 0;

	for (const char *s = at; s && *s; s++)
		commas += *s == ',';
	if (!at || commas + 1 != n)
		return n == 1 ? "output" : ex_printf(e, "output_%zu", i);
	for (; i; i--)
		at = strchr(at, ',') + 1;
	return ex_printf(e, "%.*s", (int)strcspn(at, ","), at);
}

static bool is_users_name(struct exporter *e, const char *name)
{
	size_t n;

	results(e->g, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(result_name(e, i, n), name))
			return true;
	fx_for_each_node(p, e->g)
		if (p->opcode == FX_PLACEHOLDER && !strcmp(p->target, name))
			return true;
	return false;
}

static void name_values(struct exporter *e)
{
	fx_for_each_node(n, e->g) {
		const char *name = n->name;

		while (n->opcode != FX_PLACEHOLDER && is_users_name(e, name))
			name = ex_printf(e, "%s.value", name);
		n->data = n->opcode == FX_PLACEHOLDER ? (void *)n->target :
							(void *)name;
	}
}

/* Operators */

const int64_t *ex_list(struct exporter *e, const struct fx_node *n,
		       const char *name, size_t *ret_count)
{
	size_t count = fx_node_ints(n, name, NULL, 0);
	int64_t *v = ex_alloc(e, (count + 1) * sizeof(*v));

	*ret_count = fx_node_ints(n, name, v, count);
	return v;
}

Onnx__NodeProto *ex_whole(struct exporter *e, const struct fx_node *n,
			  const char *op_type)
{
	Onnx__NodeProto *p = ex_node(e, n, op_type);

	for (size_t i = 0; i < n->n_args; i++)
		ex_in(e, p, ex_name(fx_node_in(n, i)));
	ex_trim(p);
	ex_out(e, p, ex_name(n));
	return p;
}

const char *ex_step(struct exporter *e, const struct fx_node *n,
		    const char *op_type, const char *a, const char *b,
		    const char *out)
{
	Onnx__NodeProto *p = ex_node(e, n, op_type);

	ex_in(e, p, a);
	if (b)
		ex_in(e, p, b);
	return ex_out(e, p, out);
}

/* Input @i as the tensor that a rule makes of a kwarg; NULL: it is absent. */
static const char *input_of_rule(struct exporter *e, const struct fx_node *n,
				 const struct rule *rule)
{
	const struct fx_arg *a = fx_node_kwarg(n, rule->to);
	const char *name = ex_part(e, n, rule->to);
	const int64_t *v;
	size_t count;

	if (!a)
		return NULL;
	if (rule->kind == RULE_IN_FLOAT)
		return ex_const_float(e, name, fx_node_float(n, rule->to, 0));
	v = ex_list(e, n, rule->to, &count);
	if (rule->kind == RULE_IN_INT && strcmp(n->target, "top_k"))
		return ex_const_int(e, name, v[0]);
	return ex_const_ints(e, name, v, count);
}

static void put_inputs(struct exporter *e, const struct fx_node *n,
		       const struct rule *rules, Onnx__NodeProto *p)
{
	const char *in[64] = { 0 };
	size_t count = n->n_args < 64 ? n->n_args : 64;

	for (size_t i = 0; i < count; i++)
		in[i] = ex_name(fx_node_in(n, i));
	for (const struct rule *r = rules; r && r->kind != RULE_END; r++) {
		if (r->kind != RULE_IN_INTS && r->kind != RULE_IN_INT &&
		    r->kind != RULE_IN_FLOAT)
			continue;
		if (!in[r->i])
			in[r->i] = input_of_rule(e, n, r);
		if (in[r->i] && (size_t)r->i >= count)
			count = (size_t)r->i + 1;
	}
	for (size_t i = 0; i < count; i++)
		ex_in(e, p, in[i]);
	ex_trim(p);
}

static void put_attribute(struct exporter *e, const struct fx_node *n,
			  const struct rule *r, Onnx__NodeProto *p)
{
	const int64_t *v;
	size_t count;

	if (!r->to || !fx_node_kwarg(n, r->to))
		return;
	switch (r->kind) {
	case RULE_INT:
	case RULE_OPT_INT:
		ex_int(e, p, r->from, fx_node_int(n, r->to, r->i));
		break;
	case RULE_FLOAT:
		ex_float(e, p, r->from, fx_node_float(n, r->to, r->f));
		break;
	case RULE_STR:
		ex_str(e, p, r->from, fx_node_str(n, r->to, r->s));
		break;
	case RULE_INTS:
		v = ex_list(e, n, r->to, &count);
		ex_ints(e, p, r->from, v, count);
		break;
	default:
		break;
	}
}

/* As the importer's table has it, backwards. */
static int export_direct(struct exporter *e, struct fx_node *n)
{
	const struct row *row = row_of_operator(n->target, EXPORT_OPSET);
	Onnx__NodeProto *p;

	if (!row)
		return ex_fail(e, n, -ENOTSUP,
			       "it cannot be written in opset %d of ONNX; leave it out of the network, or replace it",
			       EXPORT_OPSET);
	if (n->n_args > 64)
		return ex_fail(e, n, -E2BIG, "it has %zu inputs, at most 64 are written",
			       n->n_args);
	p = ex_node(e, n, row->op_type);
	put_inputs(e, n, row->rules, p);
	for (const struct rule *r = row->rules; r && r->kind != RULE_END; r++)
		put_attribute(e, n, r, p);
	if (n->n_out == 1)
		ex_out(e, p, ex_name(n));
	for (int i = 0; n->n_out > 1 && i < n->n_out; i++)
		ex_out(e, p, ex_printf(e, "%s.%d", ex_name(n), i));
	return 0;
}

/* One of several results is a name, not an operator. */
static int export_item(struct exporter *e, struct fx_node *n)
{
	const struct fx_node *of = fx_node_in(n, 0);

	n->data = of->n_out == 1 ? of->data :
		  (void *)ex_printf(e, "%s.%lld", ex_name(of),
				    (long long)fx_node_int(n, "index", 0));
	return 0;
}

static export_fn special_of(const char *name)
{
	static const struct ex_special *const all[] = {
		ex_layers, ex_shapes, ex_functions,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		for (const struct ex_special *s = all[i]; s->name; s++)
			if (!strcmp(s->name, name))
				return s->export;
	return NULL;
}

static int export_call(struct exporter *e, struct fx_node *n)
{
	export_fn special = special_of(n->target);

	if (n->wrapped || !n->op)
		return ex_fail(e, n, -ENOTSUP,
			       "a wrapped function has no form in ONNX; cut the network there");
	if (fx_node_is(n, "getitem"))
		return export_item(e, n);
	return special ? special(e, n) : export_direct(e, n);
}

static int export_node(struct exporter *e, struct fx_node *n)
{
	size_t *inputs = &e->graph->n_input;

	switch (n->opcode) {
	case FX_PLACEHOLDER:
		e->graph->input[(*inputs)++] =
			ex_value_info(e, ex_name(n), &n->out[0]);
		return 0;
	case FX_GET_ATTR:
		if (!fx_node_is_const(n))
			return ex_fail(e, n, -EINVAL, "it has no value");
		ex_const(e, ex_name(n), &n->out[0]);
		return 0;
	case FX_OUTPUT:
		return 0;
	default:
		return export_call(e, n);
	}
}

/* Each result under its own name, by an Identity: it may be used elsewhere. */
static int export_results(struct exporter *e)
{
	const struct fx_arg *items;
	size_t n;

	items = results(e->g, &n);
	e->graph->output = ex_alloc(e, (n + 1) * sizeof(*e->graph->output));
	for (size_t i = 0; i < n; i++) {
		const struct fx_node *of = items[i].node;
		const char *name = result_name(e, i, n);
		Onnx__NodeProto *p;

		if (items[i].kind != FX_ARG_NODE)
			return fx_graph_fail(e->g, -EINVAL,
					     "output %zu is not a tensor", i);
		p = ex_node(e, fx_graph_output(e->g), "Identity");
		p->name = (char *)ex_printf(e, "%s.result", name);
		ex_in(e, p, ex_name(of));
		ex_out(e, p, name);
		e->graph->output[i] = ex_value_info(e, name, &of->out[0]);
		e->graph->n_output++;
	}
	return 0;
}

static int pack(struct exporter *e, void **ret_data, size_t *ret_size)
{
	Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT;
	Onnx__OperatorSetIdProto *opsets[] = { &opset };
	Onnx__ModelProto m = ONNX__MODEL_PROTO__INIT;
	size_t size;
	void *data;

	opset.domain = (char *)"";
	opset.has_version = true;
	opset.version = EXPORT_OPSET;
	m.has_ir_version = true;
	m.ir_version = EXPORT_IR;
	m.producer_name = (char *)"fxq";
	m.n_opset_import = 1;
	m.opset_import = opsets;
	m.graph = e->graph;
	size = onnx__model_proto__get_packed_size(&m);
	if (size > MODEL_MAX)
		return fx_graph_fail(e->g, -EFBIG,
				     "the model would have %zu bytes, a file holds at most %zu",
				     size, MODEL_MAX);
	data = malloc(size + 1);
	if (!data)
		return fx_graph_fail(e->g, -ENOMEM, "no memory for %zu bytes",
				     size);
	onnx__model_proto__pack(&m, data);
	*ret_data = data;
	*ret_size = size;
	return 0;
}

int fx_export_onnx_memory(struct fx_graph *g, const char *name,
			  void **ret_data, size_t *ret_size)
{
	Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
	struct exporter e = { .g = g, .graph = &graph };
	size_t inputs = 0;
	int ret;

	ret = fx_graph_infer(g);
	if (ret)
		return ret;
	e.arena = fx_graph_new();
	graph.name = (char *)(name && *name ? name : "fxq");
	fx_for_each_node(count, g)
		inputs += count->opcode == FX_PLACEHOLDER;
	graph.input = ex_alloc(&e, (inputs + 1) * sizeof(*graph.input));
	name_values(&e);
	fx_for_each_node(n, g)
		if (!ret)
			ret = export_node(&e, n);
	if (!ret)
		ret = export_results(&e);
	if (!ret)
		ret = pack(&e, ret_data, ret_size);
	fx_graph_free(e.arena);
	return ret;
}
