/* SPDX-License-Identifier: MIT */
/*
 * dw3x3.c - DWCONV of the commonest kernel, without sums in memory
 *
 * One pass goes along a row of output and keeps three columns of input in
 * registers. A column is four vectors that vpdpbusd multiplies with a column of
 * the kernel: each has four rows of eight channels, and of another eight below,
 * for what one pass reads are two places at once, A in the low half of all
 * vectors and B, two rows of input lower, in the high half. With a stride of 1 A
 * and B are two rows of output each, which need the same four rows of input; with
 * a stride of 2 they are one. Interleaving, and then narrowing sums to bytes, puts
 * channels in an order of its own and back, so that nothing is permuted.
 */
#include "dwconv.h"
#include "fm.h"
#include "quantvec.h"

#define SIDE		3		/* of the kernel */
#define PLANES		4		/* vectors of a column */
#define BELOW		2		/* rows of input from A to B */
#define MOST_ROWS	6		/* of input, in a pass */
#define MOST_COLS	512		/* of input */
#define HALF		32		/* bytes of a half vector */

typedef __m512i column[PLANES];

/* One register: else unrolled steps get one each, and rows none. */
#define KEEP(number)	__asm__("" : "+r"(number))

/*
 * struct threes - a descriptor for this way
 * @rows: of output, of A and of B
 * @needed: rows of input, of A and B together
 * @outside: a row of zx; vectors are loaded whole
 */
struct threes {
	const struct dwconv *c;
	uint32_t rows, needed, passes;
	uint8_t outside[MOST_COLS * FXQ_BLOCK + 2 * HALF];
};

/*
 * struct block - 32 channels: what all their pixels share
 * @w: the kernel's columns; of a second row of output, a row lower
 */
struct block {
	struct fm_view in, out;
	struct fxq_lanes lanes;
	enum kind kind;
	column w[2][SIDE], start;
	__m512 m[PLANES], neg[PLANES], most;
	__m512i zy, lo, hi, outside, lut[4];
};

/*
 * struct pass - where it is
 * @row: rows of input, from column 0 on; those outside are one row of zx
 * @at: bytes to the next column, @end: to the last one's end
 * @a, @b: A's and B's first rows of output; of B, half a vector before
 * @put_a, @put_b: lanes that are to be written, of each row
 */
struct pass {
	const uint8_t *row[MOST_ROWS];
	uint64_t at, end, pixel;
	uint8_t *a, *b;
	size_t out_row, out_pixel;
	__mmask64 put_a[2], put_b[2];
};

INLINE __m512i load(const void *at)
{
	return _mm512_loadu_si512(at);
}

/* Four vectors of rows become four that have all rows of some channels. */
INLINE void interleave(const __m512i *r, __m512i *to)
{
	__m512i a = _mm512_unpacklo_epi8(r[0], r[1]);
	__m512i b = _mm512_unpackhi_epi8(r[0], r[1]);
	__m512i c = _mm512_unpacklo_epi8(r[2], r[3]);
	__m512i d = _mm512_unpackhi_epi8(r[2], r[3]);

	to[0] = _mm512_unpacklo_epi16(a, c);
	to[1] = _mm512_unpackhi_epi16(a, c);
	to[2] = _mm512_unpacklo_epi16(b, d);
	to[3] = _mm512_unpackhi_epi16(b, d);
}

/* Numbers of 32 channels in the order of interleaved ones, for A and B. */
INLINE void spread_lanes(const void *from, __m512i *to)
{
	const __m512i two = _mm512_set1_epi64(2);
	__m512i i = _mm512_setr_epi64(0, 1, 8, 9, 0, 1, 8, 9);
	__m512i low = load(from), high = load((const uint8_t *)from + 64);
	int v;

	for (v = 0; v < PLANES; v++, i = _mm512_add_epi64(i, two))
		to[v] = _mm512_permutex2var_epi64(low, i, high);
}

static void load_weights(const uint8_t *w, struct block *bl)
{
	__m512i r[4] = { 0 };
	uint32_t kx, ky, v;

	for (kx = 0; kx < SIDE; kx++) {
		for (ky = 0; ky < SIDE; ky++)
			r[ky] = _mm512_broadcast_i64x4(_mm256_loadu_si256(
				(const __m256i *)(w + (ky * SIDE + kx) *
						  FXQ_BLOCK)));
		interleave(r, bl->w[0][kx]);
		for (v = 0; v < PLANES; v++)
			bl->w[1][kx][v] = _mm512_slli_epi32(bl->w[0][kx][v],
							    8);
	}
}

