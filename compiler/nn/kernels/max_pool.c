// SPDX-License-Identifier: MIT
/*
 * max_pool1d, 2d, 3d and global_max_pool. Padding never wins; a NaN in the
 * window does. The optional second result says where in all of x the maximum
 * is, the first of equals.
 */
#include "clones.h"
#include "parallel.h"
#include "pool.h"

/* X(id, type, least): what can be pooled. */
#define POOLED(X)				\
	X(F32, float, -__builtin_inff())	\
	X(F64, double, -__builtin_inf())	\
	X(I8, int8_t, INT8_MIN)			\
	X(U8, uint8_t, 0)

#define X(id, type, least)						\
static inline bool wins_##type(type v, type best)			\
{									\
	return v > best || v != v;					\
}									\
									\
static void start_##type(void *to, int64_t n)				\
{									\
	for (int64_t i = 0; i < n; i++)					\
		((type *)to)[i] = least;				\
}									\
									\
FXQ_CLONES								\
static void tap_##type(void *to, const void *from, int64_t lo,		\
		       int64_t hi, int64_t step)			\
{									\
	const type *x = from;						\
	type *y = to;							\
									\
	if (step == 1)							\
		for (int64_t i = lo; i < hi; i++)			\
			y[i] = wins_##type(x[i - lo], y[i]) ?		\
			       x[i - lo] : y[i];			\
	else if (step == 2)						\
		for (int64_t i = lo; i < hi; i++)			\
			y[i] = wins_##type(x[2 * (i - lo)], y[i]) ?	\
			       x[2 * (i - lo)] : y[i];			\
	else								\
		for (int64_t i = lo; i < hi; i++, x += step)		\
			y[i] = wins_##type(*x, y[i]) ? *x : y[i];	\
}									\
									\
