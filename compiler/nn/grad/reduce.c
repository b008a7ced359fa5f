// SPDX-License-Identifier: MIT
/*
 * Reductions over some dimensions: each element's gradient follows from its
 * value, the result and the result's gradient. Several largest elements share
 * theirs.
 */
#include <math.h>

#include "broadcast.h"
#include "sum.h"

enum sharing {
	UNSHARED,		/* each element has the whole gradient */
	SHARED_BY_ALL,
	SHARED_BY_EQUALS,	/* by those that are the result */
};

/* X(name, sharing, gradient), with a for the element and b for the result */
#define REDUCTIONS(X)							\
	X(reduce_sum, UNSHARED, g)					\
	X(reduce_mean, SHARED_BY_ALL, g)				\
	X(reduce_max, SHARED_BY_EQUALS, a == b ? g : 0)			\
	X(reduce_min, SHARED_BY_EQUALS, a == b ? g : 0)			\
	X(reduce_l1, UNSHARED, a > 0 ? g : a < 0 ? -g : 0)		\
	X(reduce_l2, UNSHARED, b == 0 ? 0 : g * a / b)			\
	X(reduce_sum_square, UNSHARED, 2 * g * a)			\
	X(reduce_log_sum, UNSHARED, g * exp(-b))			\
	X(reduce_log_sum_exp, UNSHARED, g * exp(a - b))

#define X(name, sharing, expression)		\
	BROADCAST_ROW(name##_row, real, expression)
REDUCTIONS(X)
#undef X
BROADCAST_ROW(equal_row, real, a == b)

/* The result's shape with reduced dimensions kept as ones. */
static int kept_shape(struct grad *g, fxq_call_fn infer,
		      struct fxq_tensor *ret)
{
	struct fxq_attr attrs[GRAD_MAX];
	struct fxq_call call = g->call;
	int err;

	if (call.n_attrs >= GRAD_MAX)
		return kern_refuse(&g->call, -E2BIG, "%u parameters",
				   call.n_attrs);
	call.n_attrs = 0;
	for (uint32_t i = 0; i < g->call.n_attrs; i++)
		if (strcmp(g->call.attrs[i].name, "keepdim"))
			attrs[call.n_attrs++] = g->call.attrs[i];
	call.attrs = attrs;
	call.out = ret;
	err = infer(&call);
	ret->data = NULL;
	return err;
}

/* The gradient of each result, divided among those that share it. */
static int divide(const struct broadcast *b, enum sharing sharing,
		  const struct fxq_tensor *shape, struct fxq_tensor *ret)
{
	struct broadcast equals = { .dy = b->dy, .a = b->a, .b = b->b,
				    .threads = b->threads };
	int64_t n = fxq_tensor_count(shape);
	real *share;
	int err;

	*ret = *shape;
	ret->dtype = REAL_DTYPE;
	err = fxq_tensor_alloc(ret);
	if (err)
		return err;

	equals.dx = *ret;
	if (sharing == SHARED_BY_EQUALS)
		err = broadcast_back(&equals, equal_row);
	share = ret->data;
	for (int64_t i = 0; i < n; i++) {
		real by = sharing == SHARED_BY_EQUALS ? share[i] :
			  (real)(fxq_tensor_count(&b->a) / n);

		share[i] = ((const real *)b->dy.data)[i] / by;
	}
	return err;
}

static int back_reduction(struct grad *g, fxq_call_fn infer,
			  enum sharing sharing, arr_row_fn row)
{
	struct broadcast b = {
		.dy = g->dy[0], .a = g->in[0], .b = g->out[0], .dx = g->dx[0],
		.threads = g->call.threads,
	};
	struct fxq_tensor kept, share = { 0 };
	int ret;

	ret = kern_need(&g->call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kept_shape(g, infer, &kept);
	if (ret || !b.dx.data)
		return ret;

	b.dy.rank = b.b.rank = kept.rank;
	memcpy(b.dy.dims, kept.dims, sizeof(kept.dims));
	memcpy(b.b.dims, kept.dims, sizeof(kept.dims));
	if (sharing != UNSHARED) {
		ret = divide(&b, sharing, &kept, &share);
		b.dy = share;
	}
	if (!ret)
		ret = broadcast_back(&b, row);
	fxq_tensor_free(&share);
	return ret;
}

#define X(name, sharing, expression)					\
GRAD_KERNEL(name)							\
{									\
	return back_reduction(g, infer_##name, sharing, name##_row);	\
}
REDUCTIONS(X)
