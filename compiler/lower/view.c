// SPDX-License-Identifier: MIT
/*
 * view.c - how the elements of a value lie in a feature map
 *
 * A value of the model is a dense array of any rank; the machine knows maps of
 * channels and pixels. A view connects the two as a list of factors, so that
 * reshapes and permutations are bookkeeping: elements are moved only where an
 * operation cannot read them as they lie.
 */
#include <string.h>

#include "lower.h"

#define SMALL_SHARE	8	/* a map that takes an eighth of the SPM is small */

struct fmap *map_new(struct segment *s, const char *name, uint32_t c,
		     uint32_t h, uint32_t w, uint32_t elem)
{
	struct fmap *t = fx_graph_alloc(s->g, sizeof(*t));
	struct box all;

	if (s->n_maps == s->room_maps) {
		struct fmap **more;

		s->room_maps = 2 * s->room_maps + 64;
		more = fx_graph_alloc(s->g, s->room_maps * sizeof(*more));
		if (s->n_maps)
			memcpy(more, s->maps, s->n_maps * sizeof(*more));
		s->maps = more;
	}
	*t = (struct fmap){ .name = name, .c = c, .h = h, .w = w,
			    .elem = elem, .index = s->n_maps };
	all = map_box(t);
	t->small = map_bytes(t, &all) <= s->caps.spm_bytes / SMALL_SHARE;
	s->maps[s->n_maps++] = t;
	return t;
}

struct view view_of_map(struct fmap *t, const struct fxq_tensor *type,
			int axis)
{
	struct view v = { .t = t };
	int64_t ps = 1;

	for (int i = (int)type->rank - 1; i >= 0; i--) {
		if (type->dims[i] == 1)
			continue;
		memmove(v.f + 1, v.f, v.n++ * sizeof(*v.f));
		v.f[0] = (struct factor){ type->dims[i], i == axis, 0 };
		if (i == axis)
			continue;
		v.f[0].ps = ps;
		ps *= type->dims[i];
	}
	return v;
}

/* The last dimension but @axis becomes the columns, the others the rows. */
struct fmap *map_for(struct segment *s, const char *name,
		     const struct fxq_tensor *type, int axis,
		     struct view *ret_view)
{
	int64_t c = 1, h = 1, w = 0;
	struct fmap *t;

	for (int i = (int)type->rank - 1; i >= 0; i--) {
		if (i == axis)
			c = type->dims[i];
		else if (!w)
			w = type->dims[i];
		else
			h *= type->dims[i];
	}
	t = map_new(s, name, (uint32_t)c, (uint32_t)h, (uint32_t)(w ? w : 1),
		    (uint32_t)fxq_dtype_bytes(type->dtype));
	*ret_view = view_of_map(t, type, axis);
	return t;
}

static bool split(struct view *v, unsigned int at, int64_t outer)
{
	struct factor f = v->f[at];
	int64_t inner = f.size / outer;

	if (v->n == VIEW_FACTORS)
		return false;
	memmove(v->f + at + 1, v->f + at, (v->n++ - at) * sizeof(*v->f));
	v->f[at] = (struct factor){ outer, f.cs * inner, f.ps * inner };
	v->f[at + 1].size = inner;
	return true;
}

bool view_align(struct view *v, uint32_t rank, const int64_t *dims,
		unsigned int *start)
{
	unsigned int k = 0;

	for (uint32_t i = 0; i < rank; i++) {
		int64_t want = dims[i];

		start[i] = k;
		while (want > 1) {
			if (k == v->n)
				return false;
			if (want % v->f[k].size) {
				if (v->f[k].size % want || !split(v, k, want))
					return false;
			}
			want /= v->f[k++].size;
		}
	}
	start[rank] = k;
	return k == v->n;
}

static bool continues(const struct factor *outer, const struct factor *inner)
{
	return outer->cs == inner->cs * inner->size &&
	       outer->ps == inner->ps * inner->size;
}

void view_merge(struct view *v)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < v->n; i++) {
		struct factor f = v->f[i];

		if (f.size == 1)
			continue;
		if (n && continues(&v->f[n - 1], &f)) {
			f.size *= v->f[n - 1].size;
			n--;
		}
		v->f[n++] = f;
	}
	v->n = n;
}

int view_axis(const struct view *v, uint32_t rank, const int64_t *dims)
{
	unsigned int start[FXQ_MAX_RANK + 1];
	struct view a = *v;

	if (!view_align(&a, rank, dims, start))
		return -1;
	for (uint32_t i = 0; i < rank; i++)
		for (unsigned int k = start[i]; k < start[i + 1]; k++)
			if (a.f[k].cs)
				return (int)i;
	return -1;
}

/* Factors [from, to) of @v as one: size 1 if there are none. */
static bool as_one(const struct view *v, unsigned int from, unsigned int to,
		   struct factor *ret)
{
	struct view part = { .n = to - from };

	memcpy(part.f, v->f + from, part.n * sizeof(*part.f));
	view_merge(&part);
	*ret = part.n ? part.f[0] : (struct factor){ .size = 1 };
	return part.n <= 1;
}

