// SPDX-License-Identifier: MIT
/*
 * accuracy.c - what eight bits cost a real network on pictures
 *
 *	accuracy MODEL.onnx NETWORK CALIBRATE EVALUATE
 *
 * Calibrates on the pictures of one folder as fxq-run does, runs the others
 * through float graph and integer reference, and tells for each output of the
 * network the ratio of signal to quantization noise, or of the layer that its
 * own decoding begins with, and for detectors how many of float's boxes are
 * found again. Fails below what the table asks.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/compile.h>
#include <fxq/onnx.h>
#include <fxq/post.h>

#include "io/io.h"

#define MAX_OUTPUTS	12
#define THREADS		2

/* A call of post-processing: its inputs are outputs, or what came before. */
struct stage {
	const char *function;
	int n_in, in[9];
	float score;		/* 0: the function's own */
	int first_class;
};

/*
 * struct network
 * @nhwc, @bgr, @mean, @std: how it was taught to see pictures; one number
 *			     stands for three
 * @backbone: the layer to judge in place of the outputs
 * @seen, @unseen: windows across a picture, of calibration and evaluation;
 *		   0: pictures whole only
 * @sqnr: least of the outputs, in dB
 * @found: least share of float's boxes, in percent; 0: it finds none
 * @iou: least of a text box
 */
static const struct network {
	const char *name, *backbone;
	int nhwc, bgr;
	float mean[3], std[3];
	uint32_t seen, unseen;
	double sqnr, found, iou;
	struct stage stages[2];
} networks[] = {
	/* Its scores come from maps that the deep layers make of few steps. */
	{ "blazeface", NULL, 1, 0, { .5f }, { .5f }, 1, 1, 15, 90, 0,
	  { { "anchor_boxes", 4, { 0, 2, 1, 3 }, 0, 0 },
	    { "non_max_suppression", 1, { -1 }, .6f, 0 } } },
	{ "ultraface", NULL, 0, 0, { 127 / 255.f }, { 128 / 255.f }, 1, 1,
	  20, 95, 0,
	  { { "non_max_suppression", 2, { 1, 0 }, .7f, 1 } } },
	/* A scale at which no face is has scores of almost 0, and no signal. */
	{ "yunet", NULL, 0, 1, { 0 }, { 1 / 255.f }, 1, 1, 10, 95, 0,
	  { { "yunet_boxes", 9, { 0, 3, 6, 1, 4, 7, 2, 5, 8 }, 0, 0 },
	    { "non_max_suppression", 1, { -1 }, .6f, 0 } } },
	/* One map holds objectness, boxes and 80 classes in one scale. */
	{ "fastestdet", NULL, 0, 1, { 0 }, { 1 }, 2, 2, 16, 80, 0,
	  { { "fastest_boxes", 1, { 0 }, 0, 0 },
	    { "non_max_suppression", 1, { -1 }, .65f, 0 } } },
	/* What it makes of its map compares neighbours for equality. */
	{ "mlsd", "conv2d_40", 1, 0, { 0 }, { 1 / 255.f }, 1, 1, 13, 0, 0,
	  { { 0 } } },
	{ "ppocr-det", NULL, 0, 1, { .485f, .456f, .406f },
	  { .229f, .224f, .225f }, 0, 0, 12, 95, .8,
	  { { "db_boxes", 1, { 0 }, 0, 0 } } },
	/* Its softmax knows no doubt. */
	{ "ppocr-cls", "linear", 0, 1, { .5f }, { .5f }, 0, 0, 20, 0, 0,
	  { { 0 } } },
	{ "mobilenet", NULL, 0, 0, { 0 }, { 1 }, 4, 3, 20, 0, 0, { { 0 } } },
	{ "vww", NULL, 0, 0, { 0 }, { 1 }, 4, 3, 20, 0, 0, { { 0 } } },
	{ "resnet8", NULL, 0, 0, { 0 }, { 1 / 255.f }, 4, 3, 20, 0, 0,
	  { { 0 } } },
};

static void fail(const char *what)
{
	fprintf(stderr, "accuracy: %s\n", what);
	exit(EXIT_FAILURE);
}

