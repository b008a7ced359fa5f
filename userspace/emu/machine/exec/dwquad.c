/* SPDX-License-Identifier: MIT */
/*
 * dwquad.c - DWCONV by vpdpbusd: four rows of a channel side by side
 *
 * That instruction adds four neighbouring products, and a depthwise kernel has
 * no four channels to add; but it has rows. Four rows of input are interleaved
 * into quads, 128 bytes for a column's 32 channels, as u8 (x + 128), with what
 * lies outside filled in. Each column of the kernel then is one multiplication
 * per 16 channels. With a stride of 1 two rows of output share the same quads,
 * the second with its weights a row lower. Interleaving leaves channels in an
 * order of its own, in which weights and bias are put as well, and which two
 * shuffles of the sums undo.
 */
#include <immintrin.h>

#include "dwconv.h"
#include "fm.h"

#define INLINE		static inline __attribute__((always_inline))

#define BAND_COLS	384		/* columns of quads that are kept */
#define MAX_TAPS	64		/* columns of a kernel, all its quads */
#define OUT_PIXELS	64		/* that are finished together */
#define LONG		7		/* pixels of a row in registers, */
#define SHORT		4		/* where that is less waste */

/*
 * struct quads - a descriptor for this way
 * @rows: of output that share quads
 * @needed: rows of input for them, @step apart; @deep quads hold them
 * @cols: of output, at a time; @stride: columns of quads for them
 * @piece: pixels of a tile
 * @out_row: pixels from a row of sums to the next
 * @group: rows that are finished together
 */
struct quads {
	const struct dwconv *c;
	uint32_t rows, needed, step, deep, cols, stride;
	uint32_t piece, out_row, group;
};

/* struct block - 32 channels: their input, weights, and start of sums */
struct block {
	struct fm_view in;
	struct fxq_lanes lanes;
	__m512i start[2];
	__m512i w[2][MAX_TAPS][2];
};

/* Four rows of 32 bytes become two vectors of quads. */
INLINE void interleave(const uint8_t *const row[4], __m512i flip, __m512i *to)
{
	__m256i r[4], a, b, c, d;
	int i;

	for (i = 0; i < 4; i++)
		r[i] = _mm256_loadu_si256((const __m256i *)row[i]);
	a = _mm256_unpacklo_epi8(r[0], r[1]);
	b = _mm256_unpackhi_epi8(r[0], r[1]);
	c = _mm256_unpacklo_epi8(r[2], r[3]);
	d = _mm256_unpackhi_epi8(r[2], r[3]);
	to[0] = _mm512_inserti64x4(
		_mm512_castsi256_si512(_mm256_unpacklo_epi16(a, c)),
		_mm256_unpackhi_epi16(a, c), 1);
	to[1] = _mm512_inserti64x4(
		_mm512_castsi256_si512(_mm256_unpacklo_epi16(b, d)),
		_mm256_unpackhi_epi16(b, d), 1);
	to[0] = _mm512_xor_si512(to[0], flip);
	to[1] = _mm512_xor_si512(to[1], flip);
}

/* Two neighbouring columns of 32 channels each: half the shuffles. */
INLINE void interleave_two(const uint8_t *const row[4], __m512i flip,
			   __m512i (*to)[2])
{
	__m512i r[4], q[4], a, b, c, d;
	__m256i *at = (__m256i *)to;
	int i;

	for (i = 0; i < 4; i++)
		r[i] = _mm512_xor_si512(_mm512_loadu_si512(row[i]), flip);
	a = _mm512_unpacklo_epi8(r[0], r[1]);
	b = _mm512_unpackhi_epi8(r[0], r[1]);
	c = _mm512_unpacklo_epi8(r[2], r[3]);
	d = _mm512_unpackhi_epi8(r[2], r[3]);
	q[0] = _mm512_unpacklo_epi16(a, c);
	q[1] = _mm512_unpackhi_epi16(a, c);
	q[2] = _mm512_unpacklo_epi16(b, d);
	q[3] = _mm512_unpackhi_epi16(b, d);
	for (i = 0; i < 4; i++) {
		_mm256_store_si256(at + i, _mm512_castsi512_si256(q[i]));
		_mm256_store_si256(at + 4 + i,
				   _mm512_extracti64x4_epi64(q[i], 1));
	}
}

/* Weights of output row @j: @j strides lower; rows that it has not are zero. */
static void load_weights(const struct quads *q, const int8_t *w, uint32_t j,
			 __m512i (*to)[2])
{
	static const uint8_t none[FXQ_BLOCK];
	const struct fxq_body_conv *b = q->c->b;
	uint32_t deep, kx, i;

	for (deep = 0; deep < q->deep; deep++) {
		for (kx = 0; kx < b->kw; kx++) {
			const uint8_t *row[4];

			for (i = 0; i < 4; i++) {
				uint32_t ky = 4 * deep + i - j * b->sh;

				row[i] = ky < b->kh ? (const uint8_t *)w +
					 (ky * b->kw + kx) * FXQ_BLOCK : none;
			}
			interleave(row, _mm512_setzero_si512(), *to++);
		}
	}
}

