/* SPDX-License-Identifier: MIT */
/*
 * dwquad.c - DWCONV with several rows of a channel side by side
 *
 * The instructions that multiply fastest add neighbouring products, and a
 * depthwise kernel has no channels to add; but it has rows. Some rows of input
 * are interleaved into columns (dwvec.h), as x + 128, with what lies outside
 * filled in; each column of the kernel then is one multiplication for a vector
 * of channels. With a stride of 1 two rows of output share the same columns, the
 * second with its weights a row lower.
 */
#include "dwvec.h"
#include "fm.h"

#define BAND_COLS	384		/* columns that are kept */
#define MAX_TAPS	64		/* of a kernel, in columns */
#define OUT_PIXELS	64		/* that are finished together */

/*
 * struct quads - a descriptor for this way
 * @rows: of output that share columns
 * @needed: rows of input for them, @step apart; @deep columns hold them
 * @cols: of output, at a time; @stride: columns of input for them
 * @piece: pixels of a tile
 * @out_row: pixels from a row of sums to the next
 * @group: rows that are finished together
 * @half: no block has more than 16 channels, and so columns half a length
 */
struct quads {
	const struct dwconv *c;
	bool half;
	uint32_t rows, needed, step, deep, cols, stride;
	uint32_t piece, out_row, group;
};

/* struct block - 32 channels: their input, weights, and start of sums */
struct block {
	struct fm_view in;
	struct fxq_lanes lanes;
	column start;
	column w[2][MAX_TAPS];
};

#ifdef HALF_COLUMNS

static bool takes_half(const struct fxq_body_conv *b)
{
	return b->oc <= FXQ_BLOCK / 2;
}

#else

#define interleave_half(row, flip, to)	interleave(row, flip, to)
#define to_half(from, to)		to_column(from, to)
#define from_half(from, to)		from_column(from, to)

static bool takes_half(const struct fxq_body_conv *b)
{
	return false;
}

#endif

static void put_weights(const struct quads *q, const uint8_t *const *row,
			vector *to)
{
	if (q->half)
		interleave_half(row, 0, to);
	else
		interleave_weights(row, to);
}

/* Weights of output row @j: @j strides lower; rows that it has not are zero. */
static void load_weights(const struct quads *q, const int8_t *w, uint32_t j,
			 column *to)
{
	static const uint8_t none[FXQ_BLOCK];
	const struct fxq_body_conv *b = q->c->b;
	uint32_t deep, kx, i;

	for (deep = 0; deep < q->deep; deep++) {
		for (kx = 0; kx < b->kw; kx++) {
			const uint8_t *row[DEPTH];

			for (i = 0; i < DEPTH; i++) {
				uint32_t ky = DEPTH * deep + i - j * b->sh;

				row[i] = ky < b->kh ? (const uint8_t *)w +
					 (ky * b->kw + kx) * FXQ_BLOCK : none;
			}
			put_weights(q, row, *to++);
		}
	}
}

static void load_block(const struct quads *q, uint32_t block, struct block *bl)
{
	const struct dwconv *c = q->c;
	const int8_t *w = c->weights +
			  (size_t)block * c->b->kh * c->b->kw * FXQ_BLOCK;
	uint32_t j;

	bl->in = fm_block(c->x, &c->b->in, block, 1);
	fxq_lanes_load(&c->out, block * FXQ_BLOCK, fm_lanes(c->b->oc, block),
		       &bl->lanes);
	if (q->half)
		to_half(bl->lanes.bias, bl->start);
	else
		to_column(bl->lanes.bias, bl->start);
	for (j = 0; j < q->rows; j++)
		load_weights(q, w, j, bl->w[j]);
}

static void fill_outside(column *to, int64_t n, int zx)
{
	vector v = every_byte(zx ^ 0x80);
	int64_t i;
	int j;

	for (i = 0; i < n; i++)
		for (j = 0; j < VECTORS; j++)
			to[i][j] = v;
}

/* @n columns from @x on, of the DEPTH rows from @y on; @rows of them count. */
static void fill_row(const struct quads *q, const struct fm_view *in, int64_t y,
		     int64_t x, uint32_t rows, uint32_t n, column *to)
{
	const struct fxq_body_conv *b = q->c->b;
	int64_t first = x < 0 ? -x : 0, last = b->iw - x, col;
	const uint8_t *at[DEPTH];
	size_t step[DEPTH];
	uint32_t i;

	first = first < n ? first : n;
	last = last < first ? first : last < n ? last : n;
	for (i = 0; i < DEPTH; i++, y += q->step) {
		bool inside = i < rows && y >= 0 && y < b->ih && first < last;

		step[i] = inside ? in->pixel : 0;
		at[i] = inside ? fm_pixel(in, y, x + first) :
			(const uint8_t *)q->c->outside;
	}
	fill_outside(to, first, b->zx);
	col = first;
#ifdef INTERLEAVE_TWO
	for (; !q->half && col + 1 < last && in->pixel == FXQ_BLOCK;
	     col += 2) {
		interleave_two(at, 0x80, to + col);
		for (i = 0; i < DEPTH; i++)
			at[i] += 2 * step[i];
	}
#endif
#ifdef HALF_COLUMNS
	for (; q->half && col + 3 < last && in->pixel == FXQ_BLOCK / 2;
	     col += 4) {
		interleave_four_halves(at, 0x80, to + col);
		for (i = 0; i < DEPTH; i++)
			at[i] += 4 * step[i];
	}
#endif
	for (; col < last; col++) {
		if (q->half)
			interleave_half(at, 0x80, to[col]);
		else
			interleave(at, 0x80, to[col]);
		for (i = 0; i < DEPTH; i++)
			at[i] += step[i];
	}
	fill_outside(to + last, n - last, b->zx);
}