static void check(struct fx_graph *g, int err)
{
	if (err)
		fail(fx_graph_error(g));
}

/* Pictures */

struct pictures {
	struct fxq_tensor *t;
	size_t n;
};

static struct picture part_of(const struct picture *p, uint32_t x, uint32_t y,
			      uint32_t w, uint32_t h)
{
	struct picture part = { w, h, p->channels, NULL };
	size_t row = (size_t)w * p->channels;

	part.pixels = malloc(row * h);
	for (uint32_t i = 0; i < h && part.pixels; i++)
		memcpy(part.pixels + i * row, p->pixels + p->channels *
		       ((size_t)(y + i) * p->width + x), row);
	return part;
}

/* Floats of three channels to four, of which the last is 1 throughout. */
static void add_alpha(float *pixels, size_t area, bool nhwc)
{
	for (size_t i = area; nhwc && i-- > 0;) {
		memmove(pixels + 4 * i, pixels + 3 * i, 3 * sizeof(*pixels));
		pixels[4 * i + 3] = 1;
	}
	for (size_t i = 0; !nhwc && i < area; i++)
		pixels[3 * area + i] = 1;
}

static void add(struct pictures *all, const struct network *net,
		const struct fxq_tensor *type, const struct picture *p)
{
	bool one = net->std[1] == 0;
	struct fxq_preprocess_info how = {
		.order = net->bgr ? FXQ_PIXEL_BGR : FXQ_PIXEL_RGB,
		.nhwc = net->nhwc, .channels = 3,
		.width = (uint32_t)type->dims[net->nhwc ? 2 : 3],
		.height = (uint32_t)type->dims[net->nhwc ? 1 : 2],
	};
	struct fxq_tensor t = *type;

	for (int c = 0; c < 3; c++) {
		how.mean[c] = net->mean[one ? 0 : c];
		how.std[c] = net->std[one ? 0 : c];
	}
	t.data = NULL;
	if (fxq_tensor_alloc(&t) || preprocess("picture", &how, p, t.data))
		fail(io_error());
	if (fxq_tensor_count(&t) == 4 * (int64_t)how.width * how.height)
		add_alpha(t.data, (size_t)how.width * how.height, net->nhwc);
	all->t = realloc(all->t, (all->n + 1) * sizeof(t));
	all->t[all->n++] = t;
}

/*
 * Each picture whole and in @parts x @parts windows of 6/10 of its sides, so
 * that things come in several sizes and places.
 */
static struct pictures load(const struct network *net,
			    const struct fxq_tensor *type, const char *folder,
			    uint32_t parts)
{
	struct pictures all = { 0 };
	struct list files;

	if (list_files(folder, &files))
		fail(io_error());
	for (size_t i = 0; i < files.n; i++) {
		struct picture p, part;
		struct bytes b;

		if (file_read(files.path[i], &b) ||
		    picture_parse(files.path[i], b.data, b.size, &p))
			fail(io_error());
		add(&all, net, type, &p);
		for (uint32_t k = 0; k < parts * parts; k++) {
			uint32_t w = p.width * 6 / 10, h = p.height * 6 / 10;
			uint32_t last = parts > 1 ? parts - 1 : 1;

			part = part_of(&p, k % parts * (p.width - w) / last,
				       k / parts * (p.height - h) / last, w, h);
			add(&all, net, type, &part);
			picture_free(&part);
		}
		picture_free(&p);
		bytes_free(&b);
	}
	list_free(&files);
	return all;
}

/* Boxes */

static struct fxq_tensor call(const struct stage *s, struct fxq_tensor *out,
			      const struct fxq_tensor *before)
{
	const struct fxq_function *f = fx_post_find(s->function);
	struct fxq_tensor in[9], y = { 0 };
	struct fxq_attr attrs[3] = {
		{ "iou", FXQ_ATTR_FLOAT, 1, { .f = 0.3 } },
		{ "score", FXQ_ATTR_FLOAT, 1, { .f = (double)s->score } },
		{ "first_class", FXQ_ATTR_INT, 1, { .i = s->first_class } },
	};
	struct fxq_call c = { .n_in = (uint32_t)s->n_in, .n_out = 1, .in = in,
			      .out = &y, .n_attrs = s->score > 0 ? 3 : 0,
			      .attrs = attrs, .threads = 1 };

	for (int i = 0; i < s->n_in; i++)
		in[i] = s->in[i] < 0 ? *before : out[s->in[i]];
	if (f->infer && (f->infer(&c) || fxq_tensor_alloc(&y)))
		fail(c.error);
	if (f->eval(&c))
		fail(c.error);
	return y;
}

