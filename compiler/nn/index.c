// SPDX-License-Identifier: MIT
/*
 * index.c - v[i]: items of tuples and dicts, and parts of tensors
 *
 * Python's index is an integer, a slice, None, an ellipsis, or a tuple of them.
 * On a tensor it comes down to an offset with a size and a stride for each
 * dimension of the result; reading copies what these select, and assigning
 * writes there. Where operations are remembered, it is read by operators, for a
 * gradient to go back through them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "nn_priv.h"

#define INDEX_ERROR	"builtins.IndexError"
#define KEY_ERROR	"builtins.KeyError"

/*
 * struct parts - a selection as parameters of operators
 * @starts, @ends, @steps, @axes: of a slice
 * @gone: dimensions that integers took
 * @added: those of the result that are new
 */
struct parts {
	int64_t starts[FXQ_MAX_RANK], ends[FXQ_MAX_RANK], steps[FXQ_MAX_RANK];
	int64_t axes[FXQ_MAX_RANK], gone[FXQ_MAX_RANK], added[FXQ_MAX_RANK];
	uint32_t n_axes, n_gone, n_added;
};

/*
 * struct selection - what an index selects of a tensor, counted in elements
 * @dim: of the tensor, the next that an index is for
 */
struct selection {
	const struct fx_loc *at;
	const struct fxq_tensor *of;
	uint32_t dim, rank;
	int64_t offset;
	int64_t dims[FXQ_MAX_RANK], strides[FXQ_MAX_RANK];
	struct parts parts;
	fxv error;			/* why it selects nothing */
};

static int64_t stride_of(const struct fxq_tensor *t, uint32_t dim)
{
	int64_t stride = 1;

	for (uint32_t d = dim + 1; d < t->rank; d++)
		stride *= t->dims[d];
	return stride;
}

static bool add_dim(struct selection *s, int64_t dim, int64_t stride)
{
	if (s->rank == FXQ_MAX_RANK) {
		s->error = raise_error(s->at, INDEX_ERROR, "the result has more than %d dimensions",
				       FXQ_MAX_RANK);
		return false;
	}
	s->dims[s->rank] = dim;
	s->strides[s->rank++] = stride;
	return true;
}

static bool new_dim(struct selection *s)
{
	if (s->rank < FXQ_MAX_RANK)
		s->parts.added[s->parts.n_added++] = s->rank;
	return add_dim(s, 1, 0);
}

static void add_slice(struct selection *s, int64_t start, int64_t end,
		      int64_t step)
{
	struct parts *p = &s->parts;

	p->starts[p->n_axes] = start;
	p->ends[p->n_axes] = end;
	p->steps[p->n_axes] = step;
	p->axes[p->n_axes++] = s->dim;
}

static bool keep_dim(struct selection *s)
{
	uint32_t d = s->dim++;

	return add_dim(s, s->of->dims[d], stride_of(s->of, d));
}

/* A negative index counts from the end. */
static bool wrap_index(int64_t *i, int64_t size)
{
	if (*i < 0)
		*i += size;
	return *i >= 0 && *i < size;
}

static bool select_one(struct selection *s, int64_t i)
{
	int64_t size = s->of->dims[s->dim], wrapped = i;

	if (!wrap_index(&wrapped, size)) {
		s->error = raise_error(s->at, INDEX_ERROR, "index %" PRId64 " is out of bounds for dimension %u with size %" PRId64,
				       i, s->dim, size);
		return false;
	}
	add_slice(s, wrapped, wrapped + 1, 1);
	s->parts.gone[s->parts.n_gone++] = s->dim;
	s->offset += wrapped * stride_of(s->of, s->dim++);
	return true;
}

/* An end of a slice, as Python bounds it. */
static int64_t slice_end(fxv v, int64_t size, int64_t absent)
{
	int64_t i;

	if (fx_is_none(v))
		return absent;
	i = fx_int(v);
	if (i < 0)
		i += size;
	return i < 0 ? 0 : i > size ? size : i;
}

struct range {
	int64_t start, count, step;
};

/* None, or an error. */
static fxv slice_range(const struct fx_loc *at, fxv slice, int64_t size,
		       struct range *ret)
{
	const fxv *ends = slice.tuple->items;
	int64_t stop;

	ret->start = slice_end(ends[0], size, 0);
	stop = slice_end(ends[1], size, size);
	ret->step = fx_is_none(ends[2]) ? 1 : fx_int(ends[2]);
	if (ret->step < 1)
		return raise_error(at, VALUE_ERROR, "slice step must be positive");
	ret->count = stop <= ret->start ? 0 :
		     (stop - ret->start - 1) / ret->step + 1;
	/* What is stepped over is then within the value, however long. */
	if (ret->count < 2)
		ret->step = 1;
	return fx_none;
}

