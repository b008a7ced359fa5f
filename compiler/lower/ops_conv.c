// SPDX-License-Identifier: MIT
/*
 * ops_conv.c - convolutions and what becomes one
 *
 * A linear layer is a convolution of one pixel's window, or, over a flattened
 * map, of a window that is the whole map: its weights are permuted, not the
 * map. A transposed convolution of stride s is s x s ordinary ones, each of
 * which makes every s-th row and column of the result from every s-th tap.
 */
#include <string.h>

#include <fxq/fxq_arith.h>

#include "lower.h"

struct layer {
	uint32_t oc, ic, kh, kw;	/* ic: of one group */
	const int8_t *w;
};

static const void *data_of(struct fx_node *n, unsigned int i)
{
	struct fx_node *in = fx_node_in(n, i);

	return in ? in->out[0].data : NULL;
}

/* b' = bias - (z_x + 128) * sum of the channel's weights, modulo 2^32 */
static int32_t *shifted_bias(struct segment *s, const struct layer *l,
			     const int32_t *bias, int zx)
{
	uint64_t per = (uint64_t)l->ic * l->kh * l->kw;
	int32_t *b = fx_graph_alloc(s->g, l->oc * sizeof(*b));

	for (uint32_t o = 0; o < l->oc; o++) {
		uint32_t sum = 0;

		for (uint64_t i = 0; i < per; i++)
			sum += (uint32_t)l->w[o * per + i];
		b[o] = (int32_t)((uint32_t)bias[o] -
				 (uint32_t)(zx + 128) * sum);
	}
	return b;
}

/* Weights, parameters and epilogue of node @n into @op. */
static void set_layer(struct segment *s, struct op *op, struct fx_node *n,
		      const struct layer *l)
{
	struct fxq_body_conv *c = &op->d.conv;
	struct conv_weights *w = fx_graph_alloc(s->g, sizeof(*w));
	const struct fx_node *res = fx_node_in(n, 5);

	c->zx = (int8_t)fx_node_in(n, 0)->out[0].zero_point;
	w->w = l->w;
	w->bias = shifted_bias(s, l, data_of(n, 2), c->zx);
	op->weights = w;
	c->lo = -128;
	c->hi = 127;
	if (fx_node_int(n, "raw", 0)) {
		op->d.flags |= FXQ_F_RAW;
		return;
	}
	w->m = data_of(n, 3);
	w->n = data_of(n, 4) ? data_of(n, 4) : w->m;
	w->lut = data_of(n, 6);
	c->zy = (int8_t)fx_node_int(n, "sum_zero_point",
				    n->out[0].zero_point);
	c->lo = (int8_t)fx_node_int(n, "lo", -128);
	c->hi = (int8_t)fx_node_int(n, "hi", 127);
	if (w->lut)
		op->d.flags |= FXQ_F_LUT;
	if (res) {
		op->d.flags |= FXQ_F_RESIDUAL;
		c->zr = (int8_t)res->out[0].zero_point;
		c->res_m = fxq_bits((float)fx_node_float(n, "res_m", 0));
	}
}

static void set_sizes(struct op *op, const struct layer *l)
{
	struct fxq_body_conv *c = &op->d.conv;

	c->ih = (uint16_t)op->in[0].h;
	c->iw = (uint16_t)op->in[0].w;
	c->ic = (uint16_t)op->in[0].c;
	c->oh = (uint16_t)op->out.h;
	c->ow = (uint16_t)op->out.w;
	c->oc = (uint16_t)op->out.c;
	c->kh = (uint8_t)l->kh;
	c->kw = (uint8_t)l->kw;
	c->sh = c->sw = c->dh = c->dw = 1;
	c->groups = 1;
}

/* [first, last] of kwarg @name, each @def where it is absent. */
static void ints(const struct fx_node *n, const char *name, int64_t *v,
		 int count, int64_t def)
{
	for (int i = 0; i < count; i++)
		v[i] = def;
	fx_node_ints(n, name, v, (size_t)count);
}

static const char *too_large(struct fx_node *n, const char *what, int64_t v,
			     int64_t max)
{
	if (v <= max)
		return NULL;
	return fx_graph_printf(n->graph,
			       "%s is %lld: the device takes at most %lld",
			       what, (long long)v, (long long)max);
}

