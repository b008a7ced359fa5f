// SPDX-License-Identifier: MIT
/*
 * Reading the parameters of a call, and refusing what does not fit in one
 * sentence that names the input or parameter, what it is and what is wanted.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "kernel.h"

/* More results than any operator here has. */
#define MAX_OUT	4

/* Elements that an input may have: 2^44, so that products with it stay exact. */
#define SIZE_LIMIT	((int64_t)1 << 44)

int kern_refuse(struct fxq_call *call, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(call->error, sizeof(call->error), fmt, args);
	va_end(args);
	return err;
}

bool kern_has(const struct fxq_call *call, uint32_t i)
{
	return i < call->n_in && call->in[i].dtype != FXQ_DTYPE_NONE;
}

int64_t kern_int(const struct fxq_call *call, const char *name, int64_t def)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	if (a && a->type == FXQ_ATTR_INT)
		return a->i;
	if (a && a->type == FXQ_ATTR_INTS && a->count == 1)
		return a->ints[0];
	return def;
}

double kern_float(const struct fxq_call *call, const char *name, double def)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	if (a && a->type == FXQ_ATTR_FLOAT)
		return a->f;
	if (a && a->type == FXQ_ATTR_INT)
		return (double)a->i;
	return def;
}

const char *kern_str(const struct fxq_call *call, const char *name,
		     const char *def)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	return a && a->type == FXQ_ATTR_STRING ? a->s : def;
}

int kern_ints(struct fxq_call *call, const char *name, int64_t *v, uint32_t n,
	      int64_t def, int64_t min)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);
	const int64_t *from = &def;
	uint32_t count = 1;

	if (a && a->type == FXQ_ATTR_INT) {
		from = &a->i;
	} else if (a && a->type == FXQ_ATTR_INTS) {
		from = a->ints;
		count = a->count;
	} else if (a) {
		return kern_refuse(call, -EINVAL, "%s must be integers", name);
	}
	if (count != 1 && count != n)
		return kern_refuse(call, -EINVAL,
				   "%s has %u values where %u are needed",
				   name, count, n);

	for (uint32_t i = 0; i < n; i++) {
		v[i] = from[count == 1 ? 0 : i];
		if (v[i] < min || v[i] > INT32_MAX)
			return kern_refuse(call, -EINVAL,
					   "%s is %" PRId64
					   ", which must be from %" PRId64
					   " to 2147483647", name, v[i], min);
	}
	return 0;
}

int kern_dim(struct fxq_call *call, const char *name, int64_t def,
	     uint32_t rank, uint32_t *ret)
{
	int64_t dim = kern_int(call, name, def);

	if (dim < -(int64_t)rank || dim >= (int64_t)rank)
		return kern_refuse(call, -EINVAL,
				   "%s %" PRId64 " is outside an input of rank %u",
				   name, dim, rank);

	*ret = dim < 0 ? dim + rank : dim;
	return 0;
}

/*
 * Sizes multiply without overflow in any order, also where one of them is 0.
 */
static bool is_sane(const struct fxq_tensor *t)
{
	int64_t product = 1;

	if (t->rank > FXQ_MAX_RANK || t->dtype >= FXQ_DTYPE_COUNT)
		return false;
	for (uint32_t d = 0; d < t->rank; d++) {
		int64_t n = t->dims[d] ? t->dims[d] : 1;

		if (n < 0 || __builtin_mul_overflow(product, n, &product) ||
		    product > SIZE_LIMIT)
			return false;
	}
	return true;
}

int kern_need_any(struct fxq_call *call, uint32_t i)
{
	if (!kern_has(call, i))
		return kern_refuse(call, -EINVAL, "input %u is missing", i);
	if (!is_sane(&call->in[i]))
		return kern_refuse(call, -EINVAL,
				   "input %u has impossible dimensions", i);
	return 0;
}

