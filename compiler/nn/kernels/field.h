/* SPDX-License-Identifier: MIT */
/*
 * field.h - a convolution's input, padded and split by stride
 *
 * A channel is copied once, with its padding, into planes: plane (p0, p1, p2)
 * holds the elements whose coordinate in the padded input is p modulo the
 * stride. What one tap of the kernel meets at neighbouring outputs is then
 * neighbouring in one plane, at an offset that is the same for all outputs.
 * So the outputs of a channel, numbered through the rows of a plane, are one
 * long vector, and each tap is one multiplication of a shifted field with a
 * weight. The few numbers at the end of each row that are no output are
 * computed and dropped.
 *
 * Inputs of one, two and three dimensions are all treated as three.
 */
#ifndef FXQ_KERNELS_FIELD_H
#define FXQ_KERNELS_FIELD_H

#include <stdint.h>

/* Elements of a field: 4 GiB, which no network's layer comes near. */
#define FIELD_MAX	((int64_t)1 << 30)

/*
 * struct field_axis - one dimension
 * @in: size of the input
 * @start: the input coordinate of padded coordinate 0, -padding
 * @stride, @dilation, @taps: of the kernel
 * @out: outputs along this dimension
 * @planes: residues that some tap has; @residue lists them (the first tap's
 *	    residue first), @pitch is the size of a plane
 */
struct field_axis {
	int64_t in, start;
	int64_t stride, dilation, taps, out;
	int64_t planes, pitch;
};

struct field {
	struct field_axis axis[3];
	int64_t plane;		/* elements of a plane */
	int64_t channel;	/* and of a channel's planes together */
	int64_t columns;	/* outputs of a channel, dropped ones included */
	int is_padded;
};

/* Completes @f from the first line of each axis; -EOVERFLOW if too large. */
int field_init(struct field *f);

/* Writes the planes of a channel of the input. */
void field_fill(const struct field *f, const float *x, float *to);

/* Where tap (t0, t1, t2) finds output 0, from the start of a channel. */
int64_t field_offset(const struct field *f, const int64_t tap[3]);

#endif
