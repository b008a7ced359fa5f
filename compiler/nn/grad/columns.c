// SPDX-License-Identifier: MIT
/*
 * Walking a strip row by row: for each tap a row of outputs meets a stretch of
 * a row of the input, a stride apart, and padding at its ends. Where rows of
 * outputs follow one another as those of the input do, they are one stretch,
 * and what the padding met is put right afterwards: most convolutions keep the
 * size, and rows are short.
 */
#include "columns.h"

#include "../kernels/clones.h"

#define STRIP_BYTES	(512 << 10)	/* of the matrix, in the cache at once */

static int64_t steps_to(int64_t first, int64_t step, int64_t least)
{
	return first >= least ? 0 : (least - first + step - 1) / step;
}

/* Input coordinate that tap @t meets at output @o along dimension @d. */
static int64_t meets(const struct convolution *c, int d, int64_t o, int64_t t)
{
	return o * c->stride[d] - c->begin[d] + t * c->dilation[d];
}

static bool is_input(const struct convolution *c)
{
	for (int d = 0; d < 3; d++)
		if (c->taps[d] != 1 || c->stride[d] != 1 || c->begin[d] ||
		    c->end[d])
			return false;
	return true;
}

int columns_init(struct columns *m, const struct convolution *c)
{
	int64_t rows = c->out[0] * c->out[1], bytes;

	*m = (struct columns){
		.c = *c, .k = c->ic * convolution_taps(c),
		.is_input = is_input(c),
		.is_shifted = c->in[0] == 1 && c->out[0] == 1 &&
			      c->stride[1] == 1 && c->stride[2] == 1 &&
			      c->in[2] == c->out[2],
	};
	bytes = m->k * c->out[2] * (int64_t)sizeof(real);
	m->strip = bytes < STRIP_BYTES ? STRIP_BYTES / bytes : 1;
	if (m->strip > rows || m->is_input)
		m->strip = rows;
	m->size = m->is_input ? 0 : m->k * m->strip * c->out[2];

	m->span = malloc(c->taps[2] * sizeof(*m->span));
	if (!m->span)
		return -ENOMEM;
	for (int64_t t = 0; t < c->taps[2]; t++) {
		int64_t at = meets(c, 2, 0, t);
		int64_t hi = steps_to(at, c->stride[2], c->in[2]);

		m->span[t].lo = steps_to(at, c->stride[2], 0);
		m->span[t].hi = hi < c->out[2] ? hi : c->out[2];
	}
	return 0;
}

void columns_finish(struct columns *m)
{
	free(m->span);
}

/* The input's row that tap (z, y) meets at row @row of outputs; -1: none. */
static int64_t input_row(const struct convolution *c, int64_t row, int64_t z,
			 int64_t y)
{
	int64_t a = meets(c, 0, row / c->out[1], z);
	int64_t b = meets(c, 1, row % c->out[1], y);

	if (a < 0 || a >= c->in[0] || b < 0 || b >= c->in[1])
		return -1;
	return a * c->in[1] + b;
}

static void fill_row(real *to, const real *x, int64_t first, int64_t n,
		     int64_t stride, const struct columns_span *s)
{
	for (int64_t i = 0; i < s->lo; i++)
		to[i] = 0;
	if (stride == 1)
		for (int64_t i = s->lo; i < s->hi; i++)
			to[i] = x[first + i];
	else
		for (int64_t i = s->lo; i < s->hi; i++)
			to[i] = x[first + i * stride];
	for (int64_t i = s->hi > s->lo ? s->hi : s->lo; i < n; i++)
		to[i] = 0;
}

static void add_row(real *x, int64_t first, const real *from, int64_t stride,
		    const struct columns_span *s)
{
	if (stride == 1)
		for (int64_t i = s->lo; i < s->hi; i++)
			x[first + i] += from[i];
	else
		for (int64_t i = s->lo; i < s->hi; i++)
			x[first + i * stride] += from[i];
}

/* One channel and tap, a row of the matrix. */
FXQ_CLONES
static void fill_tap(const struct columns *m, const real *x, int64_t row,
		     int64_t rows, const int64_t tap[3], real *to)
{
	const struct convolution *c = &m->c;
	int64_t n = c->out[2], first = meets(c, 2, 0, tap[2]);

	for (int64_t r = 0; r < rows; r++, to += n) {
		int64_t at = input_row(c, row + r, tap[0], tap[1]);

		if (at < 0)
			memset(to, 0, n * sizeof(*to));
		else
			fill_row(to, x, at * c->in[2] + first, n, c->stride[2],
				 &m->span[tap[2]]);
	}
}