const char *check_image(struct fx_node *n, const struct fxq_tensor *t)
{
	const char *why = NULL;

	if (t->rank != 4)
		return fx_graph_printf(n->graph,
				       "rank %u: the device takes images of rank 4",
				       t->rank);
	if (t->dims[0] != 1)
		return fx_graph_printf(n->graph,
				       "batch of %lld: the device takes one at a time",
				       (long long)t->dims[0]);
	for (int i = 1; !why && i < 4; i++)
		why = too_large(n, i == 1 ? "number of channels" : "map size",
				t->dims[i], 65535);
	return why;
}

static const char *check_constants(struct fx_node *n)
{
	for (unsigned int i = 1; i <= 6; i++) {
		struct fx_node *in = fx_node_in(n, i);

		if (i != 5 && in && !fx_node_is_const(in))
			return "weights, bias and multipliers are not all constant";
	}
	return NULL;
}

const char *check_conv(struct fx_node *n, const struct fxq_caps *caps)
{
	const int64_t *w = fx_node_in(n, 1)->out[0].dims;
	const char *why = check_image(n, &fx_node_in(n, 0)->out[0]);
	int64_t stride[2], pad[4], dilation[2];

	ints(n, "stride", stride, 2, 1);
	ints(n, "padding", pad, 4, 0);
	ints(n, "dilation", dilation, 2, 1);
	if (!why)
		why = check_image(n, &n->out[0]);
	if (!why)
		why = check_constants(n);
	for (int i = 0; !why && i < 2; i++) {
		why = too_large(n, "kernel", w[2 + i], 255);
		why = why ? why : too_large(n, "stride", stride[i], 255);
		why = why ? why : too_large(n, "dilation", dilation[i], 255);
		why = why ? why : too_large(n, "padding", pad[i], 255);
		if (!why && pad[i] < 0)
			why = "padding is negative";
	}
	return why;
}

void lower_conv(struct segment *s, struct fx_node *n)
{
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	struct layer l = { .oc = (uint32_t)w->dims[0],
			   .ic = (uint32_t)w->dims[1],
			   .kh = (uint32_t)w->dims[2],
			   .kw = (uint32_t)w->dims[3], .w = w->data };
	struct operand in = operand_of(s, fx_node_in(n, 0), 1), res = { 0 };
	uint32_t groups = (uint32_t)fx_node_int(n, "groups", 1);
	bool depthwise = groups > 1 && groups == in.c && l.oc == in.c;
	int64_t stride[2], pad[4], dilation[2];
	struct fxq_body_conv *c;
	struct op *op;

	ints(n, "stride", stride, 2, 1);
	ints(n, "padding", pad, 4, 0);
	ints(n, "dilation", dilation, 2, 1);
	if (fx_node_in(n, 5))
		res = operand_of(s, fx_node_in(n, 5), 1);
	op = op_new(s, depthwise ? FXQ_OP_DWCONV : FXQ_OP_CONV);
	op->in[op->n_in++] = in;
	if (res.t)
		op->in[op->n_in++] = res;
	op->out = result_like(s, 1, (uint32_t)n->out[0].dims[2],
			      (uint32_t)n->out[0].dims[3]);
	set_sizes(op, &l);
	c = &op->d.conv;
	c->sh = (uint8_t)stride[0];
	c->sw = (uint8_t)stride[1];
	c->dh = (uint8_t)dilation[0];
	c->dw = (uint8_t)dilation[1];
	c->pad_t = (uint8_t)pad[0];
	c->pad_l = (uint8_t)pad[1];
	c->groups = (uint16_t)(depthwise ? 1 : groups);
	set_layer(s, op, n, &l);
}

/* One direction of a phase of a transposed convolution. */
struct phase {
	uint32_t taps, dilation, pad, outputs;
	int32_t first, step;		/* kernel index of tap 0; from tap to tap */
};

static int64_t gcd(int64_t a, int64_t b)
{
	return b ? gcd(b, a % b) : a;
}

/*
 * Outputs at, at + stride, ... of @size see input i + (at + pad - k *
 * dilation) / stride through tap k, where that is whole. Taps are listed by
 * rising input, so the first has the largest k. Should the lowest input lie
 * after output 0's, empty taps go before it.
 */