static struct fxq_tensor boxes_of(const struct network *net,
				  struct fxq_tensor *out)
{
	struct fxq_tensor first = call(&net->stages[0], out, NULL), y;

	if (!net->stages[1].function)
		return first;
	y = call(&net->stages[1], out, &first);
	fxq_tensor_free(&first);
	return y;
}

static float overlap(const float *a, const float *b)
{
	float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]);
	float h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
	float both = w > 0 && h > 0 ? w * h : 0;

	return both / ((a[2] - a[0]) * (a[3] - a[1]) +
		       (b[2] - b[0]) * (b[3] - b[1]) - both);
}

struct score {
	double signal[MAX_OUTPUTS], noise[MAX_OUTPUTS];
	int64_t boxes, boxes_int8, found;
	double least;		/* overlap of a box that was found */
};

static void compare_boxes(struct score *s, const struct fxq_tensor *a,
			  const struct fxq_tensor *b)
{
	const float *x = a->data, *y = b->data;

	s->boxes += a->dims[0];
	s->boxes_int8 += b->dims[0];
	for (int64_t i = 0; i < a->dims[0]; i++) {
		float best = 0;

		for (int64_t j = 0; j < b->dims[0]; j++)
			best = fmaxf(best, overlap(x + i * FX_BOX_COLUMNS,
						   y + j * FX_BOX_COLUMNS));
		if (best < 0.5f)
			continue;
		s->found++;
		s->least = fmin(s->least, (double)best);
	}
}

/* The run */

static void compare(struct score *s, size_t k, const struct fxq_tensor *a,
		    const struct fxq_tensor *b)
{
	const float *x = a->data, *y = b->data;

	for (int64_t i = 0; i < fxq_tensor_count(a); i++) {
		double e = (double)x[i] - (double)y[i];

		s->signal[k] += (double)x[i] * (double)x[i];
		s->noise[k] += e * e;
	}
}

/* One value of a run, as floats. */
struct wanted {
	const char *name;
	struct fxq_tensor t;
};

static int keep_wanted(struct fx_node *n, int out_index,
		       struct fxq_tensor *value, void *ctx)
{
	struct wanted *w = ctx;
	const int8_t *q = value->data;
	const struct fxq_tensor *type = &n->out[0];
	float *to;

	/* A layer that keeps its sums has its floats one node further. */
	if (fx_node_is(n, "dequantize_channels"))
		n = fx_node_in(n, 0);
	if (out_index || strcmp(n->name, w->name) ||
	    value->dtype == FXQ_DTYPE_I32)
		return 0;
	w->t = *value;
	w->t.dtype = FXQ_DTYPE_F32;
	w->t.data = NULL;
	if (fxq_tensor_alloc(&w->t))
		fail("out of memory");
	to = w->t.data;
	for (int64_t i = 0; i < fxq_tensor_count(value); i++)
		to[i] = value->dtype == FXQ_DTYPE_F32 ?
				((const float *)value->data)[i] :
				type->scale * (float)(q[i] - type->zero_point);
	return 0;
}

static void compare_backbone(const struct wanted *a, const struct wanted *b,
			     struct score *s)
{
	if (!a->t.data || !b->t.data ||
	    fxq_tensor_count(&a->t) != fxq_tensor_count(&b->t))
		fail("the layer to judge is not in both graphs");
	compare(s, 0, &a->t, &b->t);
}