static void load_block(const struct quads *q, uint32_t block, struct block *bl)
{
	const struct dwconv *c = q->c;
	const int8_t *w = c->weights +
			  (size_t)block * c->b->kh * c->b->kw * FXQ_BLOCK;
	const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
	const __m512i odd = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
	__m512i low, high;
	uint32_t j;

	bl->in = fm_block(c->x, &c->b->in, block, 1);
	fxq_lanes_load(&c->out, block * FXQ_BLOCK, fm_lanes(c->b->oc, block),
		       &bl->lanes);
	low = _mm512_loadu_si512(bl->lanes.bias);
	high = _mm512_loadu_si512(bl->lanes.bias + 16);
	bl->start[0] = _mm512_permutex2var_epi64(low, even, high);
	bl->start[1] = _mm512_permutex2var_epi64(low, odd, high);
	for (j = 0; j < q->rows; j++)
		load_weights(q, w, j, bl->w[j]);
}

/* One row of quads: @n columns from (@y, @x), the first of four rows, on. */
static void fill_row(const struct quads *q, const struct fm_view *in, int64_t y,
		     int64_t x, uint32_t rows, uint32_t n, __m512i (*to)[2])
{
	const struct fxq_body_conv *b = q->c->b;
	const __m512i flip = _mm512_set1_epi8(-128);
	const __m512i out = _mm512_set1_epi8((char)(b->zx ^ 0x80));
	int64_t first = x < 0 ? -x : 0, last = b->iw - x, col;
	const uint8_t *at[4];
	size_t step[4];
	uint32_t i;

	first = first < n ? first : n;
	last = last < first ? first : last < n ? last : n;
	for (i = 0; i < 4; i++, y += q->step) {
		bool inside = i < rows && y >= 0 && y < b->ih && first < last;

		step[i] = inside ? in->pixel : 0;
		at[i] = inside ? fm_pixel(in, y, x + first) :
			(const uint8_t *)q->c->outside;
	}
	for (col = 0; col < first; col++)
		to[col][0] = to[col][1] = out;
	for (; col + 1 < last && in->pixel == FXQ_BLOCK; col += 2) {
		interleave_two(at, flip, to + col);
		for (i = 0; i < 4; i++)
			at[i] += 2 * step[i];
	}
	for (; col < last; col++) {
		interleave(at, flip, to[col]);
		for (i = 0; i < 4; i++)
			at[i] += step[i];
	}
	for (; col < n; col++)
		to[col][0] = to[col][1] = out;
}

/* Of two rows, weights stay in memory: the sums need all registers. */
INLINE void add(__m512i *sum, __m512i x, const __m512i *w, const int rows)
{
	if (rows == 1)
		*sum = _mm512_dpbusd_epi32(*sum, x, *w);
	else
		__asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(x), "m"(*w));
}

/* Sums of @n pixels of each of @rows rows. */
INLINE void tile(const struct quads *q, const struct block *bl,
		 const __m512i (*x)[2], uint32_t (*acc)[FXQ_BLOCK],
		 const int n, const int rows, const int sw)
{
	const __m512i (*w)[2] = bl->w[0], (*from)[2];
	uint32_t kw = q->c->b->kw, dw = q->c->b->dw, deep, kx;
	__m512i sum[2][LONG][2], four[2];
	int i, j, v;

#pragma GCC unroll 2
	for (j = 0; j < rows; j++)
#pragma GCC unroll 7
		for (i = 0; i < n; i++)
			for (v = 0; v < 2; v++)
				sum[j][i][v] = bl->start[v];
	for (deep = 0; deep < q->deep; deep++, x += q->stride) {
		from = x;
#pragma GCC unroll 1
		for (kx = 0; kx < kw; kx++, w++, from += dw) {
#pragma GCC unroll 7
			for (i = 0; i < n; i++) {
				for (v = 0; v < 2; v++)
					four[v] = from[i * sw][v];
#pragma GCC unroll 2
				for (j = 0; j < rows; j++)
					for (v = 0; v < 2; v++)
						add(&sum[j][i][v], four[v],
						    &w[j * MAX_TAPS][v], rows);
			}
		}
	}
#pragma GCC unroll 2
	for (j = 0; j < rows; j++, acc += q->out_row) {
#pragma GCC unroll 7
		for (i = 0; i < n; i++) {
			__m512i a = sum[j][i][0], b = sum[j][i][1];

			_mm512_store_si512(acc[i],
				_mm512_shuffle_i64x2(a, b, 0x88));
			_mm512_store_si512(acc[i] + 16,
				_mm512_shuffle_i64x2(a, b, 0xdd));
		}
	}
}

/* Strides that the compiler knows make addresses that need no arithmetic. */
INLINE void tile_of_stride(const struct quads *q, const struct block *bl,
			   const __m512i (*x)[2], uint32_t (*acc)[FXQ_BLOCK],
			   const int n, const int rows)
{
	if (q->c->b->sw == 1)
		tile(q, bl, x, acc, n, rows, 1);
	else if (q->c->b->sw == 2)
		tile(q, bl, x, acc, n, rows, 2);
	else
		tile(q, bl, x, acc, n, rows, q->c->b->sw);
}