/* Sums of @n pixels of each of @rows rows. */
INLINE void tile(const struct quads *q, const struct block *bl,
		 const column *x, uint32_t (*acc)[FXQ_BLOCK], const int n,
		 const int rows, const int sw, const int vectors)
{
	const column *w = bl->w[0], *from;
	uint32_t kw = q->c->b->kw, dw = q->c->b->dw, deep, kx;
	column sum[2][ONE_LONG];
	vector in;
	int i, j, v;

#pragma GCC unroll 2
	for (j = 0; j < rows; j++)
#pragma GCC unroll 7
		for (i = 0; i < n; i++)
#pragma GCC unroll 4
			for (v = 0; v < vectors; v++)
				sum[j][i][v] = bl->start[v];
	for (deep = 0; deep < q->deep; deep++, x += q->stride) {
		from = x;
#pragma GCC unroll 1
		for (kx = 0; kx < kw; kx++, w++, from += dw) {
#pragma GCC unroll 7
			for (i = 0; i < n; i++) {
#pragma GCC unroll 4
				for (v = 0; v < vectors; v++) {
					in = from[i * sw][v];
#pragma GCC unroll 2
					for (j = 0; j < rows; j++)
						add(&sum[j][i][v], in,
						    &w[j * MAX_TAPS][v], rows);
				}
			}
		}
	}
#pragma GCC unroll 2
	for (j = 0; j < rows; j++, acc += q->out_row)
#pragma GCC unroll 7
		for (i = 0; i < n; i++) {
			if (vectors == VECTORS)
				from_column(sum[j][i], acc[i]);
			else
				from_half(sum[j][i], acc[i]);
		}
}

/* Strides that the compiler knows make addresses that need no arithmetic. */
INLINE void tile_of_stride(const struct quads *q, const struct block *bl,
			   const column *x, uint32_t (*acc)[FXQ_BLOCK],
			   const int n, const int rows, const int vectors)
{
	if (q->c->b->sw == 1)
		tile(q, bl, x, acc, n, rows, 1, vectors);
	else if (q->c->b->sw == 2)
		tile(q, bl, x, acc, n, rows, 2, vectors);
	else
		tile(q, bl, x, acc, n, rows, q->c->b->sw, vectors);
}

INLINE void tile_of_vectors(const struct quads *q, const struct block *bl,
			    const column *x, uint32_t (*acc)[FXQ_BLOCK],
			    const int vectors)
{
	if (q->rows == 2 && q->piece == TWO_LONG)
		tile_of_stride(q, bl, x, acc, TWO_LONG, 2, vectors);
	else if (q->rows == 2)
		tile_of_stride(q, bl, x, acc, SHORT, 2, vectors);
	else if (q->piece == ONE_LONG)
		tile_of_stride(q, bl, x, acc, ONE_LONG, 1, vectors);
	else
		tile_of_stride(q, bl, x, acc, SHORT, 1, vectors);
}

static void run_tile(const struct quads *q, const struct block *bl,
		     const column *x, uint32_t (*acc)[FXQ_BLOCK])
{
#ifdef HALF_COLUMNS
	if (q->half) {
		tile_of_vectors(q, bl, x, acc, VECTORS / 2);
		return;
	}
#endif
	tile_of_vectors(q, bl, x, acc, VECTORS);
}

/* q->rows output rows from @oy on, @n pixels from @ox on. */
static void run_rows(const struct quads *q, const struct block *bl, uint32_t oy,
		     uint32_t ox, uint32_t n, uint32_t (*acc)[FXQ_BLOCK])
{
	const struct fxq_body_conv *b = q->c->b;
	column band[BAND_COLS];
	int64_t y = (int64_t)oy * b->sh - b->pad_t;
	int64_t x = (int64_t)ox * b->sw - b->pad_l;
	uint32_t deep, i;

	for (deep = 0; deep < q->deep; deep++)
		fill_row(q, &bl->in, y + DEPTH * deep * q->step, x,
			 q->needed - DEPTH * deep,
			 (n - 1) * b->sw + (b->kw - 1) * b->dw + 1,
			 band + deep * q->stride);
	for (i = 0; i < n; i += q->piece)
		run_tile(q, bl, (const column *)band + i * b->sw, acc + i);
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
	uint32_t most = q->rows == 2 ? TWO_LONG : ONE_LONG;

	q->piece = fxq_round_up(cols, most) <= fxq_round_up(cols, SHORT) ?
		   most : SHORT;
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
	struct quads q = { .c = c, .half = takes_half(b) };

	q.rows = b->sh == 1 && b->dh == 1 && b->oh > 1 ? 2 : 1;
	q.step = b->dh;
	q.needed = b->kh + q.rows - 1;
	q.deep = fxq_div_up(q.needed, DEPTH);
	if (q.deep * b->kw > MAX_TAPS || !choose_box(&q))
		return false;
	fxq_spread(c->x, c->wide, fm_blocks(b->oc) * fxq_div_up(b->oh, q.group),
		   1, quad_rows, &q);
	return true;
}
