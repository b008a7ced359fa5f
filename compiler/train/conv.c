// SPDX-License-Identifier: MIT
/*
 * conv.c - convolutions in training, forward and back
 *
 * The input lies padded in planes, split by stride, so that what a tap of the
 * kernel meets at all outputs is one plane, shifted (nn/kernels/field.h). With
 * the gradient of the output in a plane of the same pitch, zeros between its
 * rows, all three products have rows of contiguous numbers and no matrix is
 * written out:
 *
 *	output		sum over weights of weight × shifted input
 *	weights		sum over outputs of gradient × shifted input
 *	input		sum over weights of weight × gradient, shifted back
 *
 * Small images are put side by side, as many as make rows long enough. The
 * batch is cut into parts, which threads take one by one; each sums gradients of
 * weights of its own, and these are added in order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fast.h"
#include "nn/kernels/convolution.h"
#include "nn/kernels/parallel.h"
#include "product.h"

#define LONG_ROW	1024	/* elements that are a row long enough */
#define MIN_PARTS	8	/* so that who is late does not keep others */

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

static int64_t round_up(int64_t n, int64_t to)
{
	return (n + to - 1) / to * to;
}

static int64_t planes_of(const struct layer *l)
{
	return l->f.axis[1].planes * l->f.axis[2].planes;
}

static int64_t weights_of(const struct layer *l)
{
	return l->c.groups * l->c.oc * l->k;
}

static int64_t sums_of_part(const struct layer *l)
{
	return weights_of(l) + l->c.groups * l->c.oc;
}

/* Geometry */

static int init_field(struct layer *l)
{
	struct convolution *c = &l->c;

	for (int d = 0; d < 3; d++) {
		int64_t reach = (c->taps[d] - 1) * c->dilation[d] + 1;

		c->out[d] = (c->in[d] + c->begin[d] + c->end[d] - reach) /
			    c->stride[d] + 1;
		l->f.axis[d] = (struct field_axis){
			.in = c->in[d], .start = -c->begin[d],
			.stride = c->stride[d], .dilation = c->dilation[d],
			.taps = c->taps[d], .out = c->out[d],
		};
	}
	return field_init(&l->f);
}

static int init_offsets(struct layer *l)
{
	const struct field_axis *v = &l->f.axis[1], *h = &l->f.axis[2];
	int64_t n = 0;

	l->off = calloc(l->k + DOT_COLS, sizeof(*l->off));
	l->shift = calloc(l->taps, sizeof(*l->shift));
	l->plane = calloc(l->taps, sizeof(*l->plane));
	if (!l->off || !l->shift || !l->plane)
		return -ENOMEM;

	for (int64_t y = 0; y < l->c.taps[1]; y++) {
		for (int64_t x = 0; x < l->c.taps[2]; x++) {
			l->plane[n] = y % v->planes * h->planes +
				      x % h->planes;
			l->shift[n] = y * v->dilation / v->stride * h->pitch +
				      x * h->dilation / h->stride;
			if (l->shift[n] > l->margin)
				l->margin = l->shift[n];
			n++;
		}
	}
	for (int64_t i = 0; i < l->k; i++)
		l->off[i] = (i / l->taps * planes_of(l) +
			     l->plane[i % l->taps]) * l->row +
			    l->shift[i % l->taps];
	/* A tile of dots may reach beyond the last, and reads anything there. */
	for (int64_t i = l->k; i < l->k + DOT_COLS; i++)
		l->off[i] = l->off[0];
	return 0;
}

static int init_layer(struct layer *l, struct fxq_call *call)
{
	int ret;

	ret = convolution_read(call, 2, false, &l->c);
	if (!ret)
		ret = init_field(l);
	if (ret)
		return ret;

	l->taps = convolution_taps(&l->c);
	l->k = l->c.ic * l->taps;
	l->images = LONG_ROW / l->f.plane;
	if (l->images > l->c.batch)
		l->images = l->c.batch;
	if (l->images < 1)
		l->images = 1;
	l->row = l->images * l->f.plane;
	ret = init_offsets(l);
	l->margin = round_up(l->margin, PRODUCT_SLACK);
	l->plane_row = round_up(l->margin + l->row + PRODUCT_SLACK,
				PRODUCT_SLACK);
	return ret;
}