static void evaluate(const struct network *net, struct fx_graph *g,
		     struct fx_graph *q, const struct fxq_tensor *in,
		     size_t n_out, struct score *s)
{
	struct wanted flt = { net->backbone }, integer = flt;
	struct fxq_tensor a[MAX_OUTPUTS], b[MAX_OUTPUTS];
	struct fx_run run = { .threads = THREADS, .ctx = &flt,
			      .observe = net->backbone ? keep_wanted : NULL };

	check(g, fx_graph_run(g, &run, in, 1, a, n_out));
	run.ctx = &integer;
	check(q, fx_graph_run(q, &run, in, 1, b, n_out));
	if (net->backbone)
		compare_backbone(&flt, &integer, s);
	for (size_t k = 0; k < n_out && !net->backbone; k++)
		compare(s, k, &a[k], &b[k]);
	if (net->found > 0) {
		struct fxq_tensor p = boxes_of(net, a), r = boxes_of(net, b);

		compare_boxes(s, &p, &r);
		fxq_tensor_free(&p);
		fxq_tensor_free(&r);
	}
	for (size_t k = 0; k < n_out; k++) {
		fxq_tensor_free(&a[k]);
		fxq_tensor_free(&b[k]);
	}
	fxq_tensor_free(&flt.t);
	fxq_tensor_free(&integer.t);
}

/* Prints the row of the table; is it good enough? */
static bool report(const struct network *net, const struct score *s,
		   size_t n_out)
{
	double worst = INFINITY, share = 100;

	printf("%-11s", net->name);
	for (size_t k = 0; k < n_out; k++) {
		double db = 10 * log10(s->signal[k] / (s->noise[k] + 1e-30));

		printf(" %.1f", db);
		worst = fmin(worst, db);
	}
	printf(" dB");
	if (s->boxes) {
		share = 100 * (double)s->found / (double)s->boxes;
		printf("; %lld of %lld boxes (%.1f %%), %lld in int8, IoU at least %.2f",
		       (long long)s->found, (long long)s->boxes, share,
		       (long long)s->boxes_int8, s->least);
	}
	puts("");
	return worst >= net->sqnr && share >= net->found &&
	       s->least >= net->iou && (s->boxes || net->found == 0);
}

static size_t count_outputs(const struct fx_graph *g)
{
	const struct fx_node *output = fx_graph_output(g);
	size_t n = 0;

	for (size_t i = 0; i < output->n_args; i++)
		n += output->args[i].kind == FX_ARG_NODE ?
		     1 : output->args[i].count;
	return n > MAX_OUTPUTS ? MAX_OUTPUTS : n;
}

int main(int argc, char **argv)
{
	const struct fx_import_options options = { .default_batch = 1 };
	const struct fx_qconfig qconfig = { .tune = true };
	const struct network *net = NULL;
	struct fx_calibration *cal;
	struct pictures seen, unseen;
	struct score s = { .least = 1 };
	struct fx_graph *g, *q;
	struct fxq_tensor type = { 0 };
	char why[256];
	size_t n_out;

	for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++)
		if (argc == 5 && !strcmp(networks[i].name, argv[2]))
			net = &networks[i];
	if (!net)
		fail("usage: accuracy MODEL.onnx NETWORK CALIBRATE EVALUATE");
	if (fx_import_onnx(argv[1], &options, &g, why, sizeof(why)))
		fail(why);
	fx_for_each_node(n, g)
		if (n->opcode == FX_PLACEHOLDER)
			type = n->out[0];
	check(g, fx_fuse(g));
	n_out = count_outputs(g);

	seen = load(net, &type, argv[3], net->seen);
	unseen = load(net, &type, argv[4], net->unseen);
	check(g, fx_calibration_begin(g, &qconfig, &cal));
	do {
		for (size_t i = 0; i < seen.n; i++)
			check(g, fx_calibration_feed(cal, &seen.t[i], 1,
						     THREADS));
	} while (fx_calibration_tune(cal));
	check(g, fx_convert(g, cal, &qconfig, &q));
	for (size_t i = 0; i < unseen.n; i++)
		evaluate(net, g, q, &unseen.t[i], n_out, &s);
	return report(net, &s, net->backbone ? 1 : n_out) ? EXIT_SUCCESS : EXIT_FAILURE;
}
