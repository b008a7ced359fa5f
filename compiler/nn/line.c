// SPDX-License-Identifier: MIT
/*
 * line.c - operators on a line as those on an image of one row
 *
 * Integer layers and pools are for images. One for a line, (N, C, L), is the same
 * with a height of 1, which its input gets and its result loses again.
 */
#include <string.h>

#include "line.h"
#include "nn_priv.h"

static const struct {
	const char *line, *image;
} twins[] = {
	{ "conv1d",		"conv2d" },
	{ "conv_transpose1d",	"conv_transpose2d" },
	{ "max_pool1d",		"max_pool2d" },
	{ "avg_pool1d",		"avg_pool2d" },
};

const char *line_image_op(const char *op)
{
	for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++)
		if (!strcmp(op, twins[i].line))
			return twins[i].image;
	return NULL;
}

/* @op, which adds or drops the dimension before the last. */
static fxv with_height(const char *op, fxv v)
{
	int64_t height = -2;
	const struct operation o = {
		.op = op, .n_in = 1, .in = { v }, .n_attrs = 1,
		.attrs = { { .name = "dims", .type = FXQ_ATTR_INTS, .count = 1,
			     .ints = &height } },
	};

	return operation_run(context.at, &o);
}

fxv line_image(fxv v)
{
	return with_height("unsqueeze", v);
}

fxv line_of_image(fxv v)
{
	return fx_error(v) ? v : with_height("squeeze", v);
}

fxv line_weights(fxv w)
{
	struct fxq_tensor t = *fx_data(w);

	t.dims[3] = t.dims[2];
	t.dims[2] = 1;
	t.rank = 4;
	return fx_view_of(&t);
}

/* What the height is beside a number for the width. */
static const struct {
	const char *name;
	int64_t height;
} sides[] = {
	{ "kernel_size", 1 }, { "stride", 1 }, { "dilation", 1 },
	{ "output_padding", 0 }, { "output_size", 1 },
};

size_t line_image_param(const char *name, const int64_t *v, size_t count,
			int64_t ret[4])
{
	if (!count)
		return 0;
	if (!strcmp(name, "padding")) {
		memcpy(ret, (int64_t[]){ 0, v[0], 0, v[count - 1] },
		       4 * sizeof(*ret));
		return 4;
	}
	for (size_t i = 0; i < sizeof(sides) / sizeof(*sides); i++) {
		if (strcmp(name, sides[i].name))
			continue;
		ret[0] = sides[i].height;
		ret[1] = v[count - 1];
		return 2;
	}
	return 0;
}

static void widen(struct operation *o, size_t i)
{
	struct fxq_attr *attr = &o->attrs[i];
	int64_t to[4];
	size_t n = attr->type != FXQ_ATTR_INTS ? 0 :
		   line_image_param(attr->name, attr->ints, attr->count, to);

	if (!n)
		return;
	attr->ints = memcpy(o->ints[i], to, n * sizeof(*to));
	attr->count = (uint32_t)n;
}

void line_to_image(struct operation *o)
{
	const char *image = line_image_op(o->op);

	if (!image)
		return;
	o->op = image;
	o->in[0] = line_image(o->in[0]);
	o->line = true;
	for (size_t i = 0; i < o->n_attrs; i++)
		widen(o, i);
}