static int64_t biggest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int init_worker(const struct layer *l, struct worker *p)
{
	int64_t oc = round_up(l->c.oc, PRODUCT_ROWS);
	int64_t ic = round_up(l->c.ic, PRODUCT_ROWS);
	int64_t in = l->c.ic * planes_of(l) * l->row + l->margin +
		     2 * PRODUCT_SLACK;

	p->in = calloc(in, sizeof(float));
	p->out = calloc(oc * l->plane_row, sizeof(float));
	p->rows = calloc(PRODUCT_ROWS * l->plane_row, sizeof(float));
	p->packed = calloc(biggest(oc * l->k, ic * l->c.oc * l->taps),
			   sizeof(float));
	p->off = calloc(l->c.oc * l->taps, sizeof(*p->off));
	return p->in && p->out && p->rows && p->packed && p->off ? 0 : -ENOMEM;
}

static void finish(struct layer *l)
{
	for (int i = 0; l->scratch && i < l->workers; i++) {
		struct worker *p = &l->scratch[i];

		free(p->in);
		free(p->out);
		free(p->rows);
		free(p->packed);
		free(p->off);
	}
	free(l->scratch);
	free(l->sums);
	free(l->off);
	free(l->shift);
	free(l->plane);
}

static int init_scratch(struct layer *l, int threads)
{
	double work = (double)l->c.batch * l->c.groups * l->c.oc * l->k *
		      l->f.columns;
	int ret = 0;

	l->workers = parallel_threads(threads, work);
	l->parts = biggest(l->workers, MIN_PARTS);
	if (l->parts > l->c.batch)
		l->parts = (int)l->c.batch;
	if (l->workers > l->parts)
		l->workers = l->parts;
	l->sums = calloc(l->parts * sums_of_part(l), sizeof(float));
	l->scratch = calloc(l->workers, sizeof(*l->scratch));
	if (!l->sums || !l->scratch)
		return -ENOMEM;
	for (int i = 0; !ret && i < l->workers; i++)
		ret = init_worker(l, &l->scratch[i]);
	return ret;
}

/* Moving between images and planes */

/* Rows of an axis that are in the input, of the plane of residue @res. */
static void axis_span(const struct field_axis *a, int64_t res, int64_t *begin,
		      int64_t *end)
{
	int64_t first = a->start + res;

	*begin = first >= 0 ? 0 : (-first + a->stride - 1) / a->stride;
	*end = first >= a->in ? 0 : (a->in - first + a->stride - 1) / a->stride;
	if (*end > a->pitch)
		*end = a->pitch;
}

/* One step is 1; what the compiler knows of the other makes it shuffle. */
static void copy_row(float *to, int64_t to_step, const float *from,
		     int64_t from_step, int64_t n)
{
	if (to_step == 1 && from_step == 1)
		memcpy(to, from, n * sizeof(*to));
	else if (from_step == 2)
		for (int64_t i = 0; i < n; i++)
			to[i] = from[i * 2];
	else
		for (int64_t i = 0; i < n; i++)
			to[i * to_step] = from[i * from_step];
}

/* An image's channel to its place in the planes, or back from there. */
static void move_channel(const struct layer *l, float *image, float *planes,
			 bool back)
{
	const struct field_axis *v = &l->f.axis[1], *h = &l->f.axis[2];

	for (int64_t p = 0; p < planes_of(l); p++) {
		int64_t ry = p / h->planes * v->dilation % v->stride;
		int64_t rx = p % h->planes * h->dilation % h->stride;
		int64_t y0, y1, x0, x1;

		axis_span(v, ry, &y0, &y1);
		axis_span(h, rx, &x0, &x1);
		for (int64_t y = y0; y < y1; y++) {
			float *row = image + (v->start + ry + y * v->stride) *
					     h->in + h->start + rx +
				     x0 * h->stride;
			float *at = planes + p * l->row + y * h->pitch + x0;

			if (back)
				copy_row(row, h->stride, at, 1, x1 - x0);
			else
				copy_row(at, 1, row, h->stride, x1 - x0);
		}
	}
}

