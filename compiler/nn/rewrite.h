/* SPDX-License-Identifier: MIT */
/*
 * rewrite.h - what the files that write operators down share
 *
 * functionalize.c walks a traced graph; what a node of it becomes is in
 * rewrite_module.c, rewrite_wrapped.c and rewrite_index.c, and rewrite.c has
 * what they are made of.
 */
#ifndef FXQ_NN_REWRITE_H
#define FXQ_NN_REWRITE_H

#include "nn_priv.h"

/*
 * struct several - what a node answers that has several results: a tuple of
 * nodes of the graph that is written, tuples, and None
 */
struct several {
	const struct fx_node *of;
	fxv value;
};

/*
 * struct rewrite
 * @from, @to: the graphs; a node of @from knows its successor in node->data
 * @told: the graph that is told of failures
 * @source: the layer whose nodes are being written
 * @inside: @from is what the forward of one module of @told's graph does
 */
struct rewrite {
	struct fx_graph *from, *to, *told;
	struct fx_module *model;
	const char *source;
	const struct fx_loc *loc;
	bool inside;
	struct several *several;
	size_t n_several;
};

/* functionalize.c: writes down what @n becomes */
int rewrite_node(struct rewrite *r, struct fx_node *n);

/* rewrite.c */

/* Records the failure, and returns -EINVAL. */
int rewrite_fail(struct rewrite *r, struct fx_node *n, const char *what);
/* @n, of the new graph, comes from the place that is being written. */
void rewrite_origin(struct rewrite *r, struct fx_node *n);
struct fx_node *rewrite_constant(struct rewrite *r, const char *name,
				 const struct fxq_tensor *t);
struct fx_node *rewrite_call(struct rewrite *r, const char *op,
			     struct fx_node *x, const struct fx_kwarg *kwargs,
			     size_t n_kwargs);
/* Result @i of @call, which has several. */
fxv rewrite_result(struct rewrite *r, struct fx_node *call, int i);
/* An argument of a traced node, tuples of tensors included. */
int rewrite_value(struct rewrite *r, struct fx_node *n, const struct fx_arg *a,
		  fxv *ret);
/* What @v is in the new graph: a node, a number, a list, a scale's tensor. */
fxv rewrite_successor(struct rewrite *r, fxv v);
/* What @n answers if it has several results; or NULL. */
const fxv *rewrite_several(const struct rewrite *r, const struct fx_node *n);
/* @n answers @v: a node of the new graph, None, or several. */
void rewrite_answer(struct rewrite *r, struct fx_node *n, fxv v);
/* The same of what ran with context.rewrite; a poison is recorded. */
int rewrite_finish(struct rewrite *r, struct fx_node *n, fxv v);
/* @n becomes @o, whose tensors are nodes of the old graph. */
int rewrite_as_operation(struct rewrite *r, struct fx_node *n,
			 const struct operation *o);

/* rewrite_module.c, rewrite_wrapped.c: calls of modules and of wrapped code */
int rewrite_module(struct rewrite *r, struct fx_node *n);
int rewrite_wrapped(struct rewrite *r, struct fx_node *n);
int rewrite_wrapped_module(struct rewrite *r, struct fx_node *n);

/* rewrite_index.c: getitem, split and chunk of tensors */
int rewrite_getitem(struct rewrite *r, struct fx_node *n);
int rewrite_split(struct rewrite *r, struct fx_node *n);
int rewrite_chunk(struct rewrite *r, struct fx_node *n);

#endif /* FXQ_NN_REWRITE_H */
