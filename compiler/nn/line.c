// SPDX-License-Identifier: MIT
/*
 * line.c - operators on a line as those on an image of one row
 *
 * Integer layers and pools are for images. One for a line, (N, C, L), is the same
 * with a height of 1, which its input gets and its result loses again.
 */
#include <string.h>

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

/* What one number for the width is for height and width. */
static const struct {
	const char *name;
	int64_t height;
} sides[] = {
	{ "kernel_size", 1 }, { "stride", 1 }, { "dilation", 1 },
	{ "output_padding", 0 },
};

static void widen(struct operation *o, size_t i)
{
	struct fxq_attr *attr = &o->attrs[i];
	int64_t first = attr->type == FXQ_ATTR_INTS ? attr->ints[0] : 0;
	int64_t last = attr->type == FXQ_ATTR_INTS ?
		       attr->ints[attr->count - 1] : 0;

	if (!strcmp(attr->name, "padding")) {
		memcpy(o->ints[i], (int64_t[]){ 0, first, 0, last },
		       4 * sizeof(int64_t));
		attr->ints = o->ints[i];
		attr->count = 4;
	}
	for (size_t k = 0; k < sizeof(sides) / sizeof(*sides); k++) {
		if (strcmp(attr->name, sides[k].name))
			continue;
		o->ints[i][0] = sides[k].height;
		o->ints[i][1] = last;
		attr->ints = o->ints[i];
		attr->count = 2;
	}
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
