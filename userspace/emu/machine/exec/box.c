/* SPDX-License-Identifier: MIT */
/*
 * box.c - strided copies: runs, bytes, and transpositions
 *
 * Vectors are the compiler's own, of 16 bytes, which every processor has. The
 * one shuffle that all transpositions use interleaves the first half of some
 * registers with the second: it rotates the bits of a byte's number, of which
 * the upper ones say the row and the lower ones the column.
 */
#include <string.h>

#include "box.h"

#define TILE	16
#define NARROW	4	/* a word holds this many bytes */

#define INLINE	static inline __attribute__((always_inline))

typedef uint8_t vec __attribute__((vector_size(TILE)));

bool fxq_box_is_disjoint(const struct fxq_box *b, int dims)
{
	struct fxq_box_dim sorted[FXQ_BOX_DIMS];
	uint64_t extent = b->run;
	int i, k;

	for (i = 0; i < dims; i++) {
		for (k = i; k && sorted[k - 1].dst > b->dim[i].dst; k--)
			sorted[k] = sorted[k - 1];
		sorted[k] = b->dim[i];
	}
	for (i = 0; i < dims; i++) {
		if (sorted[i].dst < 0 || (uint64_t)sorted[i].dst < extent)
			return false;
		extent += (uint64_t)sorted[i].dst * (sorted[i].n - 1);
	}
	return true;
}

/* @n < 16 bytes, as two that overlap where that is shorter. */
INLINE void copy_part(uint8_t *dst, const uint8_t *src, uint32_t n)
{
	if (n >= 8) {
		memcpy(dst, src, 8);
		memcpy(dst + n - 8, src + n - 8, 8);
	} else if (n >= 4) {
		memcpy(dst, src, 4);
		memcpy(dst + n - 4, src + n - 4, 4);
	} else {
		if (n & 2)
			memcpy(dst, src, 2);
		if (n & 1)
			dst[n - 1] = src[n - 1];
	}
}

/* Rotates byte numbers in @n registers by @bits. */
INLINE void interleave(vec *v, int n, int bits)
{
	vec w[TILE];
	int i;

	while (bits--) {
		for (i = 0; i < n / 2; i++) {
			w[2 * i] = __builtin_shufflevector(v[i], v[i + n / 2],
				0, 16, 1, 17, 2, 18, 3, 19,
				4, 20, 5, 21, 6, 22, 7, 23);
			w[2 * i + 1] = __builtin_shufflevector(v[i],
				v[i + n / 2], 8, 24, 9, 25, 10, 26, 11, 27,
				12, 28, 13, 29, 14, 30, 15, 31);
		}
		for (i = 0; i < n; i++)
			v[i] = w[i];
	}
}

/* 16 bytes, every @step-th, 1 or 2: then a byte more is read. */
INLINE vec load_row(const uint8_t *src, const int step)
{
	vec v, w;

	memcpy(&v, src, TILE);
	if (step == 1)
		return v;
	memcpy(&w, src + TILE, TILE);
	return __builtin_shufflevector(v, w, 0, 2, 4, 6, 8, 10, 12, 14,
				       16, 18, 20, 22, 24, 26, 28, 30);
}

/*
 * struct plane - bytes that change places
 * @x: the direction in which the source's are neighbours, or every other one
 * @y: the one in which the destination's are
 * @blend: see own_dst
 */
struct plane {
	struct fxq_box_dim x, y;
	bool blend;
};

/* @nx x @ny bytes, at most 16 either way. */
INLINE void transpose_tile(const struct plane *p, uint8_t *dst,
			   const uint8_t *src, uint32_t nx, uint32_t ny,
			   const int step)
{
	vec v[TILE];
	uint32_t i;

	for (i = 0; i < TILE; i++) {
		const uint8_t *row = src + (i < ny ? i : 0) * p->y.src;

		if (nx == TILE || step != 1) {
			v[i] = load_row(row, step);
		} else {
			v[i] = (vec){ 0 };
			copy_part((uint8_t *)&v[i], row, nx);
		}
	}
	interleave(v, TILE, 4);
	for (i = 0; i < nx; i++, dst += p->x.dst) {
		if (ny == TILE)
			memcpy(dst, &v[i], TILE);
		else
			copy_part(dst, (uint8_t *)&v[i], ny);
	}
}