static struct phase phase_of(int64_t at, int64_t size, int64_t k,
			     int64_t stride, int64_t dilation, int64_t pad)
{
	struct phase p = { .taps = 0, .dilation = 1, .step = 1 };
	int64_t g = gcd(stride, dilation), low = 0;

	p.outputs = (uint32_t)((size - at + stride - 1) / stride);
	p.step = (int32_t)-(stride / g);
	for (int64_t i = k - 1; i >= 0; i--) {
		if ((at + pad - i * dilation) % stride)
			continue;
		if (!p.taps) {
			p.first = (int32_t)i;
			low = (at + pad - i * dilation) / stride;
		}
		p.taps++;
	}
	p.dilation = (uint32_t)(dilation / g);
	while (p.taps && low > 0) {
		p.first -= p.step;
		p.taps++;
		low -= p.dilation;
	}
	if (low > 0)
		low = 0;
	p.pad = (uint32_t)-low;
	return p;
}

static struct phase node_phase(const struct fx_node *n, int axis, int64_t at)
{
	const int64_t *w = fx_node_in(n, 1)->out[0].dims;
	int64_t stride[2], pad[4], dilation[2];

	ints(n, "stride", stride, 2, 1);
	ints(n, "padding", pad, 4, 0);
	ints(n, "dilation", dilation, 2, 1);
	return phase_of(at, n->out[0].dims[2 + axis], w[2 + axis],
			stride[axis], dilation[axis], pad[axis]);
}

const char *check_conv_transpose(struct fx_node *n,
				 const struct fxq_caps *caps)
{
	const char *why = check_conv(n, caps);
	int64_t stride[2];

	ints(n, "stride", stride, 2, 1);
	if (!why && fx_node_int(n, "groups", 1) != 1)
		why = "the device takes transposed convolutions of one group only";
	if (!why && fx_node_in(n, 5))
		why = "a transposed convolution takes no residual";
	for (int axis = 0; !why && axis < 2; axis++)
		for (int64_t at = 0; !why && at < stride[axis] &&
		     at < n->out[0].dims[2 + axis]; at++) {
			struct phase p = node_phase(n, axis, at);

			why = too_large(n, "padding of a phase", p.pad, 255);
			why = why ? why : too_large(n, "kernel of a phase",
						    p.taps, 255);
		}
	return why;
}

/* The weights of a phase, [oc][ic][taps][taps], from I O H W. */
static const int8_t *phase_weights(struct segment *s, const struct fx_node *n,
				   const struct phase *y, const struct phase *x,
				   const struct layer *l)
{
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	int64_t kh = w->dims[2], kw = w->dims[3], oc = w->dims[1];
	int8_t *to = fx_graph_alloc(s->g, (size_t)l->oc * l->ic * l->kh *
				    l->kw), *at = to;

	for (uint32_t o = 0; o < l->oc; o++)
		for (uint32_t i = 0; i < l->ic; i++)
			for (uint32_t ty = 0; ty < l->kh; ty++)
				for (uint32_t tx = 0; tx < l->kw; tx++, at++) {
					int64_t ky = y->first +
						     (int64_t)ty * y->step;
					int64_t kx = x->first +
						     (int64_t)tx * x->step;

					if (ty < y->taps && tx < x->taps &&
					    ky >= 0 && ky < kh && kx >= 0 &&
					    kx < kw)
						*at = ((const int8_t *)w->data)
						      [((i * oc + o) * kh +
							ky) * kw + kx];
				}
	return to;
}

static void lower_phase(struct segment *s, struct fx_node *n,
			const struct operand *in, const struct phase *y,
			const struct phase *x, const struct home *home)
{
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	struct layer l = { .oc = (uint32_t)w->dims[1],
			   .ic = (uint32_t)w->dims[0],
			   .kh = y->taps ? y->taps : 1,
			   .kw = x->taps ? x->taps : 1 };
	const int64_t dims[4] = { 1, l.oc, y->outputs, x->outputs };
	struct fxq_tensor type = fxq_tensor_type(n->out[0].dtype, 4, dims);
	const int64_t mem[3] = { home->sc, home->sy, home->sx };
	struct view v = { .n = 3 };
	struct fmap *t;
	struct op *op;

	l.w = phase_weights(s, n, y, x, &l);
	t = map_new(s, n->name, l.oc, y->outputs, x->outputs,
		    (uint32_t)fxq_dtype_bytes(type.dtype));
	t->written = true;
	op = op_new(s, FXQ_OP_CONV);
	op->in[op->n_in++] = *in;
	op->out = operand_of_map(t);
	set_sizes(op, &l);
	op->d.conv.dh = (uint8_t)y->dilation;
	op->d.conv.dw = (uint8_t)x->dilation;
	op->d.conv.pad_t = (uint8_t)y->pad;
	op->d.conv.pad_l = (uint8_t)x->pad;
	set_layer(s, op, n, &l);
	v.t = t;
	v.f[0] = (struct factor){ t->c, 1, 0 };
	v.f[1] = (struct factor){ t->h, 0, t->w };
	v.f[2] = (struct factor){ t->w, 0, 1 };
	op_store(s, &v, *home, mem);
}

