// SPDX-License-Identifier: MIT
/*
 * operation.c - what a module or function comes down to
 *
 * A call of torch's is an operator of ours on tensors: numbers become the
 * operator's parameters, a pair one number stood for becomes two, padding four.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nn_priv.h"

/* Of so many sides or ends, as far as @v tells them apart. */
static int64_t side(fxv v, uint32_t i, uint32_t count)
{
	size_t n = fx_tuple_count(v);

	return fx_int(n == 2 || n == count ? fx_tuple_item(v, i % n) : v);
}

static void add_attr(struct operation *o, const struct fxq_attr *attr)
{
	o->attrs[o->n_attrs++] = *attr;
}

static void add_int(struct operation *o, const char *name, int64_t i)
{
	add_attr(o, &(struct fxq_attr){ .name = name, .type = FXQ_ATTR_INT,
					.count = 1, .i = i });
}

/* Height and width, once, or for both ends. */
static void add_sides(struct operation *o, const char *name, fxv v,
		      uint32_t count)
{
	int64_t *ints = o->ints[o->n_attrs];

	for (uint32_t i = 0; i < count; i++)
		ints[i] = side(v, i, count);
	add_attr(o, &(struct fxq_attr){ .name = name, .type = FXQ_ATTR_INTS,
					.count = count, .ints = ints });
}

/* One integer, or those of a tuple. */
static int add_list(struct operation *o, const char *name, fxv v, char *error)
{
	int64_t *ints = o->ints[o->n_attrs];
	size_t n = fx_tuple_count(v);

	if (n > FXQ_MAX_RANK)
		return refuse(error, "'%s' has %zu numbers; a tensor has at most %d dimensions",
			      name, n, FXQ_MAX_RANK);
	for (size_t i = 0; i < n; i++) {
		fxv item = fx_tuple_item(v, i);

		if (item.kind != FX_VALUE_INT)
			return refuse(error, "'%s' is no integer and no tuple of integers; fx_of_int() makes a value of a C number",
				      name);
		ints[i] = item.i;
	}
	add_attr(o, &(struct fxq_attr){ .name = name, .type = FXQ_ATTR_INTS,
					.count = n, .ints = ints });
	return 0;
}

static fxv value_of(const struct fx_option *table, size_t n, const fxv *values,
		    const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(table[i].name, name))
			return values[i];
	return fx_none;
}

static int set_attr(struct operation *o, const struct fx_option *option, fxv v,
		    char *error)
{
	struct fxq_attr number = { .name = option->name, .count = 1 };
	bool pair = option->type == FX_OPTION_PAIR ||
		    option->type == FX_OPTION_ENDS;

	switch (option->attr) {
	case FX_ATTR_FIXED:
		if (v.kind != option->def.kind ||
		    (v.kind == FX_VALUE_FLOAT ? v.f != option->def.f :
						v.i != option->def.i))
			return refuse(error, "'%s' is offered at its default alone",
				      option->name);
		return 0;
	case FX_ATTR_INT:
		add_int(o, option->name, fx_int(v));
		return 0;
	case FX_ATTR_FLOAT:
		number.type = FXQ_ATTR_FLOAT;
		number.f = fx_float(v);
		add_attr(o, &number);
		return 0;
	case FX_ATTR_STR:
		number.type = FXQ_ATTR_STRING;
		number.s = v.s;
		add_attr(o, &number);
		return 0;
	case FX_ATTR_INTS:
	case FX_ATTR_KERNEL:
		add_sides(o, option->name, v, pair ? 2 : 1);
		return 0;
	case FX_ATTR_PADS:
		add_sides(o, option->name, v, pair ? 4 : 1);
		return 0;
	case FX_ATTR_LIST:
		return add_list(o, option->name, v, error);
	default:
		return 0;
	}
}