/* The dimensions but @axis, which come first in @ret, then rows, columns. */
static bool as_three(const struct view *v, uint32_t rank, const int64_t *dims,
		     int axis, struct factor *ret)
{
	unsigned int start[FXQ_MAX_RANK + 1], n = 0;
	int last = axis == (int)rank - 1 ? (int)rank - 2 : (int)rank - 1;
	struct view a = *v, rows = { .n = 0 };

	ret[0] = ret[2] = (struct factor){ .size = 1 };
	if (!view_align(&a, rank, dims, start))
		return false;
	if (axis >= 0 && !as_one(&a, start[axis], start[axis + 1], &ret[0]))
		return false;
	if (last >= 0 && !as_one(&a, start[last], start[last + 1], &ret[2]))
		return false;
	for (int i = 0; i < last; i++)
		for (unsigned int k = start[i]; i != axis && k < start[i + 1];
		     k++)
			rows.f[n++] = a.f[k];
	return as_one(&rows, 0, n, &ret[1]);
}

/*
 * Columns that run over whole rows of the map, as a flattened image's do,
 * are seen as rows again: pixels are the same, and rows can be tiled.
 */
static void unflatten(struct operand *o)
{
	uint32_t w = o->t->w;

	if (o->h == 1 && o->w > w && o->w % w == 0 && o->p0 % w == 0) {
		o->h = o->w / w;
		o->w = w;
		o->row = w;
	}
}

static bool as_box(const struct view *v, uint32_t rank, const int64_t *dims,
		   int axis, struct operand *ret)
{
	struct operand o = { .t = v->t, .c0 = (uint32_t)v->c0,
			     .p0 = (uint32_t)v->p0 };
	uint32_t width = v->t->w;
	struct factor f[3];

	if (!as_three(v, rank, dims, axis, f))
		return false;
	if (f[0].ps || f[1].cs || f[2].cs || v->c0 % FXQ_BLOCK)
		return false;
	if ((f[0].size > 1 && f[0].cs != 1) || (f[2].size > 1 && f[2].ps != 1))
		return false;
	o.c = (uint32_t)f[0].size;
	o.h = (uint32_t)f[1].size;
	o.w = (uint32_t)f[2].size;
	if (o.h > 1)
		o.row = (uint32_t)f[1].ps;
	else
		o.row = o.p0 % width + o.w <= width ? width : o.p0 + o.w;
	if (!o.row || o.p0 % o.row + o.w > o.row || o.row > UINT16_MAX)
		return false;
	*ret = o;
	return true;
}

/* Rows that are not the map's need it whole: only a small one promises that. */
static bool is_available(const struct operand *o)
{
	return !operand_is_flat(o) || o->t->small;
}

bool view_operand(const struct view *v, uint32_t rank, const int64_t *dims,
		  int axis, struct operand *ret)
{
	return as_box(v, rank, dims, axis, ret) && is_available(ret);
}

bool view_gather(const struct view *v, uint32_t rank, const int64_t *dims,
		 int axis, struct operand *ret, uint32_t *chan)
{
	unsigned int start[FXQ_MAX_RANK + 1], at, n = 1;
	struct view a = *v, plain;
	int64_t low = v->c0, high = v->c0, one[FXQ_MAX_RANK];

	if (!view_align(&a, rank, dims, start))
		return false;
	chan[0] = (uint32_t)v->c0;
	for (at = start[axis + 1]; at-- > start[axis];) {
		const struct factor *f = &a.f[at];

		if (f->ps)
			return false;
		for (unsigned int i = n; i < n * f->size; i++)
			chan[i] = (uint32_t)(chan[i % n] + i / n * f->cs);
		n *= (unsigned int)f->size;
		high += (f->size - 1) * f->cs;
	}
	/* The rest must lie as for any operand: see it without its channels. */
	plain = a;
	memmove(plain.f + start[axis], a.f + start[axis + 1],
		(a.n - start[axis + 1]) * sizeof(*a.f));
	plain.n -= start[axis + 1] - start[axis];
	plain.c0 = low / FXQ_BLOCK * FXQ_BLOCK;
	memcpy(one, dims, rank * sizeof(*one));
	one[axis] = 1;
	if (!view_operand(&plain, rank, one, axis, ret))
		return false;
	ret->c = fxq_round_up((uint32_t)high + 1 - ret->c0, FXQ_BLOCK);
	ret->c = ret->c < v->t->c - ret->c0 ? ret->c : v->t->c - ret->c0;
	for (unsigned int i = 0; i < n; i++)
		chan[i] -= ret->c0;
	return true;
}

/* The same for operators to which all pixels are alike. */
bool view_pixels(const struct view *v, uint32_t rank, const int64_t *dims,
		 int axis, struct operand *ret)
{
	if (!as_box(v, rank, dims, axis, ret))
		return false;
	unflatten(ret);
	return is_available(ret);
}

struct box map_box(const struct fmap *t)
{
	return (struct box){ 0, t->c, 0, t->h, 0, t->w };
}

uint32_t map_plane(const struct fmap *t, const struct box *b)
{
	uint64_t bytes = (uint64_t)(b->y1 - b->y0) * (b->x1 - b->x0) *
			 FXQ_BLOCK * t->elem;

	return (uint32_t)((bytes + FXQ_SPM_ALIGN - 1) / FXQ_SPM_ALIGN *
			  FXQ_SPM_ALIGN);
}

uint64_t map_bytes(const struct fmap *t, const struct box *b)
{
	uint32_t c = b->c1 - b->c0, blocks = fxq_div_up(c, FXQ_BLOCK);
	uint64_t last = (uint64_t)(b->y1 - b->y0) * (b->x1 - b->x0) *
			fxq_pixel_stride(c, blocks - 1) * t->elem;

	last = (last + FXQ_SPM_ALIGN - 1) / FXQ_SPM_ALIGN * FXQ_SPM_ALIGN;
	return (uint64_t)(blocks - 1) * map_plane(t, b) + last;
}
