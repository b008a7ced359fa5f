// SPDX-License-Identifier: MIT
/*
 * dma.c - descriptors that move boxes between memory and the scratchpad
 *
 * A burst is 64 contiguous bytes of memory, while strides in the scratchpad
 * are free: dimensions are therefore ordered by their stride in memory, and
 * joined where both sides go on, so that any layout that memory holds without
 * gaps moves at full rate.
 */
#include <stdlib.h>

#include "lower.h"

#define DIMS	8

struct dim {
	int64_t n, mem, spm;
};

/*
 * struct move - one rectangular set of elements
 * @spm, @skip: of the first, as in struct fxq_body_dma
 */
struct move {
	enum fxq_op op;
	uint32_t tag, region, elem, fill;
	int64_t offset;
	uint32_t spm, skip;
	struct dim d[DIMS];
	unsigned int n;
};

static int by_stride(const void *a, const void *b)
{
	const struct dim *x = a, *y = b;
	int64_t mx = llabs(x->mem), my = llabs(y->mem);

	if (mx != my)
		return mx < my ? -1 : 1;
	return x->spm < y->spm ? -1 : x->spm > y->spm;
}

static void tidy(struct move *m)
{
	unsigned int n = 0;

	qsort(m->d, m->n, sizeof(*m->d), by_stride);
	for (unsigned int i = 0; i < m->n; i++) {
		struct dim d = m->d[i];

		if (d.n == 1)
			continue;
		if (n && d.mem == m->d[n - 1].mem * m->d[n - 1].n &&
		    d.spm == m->d[n - 1].spm * m->d[n - 1].n)
			m->d[n - 1].n *= d.n;
		else
			m->d[n++] = d;
	}
	m->n = n;
}

static void put(struct stream *s, const struct move *m)
{
	struct fxq_desc *d = stream_add(s, m->op, m->tag);

	d->dma.spm = m->spm;
	d->dma.spm_skip = m->skip;
	d->dma.elem = (uint8_t)m->elem;
	d->dma.fill = m->fill;
	d->dma.region = (uint8_t)m->region;
	d->dma.offset = (uint64_t)m->offset;
	for (unsigned int i = 0; i < 4; i++) {
		d->dma.n[i] = i < m->n ? (uint32_t)m->d[i].n : 1;
		d->dma.spm_stride[i] = i < m->n ? (uint32_t)m->d[i].spm : 0;
		d->dma.mem_stride[i] = i < m->n ? (int32_t)m->d[i].mem : 0;
	}
}

/* One descriptor has four dimensions; the outer ones are walked here. */
static void emit_move(struct stream *s, struct move *m)
{
	tidy(m);
	if (m->n <= 4) {
		put(s, m);
		return;
	}
	for (int64_t i = 0; i < m->d[m->n - 1].n; i++) {
		struct move part = *m;

		part.n--;
		part.offset += i * m->d[part.n].mem;
		part.skip += (uint32_t)(i * m->d[part.n].spm);
		emit_move(s, &part);
	}
}

/*
 * struct walk - a view on its way to descriptors
 * @v, @mem: its factors, and how far each steps in memory
 * @c, @p: first channel and pixel, counted in what is held
 */
struct walk {
	struct stream *s;
	const struct held *h;
	struct move m;
	struct view v;
	int64_t mem[VIEW_FACTORS];
	uint32_t c, p;
};

static uint32_t pixel_stride(const struct walk *w, int64_t c)
{
	return fxq_pixel_stride(w->h->box.c1 - w->h->box.c0,
				(uint32_t)c / FXQ_BLOCK) * w->m.elem;
}

/* Steps of whole blocks have one stride; steps within a block have another. */
static bool steps_blocks(const struct factor *f)
{
	return f->cs % FXQ_BLOCK == 0;
}

/*
 * Can the walk be one move? Then lanes stay within a block, wherever blocks
 * step, and all blocks have pixels of one size.
 */
static bool is_regular(const struct walk *w)
{
	int64_t lane = w->c % FXQ_BLOCK, last = w->c;

	for (unsigned int i = 0; i < w->v.n; i++) {
		const struct factor *f = &w->v.f[i];

		last += (f->size - 1) * f->cs;
		if (f->cs && !steps_blocks(f))
			lane += (f->size - 1) * f->cs;
	}
	return lane < FXQ_BLOCK &&
	       pixel_stride(w, w->c) == pixel_stride(w, last);
}

