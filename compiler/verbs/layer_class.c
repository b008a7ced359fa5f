// SPDX-License-Identifier: MIT
/*
 * layer_class.c - the classes that float modules become
 *
 * A convolution with its batch norm and activation is one module of a class
 * that torch names for all three, ConvBnReLU2d. There is one for each layer,
 * each combination and each stage of quantization; they differ in nothing but
 * what is said here, so they are made when they are first wanted.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "verbs.h"

static const char *const packages[LAYER_KIND_COUNT] = {
#define X(id, package) [LAYER_##id] = package,
	LAYER_KINDS(X)
#undef X
};

static const struct {
	unsigned int part;
	const char *name;
} part_names[] = {
	{ FX_PART_BN, "Bn" },
	{ FX_PART_ADD, "Add" },
	{ FX_PART_RELU, "ReLU" },
	{ FX_PART_RELU6, "ReLU6" },
};

/* "Conv2d" with the parts' names before its "2d"; batch norms are "BN2d". */
static void write_name(struct layer_class *c)
{
	bool norm = c->base->flags & FX_CLASS_BATCH_NORM;
	const char *base = c->base->name;
	const char *sides = base + strlen(base);
	FILE *to = fmemopen(c->name, sizeof(c->name), "w");

	if (!to)
		abort();
	if (sides[-1] == 'd')
		sides -= 2;
	fprintf(to, "%s%s%.*s", c->parts ? "intrinsic." : "",
		packages[c->kind], norm ? 2 : (int)(sides - base),
		norm ? "BN" : base);
	for (size_t i = 0; i < sizeof(part_names) / sizeof(*part_names); i++)
		if (c->parts & part_names[i].part)
			fputs(part_names[i].name, to);
	fputs(sides, to);
	fclose(to);
}

/* "0" is the layer, those that follow are what it is fused with. */
static fxv forward_fused(struct fx_module *m, const fxv *args)
{
	unsigned int parts = layer_class_of(m)->parts;
	const struct fx_loc *at = context.at;
	size_t next = 0;
	fxv x = args[0];

	x = fx_call_at(at, m->members[next++].module, FX_ARGS(x));
	if (parts & FX_PART_BN)
		x = fx_call_at(at, m->members[next++].module, FX_ARGS(x));
	if (parts & FX_PART_ADD)
		x = fx_add(x, args[1]);
	if (parts & FX_PART_ACT)
		x = fx_call_at(at, m->members[next].module, FX_ARGS(x));
	return x;
}

static const struct fx_param two_inputs[] = {
	{ "x", FX_REQUIRED }, { "y", FX_REQUIRED }, { NULL, FX_REQUIRED },
};
static const struct fx_method two_inputs_method = { two_inputs };

static fxv (*const forwards[LAYER_KIND_COUNT])(struct fx_module *m,
					       const fxv *args) = {
	[LAYER_FUSED] = forward_fused,
	[LAYER_REFERENCE] = forward_reference,
	[LAYER_QUANTIZED] = forward_quantized,
	[LAYER_OPERATOR] = forward_operator,
	[LAYER_QAT] = forward_qat,
};

/* Those that have been made; they stay. */
static struct layer_class **made;
static size_t n_made;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct layer_class *make(enum layer_kind kind,
				const struct fx_class *base,
				unsigned int parts)
{
	struct layer_class *c = must_alloc(sizeof(*c));

	c->kind = kind;
	c->base = base;
	c->parts = parts;
	write_name(c);
	c->class = (struct fx_class){
		.name = c->name, .flags = FX_CLASS_LEAF | FX_CLASS_COMPOSED,
		.options = base->options, .n_options = base->n_options,
		.forward = forwards[kind],
		.method = parts & FX_PART_ADD ? &two_inputs_method : NULL,
	};
	made = realloc(made, (n_made + 1) * sizeof(*made));
	if (!made)
		abort();
	made[n_made++] = c;
	return c;
}

const struct fx_class *layer_class(enum layer_kind kind,
				   const struct fx_class *base,
				   unsigned int parts)
{
	struct layer_class *found = NULL;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; !found && i < n_made; i++)
		if (made[i]->kind == kind && made[i]->base == base &&
		    made[i]->parts == parts)
			found = made[i];
	if (!found)
		found = make(kind, base, parts);
	pthread_mutex_unlock(&lock);
	return &found->class;
}

