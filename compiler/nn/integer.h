/* SPDX-License-Identifier: MIT */
/*
 * integer.h - what the handlers of integer forms share
 *
 * A handler makes the integer operation of a float one, whose result is to have
 * scale and zero point @to; or -EINVAL with the sentence.
 */
#ifndef FXQ_NN_INTEGER_H
#define FXQ_NN_INTEGER_H

#include <string.h>

#include "nn_priv.h"

typedef int (*integer_fn)(struct operation *o, const struct qresult *to,
			  char *error);

/* integer_image.c: windows, and what joins, pads and resizes images */
int write_max_pool(struct operation *o, const struct qresult *to, char *error);
int write_avg_pool(struct operation *o, const struct qresult *to, char *error);
int write_mean_pool(struct operation *o, const struct qresult *to, char *error);
int write_adaptive_pool(struct operation *o, const struct qresult *to,
			char *error);
int write_resize(struct operation *o, const struct qresult *to, char *error);
int write_concat(struct operation *o, const struct qresult *to, char *error);
int write_pad(struct operation *o, const struct qresult *to, char *error);

/* integer_value.c: functions of values, by table or along a dimension */
int write_relu(struct operation *o, const struct qresult *to, char *error);
int write_relu6(struct operation *o, const struct qresult *to, char *error);
int write_clamp(struct operation *o, const struct qresult *to, char *error);
int write_table(struct operation *o, const struct qresult *to, char *error);
int write_prelu(struct operation *o, const struct qresult *to, char *error);
int write_softmax(struct operation *o, const struct qresult *to, char *error);
int write_layer_norm(struct operation *o, const struct qresult *to, char *error);

/* Attributes and inputs of an operation */

static inline const struct fxq_attr *find_attr(const struct operation *o,
					       const char *name)
{
	for (size_t i = 0; i < o->n_attrs; i++)
		if (!strcmp(o->attrs[i].name, name))
			return &o->attrs[i];
	return NULL;
}

/* The attributes that the float operator had, and the integer one has not. */
static inline void drop_attrs(struct operation *o)
{
	o->n_attrs = 0;
}

static inline void put_result(struct operation *o, const struct qresult *to)
{
	put_operation_result(o, to->scale, to->zero_point, 0);
}

static inline void put_scale(struct operation *o, const struct qresult *to)
{
	put_operation_float(o, "scale", to->scale);
	put_operation_int(o, "zero_point", to->zero_point);
}

static inline void put_ints(struct operation *o, const char *name,
			    const int64_t *v, uint32_t n)
{
	o->attrs[o->n_attrs] = (struct fxq_attr){
		.name = name, .type = FXQ_ATTR_INTS, .count = n,
		.ints = memcpy(o->ints[o->n_attrs], v, n * sizeof(*v)) };
	o->n_attrs++;
}

static inline float scale_of(const struct operation *o)
{
	return value_type(o->in[0])->scale;
}

/* The shape of the first tensor, of @rank dimensions unless that is 0. */
static inline const struct fxq_tensor *shape_of(const struct operation *o,
						uint32_t rank, char *error)
{
	const struct fxq_tensor *x = value_shape(o->in[0]);

	if (x->dtype == FXQ_DTYPE_NONE)
		refuse(error, "its sizes are not known: give the type of the graph's inputs first");
	else if (rank && x->rank != rank)
		refuse(error, "it is for images, and has %u dimensions",
		       x->rank);
	else
		return x;
	return NULL;
}

/* A constant of @n floats beside the first tensor; NULL if out of memory. */
static inline float *put_floats(struct operation *o, int64_t n)
{
	o->in[1] = fx_zeros(n);
	o->n_in = 2;
	return fx_data(o->in[1]) ? o->in[1].tensor->t.data : NULL;
}

#endif /* FXQ_NN_INTEGER_H */
