// SPDX-License-Identifier: MIT
/*
 * module_load.c - reads a graph module from a file that nobody vouches for
 *
 * A module is constructed as its class does it from the options in the file,
 * but for the elements of its tensors: then the file has to have each of them,
 * of that shape. So a file brings no module that a constructor refuses, and asks
 * for no memory that it has no elements for. A class that is not known is one
 * that only holds others.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/observer.h>

#include "observe/observe.h"
#include "save.h"
#include "verbs/saved.h"

#define NAME_MAX_LEN	63
#define MEMBERS_MAX	(1u << 14)	/* each is compared with each */
#define PATHS_MAX	(1u << 20)	/* shared modules have many */
#define LEVELS_MAX	64

static int bad_module(const struct loader *l, const char *class,
		      const char *what)
{
	return io_fail(-EINVAL, "%s: module %zu (%s): %s; save the graph again",
		       l->file, l->n_made, class, what);
}

const char *class_name(const struct loader *l, const struct fx_module *m)
{
	for (size_t i = 0; i < l->n_made; i++)
		if (l->made[i].module == m && l->made[i].name)
			return l->made[i].name;
	return m->class->name;
}

/* Options */

static bool is_option_int(fxv v)
{
	return v.kind == FX_VALUE_INT && v.i >= INT32_MIN && v.i <= INT32_MAX;
}

/* One number, or one for each side or end. */
static bool are_option_ints(const struct fx_option *o, fxv v)
{
	if (v.kind != FX_VALUE_TUPLE)
		return is_option_int(v);
	if (!option_suffix(o, v.tuple->n))
		return false;
	for (size_t i = 0; i < v.tuple->n; i++)
		if (!is_option_int(v.tuple->items[i]))
			return false;
	return true;
}

/* Of the type that the constructor's argument has in C, or its default. */
static bool fits_option(const struct fx_option *o, fxv v)
{
	if (fx_is_none(v))
		return fx_is_none(o->def) || o->type == FX_OPTION_VALUE;
	switch (o->type) {
	case FX_OPTION_BOOL:
		return v.kind == FX_VALUE_BOOL;
	case FX_OPTION_FLOAT:
		return v.kind == FX_VALUE_FLOAT && isfinite(v.f);
	case FX_OPTION_STR:
		return v.kind == FX_VALUE_STR;
	case FX_OPTION_PAIR:
	case FX_OPTION_ENDS:
		return are_option_ints(o, v);
	case FX_OPTION_VALUE:
		return true;
	default:
		return is_option_int(v);
	}
}

static int read_options(const struct loader *l, json_t *from,
			const struct fx_class *class, fxv ret[MAX_OPTIONS])
{
	const char *names[MAX_OPTIONS], *name;
	char error[FXQ_ERROR_MAX];
	fxv values[MAX_OPTIONS];
	struct options o;
	size_t n = 0;
	json_t *v;

	if (!json_is_object(from) || json_object_size(from) > MAX_OPTIONS)
		return bad_module(l, class->name, "it has no options");
	json_object_foreach(from, name, v) {
		if (!read_value(l, v, &values[n]))
			return bad_module(l, class->name, "an option is no value");
		names[n++] = name;
	}
	if (options_bind(class->options, class->n_options, NULL, 0, names,
			 values, n, &o, error))
		return bad_module(l, class->name, error);
	for (size_t i = 0; i < class->n_options; i++) {
		if (!fits_option(&class->options[i], o.values[i]))
			return io_fail(-EINVAL, "%s: module %zu (%s): option '%s' is of another type, or out of range; save the graph again",
				       l->file, l->n_made, class->name,
				       class->options[i].name);
		ret[i] = o.values[i];
	}
	return 0;
}

/* Members */

/* The tensor called @key, as a value of who asks: others may have it, too. */
static bool take_tensor(struct loader *l, json_t *key, fxv *ret)
{
	const char *name = json_string_value(key);
	const struct fxq_tensor *t = name ? tensors_find(l->tensors, name) :
				     NULL;
	size_t i = t - l->tensors->tensor;

	if (!t)
		return false;
	if (!l->taken[i].tensor) {
		l->taken[i] = value_keep(tensor_value(t));
		l->tensors->tensor[i].data = NULL;
	}
	*ret = value_get(l->taken[i]);
	return true;
}

/* The one that @from names, if it is of those before. */
static struct fx_module *take_module(const struct loader *l, json_t *from)
{
	json_int_t i = json_integer_value(from);

	return json_is_integer(from) && i >= 0 && (uint64_t)i < l->n_made ?
	       fx_module_get(l->made[i].module) : NULL;
}

