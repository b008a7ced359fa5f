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
 * Channels [c, c + n) step @cs of what is held, @mem bytes apart in memory,
 * added to @m as dimensions of lanes and blocks; returns how many it took.
 */
static int64_t add_channels(struct move *m, const struct held *h, uint32_t c,
			    int64_t n, int64_t cs, int64_t mem)
{
	uint32_t lane = c % FXQ_BLOCK, block = c / FXQ_BLOCK;
	uint32_t held = h->box.c1 - h->box.c0;
	int64_t lanes = (FXQ_BLOCK - lane + cs - 1) / cs, blocks;

	m->spm = h->addr + block * h->plane;
	m->skip += lane * m->elem;
	if (lanes >= n || FXQ_BLOCK % cs || lane >= cs) {
		lanes = lanes < n ? lanes : n;
		m->d[m->n++] = (struct dim){ lanes, mem, cs * m->elem };
		return lanes;
	}
	blocks = n / lanes;
	while (blocks > 1 && (block + blocks) * FXQ_BLOCK > held)
		blocks--;	/* the last one has its own pixel stride */
	m->d[m->n++] = (struct dim){ lanes, mem, cs * m->elem };
	m->d[m->n++] = (struct dim){ blocks, mem * lanes, h->plane };
	return lanes * blocks;
}

/*
 * Walks all factors of a view: pixels become dimensions, one factor of
 * channels becomes lanes and blocks, further ones are loops.
 */
static void walk(struct stream *s, const struct move *m, const struct view *v,
		 const int64_t *mem, const struct held *h, unsigned int done,
		 uint32_t c, uint32_t p)
{
	uint32_t held = h->box.c1 - h->box.c0, more = 0, pick = VIEW_FACTORS;

	for (unsigned int i = 0; i < v->n; i++) {
		if (!v->f[i].cs || (done & 1u << i))
			continue;
		more++;
		if (pick == VIEW_FACTORS || v->f[i].size > v->f[pick].size)
			pick = i;
	}
	if (more > 1) {
		unsigned int loop = 0;

		while (!v->f[loop].cs || (done & 1u << loop) || loop == pick)
			loop++;
		for (int64_t i = 0; i < v->f[loop].size; i++) {
			struct move part = *m;

			part.offset += i * mem[loop];
			walk(s, &part, v, mem, h, done | 1u << loop,
			     c + (uint32_t)(i * v->f[loop].cs), p);
		}
		return;
	}
	for (int64_t at = 0, n = more ? v->f[pick].size : 1; at < n;) {
		int64_t cs = more ? v->f[pick].cs : 1;
		uint32_t first = c + (uint32_t)(at * cs), ps;
		struct move part = *m;

		ps = fxq_pixel_stride(held, first / FXQ_BLOCK) * m->elem;
		part.skip = p * ps;
		part.offset += more ? at * mem[pick] : 0;
		at += add_channels(&part, h, first, n - at, cs,
				   more ? mem[pick] : 0);
		for (unsigned int i = 0; i < v->n; i++)
			if (!v->f[i].cs)
				part.d[part.n++] = (struct dim){
					v->f[i].size, mem[i], v->f[i].ps * ps };
		emit_move(s, &part);
	}
}

void dma_view(struct stream *s, enum fxq_op op, uint32_t tag,
	      const struct view *v, const struct held *h, uint32_t elem,
	      const int64_t *mem, uint32_t region, uint64_t offset)
{
	struct move m = { .op = op, .tag = tag, .region = region,
			  .elem = elem, .offset = (int64_t)offset };

	walk(s, &m, v, mem, h, 0, (uint32_t)v->c0, (uint32_t)v->p0);
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

static void box_strided(struct stream *s, struct move *m, const struct fmap *t,
			const struct held *h, const struct box *b)
{
	const int64_t mem[3] = { t->home.sc, t->home.sy, t->home.sx };
	struct view v = box_view(h, b);

	m->offset += b->c0 * mem[0] + b->y0 * mem[1] + b->x0 * mem[2];
	walk(s, m, &v, mem, h, 0, (uint32_t)v.c0, (uint32_t)v.p0);
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