static void emit_walk(struct walk *w)
{
	struct move m = w->m;
	uint32_t ps = pixel_stride(w, w->c);

	m.spm = w->h->addr + w->c / FXQ_BLOCK * w->h->plane;
	m.skip = w->p * ps + w->c % FXQ_BLOCK * m.elem;
	for (unsigned int i = 0; i < w->v.n; i++) {
		const struct factor *f = &w->v.f[i];
		int64_t step = f->ps * ps;

		if (f->cs && steps_blocks(f))
			step = f->cs / FXQ_BLOCK * w->h->plane;
		else if (f->cs)
			step = f->cs * m.elem;
		m.d[m.n++] = (struct dim){ f->size, w->mem[i], step };
	}
	emit_move(w->s, &m);
}

/* Elements [from, from + n) of factor @i alone. */
static struct walk part_of(const struct walk *w, unsigned int i, int64_t from,
			   int64_t n)
{
	struct walk part = *w;

	part.v.f[i].size = n;
	part.c += (uint32_t)(from * w->v.f[i].cs);
	part.m.offset += from * w->mem[i];
	return part;
}

/* Factor @i as groups of @per elements, which it is a multiple of. */
static void split_factor(struct walk *w, unsigned int i, int64_t per)
{
	unsigned int k = w->v.n++;

	w->v.f[k] = (struct factor){ w->v.f[i].size / per,
				     w->v.f[i].cs * per, 0 };
	w->mem[k] = w->mem[i] * per;
	w->v.f[i].size = per;
}

/*
 * Where the factor of channels to cut is cut: after the lanes of the first
 * block, after whole blocks, or before the last block, which is narrow.
 */
static int64_t cut_at(const struct walk *w, unsigned int i)
{
	const struct factor *f = &w->v.f[i];
	int64_t lane = w->c % FXQ_BLOCK, per;

	if (steps_blocks(f))
		return f->size - 1;
	per = (FXQ_BLOCK - lane + f->cs - 1) / f->cs;
	if (FXQ_BLOCK % f->cs == 0 && lane < f->cs && f->size > per)
		return f->size / per * per;
	return per < f->size ? per : f->size - 1;
}

/*
 * Of the factors of channels, the one to cut: the only one that steps lanes,
 * else the one that goes furthest in memory, so that runs stay together.
 */
static unsigned int factor_to_cut(const struct walk *w)
{
	unsigned int pick = VIEW_FACTORS, lanes = 0;

	for (unsigned int i = 0; i < w->v.n; i++) {
		const struct factor *f = &w->v.f[i];

		if (!f->cs || f->size == 1)
			continue;
		lanes += !steps_blocks(f);
		if (pick == VIEW_FACTORS || w->mem[i] > w->mem[pick])
			pick = i;
	}
	for (unsigned int i = 0; lanes == 1 && i < w->v.n; i++) {
		const struct factor *f = &w->v.f[i];

		if (f->cs && f->size > 1 && !steps_blocks(f) &&
		    w->c % FXQ_BLOCK + (f->size - 1) * f->cs >= FXQ_BLOCK)
			return i;
	}
	return pick;
}

static void walk(struct walk *w)
{
	const struct factor *f;
	struct walk part;
	unsigned int i;
	int64_t at, per;

	if (is_regular(w)) {
		emit_walk(w);
		return;
	}
	i = factor_to_cut(w);
	f = &w->v.f[i];
	at = cut_at(w, i);
	per = steps_blocks(f) ? 0 : FXQ_BLOCK / f->cs;
	part = part_of(w, i, 0, at);
	if (per > 0 && at > per && at % per == 0 && FXQ_BLOCK % f->cs == 0 &&
	    w->v.n < VIEW_FACTORS)
		split_factor(&part, i, per);
	walk(&part);
	if (at == f->size)
		return;
	part = part_of(w, i, at, f->size - at);
	walk(&part);
}

void dma_view(struct stream *s, enum fxq_op op, uint32_t tag,
	      const struct view *v, const struct held *h, uint32_t elem,
	      const int64_t *mem, uint32_t region, uint64_t offset)
{
	struct walk w = { .s = s, .h = h, .v = *v, .c = (uint32_t)v->c0,
			  .p = (uint32_t)v->p0,
			  .m = { .op = op, .tag = tag, .region = region,
				 .elem = elem, .offset = (int64_t)offset } };

	for (unsigned int i = 0; i < v->n; i++)
		w.mem[i] = mem[i];
	walk(&w);
}

/* Box @b as a view of what @h holds. */
static struct view box_view(const struct held *h, const struct box *b)
{
	uint32_t row = h->box.x1 - h->box.x0;
	struct view v = { .c0 = b->c0 - h->box.c0, .n = 3 };