static bool select_slice(struct selection *s, fxv slice)
{
	int64_t stride = stride_of(s->of, s->dim);
	struct range r;

	s->error = slice_range(s->at, slice, s->of->dims[s->dim], &r);
	if (fx_error(s->error))
		return false;
	add_slice(s, r.start, r.start + r.count * r.step, r.step);
	s->dim++;
	s->offset += r.start * stride;
	return add_dim(s, r.count, r.step * stride);
}

static bool takes_dim(fxv index)
{
	return index.kind != FX_VALUE_NONE && index.kind != FX_VALUE_NAME;
}

/* One part of the index; @after more of them take a dimension each. */
static bool select_part(struct selection *s, fxv part, uint32_t after)
{
	if (part.kind == FX_VALUE_NONE)
		return new_dim(s);
	if (part.kind == FX_VALUE_NAME) {
		while (s->dim + after < s->of->rank)
			if (!keep_dim(s))
				return false;
		return true;
	}
	if (s->dim == s->of->rank) {
		s->error = raise_error(s->at, INDEX_ERROR, "too many indices for tensor of dimension %u",
				       s->of->rank);
		return false;
	}
	if (part.kind == FX_VALUE_SLICE)
		return select_slice(s, part);
	if (part.kind == FX_VALUE_INT)
		return select_one(s, part.i);
	s->error = raise_error(s->at, TYPE_ERROR, "an index is an integer, a slice, None, an ellipsis, or a tuple of them");
	return false;
}

static bool select_parts(struct selection *s, fxv index)
{
	bool many = index.kind == FX_VALUE_TUPLE;
	size_t n = many ? fx_tuple_count(index) : 1;
	uint32_t after = 0;

	for (size_t i = 0; i < n; i++)
		after += takes_dim(many ? fx_tuple_item(index, i) : index);
	for (size_t i = 0; i < n; i++) {
		fxv part = many ? fx_tuple_item(index, i) : index;

		after -= takes_dim(part);
		if (!select_part(s, part, after))
			return false;
	}
	while (s->dim < s->of->rank)
		if (!keep_dim(s))
			return false;
	return true;
}

/* Where element @i of the result is in the tensor. */
static int64_t element_at(const struct selection *s, int64_t i)
{
	int64_t at = s->offset;

	for (uint32_t d = s->rank; d-- > 0; i /= s->dims[d])
		at += i % s->dims[d] * s->strides[d];
	return at;
}

static fxv read_selection(const struct selection *s)
{
	struct fxq_tensor t = fxq_tensor_type(s->of->dtype, s->rank, s->dims);
	size_t bytes = fxq_dtype_bytes(t.dtype);
	int ret = fxq_tensor_alloc(&t);

	if (ret)
		return fx_poison(s->at, ret, "no memory for a tensor: %s",
				 strerror(-ret));
	t.scale = s->of->scale;
	t.zero_point = s->of->zero_point;
	for (int64_t i = 0; i < fxq_tensor_count(&t); i++)
		memcpy((char *)t.data + i * bytes,
		       (char *)s->of->data + element_at(s, i) * bytes, bytes);
	return tensor_value(&t);
}

static struct fxq_attr ints_attr(const char *name, const int64_t *v, uint32_t n)
{
	return (struct fxq_attr){ .name = name, .type = FXQ_ATTR_INTS,
				  .count = n, .ints = v };
}

/* @op of @v, if there are dimensions for it. */
static fxv change_dims(const struct selection *s, const char *op, fxv v,
		       const int64_t *dims, uint32_t n)
{
	const struct operation o = {
		.op = op, .n_in = 1, .in = { v }, .n_attrs = 1,
		.attrs = { ints_attr("dims", dims, n) },
	};

	return n && !fx_error(v) ? operation_run(s->at, &o) : v;
}

static fxv remember_selection(const struct selection *s, fxv v)
{
	const struct parts *p = &s->parts;
	const struct operation slice = {
		.op = "slice", .n_in = 1, .in = { v }, .n_attrs = 4,
		.attrs = { ints_attr("starts", p->starts, p->n_axes),
			   ints_attr("ends", p->ends, p->n_axes),
			   ints_attr("axes", p->axes, p->n_axes),
			   ints_attr("steps", p->steps, p->n_axes) },
	};

	if (p->n_axes)
		v = operation_run(s->at, &slice);
	v = change_dims(s, "squeeze", v, p->gone, p->n_gone);
	return change_dims(s, "unsqueeze", v, p->added, p->n_added);
}

static fxv tensor_part(const struct fx_loc *at, fxv v, fxv index)
{
	struct selection s = { .at = at, .of = &v.tensor->t };

	if (!select_parts(&s, index))
		return s.error;
	return context.recorder ? remember_selection(&s, v) :
				  read_selection(&s);
}

static fxv dict_item(const struct fx_loc *at, fxv dict, fxv key)
{
	const fxv *items = dict.tuple->items;

	if (key.kind != FX_VALUE_STR)
		return raise_error(at, KEY_ERROR, "the key of a dict is a string");
	for (size_t i = 0; i + 1 < dict.tuple->n; i += 2)
		if (items[i].kind == FX_VALUE_STR && !strcmp(items[i].s, key.s))
			return value_share(items[i + 1]);
	return raise_error(at, KEY_ERROR, "'%s'", key.s);
}