/* Images [@first, @first + @n) of a group. */
struct batch {
	int64_t first, n, group;
};

static void move_input(const struct layer *l, struct worker *p, struct batch b,
		       const float *x, bool back)
{
	int64_t size = convolution_in_size(&l->c);

	for (int64_t i = 0; i < b.n; i++)
		for (int64_t ch = 0; ch < l->c.ic; ch++) {
			int64_t at = ((b.first + i) * l->c.groups + b.group) *
				     l->c.ic + ch;

			move_channel(l, (float *)x + at * size, p->in +
				     ch * planes_of(l) * l->row +
				     i * l->f.plane, back);
		}
}

/* Outputs are rows of a plane of its pitch. */
static void move_output(const struct layer *l, struct batch b, int64_t ch,
			float *y, float *plane, bool back)
{
	const struct field_axis *v = &l->f.axis[1], *h = &l->f.axis[2];

	for (int64_t i = 0; i < b.n; i++) {
		int64_t at = ((b.first + i) * l->c.groups + b.group) *
			     l->c.oc + ch;
		float *image = y + at * v->out * h->out;

		for (int64_t r = 0; r < v->out; r++) {
			float *row = plane + i * l->f.plane + r * h->pitch;

			if (back)
				memcpy(row, image + r * h->out,
				       h->out * sizeof(*row));
			else
				memcpy(image + r * h->out, row,
				       h->out * sizeof(*row));
		}
	}
}

/* Forward */

/* Row @m, column @k of a matrix into strips of rows. */
static void pack(float *packed, int64_t m, int64_t k, int64_t n_k, float v)
{
	packed[(m / PRODUCT_ROWS * n_k + k) * PRODUCT_ROWS +
	       m % PRODUCT_ROWS] = v;
}

static int64_t width_of(const struct layer *l, struct batch b)
{
	return (b.n - 1) * l->f.plane + l->f.columns;
}

static void pack_forward(const struct layer *l, struct worker *p, int64_t group)
{
	const float *w = l->w + group * l->c.oc * l->k;

	for (int64_t o = 0; o < l->c.oc; o++)
		for (int64_t k = 0; k < l->k; k++)
			pack(p->packed, o, k, l->k, w[o * l->k + k]);
}

static void forward_batch(const struct layer *l, struct worker *p, struct batch b)
{
	const struct product_path *path = product_path();
	int64_t n = width_of(l, b);

	move_input(l, p, b, l->x, false);
	for (int64_t o = 0; o < l->c.oc; o += PRODUCT_ROWS) {
		path->strip(n, l->k, p->packed + o * l->k, p->in, l->off,
			    p->rows, l->plane_row);
		for (int64_t r = 0; r < PRODUCT_ROWS && o + r < l->c.oc; r++) {
			float *row = p->rows + r * l->plane_row;

			if (l->bias)
				for (int64_t i = 0; i < n; i++)
					row[i] += l->bias[b.group * l->c.oc +
							  o + r];
			move_output(l, b, o + r, l->y, row, false);
		}
	}
}

/* Back */

static void weight_gradients(const struct layer *l, struct worker *p,
			     struct batch b)
{
	const struct product_path *path = product_path();
	float *dw = p->dw + b.group * l->c.oc * l->k;
	float sums[DOT_ROWS][DOT_COLS];
	int64_t n = round_up(width_of(l, b), PRODUCT_SLACK);

