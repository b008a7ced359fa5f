// SPDX-License-Identifier: MIT
/*
 * store.c - values that go to memory, and copies by way of it
 *
 * A copy is stored in one order and loaded in another, which DMA does at full
 * rate.
 */
#include <errno.h>
#include <string.h>

#include "select.h"

/* The strides of a dense array, if the dimensions beside @axis need two. */
static bool dense_along(const struct fxq_tensor *type, int axis,
			struct home *home)
{
	int64_t size[2] = { 1, 1 }, stride[2] = { 0, 0 }, inner = 1;
	int64_t bytes = (int64_t)fxq_dtype_bytes(type->dtype);
	int k = 1;

	home->kind = HOME_STRIDED;
	home->sc = bytes;
	for (int i = (int)type->rank - 1; i >= 0; i--) {
		if (i == axis) {
			home->sc = inner * bytes;
		} else if (k == 1) {
			size[1] = type->dims[i];
			stride[1] = inner * bytes;
			k = 0;
		} else if (type->dims[i] > 1) {
			if (size[0] > 1 && stride[0] * size[0] != inner * bytes)
				return false;
			if (size[0] == 1)
				stride[0] = inner * bytes;
			size[0] *= type->dims[i];
		}
		inner *= type->dims[i];
	}
	home->sy = stride[0];
	home->sx = stride[1];
	return true;
}

int dense_home(const struct fxq_tensor *type, int axis, struct home *home)
{
	if (dense_along(type, axis, home))
		return axis;
	axis = (int)type->rank - 1;
	dense_along(type, axis, home);
	return axis;
}

/*
 * Does @v walk the whole of its map so that one stride each is enough for
 * channels, rows and columns in memory? Then an operation can store it tile
 * by tile.
 */
static bool plain_strides(const struct view *v, const int64_t *mem,
			  struct home *home)
{
	const struct fmap *t = v->t;
	int64_t c = 1, pixels = 1;

	if (v->c0 || v->p0)
		return false;
	home->sc = home->sy = home->sx = t->elem;
	for (unsigned int i = 0; i < v->n; i++) {
		const struct factor *f = &v->f[i];

		if (f->cs == 1 && !f->ps && c == 1) {
			home->sc = mem[i];
			c = f->size;
		} else if (!f->cs && f->ps == 1 && f->size == t->w) {
			home->sx = mem[i];
			pixels *= f->size;
		} else if (!f->cs && f->ps == t->w && f->size == t->h) {
			home->sy = mem[i];
			pixels *= f->size;
		} else if (!f->cs && f->ps == 1 && f->size == t->h * t->w) {
			home->sx = mem[i];
			home->sy = mem[i] * t->w;
			pixels *= f->size;
		} else {
			return false;
		}
	}
	return c == t->c && pixels == (int64_t)t->h * t->w;
}

/* Splits factors of pixels that run over several rows of the map. */
static void split_rows(struct op *op)
{
	struct view *v = &op->view;
	int64_t w = v->t->w;

	for (unsigned int i = 0; i < v->n && v->n < VIEW_FACTORS; i++) {
		struct factor *f = &v->f[i];
		int64_t per = f->ps && w % f->ps == 0 ? w / f->ps : 0;

		if (f->cs || f->ps >= w || per < 2 || f->size <= per ||
		    f->size % per)
			continue;
		memmove(f + 1, f, (v->n - i) * sizeof(*f));
		memmove(&op->mem[i + 1], &op->mem[i],
			(v->n++ - i) * sizeof(*op->mem));
		f[0] = (struct factor){ f[1].size / per, 0, w };
		op->mem[i] = op->mem[i + 1] * per;
		f[1].size = per;
	}
}

/*
 * Can the store be cut between rows? One factor must step over units of rows
 * that all others stay within; the operand is then the channels and rows that
 * the view sees.
 */
static bool cut_rows(struct op *op)
{
	struct operand *o = &op->in[0];
	const struct view *v = &op->view;
	int64_t w = v->t->w, x = v->p0 % w, span = 1, top = v->c0, unit = 0;

	for (unsigned int i = 0; i < v->n; i++) {
		if (!v->f[i].cs && v->f[i].ps % w == 0 && v->f[i].ps > unit) {
			unit = v->f[i].ps;
			op->row_factor = i;
		}
	}
	if (!unit)
		return false;
	for (unsigned int i = 0; i < v->n; i++) {
		const struct factor *f = &v->f[i];

		top += (f->size - 1) * f->cs;
		if (f->cs || i == op->row_factor)
			continue;
		if (f->ps % w)
			x += (f->size - 1) * f->ps;
		else
			span += (f->size - 1) * f->ps / w;
	}
	op->unit = (uint32_t)(unit / w);
	if (x >= w || span > op->unit)
		return false;
	o->c0 = (uint32_t)(v->c0 / FXQ_BLOCK * FXQ_BLOCK);
	o->c = fxq_round_up((uint32_t)top + 1 - o->c0, FXQ_BLOCK);
	o->c = o->c < v->t->c - o->c0 ? o->c : v->t->c - o->c0;
	o->p0 = (uint32_t)(v->p0 / w * w);
	o->h = (uint32_t)((v->f[op->row_factor].size - 1) * op->unit + span);
	return true;
}