/* Where tile @i of @n bytes begins: the last overlaps the one before. */
INLINE uint32_t tile_at(uint32_t i, uint32_t n)
{
	return n > TILE && i + TILE > n ? n - TILE : i;
}

INLINE void transpose_steps(const struct plane *p, uint8_t *dst,
			    const uint8_t *src, const int step)
{
	uint32_t nx = p->x.n < TILE ? p->x.n : TILE;
	uint32_t ny = p->y.n < TILE ? p->y.n : TILE, i, k, x, y;

	for (i = 0; i < p->x.n; i += TILE) {
		for (k = 0; k < p->y.n; k += TILE) {
			x = tile_at(i, p->x.n);
			y = tile_at(k, p->y.n);
			transpose_tile(p, dst + x * p->x.dst + y,
				       src + y * p->y.src + x * step, nx, ny,
				       step);
		}
	}
}

static void transpose(const struct plane *p, uint8_t *dst, const uint8_t *src)
{
	if (p->x.src == 1)
		transpose_steps(p, dst, src, 1);
	else
		transpose_steps(p, dst, src, 2);
}

/* Columns of @n <= 4 bytes: a row of the destination is every fourth byte. */
INLINE void split_words(const struct plane *p, uint8_t *dst,
			const uint8_t *src, const uint32_t n)
{
	uint32_t i, k, y;
	vec v[NARROW];

	for (i = 0; i < p->y.n; i += TILE) {
		uint8_t word[TILE][NARROW] = { { 0 } };
		const uint8_t *from;

		y = tile_at(i, p->y.n);
		from = src + y * p->y.src;
		if (n == NARROW && p->y.src == NARROW) {
			memcpy(v, from, sizeof(v));
		} else {
			for (k = 0; k < TILE; k++, from += p->y.src)
				copy_part(word[k], from, n);
			memcpy(v, word, sizeof(v));
		}
		interleave(v, NARROW, 4);
		for (k = 0; k < n; k++)
			memcpy(dst + k * p->x.dst + y, &v[k], TILE);
	}
}

/* @n <= 4 rows become words of so many bytes. */
INLINE void join_words(const struct plane *p, uint8_t *dst, const uint8_t *src,
		       const uint32_t n)
{
	const uint32_t mask = n < NARROW ? (1u << 8 * n) - 1 : ~0u;
	typedef uint32_t words __attribute__((vector_size(TILE)));
	uint8_t word[TILE][NARROW];
	uint32_t i, k, x;
	vec v[NARROW], old[NARROW];

	for (i = 0; i < p->x.n; i += TILE) {
		uint8_t *to;

		x = tile_at(i, p->x.n);
		to = dst + x * p->x.dst;
		for (k = 0; k < NARROW; k++)
			v[k] = k < n ? load_row(src + k * p->y.src + x, 1) :
			       (vec){ 0 };
		interleave(v, NARROW, 2);
		if (p->x.dst == NARROW && (n == NARROW || p->blend)) {
			if (n < NARROW)
				memcpy(old, to, sizeof(old));
			for (k = 0; k < NARROW && n < NARROW; k++)
				v[k] = (vec)(((words)v[k] & mask) |
					     ((words)old[k] & ~mask));
			memcpy(to, v, sizeof(v));
			continue;
		}
		memcpy(word, v, sizeof(word));
		for (k = 0; k < TILE; k++, to += p->x.dst)
			copy_part(to, word[k], n);
	}
}

/* @fn with @n as a constant from 1 to 4. */
#define WITH_CONSTANT(fn, p, dst, src, n)				\
	do {								\
		if ((n) == 1)						\
			fn(p, dst, src, 1);				\
		else if ((n) == 2)					\
			fn(p, dst, src, 2);				\
		else if ((n) == 3)					\
			fn(p, dst, src, 3);				\
		else							\
			fn(p, dst, src, 4);				\
	} while (0)

