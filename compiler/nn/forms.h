/* SPDX-License-Identifier: MIT */
/*
 * forms.h - the numbers of integer operators
 *
 * Tables and factors that follow from scales, said once for the two who write
 * integer operators: the conversion of a calibrated graph, and quantized tensors
 * of models in C.
 */
#ifndef FXQ_NN_FORMS_H
#define FXQ_NN_FORMS_H

#include <fxq/fx.h>

#include "kernels/resize_coords.h"

/* What the integers -128 to 127 stand for; and numbers as such integers. */
void form_values(float scale, int zero_point, double x[256]);
void form_round(const double y[256], float scale, int zero_point,
		int8_t table[256]);
/*
 * y = f(x) for 256 numbers, f being the operator of one input @op with these
 * attributes, by the kernel that computes it in double.
 */
int form_function(const struct fx_op *op, const struct fxq_attr *attrs,
		  uint32_t n_attrs, const double x[256], double y[256]);

/*
 * Is @w an integer from -128 to 127 times @scale? As float32's product it is off
 * by 128 * 2^-23 of a step at most.
 */
bool form_is_int8(float w, float scale);

/* Bound @c of a clamp as an integer; @absent if it is NaN. */
int form_bound(double c, float scale, int zero_point, int absent);

/* 1 / (n * scale) in units of @to, for each n from 1 to @count. */
void form_averages(float from, float to, int64_t count, float *table);
/* e^-d for each distance d from the greatest, in parts of 2^18. */
void form_softmax(float scale, uint32_t table[256]);
#define FORM_LONGEST	4096	/* elements of a softmax or layer norm */
/* Of two activations, |a - z| * |b - z| <= 255 * 255, in 32 bits. */
#define FORM_PRODUCTS	(INT32_MAX / (255 * 255))
/* @g, @h: NULL: 1 and 0; @gh: {g, h} of each of @n, in units of @to */
void form_layer_norm(const float *g, const float *h, int64_t n, float to,
		     float *gh);
float form_layer_norm_eps(float eps, int64_t n, float from);
/* {index, fraction} of each output along an axis; or why there are none. */
const char *form_resize(const struct resize_axis *a, uint16_t *table);

#endif /* FXQ_NN_FORMS_H */