void op_store(struct segment *s, const struct view *v, struct home home,
	      const int64_t *mem)
{
	struct op *op = op_new(s, FXQ_OP_STORE);

	op->in[op->n_in++] = operand_of_map(v->t);
	op->view = *v;
	memcpy(op->mem, mem, v->n * sizeof(*mem));
	op->home = home;
	op->home.kind = HOME_STRIDED;
	if (plain_strides(v, mem, &op->home)) {
		op->store = STORE_BOXES;
		return;
	}
	split_rows(op);
	op->store = cut_rows(op) ? STORE_ROWS : STORE_WHOLE;
}

void dense_strides(const struct view *v, uint32_t elem, int64_t *mem)
{
	int64_t inner = elem;

	for (unsigned int i = v->n; i-- > 0; inner *= v->f[i].size)
		mem[i] = inner;
}

void merge_strides(struct view *v, int64_t *mem)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < v->n; i++) {
		struct factor f = v->f[i];

		if (f.size == 1)
			continue;
		if (n && v->f[n - 1].cs == f.cs * f.size &&
		    v->f[n - 1].ps == f.ps * f.size &&
		    mem[n - 1] == mem[i] * f.size)
			f.size *= v->f[--n].size;
		mem[n] = mem[i];
		v->f[n++] = f;
	}
	v->n = n;
}

/*
 * Memory for @t in the order [c][y][x], to which any view can be stored and
 * from which any box can be loaded.
 */
void map_scratch(struct segment *s, struct fmap *t)
{
	uint64_t bytes = (uint64_t)t->c * t->h * t->w * t->elem;

	t->home = (struct home){
		.kind = HOME_STRIDED, .region = REGION_SCRATCH,
		.offset = space_buffer(&s->stream, &s->stream.scratch, bytes),
		.sc = (int64_t)t->h * t->w * t->elem,
		.sy = (int64_t)t->w * t->elem, .sx = t->elem };
}

/* Stores @v to where @to, a view of the same elements, has them in memory. */
void store_view(struct segment *s, const struct view *v,
		const struct view *to, const struct fxq_tensor *type)
{
	unsigned int start[FXQ_MAX_RANK + 1], start_to[FXQ_MAX_RANK + 1];
	const struct home *h = &to->t->home;
	struct view a = *v, b = *to;
	struct home home = *h;
	int64_t mem[VIEW_FACTORS];

	if (!view_align(&a, type->rank, type->dims, start) ||
	    !view_align(&b, type->rank, type->dims, start_to)) {
		segment_fail(s, -EINVAL,
			     "its elements lie in memory in no regular order");
		return;
	}
	/* Each factor of @a steps through part of one dimension of @b. */
	for (uint32_t i = 0; i < type->rank; i++) {
		int64_t inner = 1;
		const struct factor *f = &b.f[start_to[i]];

		if (start_to[i + 1] - start_to[i] > 1)
			segment_fail(s, -EINVAL, "a copy has a split dimension");
		for (unsigned int k = start[i + 1]; k-- > start[i];) {
			mem[k] = inner * (f->cs * h->sc + f->ps * h->sx);
			inner *= a.f[k].size;
		}
	}
	home.offset += to->c0 * h->sc + to->p0 * h->sx;
	merge_strides(&a, mem);
	op_store(s, &a, home, mem);
}

/*
 * A reshape across the factors of @v: the elements are stored as they follow
 * one another, and loaded as an array of the new dimensions.
 */
static struct view copy_dense(struct segment *s, const struct view *v,
			      const struct fxq_tensor *type, int axis)
{
	int64_t mem[VIEW_FACTORS];
	struct view from = *v, copy;
	struct home home, dense = { .kind = HOME_NONE };

	axis = dense_home(type, axis, &dense);
	map_for(s, s->node->name, type, axis, &copy);
	map_scratch(s, copy.t);
	home = copy.t->home;
	copy.t->home.sc = dense.sc;
	copy.t->home.sy = dense.sy;
	copy.t->home.sx = dense.sx;
	dense_strides(&from, copy.t->elem, mem);
	merge_strides(&from, mem);
	op_store(s, &from, home, mem);
	return copy;
}

struct view view_copy(struct segment *s, const struct view *v,
		      const struct fxq_tensor *type, int axis)
{
	unsigned int start[FXQ_MAX_RANK + 1];
	struct fxq_tensor t = *type;
	struct view copy = *v;

	if (!view_align(&copy, type->rank, type->dims, start))
		return copy_dense(s, v, type, axis);
	if (gather_copy(s, v, type, axis, &copy))
		return copy;
	map_for(s, s->node->name, &t, axis, &copy);
	map_scratch(s, copy.t);
	store_view(s, v, &copy, &t);
	return copy;
}
