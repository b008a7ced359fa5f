// SPDX-License-Identifier: MIT
/*
 * copy.c - a second model, equal to the first and independent of it
 *
 * A class written with FX_MODULE keeps its members in fields of its struct as
 * well, for its forward; the fields of the copy are pointed at the members of
 * the copy, which is what the class's set() is for. A module or tensor that
 * stands in several places is copied once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nn_priv.h"

/* What has been copied: modules and tensors by their addresses. */
struct pair {
	const void *from;
	void *to;
};

struct copies {
	struct pair *list;
	size_t n;
};

static void *find_copy(const struct copies *copies, const void *from)
{
	for (size_t i = 0; i < copies->n; i++)
		if (copies->list[i].from == from)
			return copies->list[i].to;
	return NULL;
}

static void note_copy(struct copies *copies, const void *from, void *to)
{
	copies->list = realloc(copies->list,
			       (copies->n + 1) * sizeof(*copies->list));
	if (!copies->list)
		abort();
	copies->list[copies->n++] = (struct pair){ from, to };
}

static fxv copy_tensor(struct copies *copies, fxv v)
{
	fxv to = { .kind = v.kind, .tensor = find_copy(copies, v.tensor) };

	if (to.tensor)
		return value_get(to);
	to = fx_copy_of(&v.tensor->t);
	if (to.kind != FX_VALUE_TENSOR)
		abort();
	note_copy(copies, v.tensor, to.tensor);
	return value_keep(to);
}

static fxv copy_value(struct copies *copies, fxv v)
{
	if (v.kind == FX_VALUE_TENSOR)
		return copy_tensor(copies, v);
	return value_get(v);
}

static struct fx_module *copy_module(struct copies *copies,
				     const struct fx_module *m);

void module_set_field(struct fx_module *m, const struct fx_member *member)
{
	if (!m->class->set)
		return;
	m->class->set(m, member->name, member->kind != FX_MEMBER_MODULE ?
		      member->value :
		      (fxv){ .kind = FX_VALUE_SELF, .module = member->module });
}

static void copy_member(struct copies *copies, struct fx_module *to,
			const struct fx_member *from, struct fx_member *member)
{
	*member = (struct fx_member){
		.kind = from->kind,
		.name = must_print("%s", from->name),
	};
	if (from->module)
		member->module = copy_module(copies, from->module);
	else
		member->value = copy_value(copies, from->value);
	module_set_field(to, member);
}

static void copy_graph(struct copies *copies, struct fx_module *m)
{
	m->graph = fx_graph_copy(m->graph);
	fx_for_each_node(n, m->graph)
		if (n->module)
			n->module = find_copy(copies, n->module);
}

static struct fx_module *copy_module(struct copies *copies,
				     const struct fx_module *m)
{
	size_t size = m->class->size ? m->class->size : sizeof(*m);
	struct fx_module *to = find_copy(copies, m);

	if (to)
		return fx_module_get(to);

	to = must_alloc(size);
	memcpy(to, m, size);
	note_copy(copies, m, to);
	to->refs = 1;
	to->error = m->error ? must_print("%s", m->error) : NULL;
	to->options = must_alloc(m->class->n_options * sizeof(fxv));
	for (size_t i = 0; m->options && i < m->class->n_options; i++)
		to->options[i] = value_get(m->options[i]);
	to->members = must_alloc(m->n_members * sizeof(*to->members));
	for (size_t i = 0; i < m->n_members; i++)
		copy_member(copies, to, &m->members[i], &to->members[i]);
	if (to->graph)
		copy_graph(copies, to);
	return to;
}

struct fx_module *fx_module_copy(const struct fx_module *m)
{
	struct copies copies = { 0 };
	struct fx_module *to = copy_module(&copies, m);

	free(copies.list);
	return to;
}

static void remove_member(struct fx_module *m, struct fx_member *member)
{
	size_t i = member - m->members;

	fx_module_put(member->module);
	value_drop(member->value);
	free((char *)member->name);
	memmove(member, member + 1, (m->n_members - i - 1) * sizeof(*member));
	m->n_members--;
}

/* The module that holds the place at @path, and the name of the place. */
static struct fx_module *holder_of(struct fx_module *m, const char *path,
				   const char **ret_name)
{
	const char *dot = strrchr(path, '.');
	char *above = must_print("%.*s", dot ? (int)(dot - path) : 0, path);
	struct fx_module *holder = fx_module_at(m, above);

	free(above);
	*ret_name = dot ? dot + 1 : path;
	return holder;
}

int fx_module_replace(struct fx_module *m, const char *path,
		      struct fx_module *child)
{
	struct fx_member *member;
	struct fx_module *holder;
	const char *name;

	holder = holder_of(m, path, &name);
	if (!holder || !*name) {
		fx_module_put(child);
		return -ENOENT;
	}

	member = (struct fx_member *)module_member(holder, name);
	if (!member) {
		fx_add_module(holder, name, child);
		return 0;
	}
	fx_module_put(member->module);
	member->module = child;
	module_set_field(holder, member);
	return 0;
}

int fx_module_remove(struct fx_module *m, const char *path)
{
	struct fx_member *member;
	struct fx_module *holder;
	const char *name;

	holder = holder_of(m, path, &name);
	member = holder ? (struct fx_member *)module_member(holder, name) :
		 NULL;
	if (!member)
		return -ENOENT;
	if (member->module) {
		fx_module_put(member->module);
		member->module = NULL;
		module_set_field(holder, member);
	}
	remove_member(holder, member);
	return 0;
}
