/* SPDX-License-Identifier: MIT */
/*
 * from_graph.h - what the files that make a model of a graph share
 */
#ifndef FXQ_FROM_GRAPH_H
#define FXQ_FROM_GRAPH_H

#include "verbs.h"

/*
 * struct making
 * @from: the graph, of whose nodes data is their successor
 * @model, @to: what is made
 */
struct making {
	struct fx_graph *from, *to;
	struct fx_module *model;
};

/* from_graph_same.c */

/* Has @o each parameter of @n, with its value, and no other of meaning? */
bool does_the_same(const struct fx_node *n, const struct operation *o);
/* A parameter as an option of this kind has it; of INT, what one side has. */
fxv option_of(const struct fx_option *option, const struct fx_arg *a);

/* from_graph_call.c */

/* What a person calls @n. */
const char *source_of(const struct fx_node *n);
/* "/1/a/Conv" as the name of a member: 1_a_Conv, or with a number behind it. */
const char *member_name(struct making *mk, const char *source);
/* The value of an input, if it is a constant; or NULL. */
const struct fxq_tensor *constant_in(const struct fx_node *n, size_t i);
/* A constant is read where it is used, as an attribute of the model. */
struct fx_node *read_constant(struct making *mk, struct fx_node *n);
/* The function that @n is, called; or NULL. */
struct fx_node *call_function(struct making *mk, struct fx_node *n);
/* A result of an operator that has several. */
struct fx_node *take_result(struct making *mk, const struct fx_node *n);
/* The operator itself; NULL, and the model has an error, if it is too large. */
struct fx_node *keep_operator(struct making *mk, struct fx_node *n);

#endif /* FXQ_FROM_GRAPH_H */
