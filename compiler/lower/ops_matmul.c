// SPDX-License-Identifier: MIT
/*
 * ops_matmul.c - products of two activations
 */
#include <string.h>

#include "ops_conv.h"

const char *check_matmul(struct fx_node *n, const struct fxq_caps *caps)
{
	const struct fxq_tensor *a = &fx_node_in(n, 0)->out[0];
	const struct fxq_tensor *b = &fx_node_in(n, 1)->out[0];
	uint32_t rank = n->out[0].rank;
	const char *why = NULL;

	for (uint32_t i = 0; i < rank; i++)
		why = why ? why : too_large(n, "matrix size",
					    n->out[0].dims[i], 65535);
	why = why ? why : too_large(n, "matrix size",
				    a->dims[a->rank - 1], 65535);
	if (!why && (a->rank != rank || b->rank != rank))
		return "matrices of different rank are multiplied";
	for (uint32_t i = 0; !why && i + 2 < rank; i++)
		if (a->dims[i] != b->dims[i])
			why = "the batch dimensions of a product differ";
	return why;
}

/* b is held as rows of n, or, where it lies so already, of k. */
void lower_matmul(struct segment *s, struct fx_node *n)
{
	struct fx_node *a = fx_node_in(n, 0), *b = fx_node_in(n, 1);
	const struct fxq_tensor *tb = &b->out[0];
	int last = (int)tb->rank - 1;
	struct view v = value_of(s, b)->view;
	struct operand oa = operand_of(s, a, last), ob;
	struct fxq_body_matmul *m;
	bool trans = false;
	float *scale = fx_graph_alloc(s->g, sizeof(*scale));
	struct op *op;

	if (!view_operand(&v, tb->rank, tb->dims, last, &ob)) {
		int64_t dims[FXQ_MAX_RANK];
		unsigned int start[FXQ_MAX_RANK + 1];
		struct view w = v;

		/* Exchange the last two dimensions and look again. */
		memcpy(dims, tb->dims, sizeof(dims));
		trans = view_align(&w, tb->rank, dims, start) &&
			start[last + 1] - start[last] <= 1 &&
			start[last] - start[last - 1] <= 1;
		if (trans && start[last + 1] - start[last] == 1 &&
		    start[last] - start[last - 1] == 1) {
			struct factor f = w.f[start[last]];

			w.f[start[last]] = w.f[start[last - 1]];
			w.f[start[last - 1]] = f;
		}
		dims[last] = tb->dims[last - 1];
		dims[last - 1] = tb->dims[last];
		trans = trans && view_operand(&w, tb->rank, dims, last, &ob);
		if (!trans)
			ob = operand_of(s, b, last);
	}
	op = op_new(s, FXQ_OP_MATMUL);
	op->in[op->n_in++] = oa;
	op->in[op->n_in++] = ob;
	op->out = result_like(s, last, oa.h, oa.w);
	op->d.flags = trans ? FXQ_F_TRANS_B : 0;
	m = &op->d.matmul;
	m->batch = (uint16_t)oa.h;
	m->m = (uint16_t)oa.w;
	m->k = (uint16_t)oa.c;
	m->n = (uint16_t)op->out.c;
	m->za = (int8_t)a->out[0].zero_point;
	m->zb = (int8_t)tb->zero_point;
	m->zy = (int8_t)n->out[0].zero_point;
	m->lo = (int8_t)fx_node_int(n, "lo", -128);
	m->hi = (int8_t)fx_node_int(n, "hi", 127);
	*scale = (float)fx_node_float(n, "m", 0);
	op->table[0] = scale;
}