static bool read_kind(json_t *from, enum fx_member_kind *ret)
{
	static const char *const kinds[] = {
		[FX_MEMBER_MODULE] = "module",
		[FX_MEMBER_PARAMETER] = "parameter",
		[FX_MEMBER_BUFFER] = "buffer",
		[FX_MEMBER_ATTRIBUTE] = "attribute",
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!json_is_string(from) ||
		    strcmp(json_string_value(from), kinds[i]))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

/* [name, kind, what]; @ret has a reference to it, and its name is the file's. */
static bool read_member(struct loader *l, json_t *from, struct fx_member *ret)
{
	json_t *what = json_array_get(from, 2);

	*ret = (struct fx_member){
		.name = json_string_value(json_array_get(from, 0)) };
	if (json_array_size(from) != 3 || !ret->name || !*ret->name ||
	    strchr(ret->name, '.') ||
	    !read_kind(json_array_get(from, 1), &ret->kind))
		return false;
	if (ret->kind == FX_MEMBER_MODULE) {
		ret->module = take_module(l, what);
		return ret->module;
	}
	if (json_object_get(what, "tensor"))
		return take_tensor(l, json_object_get(what, "tensor"),
				   &ret->value);
	if (!read_value(l, what, &ret->value))
		return false;
	value_keep(ret->value);
	return ret->kind == FX_MEMBER_ATTRIBUTE;
}

static void drop_member(struct fx_member *member)
{
	fx_module_put(member->module);
	value_drop(member->value);
}

static bool same_type(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	return a->dtype == b->dtype && a->rank == b->rank &&
	       !memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims));
}

/* May @from stand where the constructor put @made? */
static bool replaces(const struct loader *l, const struct fx_class *class,
		     const struct fx_member *made, const struct fx_member *from)
{
	const struct fxq_tensor *a, *b;

	if (made->kind != from->kind)
		return false;
	/* A verb may have put another in its place, but in none of fxq's. */
	if (made->module)
		return class_is_users(l->known, class) ||
		       made->module->class == from->module->class ||
		       class == &fx_class_FloatFunctional;
	if (made->value.kind != from->value.kind)
		return false;
	if (made->value.kind != FX_VALUE_TENSOR)
		return true;
	a = &made->value.tensor->t;
	b = &from->value.tensor->t;
	return same_type(a, b) || (class->flags & FX_CLASS_RESIZES &&
				   a->dtype == b->dtype && a->rank == 1 &&
				   b->rank == 1);
}

/* The member that the file brings takes the place of the constructor's. */
static void replace_member(struct fx_module *m, struct fx_member *made,
			   const struct fx_member *from)
{
	fx_module_put(made->module);
	value_drop(made->value);
	made->module = from->module;
	made->value = from->value;
	module_set_field(m, made);
}

static void add_member(struct fx_module *m, const struct fx_member *from)
{
	if (from->module)
		fx_add_module(m, from->name, from->module);
	else if (from->kind == FX_MEMBER_PARAMETER)
		fx_add_parameter(m, from->name, from->value);
	else if (from->kind == FX_MEMBER_BUFFER)
		fx_add_buffer(m, from->name, from->value);
	else
		fx_add_attribute(m, from->name, from->value);
}

/*
 * struct building - a module and what the file says of it
 * @has: for each member of the constructor's, whether the file has it
 * @open: it may have members that its constructor does not make
 */
struct building {
	struct fx_module *m;
	const struct fx_class *class;
	const char *name;
	size_t n_made;
	bool *has;
	bool open;
};

/* How deep it goes, and how many paths lead to what is in it. */
static int count_paths(const struct loader *l, json_t *what)
{
	const struct made *below = &l->made[json_integer_value(what)];
	struct made *m = &l->made[l->n_made];

	m->paths += below->paths + 1;
	if (below->depth >= m->depth)
		m->depth = below->depth + 1;
	return m->paths > PATHS_MAX || m->depth > LEVELS_MAX ?
	       io_fail(-EINVAL, "%s: module %zu holds modules in modules without end; save the graph again",
		       l->file, l->n_made) : 0;
}

/* Is @member what the class makes of @made, once, or one that may come on top? */
static bool belongs(const struct loader *l, const struct building *b,
		    const struct fx_member *made, const struct fx_member *member)
{
	size_t i = made ? (size_t)(made - b->m->members) : 0;

	if (!made)
		return b->open || saved_takes(b->m, member);
	return i < b->n_made && !b->has[i] &&
	       replaces(l, b->class, made, member);
}

static int put_member(struct loader *l, struct building *b, json_t *from)
{
	const struct fx_member *made;
	struct fx_member member;
	size_t i;

	if (!read_member(l, from, &member)) {
		drop_member(&member);
		return bad_module(l, b->name, "a member has no name, no kind, or nothing that is there");
	}
	made = module_member(b->m, member.name);
	if (!belongs(l, b, made, &member)) {
		drop_member(&member);
		return io_fail(-EINVAL, "%s: module %zu (%s): '%s' is not as its class makes it of these options; save the graph again",
			       l->file, l->n_made, b->name,
			       json_string_value(json_array_get(from, 0)));
	}
	if (!made) {
		add_member(b->m, &member);
	} else {
		i = made - b->m->members;
		b->has[i] = true;
		replace_member(b->m, &b->m->members[i], &member);
	}
	return member.module ? count_paths(l, json_array_get(from, 2)) : 0;
}

