// SPDX-License-Identifier: MIT
/*
 * module.c - modules: what they are made of, found by, and called with
 *
 * A module holds its children and tensors, by reference: a child may stand in
 * two places, as torch allows, and a graph module shares the members of the
 * model it came from.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn_priv.h"

static struct fx_module *module_new(const struct fx_class *class)
{
	struct fx_module *m = must_alloc(class->size ? class->size :
					 sizeof(*m));

	m->class = class;
	m->refs = 1;
	m->training = true;
	m->options = must_alloc(class->n_options * sizeof(fxv));
	return m;
}

int module_fail(struct fx_module *m, int err, const char *fmt, ...)
{
	va_list args;

	if (m->error)
		return err;
	va_start(args, fmt);
	if (vasprintf(&m->error, fmt, args) < 0)
		abort();
	va_end(args);
	return err;
}

static void init(struct fx_module *m, const fxv *options)
{
	int err;

	for (size_t i = 0; i < m->class->n_options; i++)
		m->options[i] = value_keep(options[i]);
	err = m->class->init ? m->class->init(m) : 0;
	if (err)
		module_fail(m, err, "%s", strerror(-err));
}

struct fx_module *module_make(const struct fx_class *class, const fxv *options,
			      bool blank)
{
	struct fx_module *m = module_new(class);
	bool outer = context.blank;

	context.blank = blank;
	init(m, options);
	context.blank = outer;
	return m;
}

struct fx_module *fx_construct(const struct fx_class *class,
			       const struct fx_loc *at, const void *options,
			       const char *given)
{
	struct fx_module *m = module_new(class);
	char error[FXQ_ERROR_MAX];
	struct options o;

	if (options_read(class->options, class->n_options, options, given, &o,
			 error))
		module_fail(m, -EINVAL, "%s", error);
	else
		init(m, o.values);
	if (m->error) {
		char *text = m->error;

		m->error = must_print("%s:%d: %s: %s", at->file, at->line,
				      at->expr, text);
		free(text);
	}
	return m;
}

static struct fx_module *list_of(const struct fx_class *class,
				 struct fx_module *const *modules)
{
	struct fx_module *m = module_new(class);
	char name[24];

	for (size_t i = 0; modules[i]; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		fx_add_module(m, name, modules[i]);
	}
	return m;
}

struct fx_module *fx_sequential(struct fx_module *const *modules)
{
	return list_of(&fx_class_Sequential, modules);
}

struct fx_module *fx_module_list(struct fx_module *const *modules)
{
	return list_of(&fx_class_ModuleList, modules);
}

struct fx_module *fx_module_dict(const struct fx_named_module *modules)
{
	struct fx_module *m = module_new(&fx_class_ModuleDict);

	for (; modules->name; modules++)
		fx_add_module(m, modules->name, modules->module);
	return m;
}

static struct fx_member *add_member(struct fx_module *m,
				    enum fx_member_kind kind, const char *name)
{
	size_t bytes = (m->n_members + 1) * sizeof(*m->members);
	struct fx_member *members = realloc(m->members, bytes);
	struct fx_member *member;

	if (!members)
		abort();
	m->members = members;
	member = &members[m->n_members++];
	*member = (struct fx_member){ .kind = kind,
				      .name = must_print("%s", name) };
	return member;
}

struct fx_module *fx_add_module(struct fx_module *m, const char *name,
				struct fx_module *child)
{
	add_member(m, FX_MEMBER_MODULE, name)->module = child;
	if (child->error)
		module_fail(m, -EINVAL, "%s", child->error);
	return child;
}

static fxv add_value(struct fx_module *m, enum fx_member_kind kind,
		     const char *name, fxv value)
{
	if (fx_error(value))
		module_fail(m, value_err(value), "%s: %s", name,
			    fx_error(value));
	else if (kind != FX_MEMBER_ATTRIBUTE && !fx_data(value))
		module_fail(m, -EINVAL, "%s: a parameter or buffer is a tensor",
			    name);
	add_member(m, kind, name)->value = value_keep(value);
	return value;
}

fxv fx_add_parameter(struct fx_module *m, const char *name, fxv value)
{
	return add_value(m, FX_MEMBER_PARAMETER, name, value);
}

fxv fx_add_buffer(struct fx_module *m, const char *name, fxv value)
{
	return add_value(m, FX_MEMBER_BUFFER, name, value);
}

fxv fx_add_attribute(struct fx_module *m, const char *name, fxv value)
{
	return add_value(m, FX_MEMBER_ATTRIBUTE, name, value);
}

struct fx_module *fx_module_get(struct fx_module *m)
{
	if (m)
		m->refs++;
	return m;
}

void fx_module_put(struct fx_module *m)
{
	if (!m || --m->refs)
		return;

	for (size_t i = 0; i < m->n_members; i++) {
		fx_module_put(m->members[i].module);
		value_drop(m->members[i].value);
		free((char *)m->members[i].name);
	}
	for (size_t i = 0; m->options && i < m->class->n_options; i++)
		value_drop(m->options[i]);
	free(m->members);
	free(m->options);
	fx_graph_free(m->graph);
	free(m->error);
	free(m);
}

static struct fx_module *set_training(struct fx_module *m, bool training)
{
	m->training = training;
	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i].module)
			set_training(m->members[i].module, training);
	return m;
}

struct fx_module *fx_train(struct fx_module *m)
{
	return set_training(m, true);
}

struct fx_module *fx_eval(struct fx_module *m)
{
	return set_training(m, false);
}

/* What a module is made of */

