// SPDX-License-Identifier: MIT
/*
 * compare.c - float, integer reference and device on the same samples
 *
 * Two runs of the integer graph tell two things of a layer. In the first each
 * layer gets what the integer layers before it made: its error is that of the
 * network up to there. In the second each result is replaced, once it has been
 * looked at, by float's own, rounded: what a layer then is off is its own doing.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "compare.h"

double deviation_db(const struct deviation *d)
{
	if (!(d->signal > 0) && !(d->noise > 0))
		return NAN;
	return d->noise > 0 ? 10 * log10(d->signal / d->noise) : INFINITY;
}

double deviation_cosine(const struct deviation *d)
{
	return d->product / sqrt(d->signal * d->other);
}

double layer_lsb(const struct layer *l, const struct deviation *d)
{
	return l->node->out[0].scale != 0 && !isnan(deviation_db(d)) ?
	       d->most / (double)l->node->out[0].scale : NAN;
}

bool deviation_add(struct deviation *d, const struct fxq_tensor *x,
		   const struct fxq_tensor *q, const struct fxq_tensor *type)
{
	struct fxq_tensor as = *q;

	as.scale = type->scale;
	as.zero_point = type->zero_point;
	if (x->dtype != FXQ_DTYPE_F32 ||
	    fxq_tensor_count(x) != fxq_tensor_count(q) ||
	    (q->dtype != FXQ_DTYPE_F32 && as.scale == 0))
		return false;
	for (int64_t i = 0; i < fxq_tensor_count(x); i++) {
		double v = element(x, i), w = element(&as, i);

		d->signal += v * v;
		d->noise += (w - v) * (w - v);
		d->other += w * w;
		d->product += v * w;
		d->most = fmax(d->most, fabs(w - v));
	}
	return true;
}

/* Lowering takes the nodes' data for itself, so each sample asks for this. */
static void mark_layers(struct build *b, const struct comparison *c)
{
	fx_for_each_node(n, b->converted)
		n->data = NULL;
	for (size_t i = 0; i < c->n; i++)
		c->layers[i].node->data = &c->layers[i];
}

/*
 * struct pass - one run of the integer graph
 * @flt: what float made of the sample
 * @forced: replace each result by float's
 * @kept: results before that, or NULL
 */
struct pass {
	const struct capture *flt;
	struct capture *kept;
	bool forced;
};

static const struct fxq_tensor *twin_of(const struct pass *p,
					const struct layer *l)
{
	return l && l->twin ? capture_find(p->flt, l->twin) : NULL;
}

static void count_clipped(struct layer *l, const struct fxq_tensor *x)
{
	const struct fxq_tensor *type = &l->node->out[0];
	double low = (-128.5 - type->zero_point) * (double)type->scale;
	double high = (127.5 - type->zero_point) * (double)type->scale;

	if (type->dtype != FXQ_DTYPE_I8 || type->scale == 0)
		return;
	for (int64_t i = 0; i < fxq_tensor_count(x); i++)
		l->clipped += element(x, i) < low || element(x, i) > high;
	l->count += (uint64_t)fxq_tensor_count(x);
}

/* Float's value in the integers that the graph has for it. */
static void force(struct fxq_tensor *value, const struct fxq_tensor *type,
		  const struct fxq_tensor *x)
{
	const float *from = x->data;
	int8_t *to = value->data;

	if (value->dtype == FXQ_DTYPE_F32) {
		memcpy(value->data, x->data, fxq_tensor_bytes(x));
		return;
	}
	for (int64_t i = 0; value->dtype == FXQ_DTYPE_I8 &&
			    i < fxq_tensor_count(x); i++)
		to[i] = (int8_t)fxq_q(from[i] * (1.0f / type->scale),
				      type->zero_point, -128, 127);
}

static int look(struct fx_node *n, int out_index, struct fxq_tensor *value,
		void *ctx)
{
	struct pass *p = ctx;
	struct layer *l = n->data;
	const struct fxq_tensor *x = twin_of(p, l);

	if (p->kept && !out_index && capture_add(p->kept, n->name, n->name,
						 value))
		return -ENOMEM;
	if (out_index || !x ||
	    !deviation_add(p->forced ? &l->alone : &l->whole, x, value,
			   &n->out[0]))
		return 0;
	if (p->forced)
		force(value, &n->out[0], x);
	else
		count_clipped(l, x);
	return 0;
}

/*
 * The float graph with its rounding written out names the rounded value after
 * the layer.
 */
static void add_fake(const struct capture *fake, const struct capture *q,
		     struct layer *l)
{
	const struct fx_node *n = l->node;
	const struct fxq_tensor *y = capture_find(q, n->name), *x = NULL;
	char *source;

	if (!y || n->out[0].scale == 0 ||
	    asprintf(&source, "%s.dequantize_linear",
		     n->source ? n->source : n->name) < 0)
		return;
	for (size_t i = 0; i < fake->n; i++)
		if (!strcmp(fake->v[i].source, source))
			x = &fake->v[i].t;
	free(source);
	if (x)
		deviation_add(&l->fake, x, y, &n->out[0]);
}

static int run_fake(const struct model *m, struct fx_graph *graph,
		    const struct options *o, const struct fxq_tensor *sample,
		    const struct capture *q, struct comparison *c)
{
	struct capture fake = { 0 };
	int code;

	if (!graph)
		return TOOL_OK;
	code = capture_graph(graph, o, m->training, sample, &fake);
	for (size_t i = 0; !code && i < c->n; i++)
		add_fake(&fake, q, &c->layers[i]);
	capture_free(&fake);
	return code;
}

