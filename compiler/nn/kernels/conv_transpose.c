// SPDX-License-Identifier: MIT
/*
 * conv_transpose1d, 2d, 3d. Input element i and tap t meet at output
 * i * stride + t * dilation - padding. So the outputs of one residue modulo
 * the stride are an ordinary convolution with stride 1, with those taps alone
 * that reach them, and each residue is computed as one: nothing is multiplied
 * with an inserted zero.
 *
 * Sums run over input channels, then depth, row and column of the kernel; the
 * bias comes first.
 */
#include <inttypes.h>

#include "conv_run.h"

/*
 * struct phase_axis - the outputs of one residue along one dimension
 * @out_first, @outs: the first of them, and how many there are
 * @tap_first, @tap_step, @taps: taps that reach them
 * @start: the input coordinate that a tap of shift 0 meets at @out_first
 */
struct phase_axis {
	int64_t out_first, outs;
	int64_t tap_first, tap_step, taps;
	int64_t start;
};

struct phase {
	const struct convolution *c;
	struct phase_axis axis[3];
	struct field field;
	int64_t k;
	int64_t *off;
	float *w;		/* rows of k for each output channel */
};

static int read_transposed(struct fxq_call *call, uint32_t nd,
			   struct convolution *c)
{
	int ret;

	ret = convolution_read(call, nd, true, c);
	if (ret)
		return ret;

	for (int d = 0; d < 3; d++) {
		int64_t reach = (c->taps[d] - 1) * c->dilation[d];

		c->out[d] = (c->in[d] - 1) * c->stride[d] + reach + 1 +
			    c->out_extra[d] - c->begin[d] - c->end[d];
		if (c->out[d] < 1)
			return kern_refuse(call, -EINVAL,
					   "padding leaves nothing of the output");
		if (c->out_extra[d] && c->out_extra[d] >= c->stride[d] &&
		    c->out_extra[d] >= c->dilation[d])
			return kern_refuse(call, -EINVAL,
					   "output_padding %" PRId64
					   " is not less than stride or dilation",
					   c->out_extra[d]);
		if (c->in[d] + reach / c->stride[d] > FIELD_MAX)
			return kern_refuse(call, -EOVERFLOW,
					   "the padded input is too large");
	}
	return 0;
}

static int infer_transposed(struct fxq_call *call, uint32_t nd)
{
	struct convolution c;
	int ret;

	ret = read_transposed(call, nd, &c);
	return ret ? ret : convolution_set_out(call, nd, &c);
}

/* The outputs from @first on, a stride apart, and the taps that reach them. */
static void init_axis(const struct convolution *c, int d, int64_t first,
		      struct phase_axis *a)
{
	int64_t s = c->stride[d], residue = (first + c->begin[d]) % s;

	*a = (struct phase_axis){
		.out_first = first,
		.outs = (c->out[d] - first - 1) / s + 1,
		.start = (first + c->begin[d]) / s,
	};
	for (int64_t t = 0; t < c->taps[d]; t++) {
		if (t * c->dilation[d] % s != residue)
			continue;
		if (a->taps == 0)
			a->tap_first = t;
		else if (a->taps == 1)
			a->tap_step = t - a->tap_first;
		a->taps++;
	}
}

/* How far before its output's input coordinate tap number @t reads. */
static int64_t shift(const struct phase *p, int d, int64_t t)
{
	const struct phase_axis *a = &p->axis[d];

	return (a->tap_first + t * a->tap_step) * p->c->dilation[d] /
	       p->c->stride[d];
}

/*
 * Shifts grow evenly, so that the field is one of stride 1 whose taps are
 * those of the phase backwards.
 */
static int init_field(struct phase *p)
{
	for (int d = 0; d < 3; d++) {
		const struct phase_axis *a = &p->axis[d];
		int64_t last = a->taps ? shift(p, d, a->taps - 1) : 0;
		int64_t first = a->taps ? shift(p, d, 0) : 0;

		p->field.axis[d] = (struct field_axis){
			.in = p->c->in[d], .start = a->start - last,
			.stride = 1, .out = a->outs,
			.dilation = 1, .taps = last - first + 1,
		};
	}
	return field_init(&p->field);
}

/*
 * The phase's taps in the order of the kernel: @w says where a tap is among
 * an output channel's weights of one input channel, @field where it reads.
 */
