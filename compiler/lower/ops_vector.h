/* SPDX-License-Identifier: MIT */
/*
 * ops_vector.h - what the operators of the vector engine share
 */
#ifndef FXQ_OPS_VECTOR_H
#define FXQ_OPS_VECTOR_H

#include <fxq/fxq_arith.h>

#include "lower.h"

static inline int8_t zero_point(const struct fx_node *n)
{
	return (int8_t)n->out[0].zero_point;
}

static inline int8_t bound(const struct fx_node *n, const char *name, int def)
{
	return (int8_t)fx_node_int(n, name, def);
}

static inline uint32_t bits(const struct fx_node *n, const char *name)
{
	return fxq_bits((float)fx_node_float(n, name, 0));
}

/* Do all sizes of @n fit a descriptor? Else why not. */
const char *check_any(struct fx_node *n);
/* The same, and input @i is constant. */
const char *check_table(struct fx_node *n, unsigned int i);
/* The dimension that @n is along; the last if it does not say. */
int node_dim(const struct fx_node *n);
/* Does the view walk its whole map? Then any order will do. */
bool is_whole_map(const struct view *v, const struct fx_node *n);
/* A result that lies as @like does, element for element. */
struct operand result_as(struct segment *s, const struct view *like);
void set_unary(struct op *op, const struct fx_node *n);
/* Table @at of the descriptor is the constant input @i. */
void set_table(struct op *op, const struct fx_node *n, unsigned int at,
	       unsigned int i);

#endif /* FXQ_OPS_VECTOR_H */