/* The float graph's outputs, in which the first sample counts the slots. */
static int add_outputs(const struct build *b, const struct capture *flt,
		       const struct capture *q, struct comparison *c)
{
	struct fx_node **to, **from;
	size_t n, n_from;

	from = graph_outputs(b->graph, &n_from);
	to = graph_outputs(b->converted, &n);
	if (!c->outputs) {
		c->outputs = calloc(n + 1, sizeof(*c->outputs));
		c->n_outputs = n;
	}
	for (size_t i = 0; from && to && c->outputs && i < n && i < n_from;
	     i++) {
		const struct fxq_tensor *x = capture_find(flt, from[i]->name);
		const struct fxq_tensor *y = capture_find(q, to[i]->name);

		c->outputs[i].name = from[i]->name;
		if (!x || !y || fxq_tensor_count(x) != fxq_tensor_count(y) ||
		    deviation_add(&c->outputs[i].d, x, y, &to[i]->out[0]))
			continue;
		c->outputs[i].count += (uint64_t)fxq_tensor_count(x);
		for (int64_t k = 0; k < fxq_tensor_count(x); k++)
			c->outputs[i].same += element(x, k) == element(y, k);
	}
	free(from);
	free(to);
	return c->outputs ? TOOL_OK : complain_io(io_fail_memory("outputs"));
}

/* Equal to the reference, layer by layer, on the device of @o? */
static int run_device(const struct model *m, struct build *b,
		      const struct options *o, const struct fxq_tensor *sample,
		      const struct capture *q, struct comparison *c)
{
	struct fxq_image *image = NULL;
	struct capture kept = { 0 };
	struct bytes bytes = { 0 };
	atomic_uint findings = 0;
	int code;

	code = build_image(b, m, true, NULL, &bytes);
	if (!code)
		code = capture_machine(&bytes, o, m->training, sample, &kept,
				       &image, &findings);
	for (size_t i = 0; !code && i < c->n; i++) {
		const char *name = c->layers[i].node->name;
		const struct fxq_tensor *x = capture_find(&kept, name);
		const struct fxq_tensor *y = capture_find(q, name);

		if (x && y)
			c->layers[i].device =
				fxq_tensor_bytes(x) == fxq_tensor_bytes(y) &&
				!memcmp(x->data, y->data, fxq_tensor_bytes(x)) ?
				"yes" : "NO";
	}
	c->findings = findings;
	bytes_free(&bytes);
	capture_free(&kept);
	fxq_image_close(image);
	return code;
}

static int run_sample(const struct model *m, struct build *b,
		      struct fx_graph *fake, const struct options *o,
		      const struct fxq_tensor *sample, bool first,
		      bool sensitivity, struct comparison *c)
{
	struct capture flt = { 0 }, q = { 0 }, alone = { 0 };
	struct pass whole = { &flt, &q, false };
	struct pass forced = { &flt, first && sensitivity ? &alone : NULL,
			       true };
	int code;

	code = capture_graph(b->graph, o, m->training, sample, &flt);
	if (!code && first)
		code = compare_list_layers(b, &flt, c);
	mark_layers(b, c);
	if (!code)
		code = run_observed(b->converted, o, m->training, sample, look,
				    &whole);
	if (!code)
		code = run_observed(b->converted, o, m->training, sample, look,
				    &forced);
	if (!code)
		code = run_fake(m, fake, o, sample, &q, c);
	if (!code)
		code = add_outputs(b, &flt, &q, c);
	if (!code && first && sensitivity)
		code = compare_alone(m, b, o, sample, &flt, &alone, c);
	if (!code && first)
		code = run_device(m, b, o, sample, &q, c);
	capture_free(&flt);
	capture_free(&q);
	capture_free(&alone);
	return code;
}

int compare_run(const struct model *m, struct build *b, const struct options *o,
		const struct feed *f, uint64_t count, bool sensitivity,
		struct comparison *ret)
{
	const struct fx_qconfig qconfig = options_qconfig(o);
	struct fxq_tensor *sample = sample_new(&b->in);
	struct fx_graph *fake = NULL;
	struct comparison c = { 0 };
	int code = TOOL_OK, err;

	if (!sample)
		return complain_io(io_fail_memory("sample"));
	/*
	 * Not with wrapped functions, nor with scales of the verbs: then there is
	 * nothing to put beside.
	 */
	if (b->cal && fx_convert_qdq(b->graph, b->cal, &qconfig, &fake))
		fake = NULL;
	if (count > feed_count(f))
		count = feed_count(f);
	for (uint64_t i = 0; !code && i < count; i++) {
		err = feed_get(f, i, sample);
		code = err ? complain_io(err) :
			     run_sample(m, b, fake, o, sample, !i,
					sensitivity, &c);
		c.samples++;
	}
	sample_free(sample, b->in.n);
	fx_graph_free(fake);
	if (code)
		compare_free(&c);
	else
		*ret = c;
	return code;
}

char *output_text(const struct comparison *c, size_t i)
{
	const char *name = plain(c->outputs[i].name);
	const struct deviation *d = &c->outputs[i].d;
	char *text;
	int n;

	if (c->outputs[i].count)
		n = asprintf(&text, "%s: %llu of %llu elements the same", name,
			     (unsigned long long)c->outputs[i].same,
			     (unsigned long long)c->outputs[i].count);
	else if (isnan(deviation_db(d)))
		n = asprintf(&text, "%s: not compared: it has no floats, or another shape than float gives it",
			     name);
	else
		n = asprintf(&text, "%s: %.1f dB, cosine %.5f", name,
			     deviation_db(d), deviation_cosine(d));
	return n < 0 ? NULL : text;
}

void compare_free(struct comparison *c)
{
	free(c->layers);
	free(c->outputs);
	notes_free(&c->notes);
	*c = (struct comparison){ 0 };
}