fxv module_option(const struct fx_module *m, const char *name)
{
	for (size_t i = 0; i < m->class->n_options; i++)
		if (!strcmp(m->class->options[i].name, name))
			return m->options[i];
	return fx_none;
}

int64_t module_int(const struct fx_module *m, const char *name)
{
	return fx_int(module_option(m, name));
}

double module_float(const struct fx_module *m, const char *name)
{
	return fx_float(module_option(m, name));
}

int64_t module_pair(const struct fx_module *m, const char *name, int i)
{
	fxv v = module_option(m, name);

	return fx_int(fx_tuple_count(v) == 2 ? fx_tuple_item(v, i) : v);
}

static struct fx_member *member_named(const struct fx_module *m,
				      const char *name, size_t len)
{
	for (size_t i = 0; i < m->n_members; i++)
		if (strlen(m->members[i].name) == len &&
		    !memcmp(m->members[i].name, name, len))
			return &m->members[i];
	return NULL;
}

const struct fx_member *module_member(const struct fx_module *m,
				      const char *name)
{
	return member_named(m, name, strlen(name));
}

void module_set_tensor(struct fx_module *m, const char *name, fxv value)
{
	struct fx_tensor *to = module_member(m, name)->value.tensor;
	struct fx_tensor *from = value.tensor, old = *to;

	to->t = from->t;
	to->view = from->view;
	from->t = old.t;
	from->view = old.view;
	value_drop(value_keep(value));
}

/* The member at a dotted path below @m; NULL if there is none. */
static struct fx_member *member_at(struct fx_module *m, const char *path)
{
	struct fx_member *member = NULL;

	while (m) {
		size_t len = strcspn(path, ".");

		member = member_named(m, path, len);
		if (!member || !path[len])
			return member;
		m = member->module;
		path += len + 1;
	}
	return NULL;
}

struct fx_module *fx_module_at(struct fx_module *m, const char *path)
{
	struct fx_member *member;

	if (!*path)
		return m;
	member = member_at(m, path);
	return member ? member->module : NULL;
}

fxv fx_member(struct fx_module *m, const char *path)
{
	struct fx_member *member = member_at(m, path);

	if (member && !member->module)
		return member->value;
	if (m->graph)
		fx_for_each_node(n, m->graph)
			if (fx_node_is_const(n) && !strcmp(n->target, path))
				return fx_view_of(&n->out[0]);
	return fx_none;
}

struct fxq_tensor *fx_module_tensor(struct fx_module *m, const char *key)
{
	struct fx_member *member = member_at(m, key);

	if (!member || member->value.kind != FX_VALUE_TENSOR)
		return NULL;
	return &member->value.tensor->t;
}

char *path_join(const char *path, const char *name)
{
	return must_print("%s%s%s", path, *path ? "." : "", name);
}

/* Depth first; @object is a module or a tensor. */
static char *path_find(struct fx_module *m, const void *object,
		       const char *path)
{
	char *found = NULL;

	if (m == object)
		return must_print("%s", path);
	for (size_t i = 0; !found && i < m->n_members; i++) {
		const struct fx_member *member = &m->members[i];
		char *below = path_join(path, member->name);

		if (member->module)
			found = path_find(member->module, object, below);
		else if (member->value.kind == FX_VALUE_TENSOR &&
			 member->value.tensor == object)
			found = must_print("%s", below);
		free(below);
	}
	return found;
}

char *path_of_module(struct fx_module *root, const struct fx_module *m)
{
	return path_find(root, m, "");
}

char *path_of_tensor(struct fx_module *root, const struct fx_tensor *t)
{
	return path_find(root, t, "");
}

/* State dictionary */

struct tensor_walk {
	int (*fn)(const char *key, enum fx_member_kind kind,
		  struct fxq_tensor *t, void *ctx);
	void *ctx;
};

static int visit_values(struct fx_module *m, const char *path,
			enum fx_member_kind kind, struct tensor_walk *walk)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < m->n_members; i++) {
		char *key;

		if (m->members[i].kind != kind ||
		    m->members[i].value.kind != FX_VALUE_TENSOR)
			continue;
		key = path_join(path, m->members[i].name);
		ret = walk->fn(key, kind, &m->members[i].value.tensor->t,
			       walk->ctx);
		free(key);
	}
	return ret;
}

/* A module's parameters, its buffers, then its children. */
static int visit_module(struct fx_module *m, const char *path,
			struct tensor_walk *walk)
{
	int ret;

	ret = visit_values(m, path, FX_MEMBER_PARAMETER, walk);
	if (!ret)
		ret = visit_values(m, path, FX_MEMBER_BUFFER, walk);

	for (size_t i = 0; !ret && i < m->n_members; i++) {
		char *below;

		if (!m->members[i].module ||
		    m->members[i].module->class->flags & FX_CLASS_HIDDEN)
			continue;
		below = path_join(path, m->members[i].name);
		ret = visit_module(m->members[i].module, below, walk);
		free(below);
	}
	return ret;
}

int fx_module_each_tensor(struct fx_module *m,
			  int (*fn)(const char *key, enum fx_member_kind kind,
				    struct fxq_tensor *t, void *ctx),
			  void *ctx)
{
	struct tensor_walk walk = { fn, ctx };

	return visit_module(m, "", &walk);
}