static int set_attrs(struct operation *o, const struct fx_option *table,
		     size_t n, const fxv *values, char *error)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < n; i++) {
		fxv v = values[i];

		if (table[i].attr == FX_ATTR_KERNEL && fx_is_none(v))
			v = value_of(table, n, values, "kernel_size");
		if (!fx_is_none(v))
			ret = set_attr(o, &table[i], v, error);
	}
	return ret;
}

static const struct fxq_attr *attr_of(const struct operation *o,
				      const char *name)
{
	for (size_t i = 0; i < o->n_attrs; i++)
		if (!strcmp(o->attrs[i].name, name))
			return &o->attrs[i];
	return NULL;
}

static int64_t int_of(const struct operation *o, const char *name)
{
	const struct fxq_attr *attr = attr_of(o, name);

	return attr ? attr->i : 0;
}

/* Of the range of dimensions, the last one is the end if nothing else is said. */
static int adapt_flatten(struct operation *o, char *error)
{
	if (int_of(o, "end_dim") == -1)
		o->n_attrs = 1;
	return 0;
}

/* To one value a channel it is the operator that the device knows. */
static int adapt_adaptive_pool(struct operation *o, char *error)
{
	struct fxq_attr *size = &o->attrs[0];

	if (size->ints[0] == 1 && size->ints[size->count - 1] == 1) {
		o->op = "global_avg_pool";
		o->n_attrs = 0;
	} else if (size->count == 1) {
		/* Of one dimension: the one before it stays as it is. */
		o->ints[0][1] = size->ints[0];
		o->ints[0][0] = 0;
		size->count = 2;
	}
	return 0;
}

/* torch has the numbers first, the operator the table. */
static int adapt_gather(struct operation *o, char *error)
{
	fxv indices = o->in[0];

	o->in[0] = o->in[1];
	o->in[1] = indices;
	return 0;
}

static int adapt_argmax(struct operation *o, char *error)
{
	if (!attr_of(o, "dim"))
		return refuse(error, "argmax over all elements is not offered; flatten, and give dim");
	return 0;
}

/* Over all dimensions unless one or some are given. */
static int adapt_reduce(struct operation *o, char *error)
{
	for (size_t i = 0; i < o->n_attrs; i++)
		if (!strcmp(o->attrs[i].name, "dim"))
			o->attrs[i].name = "dims";
	return 0;
}

/* Sizes are given one by one, and are one list to the operator. */
static int gather_ints(struct operation *o, const char *name)
{
	int64_t *ints = o->ints[0];
	size_t n = o->n_attrs;

	for (size_t i = 0; i < n; i++)
		ints[i] = o->attrs[i].i;
	o->n_attrs = 0;
	add_attr(o, &(struct fxq_attr){ .name = name, .type = FXQ_ATTR_INTS,
					.count = n, .ints = ints });
	return 0;
}

/* The function has them as a list already. */
static bool is_list(const struct operation *o)
{
	return o->n_attrs == 1 && o->attrs[0].type == FXQ_ATTR_INTS;
}

static int adapt_reshape(struct operation *o, char *error)
{
	return is_list(o) ? 0 : gather_ints(o, "shape");
}

/* All dimensions in an order, or two that change places. */
static int adapt_permute(struct operation *o, char *error)
{
	if (is_list(o))
		return 0;
	return gather_ints(o, attr_of(o, "dim0") ? "swap" : "dims");
}

static int adapt_expand(struct operation *o, char *error)
{
	return gather_ints(o, "sizes");
}

static int adapt_repeat(struct operation *o, char *error)
{
	return gather_ints(o, "repeats");
}

/* One dimension, or of a squeeze none: all that may go. */
static int adapt_squeeze(struct operation *o, char *error)
{
	return o->n_attrs ? gather_ints(o, "dims") : 0;
}

