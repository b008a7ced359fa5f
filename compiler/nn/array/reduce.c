// SPDX-License-Identifier: MIT
/*
 * Reductions over any set of dimensions. The input is walked once, in memory
 * order, and each element is added to the accumulator of its result: the
 * order of every sum is that of memory, on every machine, and the inner loop
 * either runs along one sum or over many results. Floats are accumulated in
 * double and rounded once.
 */
#include <math.h>
#include <stdlib.h>

#include "array.h"
#include "../kernels/fmath.h"

enum reducer {
	RED_SUM,
	RED_MEAN,
	RED_MAX,
	RED_MIN,
	RED_PROD,
	RED_L1,
	RED_L2,
	RED_SUM_SQUARE,
	RED_LOG_SUM,
	RED_LOG_SUM_EXP,
};

/* The dimensions to reduce, as a bit mask. */
static int read_mask(struct fxq_call *call, uint32_t *ret)
{
	uint32_t rank = call->in[0].rank, d;
	int64_t dims[FXQ_MAX_RANK];
	int n, err;

	*ret = 0;
	n = arr_ints(call, "dims", 1, dims, FXQ_MAX_RANK);
	if (n < 0 && n != -ENOENT)
		return n;
	if (n <= 0) {
		if (!arr_int(call, "noop_with_empty_axes", 0))
			*ret = (1u << rank) - 1;
		return 0;
	}
	for (int i = 0; i < n; i++) {
		err = arr_wrap_dim(call, dims[i], rank, &d);
		if (err)
			return err;
		*ret |= 1u << d;
	}
	return 0;
}

static int infer(struct fxq_call *call, enum reducer how)
{
	const struct fxq_tensor *t = &call->in[0];
	bool keep = arr_int(call, "keepdim", 1);
	int64_t dims[FXQ_MAX_RANK];
	uint32_t mask, rank = 0;
	int ret;

	ret = read_mask(call, &mask);
	if (ret)
		return ret;
	if (t->dtype == FXQ_DTYPE_BOOL && how != RED_MAX && how != RED_MIN)
		return arr_refuse(call, -EINVAL, "bool has no arithmetic");

	for (uint32_t d = 0; d < t->rank; d++) {
		if (!(mask & 1u << d))
			dims[rank++] = t->dims[d];
		else if (keep)
			dims[rank++] = 1;
	}
	return arr_set_out(call, 0, t->dtype, rank, dims);
}

/* A walk over the input: where each element's accumulator is. */
struct walk {
	uint32_t rank;
	int64_t dims[FXQ_MAX_RANK];
	int64_t step[FXQ_MAX_RANK];	/* of the accumulator; 0: reduced */
};

static void plan(struct walk *w, const struct fxq_tensor *t, uint32_t mask)
{
	int64_t kept[FXQ_MAX_RANK], step[FXQ_MAX_RANK];

	for (uint32_t d = 0; d < t->rank; d++)
		kept[d] = mask & 1u << d ? 1 : t->dims[d];
	arr_dense(t->rank, kept, step);

	memset(w, 0, sizeof(*w));
	for (uint32_t d = 0; d < t->rank; d++) {
		int64_t s = mask & 1u << d ? 0 : step[d];
		uint32_t last = w->rank - 1;

		if (t->dims[d] == 1)
			continue;
		if (w->rank && w->step[last] == s * t->dims[d]) {
			w->dims[last] *= t->dims[d];
			w->step[last] = s;
			continue;
		}
		w->dims[w->rank] = t->dims[d];
		w->step[w->rank++] = s;
	}
	if (!w->rank) {
		w->rank = 1;
		w->dims[0] = 1;
	}
}

#define ACCUMULATE(EXPR)						\
	do {								\
		for (int64_t k = 0; k < n; k++)	{			\
			acc = &to[k * step];				\
			v = x[k];					\
			EXPR;						\
		}							\
	} while (0)