int kern_need(struct fxq_call *call, uint32_t i, uint32_t dtype)
{
	int ret;

	ret = kern_need_any(call, i);
	if (ret)
		return ret;
	if (call->in[i].dtype != dtype)
		return kern_refuse(call, -EINVAL, "input %u is %s, not %s", i,
				   fxq_dtype_name(call->in[i].dtype),
				   fxq_dtype_name(dtype));
	return 0;
}

int kern_need_rank(struct fxq_call *call, uint32_t i, uint32_t rank)
{
	if (call->in[i].rank < rank)
		return kern_refuse(call, -EINVAL,
				   "input %u has rank %u, at least %u is needed",
				   i, call->in[i].rank, rank);
	return 0;
}

int kern_need_vector(struct fxq_call *call, uint32_t i, const char *what,
		     int64_t n)
{
	int64_t count;
	int ret;

	if (!kern_has(call, i))
		return 0;
	ret = kern_need(call, i, FXQ_DTYPE_F32);
	if (ret)
		return ret;

	count = fxq_tensor_count(&call->in[i]);
	if (count != n)
		return kern_refuse(call, -EINVAL,
				   "%s has %" PRId64 " elements where %" PRId64
				   " are needed", what, count, n);
	return 0;
}

int kern_set_out(struct fxq_call *call, uint32_t i, uint32_t dtype,
		 uint32_t rank, const int64_t *dims)
{
	struct fxq_tensor *t;

	if (i >= call->n_out)
		return kern_refuse(call, -EINVAL,
				   "the call has no room for result %u", i);
	if (rank > FXQ_MAX_RANK)
		return kern_refuse(call, -EINVAL,
				   "the result has rank %u, at most %d is possible",
				   rank, FXQ_MAX_RANK);

	t = &call->out[i];
	t->dtype = dtype;
	t->rank = rank;
	for (uint32_t d = 0; d < FXQ_MAX_RANK; d++)
		t->dims[d] = d < rank ? dims[d] : 0;
	if (fxq_tensor_bytes(t) > SIZE_MAX / 4)
		return kern_refuse(call, -EOVERFLOW,
				   "the result is larger than memory can be");
	return 0;
}

int kern_same_out(struct fxq_call *call)
{
	return kern_set_out(call, 0, call->in[0].dtype, call->in[0].rank,
			    call->in[0].dims);
}

int kern_most_outs(struct fxq_call *call, uint32_t most)
{
	if (call->n_out <= most)
		return 0;
	return kern_refuse(call, -EINVAL,
			   "%u results are asked for, there are %u",
			   call->n_out, most);
}

static bool same_type(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	return a->dtype == b->dtype && a->rank == b->rank &&
	       !memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims));
}

static bool lacks_data(const struct fxq_tensor *t)
{
	return t->dtype != FXQ_DTYPE_NONE && !t->data && fxq_tensor_count(t);
}

int kern_begin(struct fxq_call *call, fxq_call_fn infer)
{
	struct fxq_tensor out[MAX_OUT] = { 0 };
	struct fxq_call asked = *call;
	int ret;

	ret = kern_most_outs(call, MAX_OUT);
	if (ret)
		return ret;

	asked.out = out;
	ret = infer(&asked);
	if (ret) {
		memcpy(call->error, asked.error, sizeof(call->error));
		return ret;
	}

	for (uint32_t i = 0; i < call->n_in; i++)
		if (lacks_data(&call->in[i]))
			return kern_refuse(call, -EINVAL,
					   "input %u has no data", i);
	for (uint32_t i = 0; i < call->n_out; i++)
		if (!same_type(&out[i], &call->out[i]) ||
		    lacks_data(&call->out[i]))
			return kern_refuse(call, -EINVAL,
					   "result %u does not have the inferred type",
					   i);
	return 0;
}

const void *kern_data(const struct fxq_call *call, uint32_t i)
{
	return kern_has(call, i) ? call->in[i].data : NULL;
}

int64_t kern_product(const struct fxq_tensor *t, uint32_t from, uint32_t to)
{
	int64_t n = 1;

	for (uint32_t d = from; d < to; d++)
		n *= t->dims[d];
	return n;
}