static fxv tuple_slice(const struct fx_loc *at, fxv v, fxv slice)
{
	fxv items[MAX_ARGS + 1];
	struct range r;

	fxv error = slice_range(at, slice, v.tuple->n, &r);

	if (fx_error(error))
		return error;
	if (r.count > MAX_ARGS)
		return raise_error(at, VALUE_ERROR, "a slice of more than %d items",
				   MAX_ARGS);
	for (int64_t i = 0; i < r.count; i++)
		items[i] = value_share(v.tuple->items[r.start + i * r.step]);
	items[r.count] = (fxv)FX_END;
	return fx_tuple_of(v.kind, items);
}

static fxv tuple_item(const struct fx_loc *at, fxv v, fxv index)
{
	int64_t i = index.i;

	if (index.kind == FX_VALUE_SLICE)
		return tuple_slice(at, v, index);
	if (index.kind != FX_VALUE_INT)
		return raise_error(at, TYPE_ERROR, "tuple indices must be integers or slices");
	if (!wrap_index(&i, v.tuple->n))
		return raise_error(at, INDEX_ERROR, "tuple index %" PRId64 " out of range: there are %zu items",
				   index.i, v.tuple->n);
	return value_share(v.tuple->items[i]);
}

fxv value_item(const struct fx_loc *at, fxv v, fxv index)
{
	switch (v.kind) {
	case FX_VALUE_TENSOR:
		return tensor_part(at, v, index);
	case FX_VALUE_TUPLE:
	case FX_VALUE_LIST:
		return tuple_item(at, v, index);
	case FX_VALUE_DICT:
		return dict_item(at, v, index);
	default:
		return raise_error(at, TYPE_ERROR, "this value has no items");
	}
}

void fx_setitem_at(const struct fx_loc *at, fxv v, fxv index, fxv item)
{
	const fxv args[] = { v, index, item, FX_END };
	struct selection s = { .at = at };
	const struct fxq_tensor *from;
	int64_t n = 1;
	float number;

	if (find_poison(args))
		return;
	if (any_node(args) || v.kind != FX_VALUE_TENSOR) {
		raise_error(at, TYPE_ERROR, "'%s' object does not support item assignment",
			    any_node(args) ? "Proxy" : "tuple");
		return;
	}
	s.of = &v.tensor->t;
	if (!select_parts(&s, index))
		return;

	for (uint32_t d = 0; d < s.rank; d++)
		n *= s.dims[d];
	from = fx_data(item);
	if (s.of->dtype != FXQ_DTYPE_F32 ||
	    (from && (from->dtype != FXQ_DTYPE_F32 ||
		      (fxq_tensor_count(from) != n &&
		       fxq_tensor_count(from) != 1)))) {
		raise_error(at, RUNTIME_ERROR, "%" PRId64 " float32 elements take as many, or one",
			    n);
		return;
	}

	number = from ? 0 : (float)fx_float_at(at, item);
	for (int64_t i = 0; i < n; i++)
		((float *)s.of->data)[element_at(&s, i)] = !from ? number :
			((float *)from->data)[fxq_tensor_count(from) == 1 ? 0 : i];
}

/* Parts along a dimension */

/* [lo, hi) along @dim, all of the others. */
static fxv narrow(const struct fx_loc *at, fxv v, uint32_t dim, int64_t lo,
		  int64_t hi)
{
	fxv parts[FXQ_MAX_RANK + 1];

	for (uint32_t d = 0; d < dim; d++)
		parts[d] = fx_all;
	parts[dim] = fx_slice(lo, hi);
	parts[dim + 1] = (fxv)FX_END;
	return tensor_part(at, v, fx_tuple_of(FX_VALUE_TUPLE, parts));
}

fxv tensor_split(const struct fx_loc *at, fxv v, int64_t size, int64_t dim)
{
	const struct fxq_tensor *t = fx_data(v);
	fxv parts[MAX_ARGS + 1];
	size_t n = 0;

	if (!t || !wrap_index(&dim, t->rank))
		return raise_error(at, INDEX_ERROR, "dimension %" PRId64 " is not one that is there",
				   dim);
	if (size < 1 || (t->dims[dim] - 1) / size >= MAX_ARGS)
		return raise_error(at, RUNTIME_ERROR, "parts of size %" PRId64 " of a dimension of size %" PRId64 "; there may be 1 to %d parts",
				   size, t->dims[dim], MAX_ARGS);
	if (size > t->dims[dim])
		size = t->dims[dim];
	for (int64_t lo = 0; lo < t->dims[dim]; lo += size)
		parts[n++] = narrow(at, v, dim, lo, lo + size);
	parts[n] = (fxv)FX_END;
	return fx_tuple_of(FX_VALUE_TUPLE, parts);
}
