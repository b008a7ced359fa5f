// SPDX-License-Identifier: MIT
/*
 * forever.c - what modules of a file point to and do not own
 *
 * The strings in values, and classes, are literals and static objects where a
 * program makes a module: nobody frees them, and copies of the module share
 * them. What a file brings has to live as long; each is kept once.
 */
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "save.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *texts;			/* a tree, of tsearch() */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

static const char *text_once(const char *text)
{
	char *const *found = tfind(text, &texts, compare_texts);

	if (!found)
		found = tsearch(must_print("%s", text), &texts, compare_texts);
	if (!found)
		abort();
	return *found;
}

/* With the lock held, as the tree is everybody's. */
static void value_for_ever(fxv *v)
{
	if ((v->kind == FX_VALUE_STR || v->kind == FX_VALUE_NAME) && v->s)
		v->s = text_once(v->s);
	for (size_t i = 0; v->kind >= FX_VALUE_TUPLE &&
			   v->kind <= FX_VALUE_DICT && i < v->tuple->n; i++)
		value_for_ever(&v->tuple->items[i]);
}

void texts_for_ever(struct fx_module *m)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < m->class->n_options; i++)
		value_for_ever(&m->options[i]);
	for (size_t i = 0; i < m->n_members; i++)
		value_for_ever(&m->members[i].value);
	pthread_mutex_unlock(&lock);
	for (size_t i = 0; i < m->n_members; i++)
		module_set_field(m, &m->members[i]);
}

/* Until a file is accepted. */
const struct fx_class unnamed_container = { .name = "container" };

/*
 * struct container - a class that only holds others
 * @params: of a root, up to one without a name
 */
struct container {
	struct fx_class class;
	struct fx_method method;
	struct container *next;
	size_t n;
	struct fx_param params[];
};
static struct container *containers;

/* Defaults are scalars: what a C initialiser of a constant can be. */
static fxv default_of(const struct fx_node *n)
{
	fxv v = fx_default;

	if (!strncmp(n->target, "**", 2))
		return (fxv)FX_KWARGS;
	if (*n->target == '*')
		return (fxv)FX_VARARGS;
	if (n->n_args && arg_scalar(n->args, &v))
		value_for_ever(&v);
	return v;
}

static struct container *container_new(const char *name,
				       const struct fx_graph *g)
{
	struct container *c = must_alloc(sizeof(*c) + (MAX_ARGS + 1) *
						      sizeof(*c->params));

	c->class = (struct fx_class){ .name = text_once(name) };
	c->params[0].def = fx_default;
	if (!g)
		return c;
	fx_for_each_node(n, g)
		if (n->opcode == FX_PLACEHOLDER && c->n < MAX_ARGS)
			c->params[c->n++] = (struct fx_param){
				text_once(n->target + strspn(n->target, "*")),
				default_of(n), n->annotation ?
				text_once(n->annotation) : NULL };
	c->params[c->n] = (struct fx_param){ NULL, fx_default, NULL };
	c->method.params = c->params;
	c->class.method = &c->method;
	return c;
}

/* Strings that are equal are the same. */
static bool same_class(const struct container *a, const struct container *b)
{
	if (a->class.name != b->class.name || a->n != b->n ||
	    !a->class.method != !b->class.method)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->params[i].name != b->params[i].name ||
		    a->params[i].annotation != b->params[i].annotation ||
		    a->params[i].def.kind != b->params[i].def.kind ||
		    a->params[i].def.i != b->params[i].def.i)
			return false;
	return true;
}

const struct fx_class *container_class(const char *name,
				       const struct fx_graph *g)
{
	struct container *c, *kept;

	pthread_mutex_lock(&lock);
	c = container_new(name, g);
	kept = containers;
	while (kept && !same_class(kept, c))
		kept = kept->next;
	if (kept) {
		free(c);
	} else {
		c->next = containers;
		containers = kept = c;
	}
	pthread_mutex_unlock(&lock);
	return &kept->class;
}
