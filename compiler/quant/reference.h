/* SPDX-License-Identifier: MIT */
/*
 * reference.h - what the integer reference kernels share
 *
 * Parameters by name, and the type of a quantized result: every operator of
 * ops_quant.h carries its result's scale and zero_point as parameters, so
 * that its type follows from the call alone.
 */
#ifndef FXQ_REFERENCE_H
#define FXQ_REFERENCE_H

#include <stdbool.h>

#include <fxq/fx.h>
#include <fxq/fxq_arith.h>

#include "ops_quant.h"

#define X(name, path, repr, min_in, max_in, n_out, flags)	\
	int infer_##name(struct fxq_call *call);		\
	int eval_##name(struct fxq_call *call);
FX_OPS_QUANT(X)
#undef X

/* reference.c */

int64_t ref_int(const struct fxq_call *call, const char *name, int64_t def);
float ref_float(const struct fxq_call *call, const char *name, float def);
/* The @count ints called @name, or @def for each if it is absent. */
void ref_ints(const struct fxq_call *call, const char *name, int64_t *v,
	      int count, int64_t def);
const char *ref_str(const struct fxq_call *call, const char *name);
int ref_fail(struct fxq_call *call, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* out[0] becomes int8 of these dims, with scale and zero_point as called for. */
int ref_result(struct fxq_call *call, uint32_t rank, const int64_t *dims);
/* Refuses unless input @i is of @dtype and, if @rank >= 0, of that rank. */
int ref_want(struct fxq_call *call, uint32_t i, uint32_t dtype, int rank);
bool ref_has(const struct fxq_call *call, uint32_t i);
/* Refuses strides, dilations, kernels and padding that are no numbers of rows. */
int ref_check_window(struct fxq_call *call);
/*
 * How often a window of @taps fits, along side @i, into @size elements and their
 * padding; 0 if it does not.
 */
int64_t ref_windows(const struct fxq_call *call, int i, int64_t size,
		    int64_t taps);
/* Refuses unless what finishes sums is there for @channels of them. */
int ref_check_epilogue(struct fxq_call *call, int64_t channels);

/* The epilogue that every accumulator goes through. */
struct ref_epilogue {
	const int32_t *bias;
	const float *m, *n;
	const int8_t *res, *lut;
	float res_m;
	int zr, zy, lo, hi;
	bool raw;
	void *out;
};

/* From inputs 2.. (bias, m, n, res, lut) and parameters of the call. */
struct ref_epilogue ref_epilogue(const struct fxq_call *call);
/* Finishes output element @at of channel @c from its sum of products. */
void ref_finish(const struct ref_epilogue *e, int64_t at, int64_t c,
		uint32_t sum);

#endif /* FXQ_REFERENCE_H */
