// SPDX-License-Identifier: MIT
/*
 * attention.c - attention as layers and products
 *
 * MultiheadAttention is one module, with one weight for three projections. To be
 * observed and quantized it becomes what it does: a Linear for each projection, in
 * a ModuleDict where it stood, and between them the products and the softmax that
 * its forward records.
 */
#include "verbs.h"

static const struct fx_class *const class = &fx_class_MultiheadAttention;

/* The @i-th third of the rows of a parameter. */
static fxv third(struct fx_module *m, const char *name, int i)
{
	struct fxq_tensor t = *fx_data(fx_member(m, name));

	t.dims[0] /= 3;
	t.data = (char *)t.data + (size_t)i * fxq_tensor_bytes(&t);
	return fx_copy_of(&t);
}

static struct fx_module *projection(struct fx_module *m, int i)
{
	int64_t dim = module_int(m, "embed_dim");
	bool bias = fx_truth(module_option(m, "bias"));
	const fxv options[] = { fx_of_int(dim), fx_of_int(dim),
				fx_of_bool(bias) };
	struct fx_module *layer = module_make(&fx_class_Linear, options, true);

	layer->training = m->training;
	module_set_tensor(layer, "weight", third(m, "in_proj_weight", i));
	if (bias)
		module_set_tensor(layer, "bias", third(m, "in_proj_bias", i));
	return layer;
}

/* What the graph calls of @m now. */
static struct fx_module *parts_of(struct fx_module *m)
{
	struct fx_module *dict = fx_module_dict((struct fx_named_module[]){
		{ NULL } });

	dict->training = m->training;
	for (int i = 0; i < 3; i++)
		fx_add_module(dict, attention_projections[i], fx_module_get(
			fx_module_at(m, attention_projections[i])));
	fx_add_module(dict, "out_proj",
		      fx_module_get(fx_module_at(m, "out_proj")));
	return dict;
}

void unfold_attention(struct fx_module *gm)
{
	const struct fx_lowering lowering = { class->name, class->forward,
					      class->method->params };

	struct fx_node *n = fx_graph_first(gm->graph), *next;

	for (; n; n = next) {
		struct fx_module *m = n->module;
		const char *path = n->target;

		next = behind_results(n);
		if (n->opcode != FX_CALL_MODULE || !m || m->class != class)
			continue;
		for (int i = 0; i < 3; i++)
			if (!fx_module_at(m, attention_projections[i]))
				fx_add_module(m, attention_projections[i],
					      projection(m, i));
		if (lower_call(&lowering, n, gm)) {
			root_fail(gm, "%s", fx_graph_error(gm->graph));
			return;
		}
		if (!root_calls(gm, m))
			fx_module_replace(gm, path, parts_of(m));
	}
}
