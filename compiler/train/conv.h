/* SPDX-License-Identifier: MIT */
/*
 * conv.h - what the files of convolutions in training share
 *
 * conv.c tells the idea, goes forward and spreads the work over threads;
 * conv_layer.c has geometry and memory, conv_planes.c what moves images in and
 * out, conv_back.c the gradients.
 */
#ifndef FXQ_TRAIN_CONV_H
#define FXQ_TRAIN_CONV_H

#include "nn/kernels/convolution.h"
#include "nn/kernels/field.h"
#include "product.h"

/*
 * struct layer - a convolution of two dimensions
 * @c, @f: its geometry
 * @taps, @k: of a kernel; of all input channels of a group
 * @images: side by side in a row
 * @row: elements of a plane of as many images
 * @margin: in front of a plane of output gradients: how far shifts go back
 * @plane_row: from one such plane to the next
 * @sums: of gradients, for each part
 * @off: where weight k meets the input; @shift: the plane's share of that, and
 *	 @plane which it is, for each tap
 */
struct layer {
	struct convolution c;
	struct field f;
	int64_t taps, k, images, row, margin, plane_row;
	int64_t *off, *shift, *plane;
	const float *x, *w, *bias, *dy;
	float *y, *dx, *dw, *db;
	int parts, workers;
	float *sums;
	struct worker *scratch;
};

/*
 * struct worker - what a thread needs
 * @in: the input's planes, channel after channel; for its gradient as well
 * @out: PRODUCT_ROWS rows or more of outputs, or planes of their gradients
 * @packed: weights, a strip of PRODUCT_ROWS rows after another
 * @off: where going back meets the output's gradient for each of them
 * @dw, @db: sums of the part it is at
 */
struct worker {
	float *in, *out, *rows, *packed, *dw, *db;
	int64_t *off;
};

/* Images [@first, @first + @n) of a group. */
struct batch {
	int64_t first, n, group;
};

static inline int64_t round_up(int64_t n, int64_t to)
{
	return (n + to - 1) / to * to;
}

static inline int64_t planes_of(const struct layer *l)
{
	return l->f.axis[1].planes * l->f.axis[2].planes;
}

static inline int64_t weights_of(const struct layer *l)
{
	return l->c.groups * l->c.oc * l->k;
}

static inline int64_t sums_of_part(const struct layer *l)
{
	return weights_of(l) + l->c.groups * l->c.oc;
}

/* Elements of a row that hold outputs of @b. */
static inline int64_t width_of(const struct layer *l, struct batch b)
{
	return (b.n - 1) * l->f.plane + l->f.columns;
}

/* Row @m, column @k of a matrix into strips of rows. */
static inline void pack(float *packed, int64_t m, int64_t k, int64_t n_k,
			float v)
{
	packed[(m / PRODUCT_ROWS * n_k + k) * PRODUCT_ROWS +
	       m % PRODUCT_ROWS] = v;
}

/* conv_layer.c */

/* From the arguments of @call; finish @l whatever it returns. */
int layer_init(struct layer *l, struct fxq_call *call);
/* Memory for the sums, and for what up to @threads threads need. */
int layer_init_scratch(struct layer *l, int threads);
void layer_finish(struct layer *l);

/* conv_planes.c: images @b of @x or @y to their planes, or back from there */
void move_input(const struct layer *l, struct worker *p, struct batch b,
		const float *x, bool back);
/* Outputs are rows of @plane, of its pitch; @back: from @y to the plane. */
void move_output(const struct layer *l, struct batch b, int64_t ch, float *y,
		 float *plane, bool back);

/* conv_back.c */

/* The weights of @group as backward_batch() needs them for the input. */
void pack_backward(const struct layer *l, struct worker *p, int64_t group);
void backward_batch(const struct layer *l, struct worker *p, struct batch b);

#endif /* FXQ_TRAIN_CONV_H */