/* @shift: for log-sum-exp, the maxima that the results are relative to */
static void add_floats(enum reducer how, double *to, int64_t step,
		       const double *x, const double *shift, int64_t n)
{
	double v, *acc;

	switch (how) {
	case RED_MAX:
		ACCUMULATE(if (v > *acc || v != v) *acc = v);
		break;
	case RED_MIN:
		ACCUMULATE(if (v < *acc || v != v) *acc = v);
		break;
	case RED_PROD:
		ACCUMULATE(*acc *= v);
		break;
	case RED_L1:
		ACCUMULATE(*acc += fabs(v));
		break;
	case RED_L2:
	case RED_SUM_SQUARE:
		ACCUMULATE(*acc += v * v);
		break;
	case RED_LOG_SUM_EXP:
		ACCUMULATE(*acc += fm_exp(v - shift[k * step]));
		break;
	default:
		ACCUMULATE(*acc += v);
	}
}

/* Integers wrap; the sign matters to comparisons alone. */
static void add_ints(enum reducer how, uint64_t *to, int64_t step,
		     const uint64_t *x, bool is_signed, int64_t n)
{
	uint64_t flip = is_signed ? (uint64_t)1 << 63 : 0, v, *acc;

	switch (how) {
	case RED_MAX:
		ACCUMULATE(if ((v ^ flip) > (*acc ^ flip)) *acc = v);
		break;
	case RED_MIN:
		ACCUMULATE(if ((v ^ flip) < (*acc ^ flip)) *acc = v);
		break;
	case RED_PROD:
		ACCUMULATE(*acc *= v);
		break;
	case RED_L1:
		ACCUMULATE(*acc += is_signed && v >> 63 ? 0 - v : v);
		break;
	case RED_SUM_SQUARE:
		ACCUMULATE(*acc += v * v);
		break;
	default:
		ACCUMULATE(*acc += v);
	}
}

union accumulator {
	double f;
	uint64_t u;
};

/* What an accumulator holds before the first element. */
static union accumulator initial(enum reducer how, enum arr_kind kind)
{
	union accumulator a = { .u = 0 };

	if (how == RED_PROD) {
		if (kind == ARR_FLOAT)
			a.f = 1;
		else
			a.u = 1;
	} else if (how == RED_MAX) {
		if (kind == ARR_FLOAT)
			a.f = -INFINITY;
		else
			a.u = kind == ARR_INT ? (uint64_t)INT64_MIN : 0;
	} else if (how == RED_MIN) {
		if (kind == ARR_FLOAT)
			a.f = INFINITY;
		else
			a.u = kind == ARR_INT ? INT64_MAX : UINT64_MAX;
	}
	return a;
}

static void run(const struct fxq_tensor *t, const struct walk *w,
		enum reducer how, union accumulator *acc,
		const union accumulator *shift)
{
	int64_t at[FXQ_MAX_RANK] = { 0 }, n = fxq_tensor_count(t);
	uint32_t inner = w->rank - 1;
	int64_t step = w->step[inner], row = w->dims[inner];
	union arr_block b;

	for (int64_t i = 0; i < n; i += row) {
		int64_t to = 0;

		for (uint32_t d = 0; d < inner; d++)
			to += at[d] * w->step[d];
		for (int64_t k = 0; k < row; k += ARR_BLOCK) {
			int64_t m = row - k < ARR_BLOCK ? row - k : ARR_BLOCK;
			enum arr_kind kind = arr_load(&b, t, i + k, m);
			int64_t here = to + k * step;

			if (kind == ARR_FLOAT)
				add_floats(how, &acc[here].f, step, b.f,
					   shift ? &shift[here].f : NULL, m);
			else
				add_ints(how, &acc[here].u, step, b.u,
					 kind == ARR_INT, m);
		}
		arr_next(at, w->dims, inner);
	}
}

