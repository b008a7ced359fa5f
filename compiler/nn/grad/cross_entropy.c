// SPDX-License-Identifier: MIT
/*
 * cross_entropy: logits (N, C, …) and for each element the number of its
 * class. The loss of an element is -log softmax at its class; with label
 * smoothing e that counts 1 - e, and the average over all classes e. Elements
 * of class ignore_index count nowhere. All in double.
 */
#include <inttypes.h>

#include "../kernels/fmath.h"
#include "../kernels/rows.h"
#include "loss.h"

static uint32_t class_dim(const struct fxq_tensor *x)
{
	return x->rank > 1;
}

int infer_cross_entropy(struct fxq_call *call)
{
	double smoothing = kern_float(call, "label_smoothing", 0);
	const struct fxq_tensor *x = &call->in[0], *t = &call->in[1];
	int64_t dims[FXQ_MAX_RANK];
	uint32_t rank = 0, along;
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need_rank(call, 0, 1);
	if (!ret)
		ret = kern_need(call, 1, FXQ_DTYPE_I64);
	if (ret)
		return ret;

	along = class_dim(x);
	for (uint32_t d = 0; d < x->rank; d++)
		if (d != along)
			dims[rank++] = x->dims[d];
	if (t->rank != rank || memcmp(t->dims, dims, rank * sizeof(*dims)))
		return kern_refuse(call, -EINVAL,
				   "the classes do not have the logits' shape without dimension %u",
				   along);
	if (x->dims[along] < 1)
		return kern_refuse(call, -EINVAL, "there are no classes");
	if (!(smoothing >= 0 && smoothing <= 1))
		return kern_refuse(call, -EINVAL,
				   "label_smoothing is %g, not from 0 to 1",
				   smoothing);
	return loss_set_out(call, t);
}

struct loss {
	struct rows rows;
	const real *x;
	const int64_t *classes;
	int64_t ignored;
	double smoothing;
	enum reduction reduction;
	int64_t counted;		/* elements that are not ignored */
};

static int read_loss(struct fxq_call *call, struct loss *l)
{
	const struct fxq_tensor *x = &call->in[0];
	int ret;

	l->rows = rows_along(x, class_dim(x));
	l->x = x->data;
	l->classes = call->in[1].data;
	l->ignored = kern_int(call, "ignore_index", -100);
	l->smoothing = kern_float(call, "label_smoothing", 0);
	l->counted = 0;
	ret = loss_reduction(call, &l->reduction);
	if (ret)
		return ret;

	for (int64_t r = 0; r < l->rows.outer * l->rows.inner; r++) {
		int64_t class = l->classes[r];

		if (class == l->ignored)
			continue;
		if (class < 0 || class >= l->rows.n)
			return kern_refuse(call, -EINVAL,
					   "element %" PRId64 " is of class %"
					   PRId64 ", the logits have %" PRId64,
					   r, class, l->rows.n);
		l->counted++;
	}
	return 0;
}

/* log Σ exp of an element's logits, and their sum. */
static double log_sum(const struct loss *l, const real *x, double *ret_sum)
{
	double most = x[0], exps = 0;

	*ret_sum = 0;
	for (int64_t c = 0; c < l->rows.n; c++) {
		double v = x[c * l->rows.inner];

		most = v > most ? v : most;
		*ret_sum += v;
	}
	for (int64_t c = 0; c < l->rows.n; c++)
		exps += fm_exp(x[c * l->rows.inner] - most);
	return most + fm_log(exps);
}

static double element_loss(const struct loss *l, int64_t row)
{
	const real *x = l->x + row_start(&l->rows, row);
	double sum, log_exps = log_sum(l, x, &sum);
	double at = x[l->classes[row] * l->rows.inner];

	return log_exps - (1 - l->smoothing) * at -
	       l->smoothing * sum / (double)l->rows.n;
}

int eval_cross_entropy(struct fxq_call *call)
{
	struct loss l;
	double sum = 0;
	real *y;
	int ret;

	ret = kern_begin(call, infer_cross_entropy);
	if (!ret)
		ret = read_loss(call, &l);
	if (ret)
		return ret;

	y = call->out[0].data;
	for (int64_t r = 0; r < l.rows.outer * l.rows.inner; r++) {
		double loss = l.classes[r] == l.ignored ? 0 :
			      element_loss(&l, r);

		if (l.reduction == REDUCE_NONE)
			y[r] = (real)loss;
		sum += loss;
	}
	if (l.reduction == REDUCE_MEAN)
		sum /= (double)l.counted;
	if (l.reduction != REDUCE_NONE)
		y[0] = (real)sum;
	return 0;
}

/* softmax less what the labels say, times @factor */
static void element_gradient(const struct loss *l, int64_t row, double factor,
			     real *dx)
{
	int64_t at = row_start(&l->rows, row), inner = l->rows.inner;
	double sum, log_exps = log_sum(l, l->x + at, &sum);

	for (int64_t c = 0; c < l->rows.n; c++) {
		double label = l->smoothing / (double)l->rows.n +
			       (c == l->classes[row] ? 1 - l->smoothing : 0);
		double p = fm_exp(l->x[at + c * inner] - log_exps);

		dx[at + c * inner] = (real)(factor * (p - label));
	}
}

GRAD_KERNEL(cross_entropy)
{
	const real *dy = grad_dy(g, 0);
	real *dx = grad_dx_zeroed(g, 0);
	struct loss l;
	int ret;

	ret = read_loss(&g->call, &l);
	if (ret || !dx)
		return ret;

	for (int64_t r = 0; r < l.rows.outer * l.rows.inner; r++) {
		double factor = dy[l.reduction == REDUCE_NONE ? r : 0];

		if (l.reduction == REDUCE_MEAN)
			factor /= (double)l.counted;
		if (l.classes[r] != l.ignored)
			element_gradient(&l, r, factor, dx);
	}
	return 0;
}