static int put_members(struct loader *l, struct building *b, json_t *members)
{
	size_t n = json_array_size(members);
	int err = 0;

	if (!json_is_array(members) || n > MEMBERS_MAX)
		return bad_module(l, b->name, "it has no list of members");
	b->n_made = b->m->n_members;
	b->has = must_alloc(b->n_made * sizeof(*b->has));
	for (size_t i = 0; !err && i < n; i++)
		err = put_member(l, b, json_array_get(members, i));
	for (size_t i = 0; !err && i < b->n_made; i++)
		if (!b->has[i])
			err = io_fail(-EINVAL, "%s: module %zu (%s): it has no '%s'; save the graph again",
				      l->file, l->n_made, b->name,
				      b->m->members[i].name);
	free(b->has);
	return err;
}

/* Modules */

/* Does the file give a bias to a layer that has none? Folding a norm does. */
static bool has_bias(json_t *members)
{
	json_t *member;
	size_t i;

	json_array_foreach(members, i, member) {
		const char *name = json_string_value(json_array_get(member, 0));

		if (name && !strcmp(name, "bias"))
			return true;
	}
	return false;
}

static fxv *bias_option(const struct fx_class *class, fxv *options)
{
	for (size_t i = 0; class->op && i < class->n_options; i++)
		if (!strcmp(class->options[i].name, "bias"))
			return &options[i];
	return NULL;
}

/* Its constructor's work; of classes that verbs make there is none. */
static struct fx_module *construct(const struct loader *l,
				   const struct fx_class *class, fxv *options,
				   json_t *members)
{
	fxv *bias = bias_option(class, options), given = bias ? *bias : fx_none;
	struct fx_module *m;

	if (bias && has_bias(members))
		*bias = fx_of_bool(true);
	m = module_make(class, options, !class_is_users(l->known, class));
	if (bias)
		m->options[bias - options] = given;
	return m;
}

/* Whether modules of it have members that no constructor makes. */
static bool is_open(const struct loader *l, const struct fx_class *class,
		    bool root)
{
	return root || class == &unnamed_container ||
	       class == &fx_class_Sequential ||
	       class == &fx_class_ModuleList ||
	       class == &fx_class_ModuleDict || saved_is_class(class) ||
	       class_is_users(l->known, class);
}

static int check_made(const struct loader *l, struct building *b)
{
	int64_t axis = module_int(b->m, "axis");
	int err = 0;

	if (saved_is_class(b->class)) {
		err = saved_check(b->m);
	} else if (is_fake_quantizer(b->m)) {
		err = fake_quantizer_follow(b->m);
		for (size_t i = 0; i < b->class->n_options; i++)
			if (!strcmp(b->class->options[i].name, "axis"))
				b->m->options[i] = fx_of_int(axis);
	}
	return err ? bad_module(l, b->name, b->m->error) : 0;
}

static int build(struct loader *l, struct building *b, json_t *from, bool root)
{
	json_t *members = json_object_get(from, "members");
	json_t *training = json_object_get(from, "training");
	fxv options[MAX_OPTIONS];
	int err;

	err = read_options(l, json_object_get(from, "options"), b->class,
			   options);
	if (err)
		return err;
	b->m = construct(l, b->class, options, members);
	b->open = is_open(l, b->class, root) || is_fake_quantizer(b->m);
	b->m->training = json_is_true(training);
	if (b->m->error)
		return bad_module(l, b->name, b->m->error);
	err = put_members(l, b, members);
	return err ? err : check_made(l, b);
}

static bool is_class_name(const char *name)
{
	size_t n = name ? strlen(name) : 0;

	for (size_t i = 0; i < n; i++)
		if (name[i] < '!' || name[i] > '~')
			return false;
	return n > 0 && n <= NAME_MAX_LEN;
}

static int load_module(struct loader *l, json_t *from, bool root)
{
	const char *name = json_string_value(json_object_get(from, "class"));
	struct made *made = &l->made[l->n_made];
	struct building b = { .name = name };
	int err;

	if (!is_class_name(name))
		return io_fail(-EINVAL, "%s: module %zu has no class; save the graph again",
			       l->file, l->n_made);
	b.class = known_class(l->known, name);
	if (!b.class && json_object_size(json_object_get(from, "options")))
		return io_fail(-ENOTSUP, "%s: module %zu is of class '%s', which fxq does not have; load it with the version that saved it",
			       l->file, l->n_made, name);
	if (!b.class) {
		b.class = &unnamed_container;
		made->name = fx_graph_strdup(l->g, name);
	}
	err = build(l, &b, from, root);
	made->module = b.m;
	if (b.m)
		l->n_made++;
	return err;
}

int load_modules(struct loader *l, json_t *modules)
{
	size_t n = json_array_size(modules);
	int err = 0;

	if (!json_is_array(modules) || !n || n > PATHS_MAX)
		return io_fail(-EINVAL, "%s: it has no list of modules; save the graph again",
			       l->file);
	l->made = must_alloc(n * sizeof(*l->made));
	for (size_t i = 0; !err && i < n; i++)
		err = load_module(l, json_array_get(modules, i), i + 1 == n);
	return err;
}
