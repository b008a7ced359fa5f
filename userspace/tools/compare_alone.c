// SPDX-License-Identifier: MIT
/*
 * compare_alone.c - what the network's outputs lose by rounding one layer
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

/*
 * struct injection - a run of the float graph in which @layer alone is the
 * integer graph's: its value, @value, takes the float one's place
 */
struct injection {
	const struct layer *layer;
	const struct fxq_tensor *value;
	struct capture seen;
};

static int inject(struct fx_node *n, int out_index, struct fxq_tensor *value,
		  void *ctx)
{
	struct injection *in = ctx;
	struct fxq_tensor as = *in->value;
	float *to = value->data;

	if (out_index)
		return 0;
	as.scale = in->layer->node->out[0].scale;
	as.zero_point = in->layer->node->out[0].zero_point;
	for (int64_t i = 0; !strcmp(n->name, in->layer->twin) &&
			    i < fxq_tensor_count(value); i++)
		to[i] = (float)element(&as, i);
	return capture_add(&in->seen, n->name, n->name, value);
}

static int round_one(const struct model *m, struct build *b,
		     const struct options *o,
		     const struct fxq_tensor *sample,
		     const struct capture *flt,
		     const struct capture *alone, struct layer *l)
{
	const struct fxq_tensor *x = l->twin ? capture_find(flt, l->twin) : NULL;
	struct injection in = { .layer = l };
	struct fx_node **outputs;
	size_t n;
	int code;

	in.value = capture_find(alone, l->node->name);
	if (!x || !in.value || x->dtype != FXQ_DTYPE_F32 ||
	    fxq_tensor_count(x) != fxq_tensor_count(in.value) ||
	    (in.value->dtype != FXQ_DTYPE_F32 && l->node->out[0].scale == 0))
		return TOOL_OK;
	code = run_observed(b->graph, o, m->training, sample, inject, &in);
	outputs = graph_outputs(b->graph, &n);
	for (size_t i = 0; !code && outputs && i < n; i++) {
		const struct fxq_tensor *y = capture_find(flt, outputs[i]->name);
		const struct fxq_tensor *z = capture_find(&in.seen,
							  outputs[i]->name);
		struct deviation d = { 0 };
		double db;

		if (!y || !z || !deviation_add(&d, y, z, z))
			continue;
		db = deviation_db(&d);
		if (isnan(l->output_db) || db < l->output_db)
			l->output_db = db;
	}
	free(outputs);
	capture_free(&in.seen);
	return code;
}

int compare_alone(const struct model *m, struct build *b,
		  const struct options *o, const struct fxq_tensor *sample,
		  const struct capture *flt, const struct capture *alone,
		  struct comparison *c)
{
	int code = TOOL_OK;

	progress_begin("rounding one layer at a time", c->n);
	for (size_t i = 0; !code && i < c->n; i++) {
		code = round_one(m, b, o, sample, flt, alone,
				 &c->layers[i]);
		progress_at(i + 1);
	}
	progress_end();
	return code;
}
