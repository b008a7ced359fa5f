// SPDX-License-Identifier: MIT
/*
 * Copying a channel into its planes. Strides beyond the number of taps leave
 * residues that nobody reads, and those have no plane: a 1 × 1 convolution
 * with stride 2 copies a quarter of its input.
 */
#include <errno.h>
#include <string.h>

#include "field.h"

/* A tap's residue is its number among the planes: taps repeat every period. */
static int64_t residue(const struct field_axis *a, int64_t plane)
{
	return plane * a->dilation % a->stride;
}

static int64_t gcd(int64_t a, int64_t b)
{
	return b ? gcd(b, a % b) : a;
}

int field_init(struct field *f)
{
	int64_t plane = 1, planes = 1;

	for (int d = 0; d < 3; d++) {
		struct field_axis *a = &f->axis[d];
		int64_t period = a->stride / gcd(a->dilation, a->stride);
		int64_t reach = (a->taps - 1) * a->dilation;

		a->planes = a->taps < period ? a->taps : period;
		a->pitch = a->out + reach / a->stride;
		if (__builtin_mul_overflow(plane, a->pitch, &plane) ||
		    __builtin_mul_overflow(planes, a->planes, &planes))
			return -EOVERFLOW;
	}

	f->is_padded = 0;
	for (int d = 0; d < 3; d++) {
		const struct field_axis *a = &f->axis[d];

		f->is_padded |= a->start < 0 ||
				a->start + a->pitch * a->stride > a->in;
	}

	f->plane = plane;
	f->columns = ((f->axis[0].out - 1) * f->axis[1].pitch +
		      f->axis[1].out - 1) * f->axis[2].pitch + f->axis[2].out;
	if (__builtin_mul_overflow(plane, planes, &f->channel))
		return -EOVERFLOW;
	return 0;
}

/*
 * The pitch counts as many elements as the last residue may need; for others
 * the last one may lie behind what any output reads, which does no harm.
 */
static void fill_row(const struct field_axis *a, int64_t res, const float *x,
		     float *to)
{
	int64_t step = a->stride;
	int64_t first = a->start + res;		/* input coordinate of to[0] */
	int64_t begin = first >= 0 ? 0 : (-first + a->stride - 1) / a->stride;
	int64_t end = first >= a->in ? 0 :
		      (a->in - first + a->stride - 1) / a->stride;

	if (end > a->pitch)
		end = a->pitch;
	if (begin >= end)
		return;

	x += first + begin * step;
	if (step == 1)
		memcpy(to + begin, x, (end - begin) * sizeof(*to));
	else if (step == 2)	/* a constant step becomes vector code */
		for (int64_t i = begin; i < end; i++)
			to[i] = x[2 * (i - begin)];
	else
		for (int64_t i = begin; i < end; i++, x += step)
			to[i] = *x;
}

/* Rows of one plane; a row outside the input is all padding, already 0. */
static void fill_plane(const struct field *f, const int64_t res[3],
		       const float *x, float *to)
{
	const struct field_axis *a = f->axis;

	for (int64_t i = 0; i < a[0].pitch; i++) {
		int64_t z = a[0].start + res[0] + i * a[0].stride;

		for (int64_t j = 0; j < a[1].pitch; j++, to += a[2].pitch) {
			int64_t y = a[1].start + res[1] + j * a[1].stride;

			if (z >= 0 && z < a[0].in && y >= 0 && y < a[1].in)
				fill_row(&a[2], res[2],
					 x + (z * a[1].in + y) * a[2].in, to);
		}
	}
}

void field_fill(const struct field *f, const float *x, float *to)
{
	const struct field_axis *a = f->axis;

	/* Once for all: rows are short, and a call for each end of each not. */
	if (f->is_padded)
		memset(to, 0, f->channel * sizeof(*to));

	for (int64_t p0 = 0; p0 < a[0].planes; p0++)
		for (int64_t p1 = 0; p1 < a[1].planes; p1++)
			for (int64_t p2 = 0; p2 < a[2].planes; p2++) {
				int64_t res[3] = { residue(&a[0], p0),
						   residue(&a[1], p1),
						   residue(&a[2], p2) };

				fill_plane(f, res, x, to);
				to += f->plane;
			}
}

int64_t field_offset(const struct field *f, const int64_t tap[3])
{
	int64_t plane = 0, at = 0;

	for (int d = 0; d < 3; d++) {
		const struct field_axis *a = &f->axis[d];

		plane = plane * a->planes + tap[d] % a->planes;
		at = at * a->pitch + tap[d] * a->dilation / a->stride;
	}
	return plane * f->plane + at;
}