static void run_tile(const struct quads *q, const struct block *bl,
		     const __m512i (*x)[2], uint32_t (*acc)[FXQ_BLOCK])
{
	if (q->piece == LONG && q->rows == 2)
		tile_of_stride(q, bl, x, acc, LONG, 2);
	else if (q->piece == LONG)
		tile_of_stride(q, bl, x, acc, LONG, 1);
	else if (q->rows == 2)
		tile_of_stride(q, bl, x, acc, SHORT, 2);
	else
		tile_of_stride(q, bl, x, acc, SHORT, 1);
}

/* q->rows output rows from @oy on, @n pixels from @ox on. */
static void run_rows(const struct quads *q, const struct block *bl, uint32_t oy,
		     uint32_t ox, uint32_t n, uint32_t (*acc)[FXQ_BLOCK])
{
	const struct fxq_body_conv *b = q->c->b;
	__m512i band[BAND_COLS][2];
	int64_t y = (int64_t)oy * b->sh - b->pad_t;
	int64_t x = (int64_t)ox * b->sw - b->pad_l;
	uint32_t deep, i;

	for (deep = 0; deep < q->deep; deep++)
		fill_row(q, &bl->in, y + 4 * deep * q->step, x,
			 q->needed - 4 * deep,
			 (n - 1) * b->sw + (b->kw - 1) * b->dw + 1,
			 band + deep * q->stride);
	for (i = 0; i < n; i += q->piece)
		run_tile(q, bl, (const void *)(band + i * b->sw), acc + i);
}

/* @rows output rows from @oy on, @n pixels from @ox on. */
static void run_box(const struct quads *q, const struct block *bl, uint32_t oy,
		    uint32_t ox, uint32_t rows, uint32_t n)
{
	/* The last tile of a second row may end beyond. */
	uint32_t acc[2 * OUT_PIXELS][FXQ_BLOCK] __attribute__((aligned(64)));
	const struct fxq_body_conv *b = q->c->b;
	uint32_t i;

	for (i = 0; i < rows; i += q->rows)
		run_rows(q, bl, oy + i, ox, n, acc + i * q->out_row);
	if (n == b->ow && n == q->out_row) {
		fxq_epilogue_run(&q->c->out, &bl->lanes, acc, oy * b->ow,
				 rows * n);
		return;
	}
	for (i = 0; i < rows; i++)
		fxq_epilogue_run(&q->c->out, &bl->lanes, acc + i * q->out_row,
				 (oy + i) * b->ow + ox, n);
}

static void quad_rows(void *arg, uint32_t first, uint32_t last)
{
	const struct quads *q = arg;
	const struct fxq_body_conv *b = q->c->b;
	uint32_t units = fxq_div_up(b->oh, q->group), i, y, x, rows, n;
	struct block bl;

	for (i = first; i < last; i++) {
		if (i == first || !(i % units))
			load_block(q, i / units, &bl);
		y = i % units * q->group;
		rows = b->oh - y < q->group ? b->oh - y : q->group;
		for (x = 0; x < b->ow; x += q->cols) {
			n = b->ow - x < q->cols ? b->ow - x : q->cols;
			run_box(q, &bl, y, x, rows, n);
		}
	}
}

/* A tile that ends beyond a row reads and writes there. */
static bool choose_box(struct quads *q)
{
	const struct fxq_body_conv *b = q->c->b;
	uint32_t kernel = (b->kw - 1) * b->dw + 1, cols = b->ow;

	q->piece = fxq_round_up(cols, LONG) <= fxq_round_up(cols, SHORT) ?
		   LONG : SHORT;
	if (cols > OUT_PIXELS)
		cols = OUT_PIXELS;
	cols = fxq_round_up(cols, q->piece);
	for (; cols; cols -= q->piece) {
		q->stride = (cols - 1) * b->sw + kernel;
		if (cols <= OUT_PIXELS && q->stride * q->deep <= BAND_COLS)
			break;
	}
	if (!cols)
		return false;
	q->cols = q->out_row = cols;
	q->group = OUT_PIXELS / cols / q->rows * q->rows;
	if (q->group < q->rows)
		q->group = q->rows;
	return true;
}

bool dwconv_by_quads(const struct dwconv *c)
{
	const struct fxq_body_conv *b = c->b;
	struct quads q = { .c = c };

	q.rows = b->sh == 1 && b->dh == 1 && b->oh > 1 ? 2 : 1;
	q.step = b->dh;
	q.needed = b->kh + q.rows - 1;
	q.deep = fxq_div_up(q.needed, 4);
	if (q.deep * b->kw > MAX_TAPS || !choose_box(&q))
		return false;
	fxq_spread(c->x, c->wide, fm_blocks(b->oc) * fxq_div_up(b->oh, q.group),
		   1, quad_rows, &q);
	return true;
}