	v.p0 = (int64_t)(b->y0 - h->box.y0) * row + b->x0 - h->box.x0;
	v.f[0] = (struct factor){ b->c1 - b->c0, 1, 0 };
	v.f[1] = (struct factor){ b->y1 - b->y0, 0, row };
	v.f[2] = (struct factor){ b->x1 - b->x0, 0, 1 };
	return v;
}

static void box_strided(struct stream *s, const struct move *m,
			const struct fmap *t, const struct held *h,
			const struct box *b)
{
	const int64_t mem[3] = { t->home.sc, t->home.sy, t->home.sx };
	struct view v = box_view(h, b);

	dma_view(s, m->op, m->tag, &v, h, m->elem, mem, m->region,
		 (uint64_t)(m->offset + b->c0 * mem[0] + b->y0 * mem[1] +
			    b->x0 * mem[2]));
}

/* Blocks [first, end) of the map, all with pixels of @ps bytes. */
static void box_blocks(struct stream *s, struct move *m, const struct fmap *t,
		       const struct held *h, const struct box *b,
		       uint32_t first, uint32_t end, uint32_t ps)
{
	struct box all = map_box(t);
	uint32_t plane = map_plane(t, &all), row = h->box.x1 - h->box.x0;

	m->offset += (int64_t)first * plane +
		     ((int64_t)b->y0 * t->w + b->x0) * ps;
	m->spm = h->addr + (first - h->box.c0 / FXQ_BLOCK) * h->plane;
	m->skip = ((b->y0 - h->box.y0) * row + b->x0 - h->box.x0) * ps;
	m->n = 0;
	m->d[m->n++] = (struct dim){ ps / m->elem, m->elem, m->elem };
	m->d[m->n++] = (struct dim){ b->x1 - b->x0, ps, ps };
	m->d[m->n++] = (struct dim){ b->y1 - b->y0, (int64_t)t->w * ps,
				     (int64_t)row * ps };
	m->d[m->n++] = (struct dim){ end - first, plane, h->plane };
	emit_move(s, m);
}

static void box_blocked(struct stream *s, const struct move *m,
			const struct fmap *t, const struct held *h,
			const struct box *b)
{
	uint32_t first = b->c0 / FXQ_BLOCK, end = fxq_div_up(b->c1, FXQ_BLOCK);
	uint32_t last = fxq_pixel_stride(t->c, end - 1) * m->elem;
	struct move part = *m;

	if (last != FXQ_BLOCK * m->elem) {
		box_blocks(s, &part, t, h, b, end - 1, end, last);
		end--;
	}
	part = *m;
	if (first < end)
		box_blocks(s, &part, t, h, b, first, end, FXQ_BLOCK * m->elem);
}

void dma_box(struct stream *s, enum fxq_op op, uint32_t tag,
	     const struct fmap *t, const struct held *h, const struct box *b)
{
	struct move m = { .op = op, .tag = tag, .region = t->home.region,
			  .elem = t->elem, .offset = (int64_t)t->home.offset };

	if (t->home.kind == HOME_BLOCKED)
		box_blocked(s, &m, t, h, b);
	else
		box_strided(s, &m, t, h, b);
}

uint32_t dma_blob(struct stream *s, uint32_t tag, uint64_t offset,
		  uint64_t bytes)
{
	uint32_t spm = (uint32_t)space_buffer(s, &s->spm, bytes);
	struct move m = { .op = FXQ_OP_LOAD, .tag = tag,
			  .region = REGION_WEIGHTS, .elem = 4,
			  .offset = (int64_t)offset, .spm = spm, .n = 1 };

	m.d[0] = (struct dim){ (int64_t)(bytes + 3) / 4, 4, 4 };
	emit_move(s, &m);
	return spm;
}

void dma_fill(struct stream *s, uint32_t tag, const struct held *h,
	      int value)
{
	uint32_t c = h->box.c1 - h->box.c0, blocks = fxq_div_up(c, FXQ_BLOCK);
	uint64_t pixels = (uint64_t)(h->box.y1 - h->box.y0) *
			  (h->box.x1 - h->box.x0);
	uint64_t bytes = (uint64_t)(blocks - 1) * h->plane +
			 pixels * fxq_pixel_stride(c, blocks - 1);
	struct move m = { .op = FXQ_OP_FILL, .tag = tag, .elem = 4,
			  .spm = h->addr, .n = 1 };

	m.fill = (uint8_t)value * 0x01010101u;
	m.d[0] = (struct dim){ (int64_t)(bytes + 3) / 4, 0, 4 };
	emit_move(s, &m);
}