/* torch has pairs, from the last dimension on; the operator beginnings, ends. */
static int adapt_pad(struct operation *o, char *error)
{
	struct fxq_attr *pad = &o->attrs[0], *mode = &o->attrs[1];
	int64_t torch[FXQ_MAX_RANK], *pads = o->ints[0];
	int64_t *axes = o->ints[MAX_OPTIONS - 1];
	uint32_t n = pad->count / 2;

	if (!n || pad->count % 2)
		return refuse(error, "pad has %u numbers; it wants two for each dimension",
			      pad->count);
	memcpy(torch, pads, pad->count * sizeof(*torch));
	for (uint32_t i = 0; i < n; i++) {
		axes[i] = -1 - (int64_t)i;
		pads[i] = torch[2 * i];
		pads[n + i] = torch[2 * i + 1];
	}
	pad->name = "pads";
	if (!strcmp(mode->s, "replicate"))
		mode->s = "edge";
	else if (!strcmp(mode->s, "circular"))
		mode->s = "wrap";
	add_attr(o, &(struct fxq_attr){ .name = "axes", .type = FXQ_ATTR_INTS,
					.count = n, .ints = axes });
	return 0;
}

/* The channels of a block come one after another. */
static int adapt_pixel_shuffle(struct operation *o, char *error)
{
	o->attrs[0].name = "block";
	add_attr(o, &(struct fxq_attr){ .name = "mode", .type = FXQ_ATTR_STRING,
					.count = 1, .s = "CRD" });
	return 0;
}

/* Where torch's operator and ours differ in more than names. */
static const struct {
	const char *op;
	int (*adapt)(struct operation *o, char *error);
} adapters[] = {
	{ "flatten", adapt_flatten },
	{ "adaptive_avg_pool2d", adapt_adaptive_pool },
	{ "argmax", adapt_argmax },
	{ "gather", adapt_gather },
	{ "reduce_sum", adapt_reduce },
	{ "reduce_mean", adapt_reduce },
	{ "reduce_max", adapt_reduce },
	{ "reduce_min", adapt_reduce },
	{ "reshape", adapt_reshape },
	{ "permute", adapt_permute },
	{ "expand", adapt_expand },
	{ "tile", adapt_repeat },
	{ "squeeze", adapt_squeeze },
	{ "unsqueeze", adapt_squeeze },
	{ "pad", adapt_pad },
	{ "depth_to_space", adapt_pixel_shuffle },
};

static int adapt(struct operation *o, char *error)
{
	for (size_t i = 0; i < sizeof(adapters) / sizeof(*adapters); i++)
		if (!strcmp(adapters[i].op, o->op))
			return adapters[i].adapt(o, error);
	return 0;
}

/* Resizing */

/* How torch calls a way to resize, and how the operator does. */
static const struct {
	const char *torch, *mode, *transform;
	uint32_t sides;			/* 0: of any number */
} resizes[] = {
	{ "nearest", "nearest", "asymmetric", 0 },
	{ "linear", "linear", "pytorch_half_pixel", 1 },
	{ "bilinear", "linear", "pytorch_half_pixel", 2 },
	{ "trilinear", "linear", "pytorch_half_pixel", 3 },
	{ "bicubic", "cubic", "pytorch_half_pixel", 2 },
};

static void add_str(struct operation *o, const char *name, const char *s)
{
	add_attr(o, &(struct fxq_attr){ .name = name, .type = FXQ_ATTR_STRING,
					.count = 1, .s = s });
}

/* Of an image, unless the mode or the tensor says otherwise. */
static uint32_t resized_sides(const struct operation *o, uint32_t sides)
{
	const struct fxq_tensor *x = fx_data(o->in[0]);

	if (sides)
		return sides;
	return x && x->rank > 2 && x->rank < 6 ? x->rank - 2 : 2;
}

