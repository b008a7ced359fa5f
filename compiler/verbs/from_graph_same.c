// SPDX-License-Identifier: MIT
/*
 * from_graph_same.c - is an operator what a call comes down to?
 *
 * A module or function says less than an operator does: one number for all
 * sides, nothing where a default is meant. The call is written down as the
 * operation that it comes to, which has the operator's parameters or has not.
 */
#include "from_graph.h"

/* Parameters that change nothing if all their numbers are this one. */
static const struct {
	const char *name;
	int64_t value;
} needless[] = {
	{ "dilation", 1 }, { "n_out", 1 }, { "storage_order", 0 },
	{ "axis", -1 }, { "output_padding", 0 }, { "keepdim", 0 },
};

static bool arg_is_all(const struct fx_arg *a, int64_t value)
{
	if (a->kind == FX_ARG_INT)
		return a->i == value;
	if (a->kind != FX_ARG_TUPLE && a->kind != FX_ARG_LIST)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!arg_is_all(&a->items[i], value))
			return false;
	return true;
}

static bool is_needless(const struct fx_kwarg *k)
{
	for (size_t i = 0; i < sizeof(needless) / sizeof(*needless); i++)
		if (!strcmp(needless[i].name, k->name) &&
		    arg_is_all(&k->value, needless[i].value))
			return true;
	/* Nothing is copied from the input's sizes: no 0 is in the shape. */
	return !strcmp(k->name, "allowzero");
}

/* One number stands for all sides. */
static bool same_numbers(const struct fx_arg *a, const struct fxq_attr *attr)
{
	if ((a->kind != FX_ARG_TUPLE && a->kind != FX_ARG_LIST) ||
	    (attr->count != a->count && attr->count != 1))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].kind != FX_ARG_INT ||
		    a->items[i].i != attr->ints[attr->count == 1 ? 0 : i])
			return false;
	return true;
}

static bool same_value(const struct fx_arg *a, const struct fxq_attr *attr)
{
	switch (attr->type) {
	case FXQ_ATTR_INT:
		return (a->kind == FX_ARG_INT && a->i == attr->i) ||
		       (a->kind == FX_ARG_BOOL && a->b == attr->i);
	case FXQ_ATTR_FLOAT:
		return a->kind == FX_ARG_FLOAT && a->f == attr->f;
	case FXQ_ATTR_STRING:
		return a->kind == FX_ARG_STR && !strcmp(a->s, attr->s);
	case FXQ_ATTR_INTS:
		return same_numbers(a, attr);
	default:
		return false;
	}
}

static const struct fxq_attr *attr_named(const struct operation *o,
					 const char *name)
{
	for (size_t i = 0; i < o->n_attrs; i++)
		if (!strcmp(o->attrs[i].name, name))
			return &o->attrs[i];
	return NULL;
}

bool does_the_same(const struct fx_node *n, const struct operation *o)
{
	size_t same = 0;

	if (strcmp(n->op->fn.name, o->op))
		return false;
	for (size_t i = 0; i < n->n_kwargs; i++) {
		const struct fxq_attr *attr = attr_named(o, n->kwargs[i].name);

		if (attr ? !same_value(&n->kwargs[i].value, attr) :
			   !is_needless(&n->kwargs[i]))
			return false;
		same += attr != NULL;
	}
	/* What is normalised, weights of one dimension say as well. */
	same += attr_named(o, "normalized_shape") != NULL;
	/* Sums over dimensions that go. */
	same += attr_named(o, "keepdim") && !fx_node_kwarg(n, "keepdim") &&
		!attr_named(o, "keepdim")->i;
	return same == o->n_attrs;
}

/* Arguments, from the operator's parameters */

static fxv tuple_of(const struct fx_arg *a, size_t count)
{
	fxv items[FXQ_MAX_RANK + 1];

	if (count > FXQ_MAX_RANK)
		return fx_none;
	for (size_t i = 0; i < count; i++)
		items[i] = fx_of_int(a->items[i].i);
	items[count] = (fxv)FX_END;
	return fx_tuple_of(FX_VALUE_TUPLE, items);
}

/* Do the last @n numbers repeat those before them? */
static bool repeats(const struct fx_arg *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a->items[i].i != a->items[n + i].i)
			return false;
	return true;
}

/* As few numbers as say the same: of paddings, both ends may have the same. */
static size_t count_sides(const struct fx_option *option,
			  const struct fx_arg *a)
{
	if (option->type == FX_OPTION_ENDS && a->count == 4)
		return repeats(a, 2) ? 2 : 4;
	return option->type == FX_OPTION_PAIR ||
	       option->type == FX_OPTION_ENDS ? 2 : 1;
}

fxv option_of(const struct fx_option *option, const struct fx_arg *a)
{
	size_t sides;

	switch (a->kind) {
	case FX_ARG_INT:
		return option->type == FX_OPTION_BOOL ? fx_of_bool(a->i != 0) :
							fx_of_int(a->i);
	case FX_ARG_FLOAT:
		return fx_of_float(a->f);
	case FX_ARG_STR:
		/* Of which there is but one other, "none", the default. */
		return strcmp(a->s, "tanh") ? option->def : fx_of_str("tanh");
	case FX_ARG_TUPLE:
	case FX_ARG_LIST:
		if (option->attr == FX_ATTR_LIST)
			return tuple_of(a, a->count);
		sides = count_sides(option, a);
		if (a->count < sides || a->items[0].kind != FX_ARG_INT)
			return option->def;
		return sides == 1 ? fx_of_int(a->items[0].i) :
				    tuple_of(a, sides);
	default:
		return option->def;
	}
}