/*
 * Phases meet in memory, channels innermost, where a pixel of each is one
 * run; the result is loaded from there.
 */
void lower_conv_transpose(struct segment *s, struct fx_node *n)
{
	struct operand in = operand_of(s, fx_node_in(n, 0), 1);
	const struct fxq_tensor *type = &n->out[0];
	int64_t stride[2], elem = (int64_t)fxq_dtype_bytes(type->dtype);
	struct home home;
	struct view v;
	struct fmap *t = map_for(s, n->name, type, 1, &v);

	ints(n, "stride", stride, 2, 1);
	map_scratch(s, t);
	t->home.sc = elem;
	t->home.sx = t->c * elem;
	t->home.sy = t->w * t->home.sx;
	set_value(s, n, &v);
	for (int64_t py = 0; py < stride[0] && py < type->dims[2]; py++) {
		for (int64_t px = 0; px < stride[1] && px < type->dims[3];
		     px++) {
			struct phase y = node_phase(n, 0, py);
			struct phase x = node_phase(n, 1, px);

			home = t->home;
			home.offset += py * home.sy + px * home.sx;
			home.sy *= stride[0];
			home.sx *= stride[1];
			lower_phase(s, n, &in, &y, &x, &home);
		}
	}
}

const char *check_linear(struct fx_node *n, const struct fxq_caps *caps)
{
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	const char *why = check_constants(n);

	if (!why)
		why = too_large(n, "number of outputs", w->dims[0], 65535);
	if (!why)
		why = too_large(n, "number of inputs", w->dims[1], 65535 * 16);
	return why;
}

/* Does @v walk each element of its map once, in whatever order? */
static bool walks_map(const struct view *v)
{
	const struct fmap *t = v->t;
	int64_t c = 1, p = 1, top_c = 0, top_p = 0;

	if (v->c0 || v->p0 || t->h > 255 || t->w > 255 || t->c > 65535)
		return false;
	for (unsigned int i = 0; i < v->n; i++) {
		if (v->f[i].cs && v->f[i].ps)
			return false;
		*(v->f[i].cs ? &c : &p) *= v->f[i].size;
		top_c += (v->f[i].size - 1) * v->f[i].cs;
		top_p += (v->f[i].size - 1) * v->f[i].ps;
	}
	return c == t->c && p == (int64_t)t->h * t->w && top_c == c - 1 &&
	       top_p == p - 1;
}

/* Weights [oc][k] as [oc][c][y][x]: k is where the view has that element. */
static const int8_t *whole_map_weights(struct segment *s, const struct view *v,
				       const int8_t *w, uint32_t oc)
{
	const struct fmap *t = v->t;
	uint64_t plane = (uint64_t)t->h * t->w, k = plane * t->c;
	int8_t *to = fx_graph_alloc(s->g, oc * k);

	for (uint64_t i = 0; i < k; i++) {
		uint64_t left = i, c = 0, p = 0;

		for (unsigned int f = v->n; f-- > 0;) {
			c += left % v->f[f].size * v->f[f].cs;
			p += left % v->f[f].size * v->f[f].ps;
			left /= v->f[f].size;
		}
		for (uint64_t o = 0; o < oc; o++)
			to[o * k + c * plane + p] = w[o * k + i];
	}
	return to;
}