static void list_taps(const struct phase *p, int64_t *w, int64_t *field)
{
	const struct phase_axis *a = p->axis;
	const int64_t *taps = p->c->taps;
	int64_t t[3];

	for (t[0] = 0; t[0] < a[0].taps; t[0]++)
		for (t[1] = 0; t[1] < a[1].taps; t[1]++)
			for (t[2] = 0; t[2] < a[2].taps; t[2]++) {
				int64_t at = 0, tap[3];

				for (int d = 0; d < 3; d++) {
					at = at * taps[d] + a[d].tap_first +
					     t[d] * a[d].tap_step;
					tap[d] = shift(p, d, a[d].taps - 1) -
						 shift(p, d, t[d]);
				}
				*w++ = at;
				*field++ = field_offset(&p->field, tap);
			}
}

/* Weights of all groups as rows of k; where the factors are in the field. */
static void gather_weights(const struct phase *p, const int64_t *places,
			   int64_t n, const float *w)
{
	const struct convolution *c = p->c;
	int64_t taps = convolution_taps(c);
	float *to = p->w;

	for (int64_t o = 0; o < c->groups * c->oc; o++)
		for (int64_t i = 0; i < c->ic; i++) {
			const float *from = w + ((o / c->oc * c->ic + i) *
						 c->oc + o % c->oc) * taps;

			for (int64_t t = 0; t < n; t++)
				*to++ = from[places[t]];
		}

	/* The first channel's offsets are there; the others repeat them. */
	for (int64_t k = n; k < p->k; k++)
		p->off[k] = p->off[k - n] + p->field.channel;
}

static int run_phase(struct fxq_call *call, struct phase *p)
{
	const struct convolution *c = p->c;
	struct conv_run run = {
		.c = c, .field = &p->field, .x = call->in[0].data,
		.bias = kern_data(call, 2), .y = call->out[0].data,
	};
	int64_t n = p->axis[0].taps * p->axis[1].taps * p->axis[2].taps;
	int64_t *places;
	int ret = -ENOMEM;

	if (init_field(p) || p->field.channel > FIELD_MAX / c->ic)
		return kern_refuse(call, -EOVERFLOW,
				   "the padded input is too large");

	p->k = c->ic * n;
	places = malloc((n + 1) * sizeof(*places));
	p->off = malloc((p->k + 1) * sizeof(*p->off));
	p->w = malloc((c->groups * c->oc * p->k + 1) * sizeof(*p->w));
	if (!places || !p->off || !p->w)
		goto out_free;

	list_taps(p, places, p->off);
	gather_weights(p, places, n, call->in[1].data);
	run.k = p->k;
	run.off = p->off;
	run.w = p->w;
	for (int d = 0; d < 3; d++) {
		run.start[d] = p->axis[d].out_first;
		run.step[d] = c->stride[d];
	}
	ret = conv_run(&run, call->threads);

out_free:
	free(p->w);
	free(p->off);
	free(places);
	return ret;
}

static int run_transposed(struct fxq_call *call, uint32_t nd)
{
	struct convolution c;
	struct phase p = { .c = &c };
	int64_t phases[3], n = 1;
	int ret;

	ret = read_transposed(call, nd, &c);
	for (int d = 0; d < 3; d++) {
		phases[d] = c.stride[d] < c.out[d] ? c.stride[d] : c.out[d];
		n *= phases[d];
	}

	for (int64_t i = 0; i < n && !ret; i++) {
		init_axis(&c, 0, i / phases[2] / phases[1], &p.axis[0]);
		init_axis(&c, 1, i / phases[2] % phases[1], &p.axis[1]);
		init_axis(&c, 2, i % phases[2], &p.axis[2]);
		ret = run_phase(call, &p);
	}
	return ret;
}

#define CONV_TRANSPOSE(nd)						\
int infer_conv_transpose##nd##d(struct fxq_call *call)			\
{									\
	return infer_transposed(call, nd);				\
}									\
									\
int eval_conv_transpose##nd##d(struct fxq_call *call)			\
{									\
	int ret = kern_begin(call, infer_conv_transpose##nd##d);	\
									\
	return ret ? ret : run_transposed(call, nd);			\
}

CONV_TRANSPOSE(1)
CONV_TRANSPOSE(2)
CONV_TRANSPOSE(3)