/* The class of that name which row @row of a backend's table leads to, if any. */
static const struct fx_class *class_of_row(const struct fx_backend_layer *row,
					   const char *name)
{
	struct layer_class c = { .base = class_named(row->layer) };
	int kinds = row->bn ? LAYER_KIND_COUNT : LAYER_FUSED + 1;

	if (!c.base)
		return NULL;
	for (int kind = LAYER_FUSED; kind < kinds; kind++) {
		for (unsigned int parts = 0; parts < 32; parts++) {
			if (kind == LAYER_OPERATOR ||
			    (!parts ? kind == LAYER_FUSED :
				      !(row->fuses & 1u << parts)))
				continue;
			c.kind = kind;
			c.parts = parts;
			write_name(&c);
			if (!strcmp(c.name, name))
				return layer_class(kind, c.base, parts);
		}
	}
	return NULL;
}

/* The same of an operator that has a scale of its own. */
static const struct fx_class *class_of_op(const struct fx_backend_op *row,
					  const char *name)
{
	struct layer_class c = { .kind = LAYER_OPERATOR };

	if (!row->class)
		return NULL;
	c.base = class_named(row->class);
	if (!c.base)
		return NULL;
	write_name(&c);
	return strcmp(c.name, name) ? NULL :
	       layer_class(LAYER_OPERATOR, c.base, 0);
}

const struct fx_class *layer_class_named(const char *name)
{
	const struct fx_backend *const backends[] = { &fx_backend_fxq,
						      &fx_backend_torch };
	const struct fx_class *found = NULL;

	for (size_t i = 0; !found && i < 2; i++) {
		for (const struct fx_backend_layer *row = backends[i]->layers;
		     !found && row->layer; row++)
			found = class_of_row(row, name);
		for (const struct fx_backend_op *op = backends[i]->ops;
		     !found && !is_last(op); op++)
			found = class_of_op(op, name);
	}
	return found;
}

const struct layer_class *layer_class_of(const struct fx_module *m)
{
	const struct layer_class *found = NULL;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; !found && i < n_made; i++)
		if (&made[i]->class == m->class)
			found = made[i];
	pthread_mutex_unlock(&lock);
	return found;
}

int layer_operation(struct fx_module *m, fxv x, struct operation *ret,
		    char *error)
{
	struct fx_module as = *m;

	as.class = layer_class_of(m)->base;
	return operation_of_module(&as, x, ret, error);
}

struct fx_module *layer_new(const struct fx_class *class,
			    const struct fx_module *like)
{
	struct fx_module *m = must_alloc(sizeof(*m));

	m->class = class;
	m->refs = 1;
	m->training = like->training;
	m->options = must_alloc(class->n_options * sizeof(fxv));
	for (size_t i = 0; i < class->n_options; i++)
		m->options[i] = value_get(like->options[i]);
	return m;
}

struct fx_module *float_like(const struct fx_module *m)
{
	const struct layer_class *class = layer_class_of(m);
	const struct fx_class *base = class ? class->base : m->class;
	fxv options[MAX_OPTIONS];

	for (size_t i = 0; i < base->n_options; i++)
		options[i] = strcmp(base->options[i].name, "bias") ?
			     value_get(m->options[i]) : fx_of_bool(true);
	return module_make(base, options, true);
}

bool is_converted(const struct fx_module *m)
{
	const struct layer_class *class = layer_class_of(m);

	if (class && class->kind == LAYER_FUSED)
		class = layer_class_of(m->members[0].module);
	return class && (class->kind == LAYER_REFERENCE ||
			 class->kind == LAYER_QUANTIZED);
}

fxv option_of_weights(const struct fx_class *class,
		      const struct fx_option *option,
		      const struct fxq_tensor *w, int64_t groups, bool bias)
{
	bool transposed = weights_axis(class);
	const char *name = option->name;
	int64_t in, out;

	if (!strcmp(name, "bias"))
		return fx_of_bool(bias);
	if (!strcmp(name, "output_size"))
		return fx_of_int(1);
	if (!w || !w->rank)
		return option->def;
	out = transposed && w->rank > 1 ? w->dims[1] * groups : w->dims[0];
	in = transposed ? w->dims[0] : w->rank > 1 ? w->dims[1] * groups : 0;
	if (!strcmp(name, "in_channels") || !strcmp(name, "in_features"))
		return fx_of_int(in);
	if (!strcmp(name, "out_channels") || !strcmp(name, "out_features"))
		return fx_of_int(out);
	if (!strcmp(name, "num_features") || !strcmp(name, "num_channels") ||
	    !strcmp(name, "num_parameters") || !strcmp(name, "normalized_shape"))
		return fx_of_int(fxq_tensor_count(w));
	if (!strcmp(name, "kernel_size") && w->rank == 4)
		return fx_tuple(w->dims[2], w->dims[3]);
	if (!strcmp(name, "kernel_size") && w->rank > 2)
		return fx_of_int(w->dims[2]);
	return option->def;
}