void lower_linear(struct segment *s, struct fx_node *n)
{
	struct fx_node *x = fx_node_in(n, 0);
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	const struct fxq_tensor *type = &x->out[0];
	struct layer l = { .oc = (uint32_t)w->dims[0],
			   .ic = (uint32_t)w->dims[1], .kh = 1, .kw = 1,
			   .w = w->data };
	struct view v = value_of(s, x)->view;
	int axis = (int)type->rank - 1;
	struct operand in, out, res = { 0 };
	struct op *op;

	if (!view_pixels(&v, type->rank, type->dims, axis, &in) &&
	    fxq_tensor_count(type) == type->dims[axis] && walks_map(&v)) {
		in = operand_of_map(v.t);
		l.w = whole_map_weights(s, &v, l.w, l.oc);
		l.ic = v.t->c;
		l.kh = v.t->h;
		l.kw = v.t->w;
		out = result_like(s, axis, 1, 1);
	} else {
		in = pixels_of(s, x, axis);
		out = result_like(s, axis, in.h, in.w);
	}
	if (fx_node_in(n, 5))
		res = pixels_of(s, fx_node_in(n, 5), axis);
	op = op_new(s, FXQ_OP_CONV);
	op->in[op->n_in++] = in;
	if (res.t)
		op->in[op->n_in++] = res;
	op->out = out;
	set_sizes(op, &l);
	set_layer(s, op, n, &l);
}

const char *check_matmul(struct fx_node *n, const struct fxq_caps *caps)
{
	const struct fxq_tensor *a = &fx_node_in(n, 0)->out[0];
	const struct fxq_tensor *b = &fx_node_in(n, 1)->out[0];
	uint32_t rank = n->out[0].rank;
	const char *why = NULL;

	for (uint32_t i = 0; i < rank; i++)
		why = why ? why : too_large(n, "matrix size",
					    n->out[0].dims[i], 65535);
	why = why ? why : too_large(n, "matrix size",
				    a->dims[a->rank - 1], 65535);
	if (!why && (a->rank != rank || b->rank != rank))
		return "matrices of different rank are multiplied";
	for (uint32_t i = 0; !why && i + 2 < rank; i++)
		if (a->dims[i] != b->dims[i])
			why = "the batch dimensions of a product differ";
	return why;
}

/* b is held as rows of n, or, where it lies so already, of k. */
void lower_matmul(struct segment *s, struct fx_node *n)
{
	struct fx_node *a = fx_node_in(n, 0), *b = fx_node_in(n, 1);
	const struct fxq_tensor *tb = &b->out[0];
	int last = (int)tb->rank - 1;
	struct view v = value_of(s, b)->view;
	struct operand oa = operand_of(s, a, last), ob;
	struct fxq_body_matmul *m;
	bool trans = false;
	float *scale = fx_graph_alloc(s->g, sizeof(*scale));
	struct op *op;

	if (!view_operand(&v, tb->rank, tb->dims, last, &ob)) {
		int64_t dims[FXQ_MAX_RANK];
		unsigned int start[FXQ_MAX_RANK + 1];
		struct view w = v;

		/* Exchange the last two dimensions and look again. */
		memcpy(dims, tb->dims, sizeof(dims));
		trans = view_align(&w, tb->rank, dims, start) &&
			start[last + 1] - start[last] <= 1 &&
			start[last] - start[last - 1] <= 1;
		if (trans && start[last + 1] - start[last] == 1 &&
		    start[last] - start[last - 1] == 1) {
			struct factor f = w.f[start[last]];

			w.f[start[last]] = w.f[start[last - 1]];
			w.f[start[last - 1]] = f;
		}
		dims[last] = tb->dims[last - 1];
		dims[last - 1] = tb->dims[last];
		trans = trans && view_operand(&w, tb->rank, dims, last, &ob);
		if (!trans)
			ob = operand_of(s, b, last);
	}
	op = op_new(s, FXQ_OP_MATMUL);
	op->in[op->n_in++] = oa;
	op->in[op->n_in++] = ob;
	op->out = result_like(s, last, oa.h, oa.w);
	op->d.flags = trans ? FXQ_F_TRANS_B : 0;
	m = &op->d.matmul;
	m->batch = (uint16_t)oa.h;
	m->m = (uint16_t)oa.w;
	m->k = (uint16_t)oa.c;
	m->n = (uint16_t)op->out.c;
	m->za = (int8_t)a->out[0].zero_point;
	m->zb = (int8_t)tb->zero_point;
	m->zy = (int8_t)n->out[0].zero_point;
	m->lo = (int8_t)fx_node_int(n, "lo", -128);
	m->hi = (int8_t)fx_node_int(n, "hi", 127);
	*scale = (float)fx_node_float(n, "m", 0);
	op->table[0] = scale;
}