static void load_block(const struct threes *t, uint32_t block, struct block *bl)
{
	const struct dwconv *c = t->c;
	const struct fxq_epilogue *e = &c->out;
	int i;

	bl->in = fm_block(c->x, &c->b->in, block, 1);
	bl->out = fm_block(c->x, &c->b->out, block, 1);
	load_weights((const uint8_t *)c->weights +
		     (size_t)block * SIDE * SIDE * FXQ_BLOCK, bl);
	fxq_lanes_load(e, block * FXQ_BLOCK, fm_lanes(c->b->oc, block),
		       &bl->lanes);
	bl->kind = kind_of(e, &bl->lanes, NULL);
	spread_lanes(bl->lanes.bias, bl->start);
	spread_lanes(bl->lanes.m, (__m512i *)bl->m);
	spread_lanes(bl->lanes.neg, (__m512i *)bl->neg);
	bl->most = _mm512_set1_ps((float)(e->hi - e->zy));
	bl->zy = _mm512_set1_epi16((short)e->zy);
	bl->lo = _mm512_set1_epi8((char)e->lo);
	bl->hi = _mm512_set1_epi8((char)e->hi);
	bl->outside = _mm512_set1_epi8((char)(c->b->zx ^ 0x80));
	for (i = 0; i < 4 && e->lut; i++)
		bl->lut[i] = load(e->lut + 64 * i);
}

/* x + 128 in the high half, from the middle of @at on. */
INLINE void flip_high(__m512i *r, __m512i flip, const uint8_t *at)
{
	const __mmask16 high = 0xff00;

	__asm__("vpxord %3, %1, %0%{%2%}" : "+v"(*r) : "v"(flip), "Yk"(high),
		"m"(*(const __m512i_u *)at));
}

/* The next column of input: @rows rows of A and of B, as x + 128. */
INLINE void take_column(struct pass *p, const struct block *bl, __m512i *to,
			const int rows)
{
	const __m512i flip = _mm512_set1_epi8(-128);
	__m512i r[4];
	int i;

	if (p->at < p->end) {
#pragma GCC unroll 4
		for (i = 0; i < rows; i++) {
			r[i] = _mm512_xor_si512(flip,
						load(p->row[i] + p->at));
			flip_high(&r[i], flip,
				  p->row[i + BELOW] + p->at - HALF);
		}
		if (rows < 4)
			r[3] = r[0];
		interleave(r, to);
	} else {
		for (i = 0; i < PLANES; i++)
			to[i] = bl->outside;
	}
	p->at += p->pixel;
	KEEP(p->at);
}

/*
 * Sums of vector @v. Weights stay in memory: the columns need the registers, and
 * the compiler would load weights once.
 */
INLINE __m512i add_up(const struct block *bl, __m512i x0, __m512i x1,
		      __m512i x2, const int row, const int v)
{
	__m512i sum = bl->start[v];

	__asm__("vpdpbusd %4, %1, %0\n\t"
		"vpdpbusd %5, %2, %0\n\t"
		"vpdpbusd %6, %3, %0"
		: "+&v"(sum) : "v"(x0), "v"(x1), "v"(x2),
		"m"(bl->w[row][0][v]), "m"(bl->w[row][1][v]),
		"m"(bl->w[row][2][v]));
	return sum;
}

/* The bytes of A's and of B's pixel. */
INLINE __m512i finish(const struct block *bl, const __m512i *sum,
		      const enum kind kind)
{
	__m512i v[PLANES], q;
	int i;

#pragma GCC unroll 4
	for (i = 0; i < PLANES; i++)
		v[i] = round_scaled(scale_sums(sum[i], bl->m[i], bl->neg[i],
					       kind), bl->most, kind);
	v[0] = _mm512_adds_epi16(_mm512_packs_epi32(v[0], v[1]), bl->zy);
	v[1] = _mm512_adds_epi16(_mm512_packs_epi32(v[2], v[3]), bl->zy);
	q = _mm512_max_epi8(_mm512_packs_epi16(v[0], v[1]), bl->lo);
	if (kind == PLAIN)
		q = _mm512_min_epi8(q, bl->hi);
	return kind == LUT ? look_up(bl->lut, q) : q;
}

/* A pixel of each row of output, from columns @x0 to @x2. */
INLINE void put_pixels(struct pass *p, const struct block *bl,
		       const __m512i *x0, const __m512i *x1, const __m512i *x2,
		       const int rows, const enum kind kind)
{
	column sum;
	__m512i q;
	int j, v;

#pragma GCC unroll 2
	for (j = 0; j < rows; j++) {
#pragma GCC unroll 4
		for (v = 0; v < PLANES; v++)
			sum[v] = add_up(bl, x0[v], x1[v], x2[v], j, v);
		q = finish(bl, sum, kind);
		_mm512_mask_storeu_epi8(p->a + j * p->out_row, p->put_a[j], q);
		_mm512_mask_storeu_epi8(p->b + j * p->out_row, p->put_b[j], q);
	}
	p->a += p->out_pixel;
	KEEP(p->a);
	p->b += p->out_pixel;
	KEEP(p->b);
}

