// SPDX-License-Identifier: MIT
/*
 * scene.c - pictures for the race, drawn
 *
 *	scene MODEL.onnx NAME SEED COUNT OUT.npy [SHAPE]
 *
 * On noise a detector finds nothing, all it answers is next to zero, and an
 * answer in eight bits cannot be compared with float's. So there are coloured
 * rectangles and ellipses, and plates with writing, before a slope of light:
 * enough for edges, texture, and something to be found. Pixels go to the range
 * in which the network NAME was taught to see them. SHAPE is what the model
 * leaves open: 1x3x320x320.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/compile.h>
#include <fxq/onnx.h>

#include "io/io.h"

/* What black and white are, by the beginning of a name; the last is for all. */
static const struct range {
	const char *name;
	float black, white;
} ranges[] = {
	{ "blazeface", -1, 1 },
	{ "fmnist", -0.81f, 2.02f },
	{ "mlsd", 0, 255 },
	{ "ppocr_det", -2.1f, 2.6f },
	{ "ppocr", -1, 1 },
	{ "tiny_kws", -100, 25 },	/* no picture: a spectrum */
	{ "tiny_resnet8", 0, 255 },
	{ "ultraface", -1, 1 },
	{ "yunet", 0, 255 },
	{ "", 0, 1 },
};

/* @at: of a pixel's colour @c, in [0, 1]: at[(y * w + x) * 3 + c] */
struct canvas {
	int w, h;
	float *at;
};

static uint64_t state;

static int below(int n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return n > 0 ? (int)(state >> 33) % n : 0;
}

static void pick_colour(float *colour, int least, int most)
{
	for (int c = 0; c < 3; c++)
		colour[c] = (float)(least + below(most - least + 1)) / 255;
}

static void rectangle(struct canvas *v, int x0, int y0, int w, int h,
		      const float *colour)
{
	for (int y = y0; y < y0 + h && y < v->h; y++)
		for (int x = x0; x < x0 + w && x < v->w; x++)
			memcpy(v->at + 3 * (y * v->w + x), colour,
			       3 * sizeof(*colour));
}

static void ellipse(struct canvas *v, int x0, int y0, int w, int h,
		    const float *colour)
{
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			float u = 2 * (x + .5f) / w - 1;
			float t = 2 * (y + .5f) / h - 1;

			if (u * u + t * t < 1)
				rectangle(v, x0 + x, y0 + y, 1, 1, colour);
		}
}

/* A, E, H, I, L, N, O and T: seven rows of five dots, the left one highest */
static const uint8_t letters[8][7] = {
	{ 0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11 },
	{ 0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f },
	{ 0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11 },
	{ 0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e },
	{ 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f },
	{ 0x11, 0x19, 0x19, 0x15, 0x13, 0x13, 0x11 },
	{ 0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e },
	{ 0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04 },
};

/* A plate with a line of letters of @size pixels. */
static void plate(struct canvas *v, int x, int y, int w, int size)
{
	int dot = size / 7 > 1 ? size / 7 : 1;
	float paper[3], ink[3];

	pick_colour(paper, 200, 255);
	pick_colour(ink, 0, 60);
	rectangle(v, x, y, w, 11 * dot, paper);
	for (int at = x + 2 * dot; at + 7 * dot < x + w; at += 6 * dot) {
		const uint8_t *letter = letters[below(8)];

		for (int i = 0; i < 35; i++)
			if (letter[i / 5] >> (4 - i % 5) & 1)
				rectangle(v, at + i % 5 * dot,
					  y + (2 + i / 5) * dot, dot, dot, ink);
	}
}