	for (int64_t o = 0; o < l->c.oc; o += DOT_ROWS)
		for (int64_t k = 0; k < l->k; k += DOT_COLS) {
			path->dots(n, p->out + o * l->plane_row + l->margin,
				   l->plane_row, p->in, l->off + k, sums);
			for (int r = 0; r < DOT_ROWS && o + r < l->c.oc; r++)
				for (int s = 0; s < DOT_COLS && k + s < l->k; s++)
					dw[(o + r) * l->k + k + s] += sums[r][s];
		}
}

static void bias_gradients(const struct layer *l, struct worker *p,
			   struct batch b)
{
	for (int64_t o = 0; o < l->c.oc; o++) {
		const float *row = p->out + o * l->plane_row + l->margin;
		float sum = 0;

		for (int64_t i = 0; i < width_of(l, b); i++)
			sum += row[i];
		p->db[b.group * l->c.oc + o] += sum;
	}
}

/* Weights that meet plane @plane. */
static int64_t depth_of(const struct layer *l, int64_t plane)
{
	int64_t n = 0;

	for (int64_t t = 0; t < l->taps; t++)
		n += l->plane[t] == plane;
	return n * l->c.oc;
}

/* The weights and shifts of the taps that meet plane @plane. */
static void pack_plane(const struct layer *l, const float *w, int64_t plane,
		       float *packed, int64_t *off)
{
	int64_t depth = depth_of(l, plane), k = 0;

	for (int64_t o = 0; o < l->c.oc; o++) {
		for (int64_t t = 0; t < l->taps; t++) {
			if (l->plane[t] != plane)
				continue;
			off[k] = o * l->plane_row + l->margin - l->shift[t];
			for (int64_t i = 0; i < l->c.ic; i++)
				pack(packed, i, k, depth,
				     w[o * l->k + i * l->taps + t]);
			k++;
		}
	}
}

/* One plane after another, as input_gradients() goes over them. */
static void pack_backward(const struct layer *l, struct worker *p, int64_t group)
{
	const float *w = l->w + group * l->c.oc * l->k;
	float *packed = p->packed;
	int64_t *off = p->off;

	for (int64_t plane = 0; plane < planes_of(l); plane++) {
		int64_t depth = depth_of(l, plane);

		pack_plane(l, w, plane, packed, off);
		packed += round_up(l->c.ic, PRODUCT_ROWS) * depth;
		off += depth;
	}
}

static void input_gradients(const struct layer *l, struct worker *p,
			    struct batch b)
{
	const struct product_path *path = product_path();
	int64_t step = planes_of(l) * l->row;
	const float *packed = p->packed;
	const int64_t *off = p->off;

	for (int64_t plane = 0; plane < planes_of(l); plane++) {
		int64_t depth = depth_of(l, plane);

		for (int64_t i = 0; i < l->c.ic; i += PRODUCT_ROWS) {
			path->strip(b.n * l->f.plane, depth, packed, p->out,
				    off, p->rows, l->plane_row);
			packed += PRODUCT_ROWS * depth;
			for (int64_t r = 0;
			     r < PRODUCT_ROWS && i + r < l->c.ic; r++)
				memcpy(p->in + (i + r) * step + plane * l->row,
				       p->rows + r * l->plane_row,
				       b.n * l->f.plane * sizeof(float));
		}
		off += depth;
	}
	move_input(l, p, b, l->dx, true);
}

/* What lies in padding is not 0 after a gradient took the planes' place. */
static void clear_planes(const struct layer *l, struct worker *p)
{
	if (l->f.is_padded)
		memset(p->in, 0, l->c.ic * planes_of(l) * l->row *
		       sizeof(*p->in));
}