INLINE void pass_of_stride_1(struct pass p, const struct block *bl, uint32_t n,
			     const enum kind kind)
{
	column x[SIDE];

	take_column(&p, bl, x[0], 4);
	take_column(&p, bl, x[1], 4);
	for (;;) {
		take_column(&p, bl, x[2], 4);
		put_pixels(&p, bl, x[0], x[1], x[2], 2, kind);
		if (!--n)
			break;
		take_column(&p, bl, x[0], 4);
		put_pixels(&p, bl, x[1], x[2], x[0], 2, kind);
		if (!--n)
			break;
		take_column(&p, bl, x[1], 4);
		put_pixels(&p, bl, x[2], x[0], x[1], 2, kind);
		if (!--n)
			break;
	}
}

INLINE void pass_of_stride_2(struct pass p, const struct block *bl, uint32_t n,
			     const enum kind kind)
{
	column x[SIDE];

	take_column(&p, bl, x[0], 3);
	for (;;) {
		take_column(&p, bl, x[1], 3);
		take_column(&p, bl, x[2], 3);
		put_pixels(&p, bl, x[0], x[1], x[2], 1, kind);
		if (!--n)
			break;
		take_column(&p, bl, x[1], 3);
		take_column(&p, bl, x[0], 3);
		put_pixels(&p, bl, x[2], x[1], x[0], 1, kind);
		if (!--n)
			break;
	}
}

INLINE void pass_of_kind(const struct threes *t, const struct pass *p,
			 const struct block *bl, uint32_t n,
			 const enum kind kind)
{
	if (t->rows == 2)
		pass_of_stride_1(*p, bl, n, kind);
	else
		pass_of_stride_2(*p, bl, n, kind);
}

static void run_pass(const struct threes *t, const struct pass *p,
		     const struct block *bl, uint32_t n)
{
	switch (bl->kind) {
	case PLAIN:
		pass_of_kind(t, p, bl, n, PLAIN);
		break;
	case LARGE:
		pass_of_kind(t, p, bl, n, LARGE);
		break;
	case BENT:
		pass_of_kind(t, p, bl, n, BENT);
		break;
	case LUT:
		pass_of_kind(t, p, bl, n, LUT);
		break;
	}
}

/* A pass: @n pixels of output rows from @oy on. */
static void run_rows(const struct threes *t, const struct block *bl,
		     uint32_t oy)
{
	const struct fxq_body_conv *b = t->c->b;
	int64_t y = (int64_t)oy * b->sh - b->pad_t;
	uint64_t lanes = ~0ull >> (64 - bl->lanes.n);
	size_t pixel = bl->in.pixel;
	struct pass p = {
		.at = -(uint64_t)b->pad_l * pixel, .end = b->iw * pixel,
		.pixel = pixel, .a = fm_pixel(&bl->out, oy, 0),
		.out_row = bl->out.row, .out_pixel = bl->out.pixel,
	};
	uint32_t i;

	for (i = 0; i < t->needed; i++, y++)
		p.row[i] = y >= 0 && y < b->ih ? fm_pixel(&bl->in, y, 0) :
			   t->outside + HALF;
	for (i = 0; i < t->rows; i++) {
		p.put_a[i] = oy + i < b->oh ? lanes : 0;
		p.put_b[i] = oy + t->rows + i < b->oh ? lanes << HALF : 0;
	}
	p.b = p.a + t->rows * p.out_row - HALF;
	run_pass(t, &p, bl, b->ow);
}

static void three_rows(void *arg, uint32_t first, uint32_t last)
{
	const struct threes *t = arg;
	struct block bl;
	uint32_t i;

	for (i = first; i < last; i++) {
		if (i == first || !(i % t->passes))
			load_block(t, i / t->passes, &bl);
		run_rows(t, &bl, i % t->passes * 2 * t->rows);
	}
}

bool dwconv_by_threes(const struct dwconv *c)
{
	const struct fxq_body_conv *b = c->b;
	struct threes t;

	if (b->kh != SIDE || b->kw != SIDE || b->dh != 1 || b->dw != 1 ||
	    b->sh != b->sw || b->sh > 2 || b->oh < 2 || b->iw > MOST_COLS ||
	    b->oc <= FXQ_BLOCK / 2 ||
	    c->out.flags & (FXQ_F_RESIDUAL | FXQ_F_RAW))
		return false;
	t.c = c;
	t.rows = b->sh == 1 ? 2 : 1;
	t.needed = BELOW + SIDE + t.rows - 1;
	t.passes = fxq_div_up(b->oh, 2 * t.rows);
	memset(t.outside, b->zx, b->iw * FXQ_BLOCK + 2 * HALF);
	fxq_spread(c->x, c->wide, fm_blocks(b->oc) * t.passes, 1, three_rows,
		   &t);
	return true;
}