static int add_scales(struct operation *o, uint32_t sides, fxv size,
		      fxv factor, char *error)
{
	if (fx_is_none(size) == fx_is_none(factor))
		return refuse(error, "either size or scale_factor is given");
	if (fx_is_none(size)) {
		for (uint32_t i = 0; i < sides; i++)
			o->floats[o->n_attrs][i] = fx_float(factor);
		add_attr(o, &(struct fxq_attr){
			.name = "scales", .type = FXQ_ATTR_FLOATS,
			.count = sides, .floats = o->floats[o->n_attrs] });
		return 0;
	}
	if (fx_tuple_count(size) != 1 && fx_tuple_count(size) != sides)
		return refuse(error, "size has %zu numbers; %u sides are resized",
			      fx_tuple_count(size), sides);
	for (uint32_t i = 0; i < sides; i++)
		o->ints[o->n_attrs][i] = fx_int(fx_tuple_count(size) == 1 ?
			size : fx_tuple_item(size, i));
	add_attr(o, &(struct fxq_attr){
		.name = "sizes", .type = FXQ_ATTR_INTS, .count = sides,
		.ints = o->ints[o->n_attrs] });
	return 0;
}

static int set_resize(struct operation *o, const struct fx_option *table,
		      size_t n, const fxv *values, char *error)
{
	fxv mode = value_of(table, n, values, "mode");
	fxv corners = value_of(table, n, values, "align_corners");
	bool align = !fx_is_none(corners) && fx_truth(corners);
	size_t i = 0, count = sizeof(resizes) / sizeof(*resizes);

	while (i < count && (mode.kind != FX_VALUE_STR ||
			     strcmp(resizes[i].torch, mode.s)))
		i++;
	if (i == count)
		return refuse(error, "mode '%s' is not offered; nearest, linear, bilinear, trilinear and bicubic are",
			      mode.kind == FX_VALUE_STR ? mode.s : "");
	if (fx_truth(value_of(table, n, values, "antialias")))
		return refuse(error, "antialias is not offered");

	add_str(o, "mode", resizes[i].mode);
	add_str(o, "coordinate_transformation_mode",
		align ? "align_corners" : resizes[i].transform);
	add_str(o, "nearest_mode", "floor");
	return add_scales(o, resized_sides(o, resizes[i].sides),
			  value_of(table, n, values, "size"),
			  value_of(table, n, values, "scale_factor"), error);
}

/* What the call's options make of the operator. */
static int set_options(struct operation *o, const struct fx_option *table,
		       size_t n, const fxv *values, char *error)
{
	if (!strcmp(o->op, "resize"))
		return set_resize(o, table, n, values, error);
	if (set_attrs(o, table, n, values, error))
		return -EINVAL;
	return adapt(o, error);
}

int operation_options(struct fx_module *m, struct operation *o, char *error)
{
	return set_options(o, m->class->options, m->class->n_options,
			   m->options, error);
}

/* Every parameter is an operand, in order. */
static int operation_parameters(struct fx_module *m, struct operation *o,
				char *error)
{
	for (size_t i = 0; i < m->n_members && o->n_in < MAX_ARGS; i++)
		if (m->members[i].kind == FX_MEMBER_PARAMETER)
			o->in[o->n_in++] = m->members[i].value;
	return operation_options(m, o, error);
}

int operation_of_module(struct fx_module *m, fxv x, struct operation *ret,
			char *error)
{
	const struct fx_class *class = m->class;
	const struct fx_member *member;

	*ret = (struct operation){ .op = class->op, .n_in = 1 };
	ret->in[0] = x;
	if (class->operands && !strcmp(class->operands[0], "*"))
		return operation_parameters(m, ret, error);
	for (size_t i = 0; class->operands && class->operands[i]; i++) {
		member = module_member(m, class->operands[i]);
		ret->in[ret->n_in++] = member ? member->value : fx_none;
	}
	return operation_options(m, ret, error);
}