FXQ_CLONES
static void add_tap(const struct columns *m, const real *from, int64_t row,
		    int64_t rows, const int64_t tap[3], real *x)
{
	const struct convolution *c = &m->c;
	int64_t n = c->out[2], first = meets(c, 2, 0, tap[2]);

	for (int64_t r = 0; r < rows; r++, from += n) {
		int64_t at = input_row(c, row + r, tap[0], tap[1]);

		if (at >= 0)
			add_row(x, at * c->in[2] + first, from, c->stride[2],
				&m->span[tap[2]]);
	}
}

/*
 * struct stretch - what a tap of a shifted input meets in a strip
 * @first, @end: elements of the strip; those before and behind meet padding
 * @at: the input's element that the first one meets
 */
struct stretch {
	int64_t first, end, at;
};

static struct stretch find_stretch(const struct columns *m, int64_t row,
				   int64_t rows, const int64_t tap[3])
{
	const struct convolution *c = &m->c;
	const struct columns_span *s = &m->span[tap[2]];
	int64_t down = meets(c, 1, 0, tap[1]), n = c->out[2];
	int64_t top = row < -down ? -down : row;
	int64_t bottom = row + rows < c->in[1] - down ? row + rows :
							c->in[1] - down;

	if (top >= bottom || s->lo >= s->hi)
		return (struct stretch){ .at = 0 };
	return (struct stretch){
		.first = (top - row) * n + s->lo,
		.end = (bottom - 1 - row) * n + s->hi,
		.at = (top + down) * n + meets(c, 2, s->lo, tap[2]),
	};
}

/* Padding at the ends of rows, which the stretch runs over. */
static void clear_gaps(real *v, const struct stretch *part, int64_t n,
		       const struct columns_span *s)
{
	int64_t gap = n - s->hi + s->lo;

	for (int64_t i = part->first + s->hi - s->lo; i < part->end; i += n)
		for (int64_t k = 0; k < gap; k++)
			v[i + k] = 0;
}

static void fill_shifted(const struct columns *m, const real *x, int64_t row,
			 int64_t rows, const int64_t tap[3], real *to)
{
	struct stretch part = find_stretch(m, row, rows, tap);
	int64_t n = m->c.out[2];

	memset(to, 0, part.first * sizeof(*to));
	memcpy(to + part.first, x + part.at,
	       (part.end - part.first) * sizeof(*to));
	memset(to + part.end, 0, (rows * n - part.end) * sizeof(*to));
	clear_gaps(to, &part, n, &m->span[tap[2]]);
}

FXQ_CLONES
static void add_shifted(const struct columns *m, real *from, int64_t row,
			int64_t rows, const int64_t tap[3], real *x)
{
	struct stretch part = find_stretch(m, row, rows, tap);

	clear_gaps(from, &part, m->c.out[2], &m->span[tap[2]]);
	from += part.first;
	x += part.at;
	for (int64_t i = 0; i < part.end - part.first; i++)
		x[i] += from[i];
}

/* The matrix's row @k: its channel, and its tap in @ret_tap. */
static int64_t channel_and_tap(const struct convolution *c, int64_t k,
			       int64_t ret_tap[3])
{
	for (int d = 2; d >= 0; d--) {
		ret_tap[d] = k % c->taps[d];
		k /= c->taps[d];
	}
	return k;
}

void columns_fill(const struct columns *m, const real *x, int64_t row,
		  int64_t rows, real *to)
{
	int64_t size = convolution_in_size(&m->c), tap[3];

	for (int64_t k = 0; k < m->k; k++, to += rows * m->c.out[2]) {
		int64_t channel = channel_and_tap(&m->c, k, tap);

		if (m->is_shifted)
			fill_shifted(m, x + channel * size, row, rows, tap, to);
		else
			fill_tap(m, x + channel * size, row, rows, tap, to);
	}
}

void columns_add(const struct columns *m, real *from, int64_t row,
		 int64_t rows, real *x)
{
	int64_t size = convolution_in_size(&m->c), tap[3];

	for (int64_t k = 0; k < m->k; k++, from += rows * m->c.out[2]) {
		int64_t channel = channel_and_tap(&m->c, k, tap);

		if (m->is_shifted)
			add_shifted(m, from, row, rows, tap,
				    x + channel * size);
		else
			add_tap(m, from, row, rows, tap, x + channel * size);
	}
}