static bool is_better_##type(const void *plane, int64_t at, int64_t best) \
{									\
	const type *x = plane;						\
									\
	return best < 0 || (x[best] == x[best] &&			\
			    wins_##type(x[at], x[best]));		\
}
POOLED(X)
#undef X

struct kind {
	void (*start)(void *to, int64_t n);
	pool_tap_fn tap;
	bool (*is_better)(const void *plane, int64_t at, int64_t best);
};

static const struct kind kinds[FXQ_DTYPE_COUNT] = {
#define X(id, type, least)						\
	[FXQ_DTYPE_##id] = { start_##type, tap_##type, is_better_##type },
	POOLED(X)
#undef X
};

static int need_pooled(struct fxq_call *call)
{
	int ret = kern_need_any(call, 0);

	if (!ret && !kinds[call->in[0].dtype].tap)
		ret = kern_refuse(call, -EINVAL,
				  "input 0 is %s, which cannot be pooled",
				  fxq_dtype_name(call->in[0].dtype));
	return ret;
}

static int infer_max(struct fxq_call *call, uint32_t nd)
{
	struct pool p;
	int ret;

	ret = kern_most_outs(call, 2);
	if (!ret)
		ret = need_pooled(call);
	if (!ret)
		ret = pool_read(call, nd, &p);
	if (!ret)
		ret = pool_set_out(call, 0, call->in[0].dtype, &p);
	if (!ret && call->n_out > 1)
		ret = pool_set_out(call, 1, FXQ_DTYPE_I64, &p);
	return ret;
}

struct job {
	struct pool p;
	struct kind kind;
	size_t bytes;
	const struct pool_span *spans;
	const char *x;
	char *y;
	int64_t *index;			/* NULL: not wanted */
	bool columns_first;
};

/* Where in its plane the maximum of window (z, y, x) is; -1: nowhere. */
static int64_t find_max(const struct job *j, const void *plane,
			const int64_t o[3])
{
	const struct pool *p = &j->p;
	int64_t best = -1, first[3], end[3];

	for (int d = 0; d < 3; d++)
		pool_taps(p, d, o[d], &first[d], &end[d]);
	for (int64_t a = first[0]; a < end[0]; a++)
		for (int64_t b = first[1]; b < end[1]; b++)
			for (int64_t c = first[2]; c < end[2]; c++) {
				int64_t at = (pool_at(p, 0, o[0], a) *
					      p->in[1] +
					      pool_at(p, 1, o[1], b)) *
					     p->in[2] + pool_at(p, 2, o[2], c);

				if (j->kind.is_better(plane, at, best))
					best = at;
			}
	return best;
}

/* The same place, when the first spatial dimension is the one that runs. */
static int64_t column_major(const struct pool *p, int64_t at)
{
	int64_t x = at % p->in[2], y = at / p->in[2] % p->in[1];
	int64_t z = at / p->in[2] / p->in[1];

	return (x * p->in[1] + y) * p->in[0] + z;
}

static void index_plane(const struct job *j, int64_t plane, const void *x)
{
	const struct pool *p = &j->p;
	int64_t *to = j->index + plane * pool_out_size(p);
	int64_t o[3], at;

	for (o[0] = 0; o[0] < p->out[0]; o[0]++)
		for (o[1] = 0; o[1] < p->out[1]; o[1]++)
			for (o[2] = 0; o[2] < p->out[2]; o[2]++) {
				at = find_max(j, x, o);
				if (j->columns_first && at >= 0)
					at = column_major(p, at);
				*to++ = at < 0 ? at :
					plane * pool_in_size(p) + at;
			}
}

static void plane_task(void *ctx, int64_t plane, int thread)
{
	const struct job *j = ctx;
	const struct pool *p = &j->p;
	const char *x = j->x + plane * pool_in_size(p) * (int64_t)j->bytes;
	char *y = j->y + plane * pool_out_size(p) * (int64_t)j->bytes;

	(void)thread;
	for (int64_t r = 0; r < p->out[0] * p->out[1]; r++) {
		j->kind.start(y, p->out[2]);
		pool_row(p, j->spans, r / p->out[1], r % p->out[1], x,
			 j->bytes, j->kind.tap, y);
		y += p->out[2] * (int64_t)j->bytes;
	}
	if (j->index)
		index_plane(j, plane, x);
}

static int run_max(struct fxq_call *call, const struct pool *p)
{
	const struct fxq_tensor *x = &call->in[0];
	struct pool_span *spans = pool_spans(p);
	struct job job = {
		.p = *p, .kind = kinds[x->dtype], .x = x->data,
		.y = call->out[0].data, .bytes = fxq_dtype_bytes(x->dtype),
		.index = call->n_out > 1 ? call->out[1].data : NULL,
		.columns_first = kern_int(call, "storage_order", 0),
		.spans = spans,
	};
	double taps = (double)p->taps[0] * p->taps[1] * p->taps[2];

	if (!spans)
		return -ENOMEM;

	parallel_for(parallel_threads(call->threads, taps * p->planes *
				      pool_out_size(p) / 4),
		     p->planes, plane_task, &job);
	free(spans);
	return 0;
}

static int eval_max(struct fxq_call *call, uint32_t nd, fxq_call_fn infer)
{
	struct pool p;
	int ret;

	ret = kern_begin(call, infer);
	if (!ret)
		ret = pool_read(call, nd, &p);
	return ret ? ret : run_max(call, &p);
}

#define MAX_POOL(nd)							\
int infer_max_pool##nd##d(struct fxq_call *call)			\
{									\
	return infer_max(call, nd);					\
}									\
									\
int eval_max_pool##nd##d(struct fxq_call *call)				\
{									\
	return eval_max(call, nd, infer_max_pool##nd##d);		\
}

MAX_POOL(1)
MAX_POOL(2)
MAX_POOL(3)

int infer_global_max_pool(struct fxq_call *call)
{
	int64_t dims[FXQ_MAX_RANK];
	int ret;

	ret = need_pooled(call);
	if (!ret)
		ret = kern_need_rank(call, 0, 2);
	if (ret)
		return ret;

	for (uint32_t d = 0; d < call->in[0].rank; d++)
		dims[d] = d < 2 ? call->in[0].dims[d] : 1;
	return kern_set_out(call, 0, call->in[0].dtype, call->in[0].rank, dims);
}

/* One window that is one row: as many taps as the plane has elements. */
int eval_global_max_pool(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t n;
	int ret;

	ret = kern_begin(call, infer_global_max_pool);
	if (ret)
		return ret;

	n = kern_product(x, 2, x->rank);
	return run_max(call, &(struct pool){
		.planes = x->dims[0] * x->dims[1],
		.in = { 1, 1, n }, .out = { 1, 1, 1 }, .taps = { 1, 1, n },
		.stride = { 1, 1, 1 }, .dilation = { 1, 1, 1 },
	});
}