static void backward_batch(const struct layer *l, struct worker *p,
			   struct batch b)
{
	if (l->dw) {
		if (l->dx)
			clear_planes(l, p);
		move_input(l, p, b, l->x, false);
	}
	for (int64_t o = 0; o < l->c.oc; o++)
		move_output(l, b, o, (float *)l->dy,
			    p->out + o * l->plane_row + l->margin, true);
	/* Fewer images than last time: what they left is no gradient. */
	if (b.n < l->images)
		for (int64_t o = 0; o < l->c.oc; o++)
			memset(p->out + o * l->plane_row + l->margin +
			       b.n * l->f.plane, 0,
			       (l->images - b.n) * l->f.plane * sizeof(float));
	if (l->dw)
		weight_gradients(l, p, b);
	if (l->db)
		bias_gradients(l, p, b);
	if (l->dx)
		input_gradients(l, p, b);
}

/* Spreading over threads */

static int64_t cut(int64_t n, int64_t part, int64_t parts)
{
	return n / parts * part + (part < n % parts ? part : n % parts);
}

static void part_task(void *ctx, int64_t part, int thread)
{
	const struct layer *l = ctx;
	struct worker *p = &l->scratch[thread];
	int64_t end = cut(l->c.batch, part + 1, l->parts);

	p->dw = l->sums + part * sums_of_part(l);
	p->db = p->dw + weights_of(l);

	for (int64_t g = 0; g < l->c.groups; g++) {
		if (l->y)
			pack_forward(l, p, g);
		else if (l->dx)
			pack_backward(l, p, g);
		for (int64_t i = cut(l->c.batch, part, l->parts); i < end;
		     i += l->images) {
			struct batch b = { i, l->images, g };

			if (b.n > end - i)
				b.n = end - i;
			if (l->y)
				forward_batch(l, p, b);
			else
				backward_batch(l, p, b);
		}
	}
}

static void add_parts(const struct layer *l)
{
	int64_t n = weights_of(l), channels = l->c.groups * l->c.oc;

	for (int part = 0; part < l->parts; part++) {
		const float *dw = l->sums + part * sums_of_part(l);

		for (int64_t i = 0; l->dw && i < n; i++)
			l->dw[i] = dw[i] + (part ? l->dw[i] : 0);
		for (int64_t i = 0; l->db && i < channels; i++)
			l->db[i] = dw[n + i] + (part ? l->db[i] : 0);
	}
}

static int run(struct layer *l, int threads)
{
	int ret;

	ret = init_scratch(l, threads);
	if (ret)
		return ret;
	/* With a stride some of the input may have met no tap. */
	if (l->dx && (l->c.stride[1] > 1 || l->c.stride[2] > 1))
		memset(l->dx, 0, l->c.batch * l->c.groups * l->c.ic *
		       convolution_in_size(&l->c) * sizeof(*l->dx));
	parallel_for(l->workers, l->parts, part_task, l);
	add_parts(l);
	return 0;
}

/* A few channels a group leave most of a strip empty: others do better. */
static bool is_worth_it(const struct layer *l)
{
	return l->c.oc >= PRODUCT_ROWS;
}

int fast_conv2d(struct fxq_call *call)
{
	struct layer l = { .x = call->in[0].data, .w = call->in[1].data,
			   .bias = kern_data(call, 2),
			   .y = call->out[0].data };
	int ret;

	ret = init_layer(&l, call);
	if (!ret)
		ret = is_worth_it(&l) ? run(&l, call->threads) :
					fx_op_find("conv2d")->fn.eval(call);
	finish(&l);
	return ret;
}

int fast_conv2d_grad(struct fxq_call *call)
{
	uint32_t n_in = call->n_out;
	struct fxq_call forward = *call;
	struct layer l = { .x = call->in[0].data, .w = call->in[1].data,
			   .dy = call->in[n_in + 1].data,
			   .dx = call->out[0].data, .dw = call->out[1].data,
			   .db = n_in > 2 ? call->out[2].data : NULL };
	int ret;

	forward.n_in = n_in;
	ret = init_layer(&l, &forward);
	if (!ret)
		ret = is_worth_it(&l) && l.dy ? run(&l, call->threads) :
					fx_op_find("conv2d")->grad(call);
	finish(&l);
	return ret;
}