static void draw(struct canvas *v)
{
	int size = v->h < 64 ? v->h / 2 : v->h / 14;
	float from[3], to[3], colour[3];

	pick_colour(from, 0, 255);
	pick_colour(to, 0, 255);
	for (int i = 0; i < v->w * v->h; i++)
		for (int c = 0; c < 3; c++)
			v->at[3 * i + c] = from[c] + (to[c] - from[c]) *
					   (i / v->w) / v->h;
	for (int i = 0; i < 12; i++) {
		int w = 2 + below(v->w / 2), h = 2 + below(v->h / 2);
		int x = below(v->w - w / 2), y = below(v->h - h / 2);

		pick_colour(colour, 0, 255);
		if (i % 2)
			ellipse(v, x, y, w, h, colour);
		else
			rectangle(v, x, y, w, h, colour);
	}
	for (int i = 0; i < 4; i++)
		plate(v, below(v->w / 3), below(v->h - size), v->w / 2, size);
	for (int i = 0; i < 3 * v->w * v->h; i++)
		v->at[i] += (float)(below(11) - 5) / 255;
}

static void fail(const char *why)
{
	fprintf(stderr, "scene: %s\n", why);
	exit(EXIT_FAILURE);
}

/* @shape may be NULL. */
static struct fxq_tensor input_of(const char *path, const char *shape)
{
	struct fx_shape_binding open = { .rank = 4 };
	const struct fx_import_options options = {
		.default_batch = 1, .shapes = &open, .n_shapes = shape != NULL,
	};
	struct fxq_tensor type = { 0 };
	struct fx_graph *g;
	char why[256];

	if (shape && sscanf(shape, "%" SCNd64 "x%" SCNd64 "x%" SCNd64 "x%"
			    SCNd64, &open.dims[0], &open.dims[1],
			    &open.dims[2], &open.dims[3]) != 4) {
		snprintf(why, sizeof(why), "%s is no shape", shape);
		fail(why);
	}
	if (fx_import_onnx(path, &options, &g, why, sizeof(why)))
		fail(why);
	fx_for_each_node(n, g)
		if (n->opcode == FX_PLACEHOLDER)
			type = n->out[0];
	fx_graph_free(g);
	type.data = NULL;
	if (type.dtype != FXQ_DTYPE_F32 || type.rank != 4 || type.dims[0] != 1)
		fail("the input is no picture");
	return type;
}

/* A scene into one sample; a fourth channel is opaque. */
static void paint(float *to, const struct fxq_tensor *type,
		  const struct range *r)
{
	bool nchw = type->dims[1] <= 4;
	int channels = (int)type->dims[nchw ? 1 : 3];
	struct canvas v = { .w = (int)type->dims[nchw ? 3 : 2],
			    .h = (int)type->dims[nchw ? 2 : 1] };
	int area = v.w * v.h;

	v.at = malloc(3 * sizeof(*v.at) * area);
	if (!v.at)
		fail("no memory");
	draw(&v);
	for (int i = 0; i < area; i++)
		for (int c = 0; c < channels; c++)
			to[nchw ? c * area + i : i * channels + c] =
				c == 3 ? 1 : r->black + v.at[3 * i + c] *
					     (r->white - r->black);
	free(v.at);
}

int main(int argc, char **argv)
{
	const struct range *r = ranges;
	struct fxq_tensor one, all;
	struct bytes file;

	if (argc < 6 || argc > 7 || atoi(argv[4]) < 1)
		fail("usage: scene MODEL.onnx NAME SEED COUNT OUT.npy [SHAPE]");
	while (strncmp(argv[2], r->name, strlen(r->name)))
		r++;
	one = input_of(argv[1], argc > 6 ? argv[6] : NULL);
	all = one;
	all.dims[0] = atoi(argv[4]);
	if (fxq_tensor_alloc(&all))
		fail("no memory");
	state = 88172645463325252ull ^ (uint64_t)atoi(argv[3]) << 32;
	for (int64_t i = 0; i < all.dims[0]; i++)
		paint((float *)all.data + i * fxq_tensor_count(&one), &one, r);
	if (npy_format(argv[5], &all, &file) ||
	    file_write(argv[5], file.data, file.size))
		fail(io_error());
	bytes_free(&file);
	fxq_tensor_free(&all);
	return EXIT_SUCCESS;
}