int operation_of_function(const struct fx_function *fn, const fxv *tensors,
			  const struct options *o, struct operation *ret,
			  char *error)
{
	if (!fn->op)
		return refuse(error, "a call of '%s' can be traced; no operator computes it",
			      fn->name);

	*ret = (struct operation){ .op = fn->op };
	for (int i = 0; i < fn->n_tensors; i++) {
		size_t n = fx_tuple_count(tensors[i]);

		if (ret->n_in + n > MAX_ARGS)
			return refuse(error, "more than %d tensors", MAX_ARGS);
		for (size_t k = 0; k < n; k++)
			ret->in[ret->n_in++] = fx_tuple_item(tensors[i], k);
	}
	return set_options(ret, fn->options, fn->n_options, o->values, error);
}

bool node_is_operator(const struct fx_node *n)
{
	size_t len = sizeof(OPERATOR_PREFIX) - 1;

	return n->opcode == FX_CALL_FUNCTION && !n->wrapped && n->op &&
	       !strncmp(n->target, OPERATOR_PREFIX, len) &&
	       !strcmp(n->target + len, n->op->fn.name);
}

static int add_numbers(struct operation *o, const struct fx_kwarg *k,
		       char *error)
{
	const struct fx_arg *items = k->value.items;
	struct fxq_attr attr = { .name = k->name, .count = k->value.count };
	bool floats = attr.count && items[0].kind == FX_ARG_FLOAT;

	if (attr.count > FXQ_MAX_RANK)
		return refuse(error, "'%s' has %u numbers; a module's call takes at most %d",
			      k->name, attr.count, FXQ_MAX_RANK);
	for (uint32_t i = 0; i < attr.count; i++) {
		if (items[i].kind != (floats ? FX_ARG_FLOAT : FX_ARG_INT))
			return refuse(error, "'%s' is no list of integers or of floats",
				      k->name);
		if (floats)
			o->floats[o->n_attrs][i] = items[i].f;
		else
			o->ints[o->n_attrs][i] = items[i].i;
	}
	attr.type = floats ? FXQ_ATTR_FLOATS : FXQ_ATTR_INTS;
	if (floats)
		attr.floats = o->floats[o->n_attrs];
	else
		attr.ints = o->ints[o->n_attrs];
	add_attr(o, &attr);
	return 0;
}

static int add_kwarg(struct operation *o, const struct fx_kwarg *k,
		     char *error)
{
	struct fxq_attr attr = { .name = k->name, .count = 1 };

	switch (k->value.kind) {
	case FX_ARG_BOOL:
	case FX_ARG_INT:
		add_int(o, k->name, k->value.kind == FX_ARG_INT ? k->value.i :
				    k->value.b);
		return 0;
	case FX_ARG_FLOAT:
		attr.type = FXQ_ATTR_FLOAT;
		attr.f = k->value.f;
		break;
	case FX_ARG_STR:
		attr.type = FXQ_ATTR_STRING;
		attr.s = k->value.s;
		break;
	case FX_ARG_TUPLE:
	case FX_ARG_LIST:
		return add_numbers(o, k, error);
	default:
		return refuse(error, "'%s' is no number, string or list of numbers",
			      k->name);
	}
	add_attr(o, &attr);
	return 0;
}

int operation_of_operator(const struct fx_node *n, const fxv *in, size_t n_in,
			  struct operation *ret, char *error)
{
	int err = 0;

	*ret = (struct operation){ .op = n->op->fn.name, .n_in = n_in };
	if (n_in > MAX_ARGS || n->n_kwargs > MAX_OPTIONS ||
	    n->n_out > MAX_RESULTS)
		return refuse(error, "%s has %zu tensors, %zu parameters and %d results; a module's call has at most %d, %d and %d",
			      ret->op, n_in, n->n_kwargs, n->n_out, MAX_ARGS,
			      MAX_OPTIONS, MAX_RESULTS);
	memcpy(ret->in, in, n_in * sizeof(*in));
	for (size_t i = 0; !err && i < n->n_kwargs; i++)
		err = add_kwarg(ret, &n->kwargs[i], error);
	return err;
}
