// SPDX-License-Identifier: MIT
/*
 * softmax, log_softmax and hardmax along one dimension. Exponentials and their
 * sum, in the order of the elements, are doubles; a result is rounded once.
 *
 * That order leaves little of a row to be done at once, but each row is for
 * itself: LANES of them that begin evenly apart go side by side, in a buffer that
 * has their first elements, then their second ones, and so on. So the loops are
 * vector code for long rows as for many short ones. Other rows go one by one
 * through the same code.
 */
#include "clones.h"
#include "fmath.h"
#include "parallel.h"
#include "rows.h"

#define LANES	8

/*
 * Before a loop over lanes: unrolled, it would no longer be seen to be one
 * operation of vectors.
 */
#define ONE_VECTOR	_Pragma("GCC unroll 1")

struct job {
	const float *x;
	float *y;
	struct rows rows;
	double *buffer;			/* LANES rows for each thread */
	void (*side_by_side)(double *v, int64_t n);
	void (*alone)(double *v, int64_t n);
};

static int infer_along(struct fxq_call *call)
{
	uint32_t dim;
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (ret)
		return ret;
	ret = kern_dim(call, "dim", -1, call->in[0].rank, &dim);
	if (ret)
		return ret;

	return kern_same_out(call);
}

/* Of each lane; NaN if any is NaN: then so is every result. */
static FM_INLINE void largest(const double *v, int64_t n, int lanes,
			      double *max)
{
	for (int l = 0; l < lanes; l++)
		max[l] = v[l];
	for (int64_t i = 1; i < n; i++)
		ONE_VECTOR
		for (int l = 0; l < lanes; l++) {
			double x = v[i * lanes + l];
			double m = x > max[l] ? x : max[l];

			max[l] = x != x ? x : m;
		}
}

static FM_INLINE void softmax(double *v, int64_t n, int lanes)
{
	double max[LANES], sum[LANES] = { 0 };

	largest(v, n, lanes, max);
	for (int64_t i = 0; i < n; i++)
		ONE_VECTOR
		for (int l = 0; l < lanes; l++) {
			double e = fm_exp_negative(v[i * lanes + l] - max[l]);

			v[i * lanes + l] = e;
			sum[l] += e;
		}
	for (int64_t i = 0; i < n; i++)
		ONE_VECTOR
		for (int l = 0; l < lanes; l++)
			v[i * lanes + l] /= sum[l];
}

/* x - max - log Σ e^(x - max), the sum taken without keeping its terms. */
static FM_INLINE void log_softmax(double *v, int64_t n, int lanes)
{
	double max[LANES], sum[LANES] = { 0 }, log_sum[LANES];

	largest(v, n, lanes, max);
	for (int64_t i = 0; i < n; i++)
		ONE_VECTOR
		for (int l = 0; l < lanes; l++)
			sum[l] += fm_exp_negative(v[i * lanes + l] - max[l]);
	for (int l = 0; l < lanes; l++)
		log_sum[l] = fm_log(sum[l]);
	for (int64_t i = 0; i < n; i++)
		ONE_VECTOR
		for (int l = 0; l < lanes; l++)
			v[i * lanes + l] = v[i * lanes + l] - max[l] -
					   log_sum[l];
}

/* 1 at the first of the largest, 0 elsewhere */
static FM_INLINE void hardmax(double *v, int64_t n, int lanes)
{
	double max[LANES];
	bool found[LANES] = { false };

	largest(v, n, lanes, max);
	for (int64_t i = 0; i < n; i++)
		for (int l = 0; l < lanes; l++) {
			double x = v[i * lanes + l];
			bool is_it = !found[l] && (x == max[l] || x != x);

			found[l] |= is_it;
			v[i * lanes + l] = is_it;
		}
}

static FM_INLINE void load(double *v, const float *x, int64_t n,
			   int64_t apart, int64_t step)
{
	for (int64_t i = 0; i < n; i++, x += step, v += LANES)
		for (int l = 0; l < LANES; l++)
			v[l] = x[l * apart];
}

static FM_INLINE void store(float *y, const double *v, int64_t n,
			    int64_t apart, int64_t step)
{
	for (int64_t i = 0; i < n; i++, y += step, v += LANES)
		for (int l = 0; l < LANES; l++)
			y[l * apart] = (float)v[l];
}

/* Rows side by side, or one behind the other. */
FXQ_CLONES
static void load_lanes(double *v, const float *x, const struct rows *r)
{
	if (r->inner == 1)
		load(v, x, r->n, r->n, 1);
	else
		load(v, x, r->n, 1, r->inner);
}

FXQ_CLONES
static void store_lanes(float *y, const double *v, const struct rows *r)
{
	if (r->inner == 1)
		store(y, v, r->n, r->n, 1);
	else
		store(y, v, r->n, 1, r->inner);
}

static void one_row(const struct job *j, int64_t row, double *v)
{
	int64_t n = j->rows.n, step = j->rows.inner;
	int64_t at = row_start(&j->rows, row);

	for (int64_t i = 0; i < n; i++)
		v[i] = j->x[at + i * step];
	j->alone(v, n);
	for (int64_t i = 0; i < n; i++)
		j->y[at + i * step] = (float)v[i];
}

/* Are LANES rows from @row on evenly apart? */
static bool are_lanes(const struct rows *r, int64_t row)
{
	if (row + LANES > r->outer * r->inner)
		return false;
	return r->inner == 1 || row % r->inner + LANES <= r->inner;
}

static void rows_task(void *ctx, int64_t task, int thread)
{
	const struct job *j = ctx;
	int64_t row = task * LANES, end = j->rows.outer * j->rows.inner;
	double *v = j->buffer + thread * LANES * j->rows.n;

	if (are_lanes(&j->rows, row)) {
		int64_t at = row_start(&j->rows, row);

		load_lanes(v, j->x + at, &j->rows);
		j->side_by_side(v, j->rows.n);
		store_lanes(j->y + at, v, &j->rows);
		return;
	}
	for (int l = 0; l < LANES && row < end; l++)
		one_row(j, row++, v);
}

static int eval_along(struct fxq_call *call, fxq_call_fn infer, struct job *j)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t count, n_rows;
	uint32_t dim;
	int threads, ret;

	ret = kern_begin(call, infer);
	if (ret)
		return ret;
	ret = kern_dim(call, "dim", -1, x->rank, &dim);
	count = fxq_tensor_count(x);
	if (ret || !count)
		return ret;

	j->x = x->data;
	j->y = call->out[0].data;
	j->rows = rows_along(x, dim);
	n_rows = j->rows.outer * j->rows.inner;
	threads = parallel_threads(call->threads, count * 16.0);
	j->buffer = malloc(threads * LANES * j->rows.n * sizeof(*j->buffer));
	if (!j->buffer)
		return -ENOMEM;

	parallel_for(threads, (n_rows + LANES - 1) / LANES, rows_task, j);
	free(j->buffer);
	return 0;
}

#define ALONG(name)							\
FXQ_CLONES								\
static void name##_lanes(double *v, int64_t n)				\
{									\
	name(v, n, LANES);						\
}									\
									\
FXQ_CLONES								\
static void name##_row(double *v, int64_t n)				\
{									\
	name(v, n, 1);							\
}									\
									\
int infer_##name(struct fxq_call *call)					\
{									\
	return infer_along(call);					\
}									\
									\
int eval_##name(struct fxq_call *call)					\
{									\
	struct job job = { .side_by_side = name##_lanes,		\
			   .alone = name##_row };			\
									\
	return eval_along(call, infer_##name, &job);			\
}

ALONG(softmax)
ALONG(log_softmax)
ALONG(hardmax)