static double finish_float(enum reducer how, double v, double shift, double n)
{
	switch (how) {
	case RED_MEAN:
		return v / n;
	case RED_L2:
		return sqrt(v);
	case RED_LOG_SUM:
		return fm_log(v);
	case RED_LOG_SUM_EXP:
		return fm_log(v) + shift;
	default:
		return v;
	}
}

static uint64_t finish_int(enum reducer how, enum arr_kind kind, uint64_t v,
			   int64_t n)
{
	double f = kind == ARR_INT ? (double)(int64_t)v : (double)v;
	union arr_block b;

	if (how == RED_MEAN && n)
		return kind == ARR_INT ? (uint64_t)((int64_t)v / n) :
					 v / (uint64_t)n;
	if (how != RED_L2 && how != RED_LOG_SUM && how != RED_LOG_SUM_EXP)
		return v;

	arr_put(&b.u[0], kind == ARR_INT ? FXQ_DTYPE_I64 : FXQ_DTYPE_U64,
		how == RED_L2 ? sqrt(f) : fm_log(f));
	return b.u[0];
}

static void write_results(struct fxq_call *call, enum reducer how,
			  const union accumulator *acc,
			  const union accumulator *shift, enum arr_kind kind)
{
	const struct fxq_tensor *out = &call->out[0];
	int64_t n = fxq_tensor_count(out);
	int64_t each = n ? fxq_tensor_count(&call->in[0]) / n : 0;
	union arr_block b;

	for (int64_t i = 0; i < n; i++) {
		if (kind == ARR_FLOAT)
			b.f[0] = finish_float(how, acc[i].f,
					      shift ? shift[i].f : 0, each);
		else
			b.u[0] = finish_int(how, kind, acc[i].u, each);
		arr_store(&b, kind, out, i, 1);
	}
}

static union accumulator *accumulators(int64_t n, enum reducer how,
				       enum arr_kind kind)
{
	union accumulator *acc = malloc((n + !n) * sizeof(*acc));

	for (int64_t i = 0; acc && i < n; i++)
		acc[i] = initial(how, kind);
	return acc;
}

static int eval(struct fxq_call *call, enum reducer how)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t n = fxq_tensor_count(&call->out[0]);
	union accumulator *acc, *shift = NULL;
	enum arr_kind kind;
	union arr_block b;
	struct walk w;
	uint32_t mask;
	int ret;

	ret = read_mask(call, &mask);
	if (ret)
		return ret;
	plan(&w, t, mask);
	kind = arr_load(&b, t, 0, 0);

	ret = -ENOMEM;
	acc = accumulators(n, how, kind);
	if (!acc)
		return ret;
	if (how == RED_LOG_SUM_EXP && kind == ARR_FLOAT) {
		shift = accumulators(n, RED_MAX, kind);
		if (!shift)
			goto out;
		run(t, &w, RED_MAX, shift, NULL);
		/* Nothing is relative to infinity. */
		for (int64_t i = 0; i < n; i++)
			if (isinf(shift[i].f))
				shift[i].f = 0;
	}
	run(t, &w, how, acc, shift);
	write_results(call, how, acc, shift, kind);
	ret = 0;
out:
	free(shift);
	free(acc);
	return ret;
}

#define REDUCTION(op, how)						\
int infer_##op(struct fxq_call *call)					\
{									\
	return infer(call, how);					\
}									\
									\
ARR_KERNEL(op)								\
{									\
	return eval(call, how);						\
}

REDUCTION(reduce_sum, RED_SUM)
REDUCTION(reduce_mean, RED_MEAN)
REDUCTION(reduce_max, RED_MAX)
REDUCTION(reduce_min, RED_MIN)
REDUCTION(reduce_prod, RED_PROD)
REDUCTION(reduce_l1, RED_L1)
REDUCTION(reduce_l2, RED_L2)
REDUCTION(reduce_sum_square, RED_SUM_SQUARE)
REDUCTION(reduce_log_sum, RED_LOG_SUM)
REDUCTION(reduce_log_sum_exp, RED_LOG_SUM_EXP)