static void copy_plane(const struct plane *p, uint8_t *dst, const uint8_t *src)
{
	if (p->x.n <= NARROW && p->y.n >= TILE && p->x.src == 1)
		WITH_CONSTANT(split_words, p, dst, src, p->x.n);
	else if (p->y.n <= NARROW && p->x.n >= TILE && p->x.src == 1)
		WITH_CONSTANT(join_words, p, dst, src, p->y.n);
	else
		transpose(p, dst, src);
}

/* @n runs of @run bytes; a constant @run makes each a move or two. */
INLINE void copy_runs(const struct fxq_box_dim *d, uint8_t *dst,
		      const uint8_t *src, uint64_t run)
{
	uint32_t i;

	for (i = 0; i < d->n; i++)
		memcpy(dst + i * d->dst, src + i * d->src, run);
}

void fxq_box_copy_row(const struct fxq_box_dim *d, uint64_t run, uint8_t *dst,
		      const uint8_t *src)
{
	switch (run) {
#define CASE(bytes) case bytes: copy_runs(d, dst, src, bytes); break
	CASE(1);
	CASE(2);
	CASE(3);
	CASE(4);
	CASE(8);
	CASE(16);
	CASE(32);
	CASE(64);
#undef CASE
	default:
		copy_runs(d, dst, src, run);
	}
}

#define OUTER	(FXQ_BOX_DIMS - 1)	/* loops around a row or a plane */

/*
 * struct plan - dimensions in the order of loops
 * @outer: the outermost first; one of 1 step is none
 */
struct plan {
	uint64_t run;
	struct fxq_box_dim outer[OUTER];
	bool is_plane;
	struct plane plane;
	struct fxq_box_dim row;
};

/* The first dimension with steps of @step bytes in the source, or -1. */
static int find_src(const struct fxq_box *b, int64_t step)
{
	int i;

	for (i = 0; i < b->dims; i++)
		if (b->dim[i].src == step)
			return i;
	return -1;
}

static int find_dst(const struct fxq_box *b, int64_t step)
{
	int i;

	for (i = 0; i < b->dims; i++)
		if (b->dim[i].dst == step)
			return i;
	return -1;
}

/* Two dimensions that change places, and enough of them. */
static bool find_plane(const struct fxq_box *b, int *x, int *y)
{
	if (b->run != 1)
		return false;
	*x = find_src(b, 1);
	*y = find_dst(b, 1);
	if (*x < 0 && b->own_src)
		*x = find_src(b, 2);
	return *x >= 0 && *y >= 0 && *x != *y &&
	       (b->dim[*x].n >= TILE || b->dim[*y].n >= TILE);
}

static int longest(const struct fxq_box *b)
{
	int i, at = 0;

	for (i = 1; i < b->dims; i++)
		if (b->dim[i].n > b->dim[at].n)
			at = i;
	return at;
}

static void make_plan(struct plan *p, const struct fxq_box *b)
{
	const struct fxq_box_dim one = { 1, 0, 0 };
	int x = -1, y = -1, n = OUTER, i;

	*p = (struct plan){ .run = b->run, .outer = { one, one, one },
			    .row = one };
	p->is_plane = find_plane(b, &x, &y);
	if (p->is_plane) {
		p->plane = (struct plane){ b->dim[x], b->dim[y], b->own_dst };
	} else if (b->dims) {
		x = y = longest(b);
		p->row = b->dim[x];
	}
	for (i = 0; i < b->dims; i++)
		if (i != x && i != y)
			p->outer[--n] = b->dim[i];
}

static void copy_inner(const struct plan *p, uint8_t *dst, const uint8_t *src)
{
	if (p->is_plane)
		copy_plane(&p->plane, dst, src);
	else
		fxq_box_copy_row(&p->row, p->run, dst, src);
}

void fxq_box_copy(const struct fxq_box *b, uint8_t *dst, const uint8_t *src)
{
	uint32_t i, j, k;
	struct plan p;

	make_plan(&p, b);
	for (i = 0; i < p.outer[0].n; i++)
		for (j = 0; j < p.outer[1].n; j++)
			for (k = 0; k < p.outer[2].n; k++)
				copy_inner(&p, dst + i * p.outer[0].dst +
					   j * p.outer[1].dst +
					   k * p.outer[2].dst,
					   src + i * p.outer[0].src +
					   j * p.outer[1].src +
					   k * p.outer[2].src);
}
