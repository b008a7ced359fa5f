/* SPDX-License-Identifier: MIT */
/*
 * convert.h - what the files of the conversion share
 *
 * convert.c walks the float graph; group.c decides which nodes become one
 * operator; convert_layer.c makes those with weights, convert_ops.c the others,
 * a table row each. convert_form.c keeps the passage between float and integer,
 * convert_scale.c the scales; convert_new.c makes the nodes.
 */
#ifndef FXQ_CONVERT_H
#define FXQ_CONVERT_H

#include "quant_priv.h"

/*
 * struct group - float nodes that become one integer operator, in order
 * @head: the operator
 * @prelu: its own or a leaky slope for negative sums; layers only
 * @add, @residual: another value added to the sum; layers only
 * @clamp: relu, relu6, clamp, hardtanh
 * @table: a function of the value so far, for a table; layers only
 * @last: the node whose value the operator's result is
 * @raw: its sums leave the device as they are, in 32 bits; layers only
 */
struct group {
	struct fx_node *head;
	struct fx_node *prelu;
	struct fx_node *add, *residual;
	struct fx_node *clamp;
	struct fx_node *table;
	struct fx_node *last;
	bool raw;
};

/*
 * struct value - what the conversion knows of a node of the float graph
 * @group: the group it belongs to, or NULL
 * @q, @f: its value in the new graph, integer and float; made on demand
 * @qp, @has_qp: scale and zero point it is to be quantized with
 * @weights: of a layer that became integer, on its head
 * @reason: why it stayed float
 * @plain, @rounded: its value in the graph of pairs, see qdq.c
 * @copy, @copied_for: a copy there, on the way to that node's value
 */
struct value {
	struct pointwise pointwise;
	struct group *group;
	struct fx_node *q, *f;
	struct qparams qp;
	bool has_qp;
	const struct layer_weights *weights;
	const char *reason;
	struct fx_node *plain, *rounded, *copy, *copied_for;
};

/* @given: the model brings scales; what has none of its own stays float */
struct convert {
	struct fx_graph *from, *to;
	bool given;
	const struct fx_calibration *cal;
	struct fx_qconfig qconfig;
};

static inline struct value *value_of(const struct fx_node *n)
{
	return n->data;
}

/* group.c */

/*
 * Groups the nodes of the graph, whose n->data are struct value. Of @qconfig
 * portable and int8_ends matter.
 */
void group_nodes(struct fx_graph *g, const struct fx_qconfig *qconfig);

/* convert_form.c */

/* The integer form of a float graph's node; NULL if it cannot have one. */
struct fx_node *as_integer(struct convert *cv, struct fx_node *n);
/* The same with these parameters, rescaled if need be. */
struct fx_node *as_integer_of(struct convert *cv, struct fx_node *n,
			      struct qparams qp);
struct fx_node *as_float(struct convert *cv, struct fx_node *n);
/* @n as the model has it, on float inputs. */
struct fx_node *as_it_is(struct convert *cv, struct fx_node *n);
/* @q, an integer form of @n, in parameters @qp. */
struct fx_node *as_rescaled(struct convert *cv, struct fx_node *n,
			    struct fx_node *q, struct qparams qp);
/* Does @n have, or will it get, an integer form without being quantized? */
bool is_integer(const struct convert *cv, const struct fx_node *n);

/* convert_scale.c */

int qparams_of(struct convert *cv, struct fx_node *n, struct qparams *ret);
int range_of(struct convert *cv, struct fx_node *n, struct range *ret);
/* Is it known, without data perhaps, how @n is to be quantized? */
bool has_scale(const struct convert *cv, const struct fx_node *n);
/* Gives what only feeds a concatenation the scale of that. */
int share_scales(struct convert *cv);

/* convert_new.c */

/* Parameters of a new operator, collected one by one. */
struct kwargs {
	struct fx_graph *g;
	struct fx_kwarg v[16];
	size_t n;
};

void put_int(struct kwargs *k, const char *name, int64_t v);
void put_float(struct kwargs *k, const char *name, float v);
void put_ints(struct kwargs *k, const char *name, const int64_t *v, size_t n);
void put_str(struct kwargs *k, const char *name, const char *v);
/* scale and zero_point of the result. */
void put_qparams(struct kwargs *k, struct qparams qp);
/* lo and hi: the clamp of node @clamp (NULL: none) in units of @qp. */
void put_clamp(struct kwargs *k, const struct fx_node *clamp,
	       struct qparams qp);

/* The integer operator @op in the new graph, standing for @n: its name. */
struct fx_node *new_op(struct convert *cv, struct fx_node *n, const char *op,
		       struct fx_node *const *in, size_t n_in,
		       const struct kwargs *k);
struct fx_node *new_const(struct convert *cv, const struct fx_node *n,
			  const char *what, uint32_t dtype, uint32_t rank,
			  const int64_t *dims, const void *data);
/* int8[256] of the function that leads from @root to @n; NULL if unknown. */
struct fx_node *new_table(struct convert *cv, struct fx_node *n,
			  struct fx_node *root, struct qparams from,
			  struct qparams to);

/* trim.c: cuts off what function @f of @root's values in @r is flat over. */
void trim_range(struct convert *cv, struct fx_node *root, struct fx_node *f,
		struct qparams out, struct range *r);

/* convert_layer.c */

/* A group whose head has weights; NULL and the reason. */
struct fx_node *convert_layer(struct convert *cv, const struct group *group,
			      const char **reason);

/* convert_resize.c: the tables of a resize; false and the reason. */
bool resize_tables(struct convert *cv, struct fx_node *n,
		   struct fx_node **ret_rows, struct fx_node **ret_columns,
		   const char **reason);

/* convert_ops.c: any other; NULL and the reason. */
struct fx_node *convert_op(struct convert *cv, const struct group *group,
			   const char **reason);
/* Operators whose result has the scale of their input. */
bool keeps_scale(const struct fx_node *n);

#endif /* FXQ_CONVERT_H */
